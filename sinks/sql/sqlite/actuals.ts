import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { SQLInputValue } from 'node:sqlite'
import type { ActualsStore } from '../../../src/actuals/check/answers.ts'
import { PredictionsError } from '../../../src/errors/errors.ts'
import { DatabaseSync } from '../../../src/node.ts'
import type { StoreOptions } from '../../../src/report/answers.ts'
import { checkStore, type CheckWords } from '../actuals/check.ts'
import { unavailable } from '../errors.ts'
import type { ReadSession } from '../report/words.ts'
import { quote } from './report/table.ts'

const words: CheckWords = {
  quote,
  placeholder: () => '?',
  dayOf: (timestamp) => `substr(${timestamp}, 1, 10)`,
  instant: (date, bindings) => bindings.bind(date.toISOString()),
  secondsBetween: (from, to) => `(unixepoch(${to}, 'subsec') - unixepoch(${from}, 'subsec'))`,
  idText: (id) => `cast(${id} as text)`,
}

/** One state of the file for all statements, and nothing is written. */
const openSession = (file: string): ReadSession => {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 })
  database.exec('begin')
  return {
    query: async ({ sql, values }) =>
      database
        .prepare(sql)
        .all(...(values as SQLInputValue[]))
        .map((row) => Object.values(row)),
    close: async () => database.close(),
  }
}

/** The tables of an SQLite file. */
export const sqliteActuals = ({ url, ...tables }: StoreOptions): ActualsStore => {
  const path = url.replace(/^sqlite:(\/\/)?/, '')
  const file = resolve(path)
  const withoutSchema = (name: string) => name.replace(/^[^.]*\./, '')
  const [table, actualsTable] = [withoutSchema(tables.table), withoutSchema(tables.actualsTable)]
  const name = `sqlite:${path}#${table}`
  return checkStore({
    name,
    address: `sqlite:${path}`,
    table,
    actualsTable,
    words,
    quoted: quote,
    failed: (error) => (error instanceof PredictionsError ? error : unavailable(name, error)),
    async columnsOf(session, which) {
      const values = [which === 'actuals' ? actualsTable : table]
      const rows = await session.query({ sql: 'select name, lower(type) from pragma_table_xinfo(?)', values })
      return rows.map(([name, type]) => ({ name: String(name), type: String(type) }))
    },
    async open() {
      if (!existsSync(file))
        throw new PredictionsError(
          'PREDICTIONS_BAD_CONFIGURATION',
          `${file} does not exist: name the file by --sink or PREDICTIONS_SINK`,
        )
      return { sessions: [openSession(file)] }
    },
  })
}
