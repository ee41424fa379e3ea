import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { encode } from '../../../src/json.ts'
import type { PredictionRecord } from '../../../src/record.ts'
import type { ColumnType } from '../../../src/schema/column.ts'
import type { Target, Write } from '../dialect.ts'
import type { Session } from '../session.ts'
import { spellHalves } from '../text.ts'
import { whenFree } from './busy.ts'

/** How long a transaction's rows may keep the event loop, in milliseconds; its commit comes on top. */
const SLICE_MS = 3

/** How values that SQLite has no type for are bound. */
const bound: Partial<Record<ColumnType, (value: never) => SQLInputValue>> = {
  text: spellHalves,
  boolean: (value: boolean) => (value ? 1 : 0),
  json: encode,
}

const insertOf = (session: Session<DatabaseSync>, { table, columns, key }: Target): string => {
  const names = columns.map(({ name }) => session.quote(name)).join(', ')
  const values = columns.map(() => '?').join(', ')
  const conflict = key.map((name) => session.quote(name)).join(', ')
  return `insert into ${table} (${names}) values (${values}) on conflict (${conflict}) do nothing`
}

/** Rows by one prepared statement, in transactions of a few milliseconds, so that the event loop is never kept for long. */
export const createWrite = (session: Session<DatabaseSync>, target: Target): Write<DatabaseSync> => {
  const sql = insertOf(session, target)
  const binders = target.columns.flatMap(({ type }, index) => {
    const bind = bound[type]
    return bind ? [{ index, bind }] : []
  })
  const statements = new WeakMap<DatabaseSync, StatementSync>()

  const prepared = (database: DatabaseSync): StatementSync => {
    const statement = statements.get(database) ?? database.prepare(sql)
    statements.set(database, statement)
    return statement
  }

  const valuesOf = (record: PredictionRecord): SQLInputValue[] => {
    const row = target.rowOf(record) as SQLInputValue[]
    for (const { index, bind } of binders) if (row[index] !== null) row[index] = bind(row[index] as never)
    return row
  }

  /** One transaction; how far it came. */
  const writeSlice = (database: DatabaseSync, records: readonly PredictionRecord[], start: number): number => {
    const statement = prepared(database)
    database.exec('begin immediate')
    try {
      const end = performance.now() + SLICE_MS
      let at = start
      do statement.run(...valuesOf(records[at++]!))
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
      if (at > 0) await setImmediate()
      signal.throwIfAborted()
      at = await whenFree(() => writeSlice(connection, records, at), signal)
    }
  }
}
