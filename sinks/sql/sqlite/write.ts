import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { encode } from '../../../src/records/json.ts'
import type { PredictionRecord } from '../../../src/records/record.ts'
import type { ColumnType } from '../../../src/schema/column.ts'
import { nextTurn } from '../../../src/steps/real-timers.ts'
import type { Target, WriteBatch } from '../dialect.ts'
import { tableChanged } from '../errors.ts'
import type { Session } from '../session.ts'
import { spellHalves } from '../text.ts'
import { whenFree } from './busy.ts'
import { COLUMNS } from './inspect.ts'

/** How long a transaction's rows may keep the event loop, in milliseconds; its commit comes on top. */
const SLICE_MS = 3
/** Each call of a statement costs as much as storing a row. SQLite takes 32,766 values a statement, and a table has 2,000 columns. */
const ROWS_A_STATEMENT = 8

/** How values that SQLite has no type for are bound. */
const bound: Partial<Record<ColumnType, (value: never) => SQLInputValue>> = {
  text: spellHalves,
  boolean: (value: boolean) => (value ? 1 : 0),
  json: encode,
}

const insertOf = (session: Session<DatabaseSync>, { table, columns, key }: Target, rows: number): string => {
  const names = columns.map(({ name }) => session.quote(name)).join(', ')
  const values = `(${columns.map(() => '?').join(', ')})`
  const conflict = key.map((name) => session.quote(name)).join(', ')
  const all = Array.from({ length: rows }, () => values).join(', ')
  return `insert into ${table} (${names}) values ${all} on conflict (${conflict}) do nothing`
}

/** Rows by prepared statements, in transactions of a few milliseconds, so that the event loop is never kept for long. */
export const createWrite = (session: Session<DatabaseSync>, target: Target): WriteBatch<DatabaseSync> => {
  const binders = target.columns.flatMap(({ type }, index) => {
    const bind = bound[type]
    return bind ? [{ index, bind }] : []
  })
  const { length: width } = target.columns

  /** Made once a connection. */
  const statementOf = (rows: number): ((database: DatabaseSync) => StatementSync) => {
    const sql = insertOf(session, target, rows)
    const statements = new WeakMap<DatabaseSync, StatementSync>()
    return (database) => {
      const statement = statements.get(database) ?? database.prepare(sql)
      statements.set(database, statement)
      return statement
    }
  }
  const insertOne = statementOf(1)
  const insertSome = statementOf(ROWS_A_STATEMENT)
  const values = new Array<SQLInputValue>(width * ROWS_A_STATEMENT)

  /** A record's values, to `values` from `at`. */
  const bind = (record: PredictionRecord, at: number): void => {
    const row = target.rowOf(record) as SQLInputValue[]
    for (const { index, bind } of binders) if (row[index] !== null) row[index] = bind(row[index] as never)
    for (let i = 0; i < width; i++) values[at + i] = row[i]!
  }

  /** Writes the next records, as many as a statement takes; how far it came. */
  const writeSome = (database: DatabaseSync, records: readonly PredictionRecord[], at: number): number => {
    if (at + ROWS_A_STATEMENT > records.length) {
      bind(records[at]!, 0)
      insertOne(database).run(...values.slice(0, width))
      return at + 1
    }
    for (let i = 0; i < ROWS_A_STATEMENT; i++) bind(records[at + i]!, i * width)
    insertSome(database).run(...values)
    return at + ROWS_A_STATEMENT
  }

  /** The database's count of changes to its tables, as of which the table is the one that was looked at. */
  const versions = new WeakMap<DatabaseSync, unknown>()

  /** SQLite makes of a value what the column's type asks for, without a word. */
  const expectUnchanged = (database: DatabaseSync): void => {
    const version = database.prepare('pragma schema_version').get()?.['schema_version']
    if (versions.get(database) === version) return
    const found = database.prepare(COLUMNS).all(target.name.table)
    const types = new Map(found.map(({ name, type }) => [name, (type as string).toLowerCase()]))
    if (target.columns.some(({ name, storedAs }) => types.get(name) !== storedAs)) throw tableChanged(target.table)
    versions.set(database, version)
  }

  /** One transaction; how far it came. */
  const writeSlice = (database: DatabaseSync, records: readonly PredictionRecord[], start: number): number => {
    database.exec('begin immediate')
    try {
      expectUnchanged(database)
      const end = performance.now() + SLICE_MS
      let at = start
      do at = writeSome(database, records, at)
      while (at < records.length && performance.now() < end)
      database.exec('commit')
      return at
    } catch (error) {
      if (database.isTransaction) database.exec('rollback')
      throw error
    }
  }

  return async ({ connection }, records, signal) => {
    let at = 0
    while (at < records.length) {
      if (at > 0) await nextTurn()
      signal.throwIfAborted()
      at = await whenFree(() => writeSlice(connection, records, at), signal)
    }
  }
}
