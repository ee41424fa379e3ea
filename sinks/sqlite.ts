import { constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { SQLInputValue } from 'node:sqlite'
import type { KnexQuery } from 'knex/lib/dialects/better-sqlite3/index.js'
import { DatabaseSync } from '../src/node.ts'
import type { Sink } from '../src/sink.ts'
import { whyUnwritable } from '../src/errors/why-unwritable.ts'
import type { Dialect } from './sql/dialect.ts'
import type { ResultRow, Session } from './sql/session.ts'
import { actualTable, predictionTable } from './sql/kinds.ts'
import { sqlSink, type SqlOptions } from './sql/sink.ts'
import { fileOf, MAX_NAME, withoutSchema } from './sql/sqlite/address.ts'
import { whenFree } from './sql/sqlite/busy.ts'
import { createCheckpointer, type Checkpointer } from './sql/sqlite/checkpoint.ts'
import { fixFor, isRefusal } from './sql/sqlite/errors.ts'
import { inspect } from './sql/sqlite/inspect.ts'
import { fit, limits, typeOf } from './sql/sqlite/types.ts'
import { unindexed } from './sql/sqlite/unindexed.ts'
import { createWrite } from './sql/sqlite/write.ts'

export type { SqlOptions }

export interface SqliteOptions extends SqlOptions {
  /**
   * `sqlite:FILE`: relative to the working directory, or absolute. The folder and the file are created, with the permissions that
   * the process' umask leaves; the file is kept in write-ahead mode.
   */
  readonly url: string
}

/** An open file, known by its number: a path may come to mean another file. */
const fileNumber = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.ino

/** To look at what can't be written to has to say so: SQLite opens such files to be read, and one that is missing is not looked at. */
const expectWritable = async (file: string, mayCreate: boolean): Promise<void> => {
  if (existsSync(file)) return access(file, constants.W_OK)
  const why = mayCreate ? await whyUnwritable(dirname(file)) : undefined
  if (why !== undefined) throw why
}

const dialect = (file: string, mayCreate: boolean): Dialect<DatabaseSync> => {
  const checkpointers = new WeakMap<DatabaseSync, Checkpointer>()
  /** Which file each connection has open. */
  const fileNumbers = new WeakMap<DatabaseSync, number | undefined>()

  return {
    async configure(purpose) {
      const { default: KnexClient } = await import('knex/lib/dialects/better-sqlite3/index.js')
      const creates = mayCreate && purpose === 'write'
      if (creates) mkdirSync(dirname(file), { recursive: true })
      if (purpose === 'look') await expectWritable(file, mayCreate)
      class SqliteClient extends KnexClient {
        // Methods, not fields: Knex's constructor calls them.
        override _driver() {
          return DatabaseSync
        }
        override async acquireRawConnection() {
          // To look at what is not there must not make it.
          return new DatabaseSync(creates || existsSync(file) ? file : ':memory:')
        }
        override async destroyRawConnection(connection: DatabaseSync) {
          await checkpointers.get(connection)?.close()
          if (connection.isOpen) connection.close()
        }
        override async _query(connection: DatabaseSync, query: KnexQuery) {
          const statement = connection.prepare(query.sql)
          const bindings = (query.bindings ?? []) as SQLInputValue[]
          if (statement.columns().length > 0) return { ...query, response: statement.all(...bindings) }
          statement.run(...bindings)
          return { ...query, response: [] }
        }
        override wrapIdentifierImpl(name: string) {
          return `\`${name.replaceAll('`', '``')}\``
        }
      }
      return { client: SqliteClient, connection: { filename: file }, useNullAsDefault: true }
    },
    async prepare({ connection }, purpose) {
      if (purpose === 'look') return
      await whenFree(() => connection.exec('pragma journal_mode = wal'))
      // A power cut may take the last rows, a crash none. Checkpoints are made by a thread.
      connection.exec('pragma synchronous = normal; pragma wal_autocheckpoint = 0')
      checkpointers.set(connection, createCheckpointer(file))
      fileNumbers.set(connection, fileNumber(file))
    },
    rowsOf: (response) => response as ResultRow[],
    destroy() {},
    hold() {},

    names: { max: MAX_NAME },
    foldsNames: true,
    limits,
    typeOf,
    fit,
    remedies: {
      startsAnew: /: alter table \S+ rename to /,
      // SQLite takes no "not null" back, and an index keeps its name when its table goes by another.
      relax: (table) => {
        const name = table.slice(1, -1)
        const suffixes = [predictionTable, actualTable].flatMap(({ indexes }) => Object.keys(indexes))
        const indexes = suffixes.map((suffix) => `drop index if exists \`${name}_${suffix}_index\``)
        return [`alter table ${table} rename to \`${name}_old\``, ...indexes].join('; ')
      },
      unique: (table, id) => `create unique index ${table.slice(0, -1)}_id_unique\` on ${table} (${id})`,
    },
    inspect,
    async alone({ connection }, _name, work) {
      await whenFree(() => connection.exec('begin immediate'))
      const result = await work()
      connection.exec('commit')
      return result
    },

    // It joins a group of all rows, whether anybody asks for the counts or not.
    counts: 'looked up',
    unindexed,
    oldView: /[ (]d\.`prediction_id` is null/i,
    // There is no "or replace", and both are one transaction: no reader finds it gone.
    replaceView: (view, query, isThere) => [
      ...(isThere ? [`drop view ${view}`] : []),
      `create view ${view} as\n${query}`,
    ],
    async withoutWaiting({ connection }, work) {
      await whenFree(() => connection.exec('begin immediate'))
      try {
        const result = await work()
        connection.exec('commit')
        return result
      } catch (error) {
        connection.exec('rollback')
        throw error
      }
    },

    createWrite(session: Session<DatabaseSync>, target) {
      const write = createWrite(session, target)
      return async (session, records, signal) => {
        const number = fileNumber(file)
        if (number === undefined || number !== fileNumbers.get(session.connection))
          throw new Error('the file was removed or replaced while it was open')
        await write(session, records, signal)
        checkpointers.get(session.connection)?.look()
      }
    },
    isRefusal,
    // SQLite has no limit of its own.
    isTimeout: () => false,
    fixFor,
  }
}

/**
 * Predictions as rows of an SQLite table, by Node.js' own `node:sqlite`: nothing to install, nothing to start. For one machine; several
 * processes may share the file.
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: the URL is no `sqlite:FILE`
 *
 * @example
 * import { capturePredictions } from 'capture-predictions/express'
 * import { sqlite } from 'capture-predictions/sinks/sqlite'
 *
 * app.use(capturePredictions({ sink: sqlite({ url: 'sqlite:./predictions.db' }) }))
 */
export const sqlite = (options: SqliteOptions): Sink => {
  const { file, address } = fileOf(options.url)
  return sqlSink(() => dialect(file, options.migrate !== 'off'), { ...options, address, tableOf: withoutSchema })
}
