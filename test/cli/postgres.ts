import { randomUUID } from 'node:crypto'
import pg from 'pg'

type Rows = { rows: Record<string, unknown>[] }

const query = async (url: string, sql: string): Promise<Rows> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)) as Rows
  } finally {
    await client.end()
  }
}

export interface Database {
  readonly url: string
  /** A table of the test's own, not there yet. */
  readonly table: string
  /** Runs one statement, or several with semicolons, as a person would. */
  query(sql: string): Promise<Rows>
}

export const databaseFor = (url: string): Database => ({
  url,
  table: `cli_${randomUUID().replaceAll('-', '')}`,
  query: (sql) => query(url, sql),
})

export const dropTable = (url: string, table: string): Promise<unknown> => query(url, `drop table if exists ${table}`)

/** The same database by another port, with a password that nobody should read. */
export const urlWithPort = (url: string, port: number): string => {
  const other = new URL(url)
  other.port = String(port)
  other.password = 'tellnobody'
  return other.href
}
