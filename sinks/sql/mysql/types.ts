import type { Column, ColumnType } from '../../../src/schema/column.ts'
import type { ExistingColumn, Limits } from '../dialect.ts'
import {
  baseOf,
  both,
  bytesUpTo,
  charactersUpTo,
  fitDouble,
  fitInteger,
  integerOf,
  isDay,
  nearestIn,
  fitsOneOf,
  parametersOf,
  withDigits,
  withoutSpacesAtEnd,
  type Fit,
  type Nearest,
  type NumberType,
  type ValueCheck,
} from '../../../src/schema/fit.ts'
import { spellHalves } from '../text.ts'

const types: Readonly<Record<ColumnType, string>> = {
  // A column that we add would have the table's own character set, which may be latin1.
  text: 'longtext character set utf8mb4',
  double: 'double',
  bigint: 'bigint',
  integer: 'int',
  smallint: 'smallint',
  boolean: 'boolean',
  timestamp: 'datetime(6)',
  uuid: 'char(36) character set ascii',
  json: 'json',
}

const short = new Set(['model', 'model_version', 'request_id'])

/** Of our own texts the error alone is long: the others are to be indexed and compared. */
export const typeOf = ({ type, source, path }: Column): string =>
  type === 'text' && source === 'record' && short.has(path[0] ?? '')
    ? 'varchar(255) character set utf8mb4'
    : types[type]

/**
 * A row lies where its id is, which is random for actuals: to read one costs a page from the disk, unless the index has all that is asked
 * for. So the index by prediction has the retraction and the labels, but for texts and JSON, which no index holds whole. What
 * that gives is told at `../labelled.ts`.
 */
export const isInViewIndex = ({ type, source, path }: Column): boolean =>
  (source === 'actuals' && type !== 'text' && type !== 'json') || (source === 'record' && path[0] === 'retracted')

/** Of a text that is stored elsewhere 40 bytes count for the row; half a page of 16 kB is there for it. */
const widths: Readonly<Record<ColumnType, number>> = {
  text: 44,
  double: 8,
  bigint: 8,
  integer: 4,
  smallint: 2,
  boolean: 1,
  timestamp: 8,
  uuid: 38,
  json: 44,
}

/** https://dev.mysql.com/doc/refman/8.4/en/innodb-limits.html */
export const limits: Limits = { columns: 1000, rowBytes: 7600, widthOf: ({ type }) => widths[type] }

/** The length of an identifier at most, in characters. */
export const MAX_NAME = 64

const integerBits: Readonly<Record<string, number>> = {
  tinyint: 8,
  smallint: 16,
  mediumint: 24,
  int: 32,
  integer: 32,
  bigint: 64,
}

/** What limits a number: of `float(7,4)` both its precision and its digits. */
const numberTypesOf = (type: string): readonly NumberType[] => {
  const base = baseOf(type).split(' ')[0] ?? ''
  const bits = integerBits[base]
  if (bits !== undefined) return [integerOf(bits, isUnsigned(type))]
  const [precision = 10, scale] = parametersOf(type)
  const decimal: NumberType = { kind: 'decimal', precision, scale: scale ?? 0 }
  if (base === 'decimal') return [decimal]
  if (base !== 'float' && base !== 'double') return []
  const binary: NumberType = { kind: base === 'float' ? 'single' : 'double' }
  return scale === undefined ? [binary] : [decimal, binary]
}

const isUnsigned = (type: string): boolean => / unsigned\b/.test(type)

const isPositive: ValueCheck = (value) => (value as number) >= 0

const fitNumber = (type: string, column: Column): Fit => {
  const numberTypes = numberTypesOf(type)
  if (numberTypes.length === 0) return 'none'
  const fits = numberTypes.map((numberType): Fit =>
    column.type === 'double' ? fitDouble(numberType, false) : fitInteger(column.type as 'bigint', numberType),
  )
  // Unsigned decimals and doubles take no negative numbers.
  return fits.reduce(both, isUnsigned(type) ? isPositive : 'all')
}

