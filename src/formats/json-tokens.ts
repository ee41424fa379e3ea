import { MAX_TEXT } from '../records/cut.ts'

/**
 * Finds where JSON's tokens end in bytes of UTF-8. Strict, as what is cut out by it is never parsed: each function returns the
 * position behind its token, or -1 where there is none. Also -1 for what is to be looked at more closely, as it would not be stored
 * as it came: strings that are too long, and numbers that may be past a double's range. Plain loops over bytes: a tenth of the cost
 * of `JSON.parse` and `JSON.stringify`.
 */
const NONE = -1

export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN_ARRAY = 0x5b
export const CLOSE_ARRAY = 0x5d
export const OPEN_OBJECT = 0x7b
export const CLOSE_OBJECT = 0x7d
export const BLANK = 0x20
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const ZERO = 0x30
const SMALL_E = 0x65
const SMALL_U = 0x75
export const BACKSLASH = 0x5c

/** Of these many digits, and an exponent of two, every number is finite. */
const MAX_NUMBER = 48

const words = ['true', 'false', 'null'].map((word) => Buffer.from(word))
const escaped = new Set(Buffer.from('"\\/bfnrt'))

/** Skips what may stand between tokens. */
export const skipSpace = (bytes: Uint8Array, at: number): number => {
  for (let byte = bytes[at]; byte === BLANK || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[at]) at++
  return at
}

/** Skips blanks alone: a record is one line. */
export const skipBlanks = (bytes: Uint8Array, at: number): number => {
  while (bytes[at] === BLANK) at++
  return at
}

export const startsWith = (bytes: Uint8Array, at: number, part: Uint8Array): boolean => {
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false
  return true
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= 0x39

const isHex = (byte: number | undefined): boolean =>
  isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)

const endOfDigits = (bytes: Uint8Array, at: number): number => {
  if (!isDigit(bytes[at])) return NONE
  do at++
  while (isDigit(bytes[at]))
  return at
}

/** Past the two digits of an exponent only where it makes the number smaller. */
const endOfExponent = (bytes: Uint8Array, at: number): number => {
  const sign = bytes[at]
  const start = sign === MINUS || sign === PLUS ? at + 1 : at
  const end = endOfDigits(bytes, start)
  return sign === MINUS || end - start <= 2 ? end : NONE
}

const endOfNumber = (bytes: Uint8Array, start: number): number => {
  let at = bytes[start] === MINUS ? start + 1 : start
  at = bytes[at] === ZERO ? at + 1 : endOfDigits(bytes, at)
  if (at !== NONE && bytes[at] === POINT) at = endOfDigits(bytes, at + 1)
  if (at !== NONE && (bytes[at]! | 0x20) === SMALL_E) at = endOfExponent(bytes, at + 1)
  return at - start > MAX_NUMBER ? NONE : at
}

const endOfEscape = (bytes: Uint8Array, at: number): number => {
  if (escaped.has(bytes[at]!)) return at + 1
  if (bytes[at] !== SMALL_U) return NONE
  for (let i = 1; i <= 4; i++) if (!isHex(bytes[at + i])) return NONE
  return at + 5
}

/** @param start behind the opening quote */
export const endOfString = (bytes: Uint8Array, start: number): number => {
  for (let at = start; at !== NONE && at < start + MAX_TEXT;) {
    const byte = bytes[at]!
    if (byte === QUOTE) return at + 1
    // Also past the end, where there is no byte.
    if (!(byte >= BLANK)) return NONE
    at = byte === BACKSLASH ? endOfEscape(bytes, at + 1) : at + 1
  }
  return NONE
}

/** The end of a number, or of `true`, `false` or `null`. */
export const endOfScalar = (bytes: Uint8Array, at: number): number => {
  const byte = bytes[at]!
  if (byte < 0x61) return endOfNumber(bytes, at)
  for (const word of words) if (startsWith(bytes, at, word)) return at + word.length
  return NONE
}
