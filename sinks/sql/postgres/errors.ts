const codeOf = (error: unknown): string => {
  const code: unknown = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

/** A partitioned table has no partition for a row: its owner forgot one. By the server's function, as its words are translated. */
const isNoPartition = (error: unknown): boolean =>
  codeOf(error) === '23514' && (error as { routine?: unknown }).routine === 'ExecFindPartition'

/**
 * Whether the server refused a statement for what it says, and would again: data (22), constraints (23), a view's check
 * (44), limits such as a row's size (54), a trigger's own error (P0).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const isRefusal = (error: unknown): boolean =>
  /^(22|23|44|54|P0)...$/.test(codeOf(error)) && !isNoPartition(error)

/** feature_not_supported, wrong_object_type: what COPY says to a table with row-level security, and to a view. */
export const isNoCopy = (error: unknown): boolean => ['0A000', '42809'].includes(codeOf(error))

/** query_canceled: by statement_timeout, of the session, the role or the database. */
export const isTimeout = (error: unknown): boolean => codeOf(error) === '57014'

/** insufficient_privilege */
export const isDenied = (error: unknown): boolean => codeOf(error) === '42501'

/** untranslatable_character: the database's encoding has none for one of the text's. */
export const isUntranslatable = (error: unknown): boolean => codeOf(error) === '22P05'

/** Which one that is: its bytes in UTF-8 stand in the server's words, of any language, as `0xe2 0x82 0xac`. */
export const untranslatableIn = (error: unknown): string | undefined => {
  if (!isUntranslatable(error)) return undefined
  const [bytes] = /0x[0-9a-f]{2}(?: 0x[0-9a-f]{2})*/i.exec(String((error as Error).message)) ?? []
  return bytes === undefined ? undefined : Buffer.from(bytes.replaceAll(/0x| /g, ''), 'hex').toString()
}

/** unique_violation: by which index, of which schema. */
export const duplicateIn = (error: unknown): { index: string; schema: string } | undefined => {
  if (codeOf(error) !== '23505') return undefined
  const { constraint, schema } = error as { constraint?: string; schema?: string }
  return { index: constraint ?? '', schema: schema ?? '' }
}

const fixes: Readonly<Record<string, string>> = {
  '28P01': "check user and password in the sink's URL",
  '28000': "check user, password and TLS in the sink's URL, and the server's pg_hba.conf",
  '3D000': "create the database, or check its name in the sink's URL",
  '42501': 'grant the user what it lacks, or run the statement as somebody who may',
  '53300': 'raise max_connections, or let fewer processes connect',
  '53100': "the server's disk is full",
  '25006': 'the server is a standby or read-only: name the primary in the URL',
}

/** PgBouncer keeps a connection's settings for none, and refuses those that it does not know. */
const parameterFix = (error: unknown): string | undefined => {
  const parameter = /unsupported startup parameter:? "?(\w+)/.exec(String((error as Error | null)?.message))?.[1]
  return parameter === undefined
    ? undefined
    : `leave ${parameter} out of the URL and set it for the role, as by alter role … set ${parameter} = …, or name it in PgBouncer's ignore_startup_parameters`
}

/** The time that a partition is missing for. Of other columns nothing is told: their values are people's. */
const missingIn = (error: unknown): string => {
  const time = /\("?timestamp"?\) = \((.*)\)/.exec(String((error as { detail?: unknown }).detail))?.[1]
  return time === undefined ? ' for the rows that are to come' : ` for ${time} and what is to come`
}

export const fixFor = (error: unknown): string | undefined =>
  isNoPartition(error)
    ? `add a partition${missingIn(error)}; records wait until it is there`
    : (parameterFix(error) ?? fixes[codeOf(error)])
