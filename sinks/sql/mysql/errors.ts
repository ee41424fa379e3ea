interface ServerError {
  readonly errno?: unknown
  readonly sqlState?: unknown
}

const errnoOf = (error: unknown): number => {
  const errno = (error as ServerError | null)?.errno
  return typeof errno === 'number' ? errno : 0
}

/** Refusals whose class does not say so: no default, wrong or truncated text, a row too large, checks, JSON. */
const refusals = new Set([1118, 1265, 1364, 1366, 1406, 3140, 3141, 3157, 3819, 4025])

/**
 * Whether the server refused a statement for what it says, and would again: data (22), constraints (23), a trigger's own
 * error (45).
 * https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
 */
export const isRefusal = (error: unknown): boolean => {
  const state = (error as ServerError | null)?.sqlState
  return (typeof state === 'string' && /^(22|23|45)...$/.test(state)) || refusals.has(errnoOf(error))
}

/** MariaDB's max_statement_time and MySQL's max_execution_time. */
export const isTimeout = (error: unknown): boolean => [1969, 3024].includes(errnoOf(error))

/** A right is missing, on the table or a column of it. */
export const isDenied = (error: unknown): boolean => [1142, 1143].includes(errnoOf(error))

/** The unique index that a row ran into, without the table's name that MySQL puts before it. */
export const duplicateIn = (error: unknown): string | undefined => {
  if (errnoOf(error) !== 1062 && errnoOf(error) !== 1586) return undefined
  const named = /'([^']*)'[^']*$/.exec((error as Error).message)?.[1] ?? ''
  return named.slice(named.lastIndexOf('.') + 1)
}

/** LOAD DATA LOCAL is off, not supported or not permitted here. */
export const isNoLoad = (error: unknown): boolean =>
  [1064, 1148, 1227, 1235, 1290, 2068, 3948, 4166].includes(errnoOf(error))

const READ_ONLY = 'the server is a replica or read-only: name the primary in the URL'

const fixes: Readonly<Record<number, string>> = {
  1044: 'grant the user its rights on the database',
  1045: "check user and password in the sink's URL",
  1046: "name the database in the sink's URL: mysql://user@host/database",
  1049: "create the database, or check its name in the sink's URL",
  1142: 'grant the user what it lacks, or run the statement as somebody who may',
  1040: 'raise max_connections, or let fewer processes connect',
  1021: "the server's disk is full",
  1114: "the table or the server's disk is full",
  1203: 'the user has too many connections: raise its limit, or let fewer processes connect',
  1226: 'the user has too many connections: raise its limit, or let fewer processes connect',
  1290: READ_ONLY,
  1792: READ_ONLY,
  1820: "the user's password has expired: set another",
  1836: READ_ONLY,
  1862: "the user's password has expired: set another",
  3118: 'the account is locked: unlock it, or name another user in the URL',
  3159: 'add ?ssl-mode=required to the URL',
  1526: 'add a partition for the rows that are to come; records wait until it is there',
  1698: "check user and password in the sink's URL",
}

export const fixFor = (error: unknown): string | undefined => fixes[errnoOf(error)]
