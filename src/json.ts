import { randomUUID } from 'node:crypto'

/**
 * JSON that loses nothing: `encode` takes any value a handler may reply and never throws; `decode` keeps the digits of
 * integers past 2^53 as bigint. NaN and infinities are strings, as no JSON has them; -0 stays -0.
 */

/** Deeper than this, a value is written as a note: its nesting would overflow the stack of whoever reads it. */
const MAX_DEPTH = 200

/** Whether `JSON.stringify` writes a number without loss: x - x is NaN for NaN and the infinities; 1 / x is -Infinity for -0. */
const isPlainNumber = (value: number): boolean => value - value === 0 && (value !== 0 || 1 / value > 0)

/** Whether `JSON.stringify` writes `value` without loss: nothing but strings, finite numbers, booleans, null, plain arrays and objects. */
const isPlain = (value: unknown, depth: number): boolean => {
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

const number = (value: number): string => {
  if (value - value !== 0) return `"${value}"`
  return Object.is(value, -0) ? '-0' : String(value)
}

/** The text of a value that is not plain; undefined for what JSON leaves out (functions, symbols, undefined). */
const write = (value: unknown, depth: number, above: Set<object>): string | undefined => {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return number(value)
    case 'boolean':
      return String(value)
    case 'bigint':
      return value.toString()
    case 'object':
      return value === null ? 'null' : writeObject(value, depth, above)
    default:
      return undefined
  }
}

const writeObject = (value: object, depth: number, above: Set<object>): string | undefined => {
  if (above.has(value)) return '"[circular]"'
  if (depth > MAX_DEPTH) return '"[nested too deep]"'
  above.add(value)
  try {
    if (Buffer.isBuffer(value)) return JSON.stringify(value.toString('base64'))
    if (ArrayBuffer.isView(value) && !(value instanceof DataView))
      return writeArray(Array.from(value as unknown as ArrayLike<unknown>), depth, above)
    if (value instanceof Date && Number.isNaN(value.getTime())) return 'null'
    if (value instanceof Map) return writeMembers(value.entries(), depth, above)
    if (value instanceof Set) return writeArray([...value], depth, above)
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function')
      return write((value as { toJSON(): unknown }).toJSON(), depth + 1, above)
    if (Array.isArray(value)) return writeArray(value, depth, above)
    return writeMembers(entriesOf(value as Record<string, unknown>), depth, above)
  } catch (error) {
    // A proxy or a toJSON of the app's that throws.
    return JSON.stringify(unreadable(error))
  } finally {
    above.delete(value)
  }
}

const unreadable = (error: unknown): string => `[unreadable: ${error instanceof Error ? error.message : 'it threw'}]`

/** A getter that throws costs its own member alone. */
const entriesOf = (value: Record<string, unknown>): [string, unknown][] =>
  Object.keys(value).map((key) => {
    try {
      return [key, value[key]]
    } catch (error) {
      return [key, unreadable(error)]
    }
  })

const writeArray = (value: readonly unknown[], depth: number, above: Set<object>): string => {
  const items: string[] = []
  for (let i = 0; i < value.length; i++) items.push(write(value[i], depth + 1, above) ?? 'null')
  return `[${items.join(',')}]`
}

const writeMembers = (entries: Iterable<[unknown, unknown]>, depth: number, above: Set<object>): string => {
  const members: string[] = []
  for (const [key, member] of entries) {
    const text = write(member, depth + 1, above)
    if (text !== undefined) members.push(`${JSON.stringify(String(key))}:${text}`)
  }
  return `{${members.join(',')}}`
}

/** JSON text of any value; never throws, and what JSON has no word for is null or a string in brackets that says what it was. */
export const encode = (value: unknown): string => {
  try {
    if (isPlain(value, 0)) return JSON.stringify(value)
  } catch {
    // A getter that threw: the careful way says which.
  }
  return write(value, 0, new Set()) ?? 'null'
}

/** Where an integer could be past 2^53: cheap to look for, and seldom there. The digits of a fraction don't count. */
const LONG_DIGITS = /[[,:\s-]\d{16}|^\d{16}/

/** An integer of 16 digits or more, with what stands before it; strings may hold the like. */
const LONG_INTEGER = /(?:^|[[,:\s])-?[1-9]\d{15,}(?=\s*(?:[\],}]|$))/g

/** Marks integers that were made strings. Nobody outside knows it, so that no string of a body can pass for one. */
const MARK = `${randomUUID()}:`

/** Tells, for ascending positions, whether they stand in a string. */
const stringsOf = (text: string) => {
  let at = 0
  let inString = false
  return (position: number): boolean => {
    for (let quote = text.indexOf('"', at); quote >= 0 && quote < position; quote = text.indexOf('"', at)) {
      if (!inString || !isEscaped(text, quote)) inString = !inString
      at = quote + 1
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
    if (Number.isSafeInteger(Number(digits)) || isInString(start)) continue
    marked += `${text.slice(end, start)}"${MARK}${digits}"`
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
 * Parses JSON text; integers past 2^53 are bigint with all their digits. Not by `JSON.parse`'s reviver: with it, every value of the
 * text costs ten times as much.
 * @throws SyntaxError where `JSON.parse` does
 */
export const decode = (text: string): unknown => {
  const marked = LONG_DIGITS.test(text) ? markIntegers(text) : text
  if (marked === text) return JSON.parse(text)
  try {
    return unmark(JSON.parse(marked))
  } catch (error) {
    // The message is to be about the text as it came.
    if (error instanceof SyntaxError) return JSON.parse(text)
    throw error
  }
}
