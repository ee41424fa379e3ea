/** Whether a value that has a column's type fits as well into the type that the column has in a store. */
export type ValueCheck = (value: unknown) => boolean

/** How a column's values go into a column of a store: all, those that pass a check, or not at all. */
export type Fit = 'all' | 'none' | ValueCheck

/** The nearest number to a double that a column can hold. */
export type Nearest = (value: number) => number

/** How a store holds a number. */
export type NumberType =
  | { readonly kind: 'integer'; readonly min: bigint; readonly max: bigint }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'decimal without limit' }
  | { readonly kind: 'single' }
  | { readonly kind: 'double' }

/** An integer type of so many bits. */
export const integerOf = (bits: number, unsigned = false): NumberType => {
  const span = 2n ** BigInt(bits)
  return unsigned
    ? { kind: 'integer', min: 0n, max: span - 1n }
    : { kind: 'integer', min: -span / 2n, max: span / 2n - 1n }
}

/** The numbers in a type's brackets: `numeric(10,2)` has 10 and 2. */
export const parametersOf = (type: string): number[] => /\(([\d,\s-]+)\)/.exec(type)?.[1]?.split(',').map(Number) ?? []

/** A type without its brackets: `timestamp(3) without time zone` is `timestamp without time zone`. */
export const baseOf = (type: string): string => type.replace(/\s*\([^)]*\)/, '')

const bitsOf = { smallint: 16, integer: 32, bigint: 64 } as const

const within =
  (min: bigint | number, max: bigint | number): ValueCheck =>
  (value) =>
    (value as number) >= min && (value as number) <= max

/** Integers of our columns in a number type of the database. */
export const fitInteger = (type: 'bigint' | 'integer' | 'smallint', stored: NumberType): Fit => {
  switch (stored.kind) {
    case 'integer': {
      const half = 2n ** BigInt(bitsOf[type] - 1)
      return stored.min <= -half && stored.max >= half - 1n ? 'all' : within(stored.min, stored.max)
    }
    case 'decimal': {
      const limit = 10n ** BigInt(Math.max(0, stored.precision - stored.scale)) - 1n
      const unit = 10n ** BigInt(Math.max(0, -stored.scale))
      return both(within(-limit, limit), unit === 1n ? 'all' : (value) => BigInt(value as number) % unit === 0n)
    }
    case 'decimal without limit':
      return 'all'
    case 'single':
      return within(-(2 ** 24), 2 ** 24)
    case 'double':
      return type === 'bigint' ? within(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) : 'all'
  }
}

/** Single precision rounds, but has neither the largest nor the smallest doubles. */
const isSingle: ValueCheck = (value) => {
  const single = Math.fround(value as number)
  return Number.isFinite(single) ? single !== 0 || value === 0 : !Number.isFinite(value)
}

/**
 * Doubles of our columns in a number type of the database, which may hold them rounded: see `nearestIn`.
 *
 * @param infinities whether doubles may be NaN and infinite there
 */
export const fitDouble = (stored: NumberType, infinities: boolean): Fit => {
  const finite: ValueCheck = (value) => Number.isFinite(value)
  switch (stored.kind) {
    case 'integer': {
      // Of a column that was made for integers: what it holds exactly.
      const { min, max } = stored
      return (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
    }
    case 'decimal': {
      const limit = Number(`1e${stored.precision - stored.scale}`)
      return (value) => Math.abs(roundTo(stored.scale)(value as number)) < limit
    }
    case 'decimal without limit':
      return finite
    case 'single':
      return infinities ? isSingle : (value) => finite(value) && isSingle(value)
    case 'double':
      return infinities ? 'all' : finite
  }
}

/** Decimals after the point that `toFixed` takes. */
const MAX_DECIMALS = 100

/** A number of so many decimals; a negative scale rounds to tens, hundreds, …, as Postgres' does. */
const roundTo = (scale: number): Nearest => {
  if (scale < 0) {
    const unit = Number(`1e${-scale}`)
    return (value) => Math.round(value / unit) * unit
  }
  const decimals = Math.min(scale, MAX_DECIMALS)
  return (value) => Number(value.toFixed(decimals))
}

/** The smallest number that single precision has with all its digits. */
const SMALLEST_SINGLE = 2 ** -126

/** What has six digits is read from a `real` as it was: databases show a number's shortest text, or six digits. */
const toSingle: Nearest = (value) =>
  Math.abs(value) >= SMALLEST_SINGLE && Number(value.toPrecision(6)) === value ? value : Math.fround(value)

/**
 * What a number type holds of a double that passes `fitDouble`; undefined where that is the double itself. We round, and not the
 * database, so that what it holds is known.
 */
export const nearestIn = (stored: NumberType): Nearest | undefined => {
  if (stored.kind === 'single') return toSingle
  return stored.kind === 'decimal' ? roundTo(stored.scale) : undefined
}

/** Text of at most `max` characters, as it is stored. */
export const charactersUpTo =
  (max: number, spell: (text: string) => string = (text) => text): ValueCheck =>
  (value) => {
    const text = spell(value as string)
    return text.length <= max || (text.length <= 2 * max && [...text].length <= max)
  }

/** Text of at most `max` bytes in UTF-8. */
export const bytesUpTo =
  (max: number): ValueCheck =>
  (value) =>
    Buffer.byteLength(value as string) <= max

/** One of an enum's values. */
export const fitsOneOf = (labels: readonly string[]): ValueCheck => {
  const known = new Set(labels)
  return (value) => known.has(value as string)
}

/** A day of the calendar, or its midnight in UTC. */
export const isDay: ValueCheck = (value) => {
  const day = /^(\d{4}-\d\d-\d\d)(T00:00:00(\.0+)?Z)?$/.exec(value as string)?.[1]
  if (day === undefined || day < '0001') return false
  const time = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day)
}

/** Text of a `char`, which has as many characters always: spaces at its end are not told from those that fill it. */
export const withoutSpacesAtEnd: ValueCheck = (value) => !(value as string).endsWith(' ')

/** Whether a time has no more digits of a second than the column: the server would cut or round them. */
export const withDigits = (digits: number): Fit =>
  digits >= 3 ? 'all' : (value) => Date.parse(value as string) % 10 ** (3 - digits) === 0

/** Both. */
export const both = (first: Fit, second: Fit): Fit => {
  if (first === 'none' || second === 'none') return 'none'
  if (first === 'all') return second
  if (second === 'all') return first
  return (value) => first(value) && second(value)
}
