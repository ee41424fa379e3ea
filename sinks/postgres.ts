import type { Socket } from 'node:net'
import type { Client } from 'pg'
import { requirePeer } from '../src/peer.ts'
import type { Sink } from '../src/sink.ts'
import { addressOf } from './sql/address.ts'
import { qualified } from './sql/ddl.ts'
import type { Dialect } from './sql/dialect.ts'
import { alike } from './sql/postgres/alike.ts'
import { connectFirst } from './sql/postgres/connect.ts'
import { inUtf8, spellingIn } from './sql/postgres/encoding.ts'
import { fixFor, isRefusal, isTimeout } from './sql/postgres/errors.ts'
import { inspect } from './sql/postgres/inspect.ts'
import { learnFrom } from './sql/postgres/learn.ts'
import { fit, limits, MAX_NAME, nearest, typeOf } from './sql/postgres/types.ts'
import { readUrl, POSTGRES_SCHEMES } from './sql/postgres/url.ts'
import { createWrite, rightsToSkip } from './sql/postgres/write.ts'
import type { ResultRow } from './sql/session.ts'
import { sqlSink, type SqlOptions } from './sql/sink.ts'

export type { SqlOptions }

export interface PostgresOptions extends SqlOptions {
  /**
   * `postgres://user:password@host:5432/database`, with pg's parameters: `sslmode=verify-full`, `sslrootcert=FILE`,
   * `statement_timeout=MILLISECONDS`, … Several hosts, `a:5432,b:5432`, are tried in their order, with
   * `target_session_attrs` (`any`, `read-write`, `primary`). Standard variables such as `PGPASSWORD` give what it leaves out.
   */
  readonly url: string
  /** How long connecting may take, in milliseconds. Default: 10000. */
  readonly connectTimeoutMs?: number | undefined
}

/** Quotes every name alike: Knex's own takes `*` and `x[0]` for syntax. */
const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

const dialect = (driver: unknown, { url, connectTimeoutMs = 10_000 }: PostgresOptions): Dialect<Client> => {
  let spelling = inUtf8
  let encoding = ''
  const [server] = readUrl(url).urls
  const settings = {
    connectionString: server!,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    application_name: 'capture-predictions',
  }
  return {
    async configure() {
      const { default: KnexClient } = await import('knex/lib/dialects/postgres/index.js')
      class PostgresClient extends KnexClient {
        // Methods, not fields: Knex's constructor calls them.
        override _driver() {
          return driver
        }
        override wrapIdentifierImpl(name: string) {
          return quote(name)
        }
        override acquireRawConnection() {
          return connectFirst(url, (server) => {
            this.connectionSettings = { ...settings, connectionString: server }
            return super.acquireRawConnection() as Promise<Client>
          })
        }
      }
      return {
        client: PostgresClient,
        connection: settings,
      }
    },
    async prepare(session) {
      await session.query("set client_encoding = 'UTF8'")
      const [found] = await session.query("select current_setting('server_encoding') as encoding")
      const there = String(found?.['encoding'])
      // What was learned of an encoding is kept from connection to connection.
      if (there !== encoding) spelling = spellingIn(there)
      encoding = there
    },
    rowsOf: (response) => (response as { rows: ResultRow[] }).rows,
    destroy: ({ connection }) => connection.stream.destroy(),
    hold: ({ connection: { stream } }, keepsAlive) =>
      void (keepsAlive ? (stream as Socket).ref() : (stream as Socket).unref()),

    get names() {
      return { max: MAX_NAME, refused: spelling.refused }
    },
    foldsNames: false,
    learnNames: (session, names) => learnFrom(session, spelling, names),
    limits,
    typeOf,
    fit: (existing, column) => fit(existing, column, spelling.text),
    nearest,
    remedies: {
      relax: (table, _column, quoted) => `alter table ${table} alter column ${quoted} drop not null`,
      unique: (table, id) => `create unique index on ${table} (${id})`,
    },
    inspect,
    async missingRights(session, name) {
      const table = qualified(session, name)
      const [found] = await session.query(
        "select has_table_privilege($1, 'insert') or has_any_column_privilege($1, 'insert') as inserts, current_user::text as name",
        [table],
      )
      if (found?.['inserts']) return []
      return [
        `the user may not insert into ${table}: grant insert, select on ${table} to ${quote(String(found?.['name']))}`,
      ]
    },
    async hasSchema(session, schema) {
      const found = await session.query('select 1 from pg_namespace where nspname = $1', [schema])
      return found.length > 0
    },
    async alone(session, name, work) {
      // One transaction: what another process reads meanwhile is all of it or nothing.
      await session.query('begin')
      await session.query("set local lock_timeout = '10s'")
      await session.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `capture-predictions ${qualified(session, name)}`,
      ])
      const result = await work()
      await session.query('commit')
      return result
    },

    replaceView: (view, query) => [`create or replace view ${view} as\n${query}`],
    async withoutWaiting(session, work) {
      // Of one transaction: behind PgBouncer the next statement may be on another connection.
      await session.query('begin')
      try {
        await session.query("set local lock_timeout = '2s'")
        const result = await work()
        await session.query('commit')
        return result
      } catch (error) {
        if (session.isAlive()) await session.query('rollback')
        throw error
      }
    },
    alike,

    createWrite: (session, target) => createWrite(session, target, spelling),
    rightsToSkip,
    isRefusal,
    isTimeout,
    fixFor,
    authorityParameter: 'sslrootcert',
  }
}

/**
 * Predictions as rows of a PostgreSQL table (12 or newer), or of what speaks its protocol and has COPY. Batches go in by COPY; one
 * that comes again is skipped row by row, by id.
 *
 * @throws PredictionsError `PREDICTIONS_MISSING_PACKAGE`: `npm install pg`
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: the URL is no `postgres://…`
 *
 * @example
 * import { capturePredictions } from 'capture-predictions/express'
 * import { postgres } from 'capture-predictions/sinks/postgres'
 *
 * app.use(capturePredictions({ sink: postgres({ url: 'postgres://app@localhost:5432/ml', table: 'iris.predictions' }) }))
 */
export const postgres = (options: PostgresOptions): Sink => {
  const address = addressOf(options.url, POSTGRES_SCHEMES)
  const driver = requirePeer('pg')
  return sqlSink(() => dialect(driver, options), { ...options, address })
}
