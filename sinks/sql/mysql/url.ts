import { readFileSync } from 'node:fs'
import type { ConnectionOptions, SslOptions } from 'mysql2'
import { PredictionsError } from '../../../src/errors/errors.ts'

const wrong = (message: string): PredictionsError => new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', message)

/** What a URL may say beside the address, in mysql2's words and in those of MySQL's own clients. */
const parameters = [
  'ssl',
  'ssl-mode',
  'ssl-ca',
  'ssl-cert',
  'ssl-key',
  'socketPath',
  'connectTimeout',
  'statement_timeout',
] as const
type Parameter = (typeof parameters)[number]

const modes: Readonly<Record<string, SslOptions | undefined>> = {
  disabled: undefined,
  required: { rejectUnauthorized: false },
  verify_ca: { rejectUnauthorized: true, verifyIdentity: false },
  verify_identity: { rejectUnauthorized: true, verifyIdentity: true },
}

/** Parameters by name; `sslmode`, `ssl_mode` and `sslMode` are `ssl-mode` as well. */
const readParameters = (search: URLSearchParams): Partial<Record<Parameter, string>> => {
  const known = new Map(parameters.map((name) => [name.replace(/[-_]/g, '').toLowerCase(), name]))
  const found: Partial<Record<Parameter, string>> = {}
  for (const [name, value] of search) {
    const parameter = known.get(name.replace(/[-_]/g, '').toLowerCase())
    if (!parameter) throw wrong(`The MySQL URL has an unknown parameter ${name}; known are ${parameters.join(', ')}`)
    found[parameter] = value
  }
  return found
}

const sslObject = (text: string): SslOptions | undefined => {
  if (text === 'true') return { rejectUnauthorized: true }
  if (text === 'false') return undefined
  try {
    return JSON.parse(text) as SslOptions
  } catch {
    throw wrong('The MySQL URL\'s ssl must be true, false, or JSON as mysql2 takes it: {"rejectUnauthorized":true}')
  }
}

const file = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw wrong(`The MySQL URL names a file that can't be read: ${(error as Error).message}`)
  }
}

const sslOf = (found: Partial<Record<Parameter, string>>): SslOptions | undefined => {
  const mode = found['ssl-mode']?.toLowerCase()
  if (mode !== undefined && !(mode in modes))
    throw wrong(`The MySQL URL's ssl-mode must be one of ${Object.keys(modes).join(', ')}`)
  const [ca, cert, key] = (['ssl-ca', 'ssl-cert', 'ssl-key'] as const).map((name) => found[name])
  const given = found.ssl === undefined ? undefined : sslObject(found.ssl)
  const named = mode === undefined ? undefined : modes[mode]
  if (mode === 'disabled' || (!given && !named && !ca && !cert && !key)) return undefined
  return {
    // An authority is named in order to be asked.
    ...(ca ? { rejectUnauthorized: true, verifyIdentity: true } : {}),
    ...given,
    ...named,
    ...(ca ? { ca: file(ca) } : {}),
    ...(cert ? { cert: file(cert) } : {}),
    ...(key ? { key: file(key) } : {}),
  }
}

const millisecondsOf = (name: Parameter, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text)) throw wrong(`The MySQL URL's ${name} must be milliseconds`)
  return Number(text)
}

export interface MysqlUrl {
  readonly connection: ConnectionOptions
  /** Milliseconds; undefined is the server's own. */
  readonly statementTimeout: number | undefined
}

/**
 * A URL as mysql2's options.
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: a parameter is unknown or wrong, or a certificate can't be read
 */
export const readUrl = (text: string): MysqlUrl => {
  if (!URL.canParse(text))
    throw wrong('The MySQL URL is none; characters such as @ and / in a password are written as %40 and %2F')
  const url = new URL(text)
  const found = readParameters(url.searchParams)
  const ssl = sslOf(found)
  const connectTimeout = millisecondsOf('connectTimeout', found.connectTimeout)
  return {
    connection: {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 3306 : Number(url.port),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      ...(ssl ? { ssl } : {}),
      ...(found.socketPath ? { socketPath: found.socketPath } : {}),
      ...(connectTimeout !== undefined ? { connectTimeout } : {}),
    },
    statementTimeout: millisecondsOf('statement_timeout', found.statement_timeout),
  }
}
