import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import type { Connection } from 'mysql2'
import { PredictionsError } from '../src/errors/errors.ts'
import { requirePeer } from '../src/peer.ts'
import type { Sink } from '../src/sink.ts'
import { addressOf } from './sql/address.ts'
import { qualified } from './sql/ddl.ts'
import type { Dialect, ExistingColumn } from './sql/dialect.ts'
import { fixFor, isRefusal, isTimeout } from './sql/mysql/errors.ts'
import { inspect } from './sql/mysql/inspect.ts'
import { whoLacksRight } from './sql/mysql/rights.ts'
import { fit, isInViewIndex, limits, MAX_NAME, nearest, typeOf } from './sql/mysql/types.ts'
import { readUrl } from './sql/mysql/url.ts'
import { createWrite, rightsToSkip, type Escape } from './sql/mysql/write.ts'
import type { ResultRow, Session } from './sql/session.ts'
import { sqlSink, type SqlOptions } from './sql/sink.ts'

export type { SqlOptions }

export interface MysqlOptions extends SqlOptions {
  /**
   * `mysql://user:password@host:3306/database`, with the parameters `ssl={"rejectUnauthorized":true}`, `ssl-mode`
   * (`disabled`, `required`, `verify_ca`, `verify_identity`), `ssl-ca=FILE`, `ssl-cert=FILE`, `ssl-key=FILE`, `socketPath`,
   * `connectTimeout` and `statement_timeout` (milliseconds).
   */
  readonly url: string
  /** How long connecting may take, in milliseconds; the URL's `connectTimeout` beats it. Default: 10000. */
  readonly connectTimeoutMs?: number | undefined
  /** Whether LOAD DATA LOCAL may be used where the server permits it; else batches go in by INSERT. Default: true. */
  readonly loadData?: boolean | undefined
}

/** What a server says of itself. */
interface Server {
  readonly packetBytes: number
  readonly localInfile: boolean
}

const sessionSettings = (statementTimeout: number | undefined, isMariaDb: boolean): string[] => {
  // A time goes into a column of whole seconds cut, as MariaDB does it: rounded, it could be tomorrow's.
  const mode = `STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION${isMariaDb ? '' : ',TIME_TRUNCATE_FRACTIONAL'}`
  const settings = [
    `sql_mode = '${mode}'`,
    "time_zone = '+00:00'",
    // What a server makes of a new connection (init_connect, a handshake that it skips) may be latin1: it would store other characters.
    ...['client', 'connection', 'results'].map((of) => `character_set_${of} = utf8mb4`),
    // A batch is a transaction: there is nothing else that a statement could be.
    'autocommit = 0',
  ]
  if (statementTimeout === undefined) return settings
  // MySQL's own limit of a statement is for SELECT only: what else a write may wait for are locks, of rows and of the table.
  const seconds = Math.max(1, Math.ceil(statementTimeout / 1000))
  settings.push(`innodb_lock_wait_timeout = ${seconds}`, `lock_wait_timeout = ${seconds}`)
  if (isMariaDb) settings.push(`max_statement_time = ${statementTimeout / 1000}`)
  return settings
}

/** A lock's name: at most 64 characters, in no database. */
const lockName = (table: string): string =>
  `capture-predictions ${createHash('sha256').update(table).digest('hex').slice(0, 40)}`

/** Runs work whose statements wait so many seconds for a table, and no longer. */
const withLockWait = async <Result>(
  session: Session<Connection>,
  seconds: number,
  work: () => Promise<Result>,
): Promise<Result> => {
  const [before] = await session.query('select @@session.lock_wait_timeout as seconds')
  await session.query(`set session lock_wait_timeout = ${seconds}`)
  try {
    return await work()
  } finally {
    if (session.isAlive()) await session.query(`set session lock_wait_timeout = ${Number(before?.['seconds'])}`)
  }
}

