import type { ColumnType } from './column.ts'
import { Misfit } from './misfit.ts'
import { timestamp } from './timestamp.ts'

/** A value as its column's type has it, or a `Misfit`. Never called with null or undefined; never throws. */
export type Coerce = (value: unknown) => unknown

const notText = new Misfit('not a string')
const notNumber = new Misfit('not a number')
const notInteger = new Misfit('not an integer')
const notBoolean = new Misfit('not a boolean')
const notUuid = new Misfit('not a UUID')
const pastDouble = new Misfit('past double precision')
const past64Bits = new Misfit('past 64 bits')

const text: Coerce = (value) => (typeof value === 'string' ? value : notText)

const boolean: Coerce = (value) => (typeof value === 'boolean' ? value : notBoolean)

/** JSON has no word for these: records spell them as strings. */
const doubles: Readonly<Record<string, number>> = { NaN: NaN, Infinity: Infinity, '-Infinity': -Infinity }

const doubleOfBigint = (value: bigint): unknown => {
  const nearest = Number(value)
  if (!Number.isFinite(nearest)) return pastDouble
  // A double's own digits may be rounded: 2 ** 60 is 1152921504606847000 in JSON, and exact all the same.
  const isExact = BigInt(nearest) === value || String(nearest) === value.toString()
  return isExact ? nearest : new Misfit('past 53 bits: the nearest double is stored', nearest)
}

const double: Coerce = (value) => {
  if (typeof value === 'number') return value
  if (typeof value === 'string') return Object.hasOwn(doubles, value) ? doubles[value] : notNumber
  return typeof value === 'bigint' ? doubleOfBigint(value) : notNumber
}

const safeOrBigint = (value: bigint): unknown => {
  if (BigInt.asIntN(64, value) !== value) return past64Bits
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

const bigint: Coerce = (value) => {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value + 0 // -0 is 0
    return Number.isInteger(value) ? safeOrBigint(BigInt(value)) : notInteger
  }
  return typeof value === 'bigint' ? safeOrBigint(value) : notInteger
}

const coerceInteger = (bits: number): Coerce => {
  const limit = 2 ** (bits - 1)
  const past = new Misfit(`past ${bits} bits`)
  return (value) => {
    const integer = bigint(value)
    if (integer instanceof Misfit) return integer === past64Bits ? past : integer
    return typeof integer === 'number' && integer >= -limit && integer < limit ? integer : past
  }
}

const DASH = 45

/** In lower case. By hand, as it is asked of every record: a regular expression takes ten times as long. */
const isUuid = (text: string): boolean => {
  if (text.length !== 36) return false
  for (let i = 0; i < 36; i++) {
    const code = text.charCodeAt(i)
    const isDigit = (code >= 48 && code <= 57) || (code >= 97 && code <= 102)
    if (i === 8 || i === 13 || i === 18 || i === 23 ? code !== DASH : !isDigit) return false
  }
  return true
}

const uuid: Coerce = (value) => {
  if (typeof value !== 'string') return notUuid
  if (isUuid(value)) return value
  const lower = value.toLowerCase()
  return isUuid(lower) ? lower : notUuid
}

export const coercions: Readonly<Record<ColumnType, Coerce>> = {
  text,
  double,
  bigint,
  integer: coerceInteger(32),
  smallint: coerceInteger(16),
  boolean,
  timestamp,
  uuid,
  json: (value) => value,
}
