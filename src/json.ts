/**
 * JSON that loses nothing: `encode` takes any value a handler may reply and never throws; `decode` keeps the digits of
 * integers past 2^53 as bigint. NaN and infinities are strings, as no JSON has them; -0 stays -0.
 */

/** Deeper than this, a value is written as a note: its nesting would overflow the stack of whoever reads it. */
const MAX_DEPTH = 200

/** Whether `JSON.stringify` writes `value` without loss: nothing but strings, finite numbers, booleans, null, plain arrays and objects. */
const isPlain = (value: unknown, depth: number): boolean => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      // x - x is NaN for NaN and the infinities; 1 / x is -Infinity for -0.
      return value - value === 0 && (value !== 0 || 1 / value > 0)
    case 'object': {
      if (value === null) return true
      if (depth > MAX_DEPTH) return false
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) if (!isPlain(value[i], depth + 1)) return false
        return true
      }
      const prototype: unknown = Object.getPrototypeOf(value)
      if ((prototype !== Object.prototype && prototype !== null) || 'toJSON' in value) return false
      for (const key in value) {
        const member = (value as Record<string, unknown>)[key]
        if (member !== undefined && !isPlain(member, depth + 1)) return false
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

/** Digits enough that a number could be an integer past 2^53. Cheap to look for, and seldom there. */
const LONG_DIGITS = /\d{16}/
const INTEGER = /^-?\d+$/

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

const keepDigits: Reviver = (_key, value, context) =>
  typeof value === 'number' &&
  !Number.isSafeInteger(value) &&
  context.source !== undefined &&
  INTEGER.test(context.source)
    ? BigInt(context.source)
    : value

/**
 * Parses JSON text; integers past 2^53 are bigint with all their digits.
 * @throws SyntaxError where `JSON.parse` does
 */
export const decode = (text: string): unknown =>
  // TypeScript's library has no reviver context yet (ES2026, in Node.js since 21).
  LONG_DIGITS.test(text) ? JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown) : JSON.parse(text)
