import { keptWords, MAX_TEXT, sha256, shortenedJson, shortenedText, type Shortened } from '../records/cut.ts'
import { encode } from '../records/json.ts'
import type { Extra } from './format.ts'
import { isStream } from './is-stream.ts'
import { MAX_VALUES } from './limits.ts'
import { isObject, put, type Row } from './rows.ts'

/** Deeper values are left alone: what writes them has its own limit. */
const MAX_DEPTH = 200

const MAX_UINT64 = 2 ** 64

/** How many paths are noted for one body; what was left out of the notes is counted. */
const MAX_NOTES = 8

/** A longer path is cut, in UTF-16 code units. */
const MAX_PATH = 400

/** Bytes, or UTF-16 code units, of a body that is large. */
const LARGE_BYTES = 32 * 1024
/** Values of an object that is large, and items of a list in it that may be as many instances. */
const LARGE_VALUES = 32 * 1024
const LARGE_LIST = 4096

/** Whether reading a body and writing its records takes longer than other requests should have to wait. A stream is not read. */
export const isLarge = (body: unknown): boolean => {
  if (typeof body === 'string') return body.length > LARGE_BYTES
  if (ArrayBuffer.isView(body)) return body.byteLength > LARGE_BYTES
  if (typeof body !== 'object' || body === null || isStream(body)) return false
  try {
    return spend(LARGE_VALUES, body, 0) < 0
  } catch {
    // A getter of the app's that throws: whoever reads it will say so.
    return false
  }
}

/** What is left of so many values after those of one; it soon stops below 0. */
const spend = (left: number, value: unknown, depth: number): number => {
  if (typeof value === 'string') return left - 1 - (value.length >>> 4)
  if (typeof value !== 'object' || value === null) return left - 1
  if (depth > MAX_DEPTH) return left - 1
  if (ArrayBuffer.isView(value)) return left - value.byteLength
  let rest = left - 1
  if (Array.isArray(value)) {
    if (depth < 2 && value.length > LARGE_LIST) return -1
    for (let i = 0; i < value.length && rest >= 0; i++)
      rest = typeof value[i] === 'number' ? rest - 1 : spend(rest, value[i], depth + 1)
    return rest
  }
  // What has a JSON form of its own is not looked into.
  if (typeof (value as Row)['toJSON'] === 'function') return rest
  for (const name in value) {
    if (rest < 0) break
    rest = spend(rest, (value as Row)[name], depth + 1)
  }
  return rest
}

/**
 * Replaces arrays of more than 4,096 values and strings of more than 64 Ki characters, in the rows of one side of an exchange, by
 * their shape, type and digest, and notes them by path. The same numbers have the same digest, whichever format they came in.
 * A class, as there are two for each request.
 */
export class Shortener {
  /** What was replaced so far, by path. */
  readonly extra: Extra = {}
  readonly #side: 'features' | 'outputs'
  readonly #isParsed: boolean

  /**
   * @param side the first part of the noted paths
   * @param isParsed a JSON parser came before us: integers between 2^53 and 2^64 are noted as rounded
   */
  constructor(side: 'features' | 'outputs', isParsed = false) {
    this.#side = side
    this.#isParsed = isParsed
  }

