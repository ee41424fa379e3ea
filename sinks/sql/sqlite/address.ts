import { resolve } from 'node:path'
import { sqliteMistake } from '../../../src/config/url.ts'
import { PredictionsError } from '../../../src/errors/errors.ts'
import type { StoreOptions } from '../../../src/report/answers.ts'
import { nameText } from '../dialect.ts'
import { actualsBeside } from '../labelled.ts'

/** SQLite has no limit of its own. */
export const MAX_NAME = 255

/** SQLite has no schemas: of `schema.table` it takes the table. */
export const withoutSchema = (table: string): string => table.replace(/^[^.]*\./, '')

/** What a URL names, as a path and as logs show it. */
export const fileOf = (url: string): { readonly file: string; readonly address: string } => {
  const rest = /^sqlite:(.*)$/s.exec(url)?.[1]
  if (rest === undefined)
    throw new PredictionsError(
      'PREDICTIONS_BAD_CONFIGURATION',
      "The sink's URL must be sqlite:FILE, as in sqlite:./predictions.db",
    )
  const mistake = sqliteMistake(rest)
  if (mistake !== undefined) throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', `The sink's URL ${mistake}`)
  const path = rest.replace(/^\/\//, '')
  return { file: resolve(path), address: `sqlite:${path}` }
}

/** The tables that are read, and the file that they are in. */
export interface SqliteTables {
  readonly file: string
  readonly table: string
  readonly actualsTable: string
}

/** @returns the tables, and what logs call them */
export const tablesOf = ({ url, ...names }: StoreOptions): SqliteTables & { address: string; name: string } => {
  const { file, address } = fileOf(url)
  const table = withoutSchema(names.table)
  const actualsTable =
    names.actualsTable === undefined
      ? nameText(actualsBeside({ schema: undefined, table }, MAX_NAME))
      : withoutSchema(names.actualsTable)
  return { file, address, table, actualsTable, name: `${address}#${table}` }
}
