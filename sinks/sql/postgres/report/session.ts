import type { Client, Query, QueryArrayConfig, QueryArrayResult } from 'pg'
import type { ReportSession, Statement } from '../../report/words.ts'
import { connectFirst } from '../connect.ts'

export interface PostgresSession extends ReportSession {
  /** What others need to see the same state. */
  readonly snapshot: string
}

interface Driver {
  readonly Client: new (config: object) => Client
  readonly Query: new (config: QueryArrayConfig) => Query<unknown[]>
}

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

const SETTINGS = [
  // Expressions are compiled where there are many rows, and not optimised: that would take longer than running them.
  'jit = on',
  'jit_above_cost = 30000',
  'jit_inline_above_cost = -1',
  'jit_optimize_above_cost = -1',
  // Groups are few, which the planner can't know: it would sort all rows for each set of keys, where a hash table holds them.
  'enable_sort = off',
  // There are two sessions, each with a core to itself: more processes would take turns on it.
  'max_parallel_workers_per_gather = 0',
  "work_mem = '64MB'",
  "timezone = 'UTC'",
  "client_encoding = 'UTF8'",
]

/** A statement is to end when the command was killed that asked it: servers before PostgreSQL 14 can't, nor can those on some systems. */
const endWithClient = async (client: Client): Promise<void> => {
  await client.query('savepoint settings')
  try {
    await client.query(
      "select set_config(name, '2s', true) from pg_settings where name = 'client_connection_check_interval'",
    )
  } catch {
    await client.query('rollback to savepoint settings')
  }
  await client.query('release savepoint settings')
}

/**
 * A transaction that reads one state and may write nothing.
 * @param snapshot that of another session, to see the same
 */
export const openSession = async (driver: unknown, url: string, snapshot?: string): Promise<PostgresSession> => {
  const client = await connect(driver as Driver, url)
  try {
    await client.query('begin isolation level repeatable read read only')
    if (snapshot !== undefined) await client.query(`set transaction snapshot '${snapshot.replaceAll("'", "''")}'`)
    await client.query(SETTINGS.map((setting) => `set local ${setting}`).join('; '))
    await endWithClient(client)
    return {
      snapshot: snapshot ?? (await exportSnapshot(client)),
      async query(statement) {
        const { rows } = (await client.query(inArrays(statement))) as QueryArrayResult<unknown[]>
        return rows
      },
      each: (statement, take) =>
        new Promise((resolve, reject) => {
          const query = client.query(new (driver as Driver).Query(inArrays(statement)))
          query
            .on('row', take)
            .on('error', reject)
            .on('end', () => resolve())
        }),
      close: () => client.end(),
    }
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
}

const inArrays = ({ sql, values }: Statement): QueryArrayConfig => ({
  text: sql,
  values: [...values],
  rowMode: 'array',
})

/** A standby exports none: there is one session then. */
const exportSnapshot = async (client: Client): Promise<string> => {
  const { rows: state } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby')
  if (state[0]?.standby) return ''
  const { rows } = await client.query<{ snapshot: string }>('select pg_export_snapshot() as snapshot')
  return rows[0]!.snapshot
}
