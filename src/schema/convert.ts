import type { ColumnType } from './column.ts'
import { Misfit } from './misfit.ts'
import { timestamp } from './timestamp.ts'

/** A value in another type than it came in, with nothing of it lost. */
export interface Converted {
  /** What the column's coercion is to be given. */
  readonly value: unknown
  /** What was taken for what, for the stats. */
  readonly as: string
  /** What people may have meant otherwise: said in `extra` the first time. */
  readonly note?: string
}

type Convert = (value: unknown) => Converted | undefined

/** JSON's grammar of numbers: no blanks, signs or zeros before one, which may be part of a code. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** A decimal of so many digits is exactly one double, and comes back out of it. */
const EXACT_DIGITS = 15

/** No 64-bit integer is longer. */
const MAX_LENGTH = 40

const isExact = (text: string): boolean =>
  text.length <= MAX_LENGTH &&
  NUMBER.test(text) &&
  text.replace(/[eE].*$|\D/g, '').replace(/^0+/, '').length <= EXACT_DIGITS

const numberOf = (text: string): number | bigint | undefined => {
  if (text.length <= MAX_LENGTH && /^-?(?:0|[1-9]\d*)$/.test(text)) return BigInt(text)
  const value = isExact(text) ? Number(text) : NaN
  return Number.isFinite(value) ? value : undefined
}

const converted = (value: unknown, as: string): Converted | undefined =>
  value === undefined ? undefined : { value, as }

const toNumber: Convert = (value) =>
  typeof value === 'string' ? converted(numberOf(value), 'text as number') : undefined

const toInteger: Convert = (value) => {
  if (typeof value === 'boolean') return converted(Number(value), 'boolean as integer')
  return typeof value === 'string' ? converted(numberOf(value), 'text as integer') : undefined
}

const words: Readonly<Record<string, boolean>> = { true: true, false: false, True: true, False: false }

const toBoolean: Convert = (value) =>
  typeof value === 'string' && Object.hasOwn(words, value) ? converted(words[value], 'text as boolean') : undefined

const toText: Convert = (value) =>
  typeof value === 'number' || typeof value === 'bigint' ? converted(String(value), 'number as text') : undefined

const ASSUMED_UTC = 'a date-time without a time zone, taken for UTC; said for the first one only'

/** A date and time with nothing behind the seconds. */
const ZONELESS = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?$/i

/**
 * Seconds of ten digits (2001 to 2286), with or without a fraction, and milliseconds of thirteen for the same years. No such number is
 * the one and could be meant for the other.
 */
const epochOf = (value: number): number | undefined => {
  if (value >= 1e9 && value < 1e10) return value * 1000
  return value >= 1e12 && value < 1e13 ? value : undefined
}

const toTimestamp: Convert = (value) => {
  if (typeof value === 'string' && ZONELESS.test(value)) {
    const utc = timestamp(`${value}Z`)
    if (utc instanceof Misfit && utc.stored === null) return undefined
    return { value: `${value}Z`, as: 'date-time without a zone as UTC', note: ASSUMED_UTC }
  }
  const seconds = typeof value === 'string' ? numberOf(value) : value
  const epoch = typeof seconds === 'number' || typeof seconds === 'bigint' ? epochOf(Number(seconds)) : undefined
  if (epoch === undefined) return undefined
  return converted(isoOf(epoch), Number(seconds) < 1e10 ? 'epoch seconds' : 'epoch milliseconds')
}

/** With microseconds where the number has them: the column's coercion says that they are cut. */
const isoOf = (epoch: number): string => {
  const micros = Math.round(epoch * 1000) % 1000
  const iso = new Date(Math.floor(Math.round(epoch * 1000) / 1000)).toISOString()
  return micros === 0 ? iso : iso.replace('Z', `${String(micros).padStart(3, '0')}Z`)
}

const byType: Partial<Readonly<Record<ColumnType, Convert>>> = {
  double: toNumber,
  bigint: toInteger,
  integer: toInteger,
  smallint: toInteger,
  boolean: toBoolean,
  text: toText,
  timestamp: toTimestamp,
}

/** More levels of arrays than this around one value no model server makes. */
const MAX_LEVELS = 8

/**
 * What a column's value may be converted to, of a value that its type's coercion refused; undefined: nothing, as something would be lost.
 *
 * | column | value | stored |
 * |---|---|---|
 * | any but JSON | an array of one element, as numpy's `tolist()` makes it | the element |
 * | number | text that is exactly a number of at most 15 digits: `"5.1"` | the number |
 * | integer | text that is exactly an integer of 64 bits; a boolean | the integer; 0 or 1 |
 * | boolean | `"true"`, `"false"`, `"True"`, `"False"` | the boolean |
 * | text | a number | its text |
 * | timestamp | a date-time without a zone; epoch seconds or milliseconds from 2001 to 2286 | in UTC |
 */
export const convert = (type: ColumnType, value: unknown): Converted | undefined => {
  if (type === 'json') return undefined
  if (!Array.isArray(value)) return byType[type]?.(value)
  let inner: unknown = value
  for (let level = 0; Array.isArray(inner) && inner.length === 1 && level < MAX_LEVELS; level++) inner = inner[0]
  return Array.isArray(inner) || inner === undefined ? undefined : { value: inner, as: 'array of one as its element' }
}
