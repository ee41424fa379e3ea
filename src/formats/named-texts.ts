import { isAscii } from 'node:buffer'
import { MAX_VALUES } from './limits.ts'
import { canRepeat, fitted } from './rows.ts'
import { BLANK, CLOSE_OBJECT, COMMA } from './json-tokens.ts'

/** Cuts texts out of bytes of UTF-8: from one string where that is possible, as a part of it is no copy. */
export const cutter = (bytes: Buffer): ((start: number, end: number) => string) => {
  if (!isAscii(bytes)) return (start, end) => bytes.toString('utf8', start, end)
  const text = bytes.toString('latin1')
  return (start, end) => text.slice(start, end)
}

/** Texts of a batch's instances, cut out of its body. */
export interface CutTexts {
  readonly count: number
  /** Those from one to before another. */
  texts(from: number, to: number): string[]
}

/** What stands before each value of a row, in one piece: `{"f0":`, `,"f1":`, … The i-th ends at `ends[i]`. */
const headsOf = (names: readonly string[]): { heads: Buffer; ends: number[] } => {
  const parts = names.map((name, i) => Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`))
  let end = 0
  return { heads: Buffer.concat(parts), ends: parts.map((part) => (end += part.length)) }
}

/** Where rows of values stand in a body: with commas, blanks and brackets between the values, but no strings. */
export interface ValueRows {
  readonly count: number
  readonly width: number
  startOf(row: number): number
  endOf(row: number): number
}

/**
 * Rows of values as JSON text, each an object with a name before each value; undefined where the names would take too much room.
 */
export const nameValues = (bytes: Buffer, rows: ValueRows, names: readonly string[]): CutTexts | undefined => {
  const { count, width } = rows
  if (width > MAX_VALUES) return undefined
  const { heads, ends } = headsOf(fitted(names, width))
  if (!canRepeat(heads.length, count)) return undefined
  const texts = (from: number, to: number): string[] => {
    if (from === to) return []
    const size = rows.endOf(to - 1) - rows.startOf(from)
    const out = Buffer.allocUnsafe(size + (heads.length + 1) * (to - from))
    const bounds = [0]
    for (let i = from; i < to; i++)
      bounds.push(writeRow(bytes, rows.startOf(i), rows.endOf(i), heads, ends, out, bounds.at(-1)!))
    const cutOut = cutter(out.subarray(0, bounds.at(-1)))
    return bounds.slice(1).map((end, i) => cutOut(bounds[i]!, end))
  }
  return { count, texts }
}

/**
 * Writes one row to `out`; returns where it ends. A function of its own, as V8 makes a loop over the whole body anew for each body.
 * Names are so short that `Buffer.copy` would take longer.
 */
const writeRow = (
  bytes: Buffer,
  start: number,
  end: number,
  heads: Buffer,
  ends: readonly number[],
  out: Buffer,
  to: number,
): number => {
  let head = 0
  let column = 0
  for (const first = ends[0]!; head < first; head++) out[to++] = heads[head]!
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte === COMMA) for (const next = ends[++column]!; head < next; head++) out[to++] = heads[head]!
    else if (byte > BLANK) out[to++] = byte
  }
  out[to] = CLOSE_OBJECT
  return to + 1
}
