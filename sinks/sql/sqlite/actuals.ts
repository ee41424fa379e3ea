import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { ActualsStore } from '../../../src/actuals/check/answers.ts'
import { PredictionsError } from '../../../src/errors/errors.ts'
import type { StoreOptions } from '../../../src/report/answers.ts'
import { checkStore, type CheckWords } from '../actuals/check.ts'
import { unavailable } from '../errors.ts'
import type { ReadSession } from '../report/words.ts'
import { tablesOf } from './address.ts'
import { tableColumnsOf, openToRead } from './read.ts'
import { quote } from './report/own.ts'
import { unindexed } from './unindexed.ts'

const words: CheckWords = {
  quote,
  placeholder: () => '?',
  dayOf: (timestamp) => `substr(${timestamp}, 1, 10)`,
  instant: (date, bindings) => bindings.bind(date.toISOString()),
  secondsBetween: (from, to) => `(unixepoch(${to}, 'subsec') - unixepoch(${from}, 'subsec'))`,
  idText: (id) => `cast(${id} as text)`,
  unindexed,
}

/** The tables of an SQLite file. */
export const sqliteActuals = (options: StoreOptions): ActualsStore => {
  const { file, ...tables } = tablesOf(options)
  let database: DatabaseSync
  const session: ReadSession = {
    query: async ({ sql, values }) =>
      database
        .prepare(sql)
        .all(...(values as SQLInputValue[]))
        .map((row) => Object.values(row)),
    close: async () => database.close(),
  }
  return checkStore({
    ...tables,
    words,
    quoted: quote,
    failed: (error) => (error instanceof PredictionsError ? error : unavailable(tables.name, error)),
    columnsOf: async (_, which) => tableColumnsOf(database, which === 'actuals' ? tables.actualsTable : tables.table),
    async open() {
      database = openToRead(file)
      return { sessions: [session] }
    },
  })
}
