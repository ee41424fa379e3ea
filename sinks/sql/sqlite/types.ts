import type { Column, ColumnType } from '../../../src/schema/column.ts'
import type { Fit } from '../../../src/schema/fit.ts'
import type { ExistingColumn, Limits } from '../dialect.ts'

const types: Readonly<Record<ColumnType, string>> = {
  text: 'text',
  double: 'real',
  bigint: 'integer',
  integer: 'integer',
  smallint: 'integer',
  boolean: 'integer',
  timestamp: 'text',
  uuid: 'text',
  json: 'text',
}

export const typeOf = ({ type }: Column): string => types[type]

/** A row may take any number of pages: https://www.sqlite.org/limits.html */
export const limits: Limits = { columns: 2000, rowBytes: Infinity, widthOf: () => 0 }

type Affinity = 'integer' | 'text' | 'none' | 'real' | 'numeric'

/** https://www.sqlite.org/datatype3.html#determination_of_column_affinity; `any` is the type of strict tables. */
const affinityOf = (type: string): Affinity => {
  if (type.includes('int')) return 'integer'
  if (/char|clob|text/.test(type)) return 'text'
  if (type === '' || type === 'any' || type.includes('blob')) return 'none'
  return /real|floa|doub/.test(type) ? 'real' : 'numeric'
}

const isSafe = (value: unknown): boolean => Number.isSafeInteger(Number(value))
/** SQLite makes NULL of NaN. */
const isNumber = (value: unknown): boolean => !Number.isNaN(value)

/** Text keeps its form where it does not look like a number, or the column does not care. */
const fitText = (type: string, alike?: RegExp): Fit => {
  const affinity = affinityOf(type)
  return affinity === 'text' || affinity === 'none' || (affinity === 'numeric' && alike?.test(type)) ? 'all' : 'none'
}

export const fit = ({ type }: ExistingColumn, column: Column): Fit => {
  const affinity = affinityOf(type)
  switch (column.type) {
    case 'text':
      return fitText(type)
    case 'uuid':
      return fitText(type, /uuid/)
    case 'json':
      return fitText(type, /json/)
    case 'timestamp':
      return fitText(type, /date|time/)
    case 'double':
      // Of a column that was made for integers: what it holds exactly.
      if (affinity === 'integer') return Number.isSafeInteger
      return affinity === 'text' ? 'none' : isNumber
    case 'bigint':
      if (affinity === 'real') return isSafe
      return affinity === 'text' ? 'none' : 'all'
    case 'integer':
    case 'smallint':
      return affinity === 'text' ? 'none' : 'all'
    case 'boolean':
      return affinity === 'text' || affinity === 'real' ? 'none' : 'all'
  }
}
