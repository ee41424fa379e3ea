import type { Client, QueryArrayResult } from 'pg'
import type { ReadSession } from '../../report/words.ts'
import { connectFirst } from '../connect.ts'

export interface PostgresSession extends ReadSession {
  /** What others need to see the same state. */
  readonly snapshot: string
}

type Driver = { readonly Client: new (config: object) => Client }

const connect = (driver: Driver, url: string): Promise<Client> =>
  connectFirst(url, async (connectionString) => {
    const client = new driver.Client({
      connectionString,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      application_name: 'capture-predictions report',
    })
    // A connection that breaks says so to the statement that runs on it.
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
  })

/**
 * A transaction that reads one state and may write nothing.
 * @param snapshot that of another session, to see the same
 */
export const openSession = async (driver: unknown, url: string, snapshot?: string): Promise<PostgresSession> => {
  const client = await connect(driver as Driver, url)
  try {
    await client.query('begin isolation level repeatable read read only')
    if (snapshot !== undefined) await client.query(`set transaction snapshot '${snapshot.replaceAll("'", "''")}'`)
    // Compiling long lists of expressions would take longer than running them. Groups are few, which the planner can't know: it would sort all rows for each
    // set of keys, where a hash table holds them.
    await client.query(
      "set local jit = off; set local enable_sort = off; set local work_mem = '64MB'; set local timezone = 'UTC'; set local client_encoding = 'UTF8'",
    )
    return {
      snapshot: snapshot ?? (await exportSnapshot(client)),
      async query({ sql, values }) {
        const { rows } = (await client.query<unknown[], unknown[]>({
          text: sql,
          values: [...values],
          rowMode: 'array',
        })) as QueryArrayResult<unknown[]>
        return rows
      },
      close: () => client.end(),
    }
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
}

/** A standby exports none: there is one session then. */
const exportSnapshot = async (client: Client): Promise<string> => {
  const { rows: state } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby')
  if (state[0]?.standby) return ''
  const { rows } = await client.query<{ snapshot: string }>('select pg_export_snapshot() as snapshot')
  return rows[0]!.snapshot
}
