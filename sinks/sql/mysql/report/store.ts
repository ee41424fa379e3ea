import { requirePeer } from '../../../../src/peer.ts'
import type { Store, StoreOptions } from '../../../../src/report/answers.ts'
import type { TableName } from '../../dialect.ts'
import { readingOf } from '../../report/reading.ts'
import { reportStore, type ReportStoreOptions } from '../../report/store.ts'
import type { ReadSession } from '../../report/words.ts'
import { MAX_NAME } from '../types.ts'
import { fixFor, isDenied, isTimeout } from '../errors.ts'
import { openSession } from './session.ts'
import { stepsOf, words } from './words.ts'

const COLUMNS =
  'select column_name, column_type from information_schema.columns where table_schema = coalesce(?, database()) and table_name = ? order by ordinal_position'

/** MariaDB has no type of its own for JSON: a check says what it is. */
const CHECKS =
  'select check_clause from information_schema.check_constraints where constraint_schema = coalesce(?, database()) and table_name = ?'

const columnsOf = async (session: ReadSession, { schema, table }: TableName) => {
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

/** How the tables of a URL are read. */
export const mysqlReading = (options: StoreOptions): ReportStoreOptions => {
  const driver = requirePeer('mysql2')
  return readingOf(options, {
    schemes: ['mysql', 'mariadb'],
    words,
    maxName: MAX_NAME,
    stepsOf: (path) => stepsOf(String(path)),
    open: async () => ({
      sessions: await Promise.all([openSession(driver, options.url), openSession(driver, options.url)]),
    }),
    columnsOf,
    limit: "the server's time limit",
    isTimeout,
    isDenied,
    fixFor,
    authorityParameter: 'ssl-ca',
  })
}

/** A table of MySQL or MariaDB, asked by SQL: on two connections at once. */
export const mysqlStore = (options: StoreOptions): Store => reportStore(mysqlReading(options))
