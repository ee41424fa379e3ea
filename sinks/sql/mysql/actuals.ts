import type { ActualsStore } from '../../../src/actuals/check/answers.ts'
import type { StoreOptions } from '../../../src/report/answers.ts'
import { checkStore, type CheckWords } from '../actuals/check.ts'
import { mysqlReading } from './report/store.ts'
import { words as reportWords } from './report/words.ts'

const words: CheckWords = {
  ...reportWords,
  dayOf: (timestamp) => `date_format(${timestamp}, '%Y-%m-%d')`,
}

/** The tables of a MySQL or MariaDB database. */
export const mysqlActuals = (options: StoreOptions): ActualsStore => checkStore({ ...mysqlReading(options), words })
