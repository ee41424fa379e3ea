import type { ActualsStore } from '../../../src/actuals/check/answers.ts'
import type { StoreOptions } from '../../../src/report/answers.ts'
import { checkStore, type CheckWords } from '../actuals/check.ts'
import { alike } from './alike.ts'
import { postgresReading } from './report/store.ts'
import { words as reportWords } from './report/words.ts'

const words: CheckWords = {
  ...reportWords,
  alike,
  // Of a timestamp with a zone this is the session's, UTC.
  dayOf: (timestamp) => `to_char(${timestamp}, 'YYYY-MM-DD')`,
}

/** The tables of a PostgreSQL database. */
export const postgresActuals = (options: StoreOptions): ActualsStore =>
  checkStore({ ...postgresReading(options), words })
