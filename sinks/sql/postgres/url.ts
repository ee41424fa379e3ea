import { PredictionsError } from '../../../src/errors/errors.ts'

const wrong = (message: string): PredictionsError => new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', message)

export const POSTGRES_SCHEMES: readonly string[] = ['postgres', 'postgresql']

/** What a server has to be so that predictions can be written to it. */
export type SessionAttributes = 'any' | 'read-write' | 'primary'

const known: readonly string[] = ['any', 'read-write', 'primary'] satisfies SessionAttributes[]

export interface PostgresUrl {
  /** A URL as pg takes it for each host, in the order in which they are tried. */
  readonly urls: readonly string[]
  readonly attributes: SessionAttributes
}

/** Scheme and user, hosts, and what comes behind them. */
const PARTS = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#]*)([^?#]*)(?:\?([^#]*))?/i

/**
 * Several hosts, and `target_session_attrs`, as PostgreSQL's own clients have them; pg knows neither.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: the attributes are none that can be written to
 */
export const readUrl = (url: string): PostgresUrl => {
  const [, before = '', hosts = '', path = '', query] = PARTS.exec(url) ?? []
  const parameters = (query ?? '').split('&')
  const given = parameters.flatMap((parameter) => /^target_session_attrs=(.*)$/.exec(parameter)?.[1] ?? []).at(-1)
  if (given !== undefined && !known.includes(given))
    throw wrong(`The Postgres URL's target_session_attrs must be one of ${known.join(', ')}: predictions are written`)
  const attributes = (given ?? 'any') as SessionAttributes
  if (given === undefined && !hosts.includes(',')) return { urls: [url], attributes }
  const rest = parameters.filter((parameter) => parameter !== '' && !parameter.startsWith('target_session_attrs='))
  const end = path + (rest.length > 0 ? `?${rest.join('&')}` : '')
  return { urls: hosts.split(',').map((host) => before + host + end), attributes }
}

/** Whether a server is what was asked for, told by a query of this name and value. */
export const questions: Readonly<Record<Exclude<SessionAttributes, 'any'>, string>> = {
  'read-write': "select current_setting('transaction_read_only') = 'off' and not pg_is_in_recovery() as fits",
  primary: 'select not pg_is_in_recovery() as fits',
}