  /**
   * The row, or a copy of it with what is too long replaced; nothing is changed in place.
   * @param item an array of values, which is quicker to look through than the row of their names that was made of it
   */
  shorten(row: Row, item?: unknown): Row {
    const isParsed = this.#isParsed
    return isOrdinaryRow(Array.isArray(item) ? item : row, isParsed)
      ? row
      : (shortened(row, this.#side, isParsed, this.extra, 0) as Row)
  }
}

/** Whether a row, as most, has nothing to shorten or to note. A getter or proxy of the app's may throw: not ours to read then. */
const isOrdinaryRow = (row: Row | readonly unknown[], isParsed: boolean): boolean => {
  try {
    if (Array.isArray(row)) {
      for (let i = 0; i < row.length; i++) if (!isOrdinary(row[i], isParsed)) return false
      return row.length <= MAX_VALUES
    }
    for (const name in row) if (!isOrdinary((row as Row)[name], isParsed)) return false
    return true
  } catch {
    return true
  }
}

const isOrdinary = (value: unknown, isParsed: boolean): boolean => {
  if (typeof value === 'number') return !isParsed || !isRounded(value)
  if (typeof value === 'string') return value.length <= MAX_TEXT
  if (typeof value !== 'object' || value === null) return true
  return weigh(value, isParsed, 0, 0) <= MAX_VALUES
}

/** Counts the values below, and stops soon after the limit. A rounded number weighs as much as everything allowed. */
const weigh = (value: unknown, isParsed: boolean, weight: number, depth: number): number => {
  if (typeof value === 'number') return isParsed && isRounded(value) ? MAX_VALUES + 1 : weight + 1
  if (typeof value === 'string') return weight + 1 + Math.floor((value.length * MAX_VALUES) / MAX_TEXT)
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return weight + 1
  if (ArrayBuffer.isView(value)) return weight + value.byteLength
  const before = weight
  if (Array.isArray(value))
    for (let i = 0; i < value.length && weight <= MAX_VALUES; i++) weight = weigh(value[i], isParsed, weight, depth + 1)
  else
    for (const name in value) {
      if (weight > MAX_VALUES) break
      weight = weigh((value as Row)[name], isParsed, weight, depth + 1)
    }
  return weight === before ? weight + 1 : weight
}

/** 64-bit integers that a double can't tell from their neighbours. Larger numbers were no integers to begin with. */
const isRounded = (value: number): boolean =>
  (value > Number.MAX_SAFE_INTEGER && value <= MAX_UINT64) || (value < Number.MIN_SAFE_INTEGER && value >= -MAX_UINT64)

const shortened = (value: unknown, path: string, isParsed: boolean, extra: Extra, depth: number): unknown => {
  if (typeof value === 'number') {
    if (isParsed && isRounded(value)) note(extra, path, 'an integer past 2^53, rounded before capture')
    return value
  }
  const isLong =
    typeof value === 'string' ? value.length > MAX_TEXT : isList(value) && weigh(value, false, 0, 0) > MAX_VALUES
  if (isLong) {
    note(extra, path, 'too long: stored by its shape, type and digest')
    return summaryOf(value as string | ArrayBufferView | unknown[])
  }
  if (depth > MAX_DEPTH) return value
  if (Array.isArray(value)) return value.map((item) => shortened(item, path, isParsed, extra, depth + 1))
  if (!isObject(value) || isForeign(value)) return value
  let copy: Row | undefined
  for (const name of Object.keys(value)) {
    const member = value[name]
    const short = shortened(member, `${path}.${name}`, isParsed, extra, depth + 1)
    if (!Object.is(short, member)) put((copy ??= { ...value }), name, short)
  }
  // What only has notes needs no copy.
  return copy ?? value
}

const isList = (value: unknown): value is unknown[] | ArrayBufferView =>
  Array.isArray(value) || ArrayBuffer.isView(value)

/** Dates, maps and objects with a toJSON of their own: not ours to copy. */
const isForeign = (value: Row): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype !== Object.prototype && prototype !== null) || typeof value['toJSON'] === 'function'
}

/** Under this name the notes that were left out are counted. No path begins so. */
const MORE = 'more'

const note = (extra: Extra, path: string, reason: string): void => {
  const name = keptWords(path, MAX_PATH)
  if (Object.hasOwn(extra, name)) return
  if (Object.keys(extra).length < MAX_NOTES) return put(extra, name, { reason })
  const more = extra[MORE]?.value
  extra[MORE] = {
    value: typeof more === 'number' ? more + 1 : 1,
    reason: 'so many more values are shortened or rounded',
  }
}

const summaryOf = (value: string | ArrayBufferView | unknown[]): Shortened => {
  if (typeof value === 'string') return shortenedText(value)
  if (!Array.isArray(value))
    return {
      shape: [value.byteLength],
      type: 'bytes',
      sha256: sha256(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)),
    }
  const shape = shapeOf(value)
  const numbers = numbersOf(value, shape)
  if (numbers) return { shape, type: 'number', sha256: digestOfNumbers(numbers) }
  return { ...shortenedJson(encode(value)), shape }
}

const shapeOf = (value: unknown): number[] => {
  const shape: number[] = []
  for (let item = value; Array.isArray(item) && shape.length < 32; item = item[0]) shape.push(item.length)
  return shape
}

/** The numbers of a regular array, row-major; undefined for anything else. */
const numbersOf = (value: unknown[], shape: readonly number[]): Float64Array | undefined => {
  // First, as by its first items an irregular array may seem to have far more than it has.
  if (!isRegular(value, shape, 0)) return undefined
  const numbers = new Float64Array(shape.reduce((product, dimension) => product * dimension, 1))
  fill(numbers, value, 0)
  return numbers
}

const isRegular = (value: unknown, shape: readonly number[], depth: number): boolean => {
  if (!Array.isArray(value) || value.length !== shape[depth]) return false
  const isInner = depth === shape.length - 1
  for (let i = 0; i < value.length; i++)
    if (isInner ? typeof value[i] !== 'number' : !isRegular(value[i], shape, depth + 1)) return false
  return true
}

/** Writes the numbers below `value` from `at` on; returns where they end. */
const fill = (numbers: Float64Array, value: readonly unknown[], at: number): number => {
  for (let i = 0; i < value.length; i++) {
    const item = value[i]
    if (typeof item === 'number') numbers[at++] = item
    else at = fill(numbers, item as unknown[], at)
  }
  return at
}

const digestOfNumbers = (numbers: Float64Array): string => {
  const view = new DataView(numbers.buffer)
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1)
    for (let i = 0; i < numbers.length; i++) view.setFloat64(i * 8, numbers[i]!, true)
  return sha256(new Uint8Array(numbers.buffer))
}