/** What a column of doubles holds of those that fit. */
export const nearest = ({ type }: ExistingColumn): Nearest | undefined => {
  const rounds = numberTypesOf(type).flatMap((numberType) => nearestIn(numberType) ?? [])
  return rounds.length === 0 ? undefined : (value) => rounds.reduce((rounded, round) => round(rounded), value)
}

const characters: Readonly<Record<string, RegExp>> = {
  utf8: /^[\0-\uffff]*$/u,
  utf8mb3: /^[\0-\uffff]*$/u,
  latin1: /^[\0-\x7f\xa0-\xff]*$/,
}

const fitCharset = (charset: string | undefined): Fit => {
  if (charset === undefined || charset === 'utf8mb4') return 'all'
  const allowed = characters[charset] ?? /^[\0-\x7f]*$/
  const check: ValueCheck = (value) => allowed.test(value as string)
  return check
}

const textBytes: Readonly<Record<string, number>> = { tinytext: 255, text: 65_535, mediumtext: 16_777_215 }

const fitText = ({ type, charset, labels }: ExistingColumn): Fit => {
  if (labels) return fitsOneOf(labels)
  const base = baseOf(type).split(' ')[0] ?? ''
  if (base === 'date') return isDay
  if (base === 'char')
    return both(both(charactersUpTo(parametersOf(type)[0] ?? 1, spellHalves), fitCharset(charset)), withoutSpacesAtEnd)
  const bytes = textBytes[base]
  if (bytes !== undefined) return both(bytesUpTo(bytes), fitCharset(charset))
  if (base === 'longtext') return fitCharset(charset)
  return base === 'varchar'
    ? both(charactersUpTo(parametersOf(type)[0] ?? 0, spellHalves), fitCharset(charset))
    : 'none'
}

const fitUuid = (type: string): Fit => {
  const [length = 0] = parametersOf(type)
  if (/^(uuid|(tiny|medium|long)?text)\b/.test(type)) return 'all'
  if (/^varchar\b/.test(type)) return length >= 36 ? 'all' : 'none'
  return /^char\b/.test(type) && length >= 36 ? 'all' : 'none'
}

/** MariaDB's json is a longtext with a check. */
const fitJson = ({ type, charset }: ExistingColumn): Fit =>
  type === 'json' || (type === 'longtext' && fitCharset(charset) === 'all') ? 'all' : 'none'

/** A timestamp holds 1970 to 2038 only: https://dev.mysql.com/doc/refman/8.4/en/datetime.html */
const inTimestamp: ValueCheck = (value) => {
  const time = Date.parse(value as string)
  return time >= 1000 && time < 2 ** 31 * 1000 - 1000
}

const fitTimestamp = (type: string, { source }: Column): Fit => {
  if (type === 'date') return source === 'record' ? 'none' : isDay
  const base = /^(datetime|timestamp)\b/.exec(type)?.[1]
  if (base === undefined) return 'none'
  // The record's own time may be less exact than it was: sessions cut it.
  const exact = source === 'record' ? 'all' : withDigits(parametersOf(type)[0] ?? 0)
  return base === 'datetime' ? exact : both(exact, inTimestamp)
}

export const fit = (existing: ExistingColumn, column: Column): Fit => {
  const { type } = existing
  switch (column.type) {
    case 'text':
      return fitText(existing)
    case 'double':
    case 'bigint':
    case 'integer':
    case 'smallint':
      return fitNumber(type, column)
    case 'boolean':
      return type === 'boolean' || /^(tiny|small|medium|big)?int\b/.test(type) ? 'all' : 'none'
    case 'timestamp':
      return fitTimestamp(type, column)
    case 'uuid':
      return fitUuid(type)
    case 'json':
      return fitJson(existing)
  }
}
