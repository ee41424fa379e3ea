import { randomUUID } from 'node:crypto'
import { rawJSON } from '../node.ts'
import type { Members } from './members.ts'
import { tooDeep } from './too-deep.ts'

/**
 * JSON that loses nothing: `encode` takes any value a handler may reply and never throws; `decode` keeps the digits of
 * integers past 2^53, up to 1,000 as bigint and more as a string. NaN and infinities are strings, as no JSON has them; -0 stays -0.
 */

/** Deeper than this, a value is written as a note of its size and digest: its nesting would overflow the stack of whoever reads it. */
const MAX_DEPTH = 200

/** A sparse array can be longer than any text: it would take minutes to find out. */
const MAX_ITEMS = 1e8

/** Marks keys and integers that were made strings. Nobody outside knows it, so that no string of a body can pass for one. */
const MARK = `${randomUUID()}:`

/** Whether `JSON.stringify` writes a number without loss: x - x is NaN for NaN and the infinities; 1 / x is -Infinity for -0. */
export const isPlainNumber = (value: number): boolean => value - value === 0 && (value !== 0 || 1 / value > 0)

/** Whether `JSON.stringify` writes `value` without loss: nothing but strings, finite numbers, booleans, null, plain arrays and objects. */
const isPlain = (value: unknown, depth = 0): boolean => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return isPlainNumber(value)
    case 'object': {
      if (value === null) return true
      if (depth > MAX_DEPTH) return false
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) {
          const item: unknown = value[i]
          if (typeof item === 'number' ? !isPlainNumber(item) : !isPlain(item, depth + 1)) return false
        }
        return true
      }
      const prototype: unknown = Object.getPrototypeOf(value)
      if ((prototype !== Object.prototype && prototype !== null) || 'toJSON' in value) return false
      for (const key in value) {
        const member = (value as Record<string, unknown>)[key]
        // Numbers, of which there are most, without a call.
        if (typeof member === 'number' ? !isPlainNumber(member) : member !== undefined && !isPlain(member, depth + 1))
          return false
      }
      return true
    }
    default:
      return false
  }
}

const MINUS_ZERO = rawJSON('-0')

/**
 * What `JSON.stringify` is to be given for a value that may not be plain; undefined for what JSON leaves out (functions, symbols).
 * Plain arrays stay as they are. Objects are copied always: it costs no more than finding out whether they need it, and the getters
 * of a copy are not called again.
 * @param above the objects that the value is in
 */
const replace = (value: unknown, above: object[]): unknown => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (isPlainNumber(value)) return value
      return value === 0 ? MINUS_ZERO : String(value)
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : rawJSON(value.toString())
    case 'object':
      return value === null ? null : replaceObject(value, above)
    default:
      return undefined
  }
}

const replaceObject = (value: object, above: object[]): unknown => {
  if (above.includes(value)) return '[circular]'
  if (above.length > MAX_DEPTH) return tooDeep(value)
  above.push(value)
  try {
    if (Buffer.isBuffer(value)) return value.toString('base64')
    if (ArrayBuffer.isView(value) && !(value instanceof DataView))
      return replaceItems(itemsOf(value as NodeJS.TypedArray), above)
    if (value instanceof Date && Number.isNaN(value.getTime())) return null
    if (value instanceof Map) return replaceEntries(value.entries(), above)
    if (value instanceof Set) return replaceItems(mute([...value]), above)
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function')
      return replace((value as { toJSON(): unknown }).toJSON(), above)
    if (Array.isArray(value)) return replaceItems(value, above)
    return replaceMembers(value as Members, above)
  } catch (error) {
    // A proxy or a toJSON of the app's that throws.
    return unreadable(error)
  } finally {
    above.pop()
  }
}

const unreadable = (error: unknown): string => `[unreadable: ${error instanceof Error ? error.message : 'it threw'}]`

/** A toJSON that somebody gave to all objects is not for our copies. */
const mute = <T extends object>(copy: T): T => ('toJSON' in copy ? Object.setPrototypeOf(copy, null) : copy)

/** The array itself where all its items are plain. */
const replaceItems = (value: readonly unknown[], above: object[]): readonly unknown[] => {
  if (value.length > MAX_ITEMS) throw new RangeError('Invalid array length')
  let copy: unknown[] | undefined
  for (let i = 0; i < value.length; i++) {
    const item = value[i]
    if (typeof item === 'number' && isPlainNumber(item)) continue
    const replaced = replace(item, above)
    if (replaced !== item) (copy ??= listOf(value))[i] = replaced
  }
  return copy ?? value
}

/** By index: iterators take ten times as long, and may be the app's. */
const listOf = (value: ArrayLike<unknown>): unknown[] => {
  const list = new Array<unknown>(value.length)
  for (let i = 0; i < list.length; i++) list[i] = value[i]
  return mute(list)
}

