import { crc32 } from '../node.ts'

/**
 * How a record stands in a segment: its CRC-32 in eight hexadecimal digits, a space, its JSON text in UTF-8, a newline.
 * `cut -c10-` gives the JSON of every record.
 */

/** Bytes of the checksum and the space before the text. */
const PREFIX = 9
/** Bytes of a line beside its text: the prefix and the newline. */
const OVERHEAD = PREFIX + 1
const NEWLINE = 10
const SPACE = 32
const HEX = Buffer.from('0123456789abcdef')

/** Larger than most requests' records; a larger one gets a buffer of its own, so that it is not kept. */
const SCRATCH_BYTES = 256 * 1024
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

const writeChecksum = (buffer: Buffer, at: number, checksum: number) => {
  for (let digit = 7, rest = checksum; digit >= 0; digit--, rest >>>= 4) buffer[at + digit] = HEX[rest & 15]!
  buffer[at + 8] = SPACE
}

export interface EncodedLines {
  /** Shared: valid until the next call. */
  readonly buffer: Buffer
  readonly bytes: number
  /** Bytes of each line. */
  readonly sizes: readonly number[]
}

/** Writes texts as lines, into a buffer that the next call uses again. */
export const encodeLines = (texts: readonly string[]): EncodedLines => {
  let most = 0
  // A UTF-16 unit is at most three bytes in UTF-8.
  for (const text of texts) most += text.length * 3 + OVERHEAD
  const buffer = most <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(most)
  const sizes: number[] = []
  let at = 0
  for (const text of texts) {
    const start = at + PREFIX
    const end = start + buffer.write(text, start)
    // A plain view: `subarray` costs as much as the checksum.
    writeChecksum(buffer, at, crc32(new Uint8Array(buffer.buffer, buffer.byteOffset + start, end - start)))
    buffer[end] = NEWLINE
    sizes.push(end + 1 - at)
    at = end + 1
  }
  return { buffer, bytes: at, sizes }
}

const hexValue = (byte: number): number => {
  if (byte >= 48 && byte <= 57) return byte - 48
  if (byte >= 97 && byte <= 102) return byte - 87
  return -1
}

/** The text of the line that stands from `start` to its newline at `end`; undefined: its checksum is wrong. */
export const decodeLine = (buffer: Buffer, start: number, end: number): string | undefined => {
  if (end - start <= PREFIX || buffer[start + 8] !== SPACE) return undefined
  let checksum = 0
  for (let i = start; i < start + 8; i++) {
    const digit = hexValue(buffer[i]!)
    if (digit < 0) return undefined
    checksum = checksum * 16 + digit
  }
  if (crc32(buffer.subarray(start + PREFIX, end)) !== checksum) return undefined
  return buffer.toString('utf8', start + PREFIX, end)
}

const TORN = /^[0-9a-f]{0,8}$|^[0-9a-f]{8} ($|\{)/

/**
 * Whether bytes without a newline at a segment's end are the start of a line, whose write was cut off (or blocks that a
 * power cut left zero): then no response went with them, and nothing is lost by cutting them.
 */
export const isTornLine = (tail: Buffer): boolean =>
  TORN.test(tail.toString('latin1', 0, PREFIX + 1)) || tail.every((byte) => byte === 0)

/** How many places of a damaged line are tried as the start of a whole one. */
const MAX_TRIES = 64

/** Where a whole line starts within a damaged one: that of the next record, when noise took the newline between them. */
const findLine = (buffer: Buffer, start: number, end: number): number | undefined => {
  let tries = 0
  for (let at = buffer.indexOf(' {', start + PREFIX); at >= 0 && at < end; at = buffer.indexOf(' {', at + 1)) {
    const prefix = at - PREFIX + 1
    if (prefix <= start || hexValue(buffer[prefix]!) < 0 || hexValue(buffer[at - 1]!) < 0) continue
    if (decodeLine(buffer, prefix, end) !== undefined) return prefix
    if (++tries === MAX_TRIES) return undefined
  }
  return undefined
}

/** Calls `onLine` for each whole line in `buffer`, with its text or undefined, and gives where the rest starts. */
export const decodeLines = (
  buffer: Buffer,
  onLine: (text: string | undefined, start: number, end: number) => void,
): number => {
  let start = 0
  for (let end = buffer.indexOf(NEWLINE); end >= 0; end = buffer.indexOf(NEWLINE, start)) {
    let text = decodeLine(buffer, start, end)
    if (text === undefined) {
      const whole = findLine(buffer, start, end)
      if (whole !== undefined) {
        onLine(undefined, start, whole)
        start = whole
        text = decodeLine(buffer, start, end)
      }
    }
    onLine(text, start, end + 1)
    start = end + 1
  }
  return start
}

/** How many lines end in `buffer`. */
export const countNewlines = (buffer: Buffer): number => {
  let count = 0
  for (let at = buffer.indexOf(NEWLINE); at >= 0; at = buffer.indexOf(NEWLINE, at + 1)) count++
  return count
}
