import { isAscii } from 'node:buffer'
import { canRepeat, fitted, MAX_VALUES } from './rows.ts'
import { BLANK, CLOSE_ARRAY, CLOSE_OBJECT, COMMA, OPEN_ARRAY } from './scan.ts'

/** Cuts texts out of bytes of UTF-8: from one string where that is possible, as a part of it is no copy. */
export const cutter = (bytes: Buffer): ((start: number, end: number) => string) => {
  if (!isAscii(bytes)) return (start, end) => bytes.toString('utf8', start, end)
  const text = bytes.toString('latin1')
  return (start, end) => text.slice(start, end)
}

/** What stands before each value of a row, in one piece: `{"f0":`, `,"f1":`, … The i-th ends at `ends[i]`. */
const headsOf = (names: readonly string[]): { heads: Buffer; ends: number[] } => {
  const parts = names.map((name, i) => Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`))
  let end = 0
  return { heads: Buffer.concat(parts), ends: parts.map((part) => (end += part.length)) }
}

/**
 * Rows of values as JSON text, each an object with a name before each value.
 *
 * @param bytes arrays or a list of numbers, booleans and null, as JSON: rows of `width` values, with commas, blanks and brackets
 * @returns undefined where a name stands for two values, or the names would take too much room
 */
export const nameValues = (bytes: Uint8Array, rows: number, width: number, names: readonly string[]) => {
  if (width > MAX_VALUES) return undefined
  const all = fitted(names, width)
  const { heads, ends } = headsOf(all)
  if (new Set(all).size !== width || !canRepeat(heads.length, rows)) return undefined
  const out = Buffer.allocUnsafe(bytes.length + (heads.length + 1) * rows)
  const bounds = writeRows(bytes, heads, ends, out)
  const cutOut = cutter(out.subarray(0, bounds[rows]))
  return Array.from({ length: rows }, (_, i) => cutOut(bounds[i]!, bounds[i + 1]!))
}

/** Writes the rows to `out`; returns where each begins, and where the last ends. */
const writeRows = (bytes: Uint8Array, heads: Uint8Array, ends: readonly number[], out: Uint8Array): number[] => {
  const width = ends.length
  const bounds = [0]
  let to = 0
  let head = 0
  let column = 0
  // Loops, as names are so short that `Buffer.copy` would take longer.
  for (const end = ends[0]!; head < end; head++) out[to++] = heads[head]!
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === COMMA) {
      if (++column === width) {
        out[to++] = CLOSE_OBJECT
        bounds.push(to)
        column = 0
        head = 0
      }
      for (const end = ends[column]!; head < end; head++) out[to++] = heads[head]!
    } else if (byte > BLANK && byte !== OPEN_ARRAY && byte !== CLOSE_ARRAY) out[to++] = byte
  }
  out[to++] = CLOSE_OBJECT
  bounds.push(to)
  return bounds
}
