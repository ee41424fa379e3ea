import type { Knex } from 'knex'
import type Client from 'knex/lib/dialects/postgres/index.js'

export type ResultRow = Readonly<Record<string, unknown>>

/** What a connection is for: to look, which must change nothing, or to write. */
export type Purpose = 'look' | 'write'

/** How a driver's connections are made, asked and let go. */
export interface Driver<Connection> {
  /** Knex's configuration with a client that uses the driver. Knex is loaded here: not before it is needed. */
  configure(purpose: Purpose): Promise<Knex.Config>
  /** What a new connection needs before its first statement. */
  prepare(session: Session<Connection>, purpose: Purpose): Promise<void>
  /** The rows of an answer. */
  rowsOf(response: unknown): readonly ResultRow[]
  /** Ends a connection at once, whatever it is doing. */
  destroy(connection: Connection): void
  /** Whether the connection keeps the process alive. */
  hold(connection: Connection, keepsAlive: boolean): void
}

/** One connection, out of Knex's pool. */
export interface Session<Connection> {
  readonly connection: Connection
  readonly knex: Knex
  /** An identifier, quoted: always one name, where Knex's builders read dots, ` as `, `*` and `[0]` as syntax. */
  quote(name: string): string
  /** Runs a statement on this connection; bindings are written as the driver has them (`$1`, `?`). */
  query(sql: string, bindings?: readonly unknown[]): Promise<readonly ResultRow[]>
  isAlive(): boolean
  hold(keepsAlive: boolean): void
  /** Ends it at once. */
  destroy(): void
  /** Lets go of it, in peace if it is alive. */
  close(): Promise<void>
}

type Disposable = { __knex__disposed?: unknown }

/**
 * Connects. Sinks write one batch at a time, so each holds one connection: a pool of one, which goes with it. A
 * connection that failed is never used again.
 */
export const openSession = async <Connection>(
  driver: Driver<Connection>,
  purpose: Purpose,
): Promise<Session<Connection>> => {
  const { default: createKnex } = await import('knex')
  const knex = createKnex({ ...(await driver.configure(purpose)), pool: { min: 0, max: 1 }, log: silent })
  const client = knex.client as Client
  let connection: Connection
  try {
    connection = (await client.acquireConnection()) as Connection
    // Tarn's timer, which looks for idle connections: there is only this one, and it must not keep the process alive.
    ;(client.pool as { interval?: NodeJS.Timeout | null }).interval?.unref()
  } catch (error) {
    await knex.destroy()
    throw error
  }
  const session = sessionOf(driver, knex, connection)
  try {
    await driver.prepare(session, purpose)
    return session
  } catch (error) {
    await session.close()
    throw error
  }
}

const sessionOf = <Connection>(driver: Driver<Connection>, knex: Knex, connection: Connection): Session<Connection> => {
  const client = knex.client as Client
  let open = true
  return {
    connection,
    knex,
    quote: (name) => client.wrapIdentifierImpl(name),
    // Not knex.raw: it would read question marks in column names as bindings, and put the statement in its errors.
    async query(sql, bindings = []) {
      const { response } = await client._query(connection, { sql, bindings })
      return driver.rowsOf(response)
    },
    isAlive: () =>
      open && !(connection as Disposable).__knex__disposed && Boolean(client.validateConnection(connection)),
    hold: (keepsAlive) => driver.hold(connection, keepsAlive),
    destroy() {
      ;(connection as Disposable).__knex__disposed ??= 'dropped'
      driver.destroy(connection)
    },
    async close() {
      if (!open) return
      open = false
      await client.releaseConnection(connection)
      await knex.destroy()
    },
  }
}

/** Knex would write to the console; delivery says what matters. */
const silent = { warn() {}, error() {}, deprecate() {}, debug() {} }