const itemsOf = (typed: NodeJS.TypedArray): unknown[] => {
  typed.values() // Throws where the buffer was transferred, to a worker for instance: that is no empty array.
  return listOf(typed)
}

const replaceMembers = (value: Members, above: object[]): Members => {
  const copy = copyOf(value)
  for (const key of Object.keys(copy)) copy[key] = replace(copy[key], above)
  return copy
}

const copyOf = (value: Members): Members => {
  try {
    return mute({ ...value })
  } catch {
    return mute(Object.fromEntries(entriesOf(value)))
  }
}

/** A getter that throws costs its own member alone. */
const entriesOf = (value: Members): [string, unknown][] =>
  Object.keys(value).map((key) => {
    try {
      return [key, value[key]]
    } catch (error) {
      return [key, unreadable(error)]
    }
  })

/** An object's members for a map's. Keys that an object would move (indices), merge or take for its own are marked. */
const replaceEntries = (entries: Iterable<[unknown, unknown]>, above: object[]): Members => {
  const members: Members = {}
  let marks = 0
  for (const [key, member] of entries) {
    const replaced = replace(member, above)
    if (replaced === undefined) continue
    const name = String(key)
    members[name in members || /^\d/.test(name) ? `${MARK}${marks++}:${name}` : name] = replaced
  }
  return mute(members)
}

/** JSON text of any value; never throws, and what JSON has no word for is null or a string in brackets that says what it was. */
export const encode = (value: unknown): string => {
  try {
    if (isPlain(value)) return JSON.stringify(value)
  } catch {
    // A getter that threw: the careful way says which.
  }
  try {
    const text = JSON.stringify(replace(value, []) ?? null)
    return text.includes(MARK) ? text.replaceAll(new RegExp(`${MARK}\\d+:`, 'g'), '') : text
  } catch (error) {
    // A text too long for a string, or an array's proxy that throws the second time.
    return JSON.stringify(unreadable(error))
  }
}

/** Where an integer could be past 2^53: cheap to look for, and seldom there. The digits of a fraction don't count. */
const LONG_DIGITS = /[[,:\s-]\d{16}|^\d{16}/

/** To make numbers of longer ones takes long, and databases refuse them: they stay texts. */
const MAX_DIGITS = 1000

/** Whether a text may hold integers past 2^53. */
const hasLongDigits = (text: string): boolean => LONG_DIGITS.test(text)

/** An integer of 16 digits or more, with what stands before it; strings may hold the like. */
const LONG_INTEGER = /(?:^|[[,:\s])-?[1-9]\d{15,}(?=\s*(?:[\],}]|$))/g

/** Tells, for ascending positions, whether they stand in a string. */
const stringsOf = (text: string) => {
  let quote = text.indexOf('"')
  let inString = false
  return (position: number): boolean => {
    while (quote >= 0 && quote < position) {
      if (!inString || !isEscaped(text, quote)) inString = !inString
      quote = text.indexOf('"', quote + 1)
    }
    return inString
  }
}

const isEscaped = (text: string, at: number): boolean => {
  let backslashes = 0
  while (text[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

/** The text with its integers past 2^53 as marked strings. */
const markIntegers = (text: string): string => {
  const isInString = stringsOf(text)
  let marked = ''
  let end = 0
  for (const { index, 0: match } of text.matchAll(LONG_INTEGER)) {
    const start = index + (/^[-\d]/.test(match) ? 0 : 1)
    const digits = text.slice(start, index + match.length)
    if ((digits.length < 18 && Number.isSafeInteger(Number(digits))) || isInString(start)) continue
    const mark = digits.length > MAX_DIGITS ? '' : MARK
    marked += `${text.slice(end, start)}"${mark}${digits}"`
    end = index + match.length
  }
  return end === 0 ? text : marked + text.slice(end)
}

/** Puts bigint where marked strings are, in place: the value is ours. */
const unmark = (value: unknown): unknown => {
  if (typeof value === 'string') return value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isNumber(value[i])) value[i] = unmark(value[i])
    return value
  }
  const members = value as Record<string, unknown>
  for (const key in members) if (!isNumber(members[key])) members[key] = unmark(members[key])
  return members
}

const isNumber = (value: unknown): value is number => typeof value === 'number'

/**
 * Parses JSON text; integers past 2^53 are bigint with all their digits, or strings of more than 1,000. Not by `JSON.parse`'s reviver: with it, every value of the
 * text costs ten times as much.
 * @throws SyntaxError where `JSON.parse` does
 */
export const decode = (text: string): unknown => {
  const marked = hasLongDigits(text) ? markIntegers(text) : text
  if (marked === text) return JSON.parse(text)
  try {
    return unmark(JSON.parse(marked))
  } catch (error) {
    // The message is to be about the text as it came.
    if (error instanceof SyntaxError) return JSON.parse(text)
    throw error
  }
}