const dialect = (
  driver: unknown,
  { url, connectTimeoutMs = 10_000, loadData = true }: MysqlOptions,
): Dialect<Connection> => {
  const { connection, statementTimeout } = readUrl(url)
  let server: Server = { packetBytes: 1_048_576, localInfile: false }

  return {
    async configure() {
      const { default: KnexClient } = await import('knex/lib/dialects/mysql2/index.js')
      class MysqlClient extends KnexClient {
        // Methods, not fields: Knex's constructor calls them.
        override _driver() {
          return driver
        }
        override wrapIdentifierImpl(name: string) {
          return `\`${name.replaceAll('`', '``')}\``
        }
      }
      const defaults = { connectTimeout: connectTimeoutMs, charset: 'utf8mb4', timezone: 'Z', supportBigNumbers: true }
      return { client: MysqlClient, connection: { ...defaults, ...connection } as Knex.MySql2ConnectionConfig }
    },
    async prepare(session) {
      const [found] = await session.query(
        'select version() as version, @@max_allowed_packet as packetBytes, @@local_infile as localInfile',
      )
      const isMariaDb = /mariadb/i.test(String(found?.['version']))
      server = { packetBytes: Number(found?.['packetBytes']), localInfile: Boolean(Number(found?.['localInfile'])) }
      // Whatever a server gives its connections: with another one a binary log of statements takes no rows.
      await session.query('set session transaction isolation level repeatable read')
      await session.query(`set session ${sessionSettings(statementTimeout, isMariaDb).join(', session ')}`)
    },
    rowsOf: (response) => (response as [ResultRow[]])[0],
    destroy: (connection) => streamOf(connection).destroy(),
    hold: (connection, keepsAlive) => void (keepsAlive ? streamOf(connection).ref() : streamOf(connection).unref()),

    // Identifiers have no characters past the basic plane, and end in no space.
    names: { max: MAX_NAME, unit: 'characters', refused: /[\u{10000}-\u{10ffff}]| +$/gu },
    foldsNames: true,
    limits,
    typeOf,
    fit,
    nearest,
    remedies: {
      relax: (table, { type }: ExistingColumn, quoted) => `alter table ${table} modify column ${quoted} ${type} null`,
      unique: (table, id) => `alter table ${table} add unique (${id})`,
    },
    inlineIndexes: true,
    tableOptions: (table) => {
      table.engine('InnoDB')
      table.charset('utf8mb4')
    },
    inspect,
    async missingRights(session, name, { columns }) {
      const table = qualified(session, name)
      const column = columns.find(({ generated }) => !generated)
      if (!column) return []
      const insert = `insert into ${table} (${session.quote(column.name)}) select null from dual where false`
      const user = await whoLacksRight(session, insert)
      if (user === undefined) return []
      return [`the user may not insert into ${table}: grant insert, select, update on ${table} to ${user}`]
    },
    async hasSchema(session, schema) {
      const found = await session.query('select 1 from information_schema.schemata where schema_name = ?', [schema])
      return found.length > 0
    },
    async alone(session, name, work) {
      const lock = lockName(qualified(session, name))
      const [answer] = await session.query('select get_lock(?, 10) as locked', [lock])
      if (Number(answer?.['locked']) !== 1)
        throw new PredictionsError(
          'PREDICTIONS_SINK_UNAVAILABLE',
          'another process has been changing the table for 10 s',
        )
      // What waits for a table keeps all others waiting behind it: by default for a year.
      const result = await withLockWait(session, 5, work)
      await session.query('select release_lock(?)', [lock])
      return result
    },

    viewIndex: { holds: isInViewIndex, columns: 16 },
    // Both make a group of all actuals, whether anybody asks for the counts or not.
    counts: 'looked up',
    straightJoin: 'straight_join',
    oldView: /^(?!.* straight_join )/is,
    // MySQL would make a table of all rows of a view with subqueries in its list, were it not told to merge it.
    replaceView: (view, query) => [`create or replace algorithm = merge view ${view} as\n${query}`],
    withoutWaiting: (session, work) => withLockWait(session, 2, work),
    // What was read is a transaction: the first write would see the table as it was.
    endReading: async (session) => void (await session.query('rollback')),

    createWrite: (session: Session<Connection>, target) =>
      createWrite(session, target, {
        escape: (driver as { escape: Escape }).escape,
        packetBytes: () => server.packetBytes,
        loads: () => loadData && server.localInfile,
      }),
    rightsToSkip,
    isRefusal,
    isTimeout,
    fixFor,
    authorityParameter: 'ssl-ca',
  }
}

/** Not in mysql2's types. */
const streamOf = (connection: Connection) =>
  (connection as unknown as { stream: { ref(): void; unref(): void; destroy(): void } }).stream

/**
 * Predictions as rows of a MySQL or MariaDB table (tested on MySQL 9.7 and MariaDB 10.11). Batches go in by LOAD DATA LOCAL where the server
 * has it on, else by INSERT; one that comes again is skipped row by row, by id.
 *
 * @throws PredictionsError `PREDICTIONS_MISSING_PACKAGE`: `npm install mysql2`
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: the URL is no `mysql://…`, or a parameter of it is wrong
 *
 * @example
 * import { capturePredictions } from 'capture-predictions/express'
 * import { mysql } from 'capture-predictions/sinks/mysql'
 *
 * app.use(capturePredictions({ sink: mysql({ url: 'mysql://app@localhost:3306/ml', table: 'iris_predictions' }) }))
 */
export const mysql = (options: MysqlOptions): Sink => {
  const address = addressOf(options.url, ['mysql', 'mariadb'])
  const driver = requirePeer('mysql2')
  return sqlSink(() => dialect(driver, options), { ...options, address })
}
