import type { Connection, ConnectionOptions } from 'mysql2'
import type { ReportSession } from '../../report/words.ts'
import { readUrl } from '../url.ts'

type Driver = { readonly createConnection: (options: ConnectionOptions) => Connection }

/** Bytes of a table that a statement makes for itself: a larger one is on the disk. */
const ROOM = 64 * 2 ** 20

/** A transaction that reads one state and may write nothing. */
export const openSession = async (driver: unknown, url: string): Promise<ReportSession> => {
  const { connection: address, statementTimeout } = readUrl(url)
  const connection = (driver as Driver).createConnection({
    connectTimeout: 10_000,
    charset: 'utf8mb4',
    timezone: 'Z',
    dateStrings: true,
    decimalNumbers: true,
    rowsAsArray: true,
    ...address,
  })
  // A connection that breaks says so to the statement that runs on it.
  connection.on('error', () => {})
  const run = (sql: string, values: readonly unknown[] = []): Promise<readonly (readonly unknown[])[]> =>
    new Promise((resolve, reject) => {
      connection.query({ sql, values: [...values], rowsAsArray: true }, (error, rows) =>
        error ? reject(error) : resolve(rows as unknown as unknown[][]),
      )
    })
  try {
    await run("set session time_zone = '+00:00', session sql_mode = ''")
    await run(`set session tmp_table_size = ${ROOM}, session max_heap_table_size = ${ROOM}`)
    if (statementTimeout !== undefined) await run(await timeoutStatement(run, statementTimeout))
    await run('set session transaction isolation level repeatable read')
    await run('start transaction with consistent snapshot, read only')
    return {
      query: ({ sql, values }) => run(sql, values),
      each: ({ sql, values }, take) =>
        new Promise((resolve, reject) => {
          const query = connection.query({ sql, values: [...values], rowsAsArray: true })
          query
            .on('result', (row) => take(row as unknown as unknown[]))
            .on('error', reject)
            .on('end', () => resolve())
        }),
      close: () =>
        new Promise((resolve) => {
          connection.end(() => resolve())
        }),
    }
  } catch (error) {
    connection.destroy()
    throw error
  }
}

type Run = (sql: string) => Promise<readonly (readonly unknown[])[]>

/** The limit of the URL, in each server's own words. */
const timeoutStatement = async (run: Run, milliseconds: number): Promise<string> => {
  const [[version] = []] = await run('select version()')
  return /mariadb/i.test(String(version))
    ? `set session max_statement_time = ${milliseconds / 1000}`
    : `set session max_execution_time = ${milliseconds}`
}
