import { PredictionsError } from '../../../../src/errors/errors.ts'
import { requirePeer } from '../../../../src/peer.ts'
import type { Store, StoreOptions } from '../../../../src/report/answers.ts'
import { addressOf } from '../../address.ts'
import { tableNameOf } from '../../dialect.ts'
import { connectionFix, unavailable } from '../../errors.ts'
import { reportStore, type ReportStoreOptions } from '../../report/store.ts'
import type { ReadSession } from '../../report/words.ts'
import { fixFor, isDenied, isTimeout } from '../errors.ts'
import { openSession } from './session.ts'
import { stepsOf, words } from './words.ts'

const COLUMNS =
  'select column_name, column_type from information_schema.columns where table_schema = coalesce(?, database()) and table_name = ? order by ordinal_position'

/** MariaDB has no type of its own for JSON: a check says what it is. */
const CHECKS =
  'select check_clause from information_schema.check_constraints where constraint_schema = coalesce(?, database()) and table_name = ?'

const columnsOf = async (session: ReadSession, name: string) => {
  const { schema, table } = tableNameOf(name)
  const values = [schema ?? null, table]
  const rows = await session.query({ sql: COLUMNS, values })
  const isText = rows.some(([, type]) => String(type).toLowerCase() === 'longtext')
  // MySQL's own table of checks names no tables, and there JSON is a type.
  const checks = isText ? await session.query({ sql: CHECKS, values }).catch(() => []) : []
  const json = new Set(checks.flatMap(([clause]) => /^json_valid\(`(.*)`\)$/i.exec(String(clause))?.[1] ?? []))
  return rows.map(([column, type]) => ({
    name: String(column),
    type: json.has(String(column)) ? 'json' : String(type).toLowerCase(),
  }))
}

const quoted = (name: string): string => {
  const { schema, table } = tableNameOf(name)
  return schema === undefined ? words.quote(table) : `${words.quote(schema)}.${words.quote(table)}`
}

/** How the tables of a URL are read. */
export const mysqlReading = (options: StoreOptions): ReportStoreOptions => {
  const driver = requirePeer('mysql2')
  const address = addressOf(options.url, ['mysql', 'mariadb'])
  const name = `${address}#${options.table}`

  const failed = (error: unknown): PredictionsError => {
    if (error instanceof PredictionsError) return error
    const fix = isTimeout(error)
      ? "the server's time limit ended a question: ask about a shorter time by --since, or raise it for this user"
      : isDenied(error)
        ? `grant the user select on ${options.table}, and on ${options.actualsTable}`
        : (fixFor(error) ?? connectionFix(error, 'ssl-ca'))
    return unavailable(name, error, fix)
  }

  return {
    name,
    address,
    table: options.table,
    words,
    quoted,
    failed,
    stepsOf: (path) => stepsOf(String(path)),
    columnsOf: (session, which) => columnsOf(session, which === 'actuals' ? options.actualsTable : options.table),
    actualsTable: options.actualsTable,
    open: async () => ({
      sessions: await Promise.all([openSession(driver, options.url), openSession(driver, options.url)]),
    }),
  }
}

/** A table of MySQL or MariaDB, asked by SQL: on two connections at once. */
export const mysqlStore = (options: StoreOptions): Store => reportStore(mysqlReading(options))
