import { open, type FileHandle } from 'node:fs/promises'
import { recordFromJson } from '../records/record.ts'
import { readCursor, START, type Position } from './cursor.ts'
import { fileNames, isPassing, segmentFile, segmentNumber } from './files.ts'
import { countNewlines, decodeLines, isTornLine } from './line.ts'

/** One record as it stands in a log. */
export interface Entry {
  readonly text: string
  readonly segment: number
  /** Where its line ends, in bytes from the segment's start. */
  readonly end: number
  /** Bytes of its line. */
  readonly bytes: number
}

/** One file of a log. */
export interface Segment {
  readonly number: number
  /** Bytes in it; grows while it is appended to. */
  bytes: number
  /** Records in it that are not loaded yet, damaged ones too. */
  unread: number
  /** Its records when the disk did not take them: there is no file then. */
  memory?: Entry[] | undefined
}

/** How much is read at once: about a thousand records, parsed in half a millisecond. */
export const CHUNK_BYTES = 256 * 1024

/** When a record was captured, in milliseconds since the epoch; undefined: it doesn't say. */
export const timeOf = (text: string): number | undefined => {
  try {
    const time = Date.parse(recordFromJson(text).timestamp)
    return Number.isNaN(time) ? undefined : time
  } catch {
    return undefined
  }
}

export interface Chunk {
  readonly entries: readonly Entry[]
  /** What can't be read, as it stands there. */
  readonly damaged: readonly Buffer[]
  /** Bytes of a line that was cut off at the end. */
  readonly torn: number
  /** Where the next chunk starts. */
  readonly end: number
}

/** One buffer is kept for the next read: a new one each time would be garbage outside of the heap, which is collected late. */
let spare: Buffer | undefined

const withSpace = async <T>(size: number, use: (space: Buffer) => Promise<T>): Promise<T> => {
  const space = size <= CHUNK_BYTES ? (spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)) : Buffer.allocUnsafeSlow(size)
  spare = undefined
  try {
    return await use(space)
  } finally {
    if (space.length === CHUNK_BYTES) spare = space
  }
}

/** Reads whole lines from `from`: as many as a chunk holds, or one that is longer. `to` is the segment's end. */
export const readChunk = async (file: FileHandle, segment: number, from: number, to: number): Promise<Chunk> => {
  for (let size = CHUNK_BYTES; ; size *= 2) {
    const wanted = Math.min(size, to - from)
    const chunk = await withSpace(wanted, (space) => readInto(space, wanted, file, segment, from, to))
    if (chunk) return chunk
  }
}

/** undefined: not even one line ends in it. */
const readInto = async (
  space: Buffer,
  wanted: number,
  file: FileHandle,
  segment: number,
  from: number,
  to: number,
): Promise<Chunk | undefined> => {
  const { bytesRead } = await file.read(space, 0, wanted, from)
  const bytes = space.subarray(0, bytesRead)
  const entries: Entry[] = []
  const damaged: Buffer[] = []
  const rest = decodeLines(bytes, (text, start, end) => {
    if (text === undefined) damaged.push(Buffer.from(bytes.subarray(start, end)))
    else entries.push({ text, segment, end: from + end, bytes: end - start })
  })
  if (bytesRead === wanted && from + bytesRead < to)
    return rest === 0 ? undefined : { entries, damaged, torn: 0, end: from + rest }
  const tail = bytes.subarray(rest)
  const torn = isTornLine(tail) ? tail.length : 0
  if (torn < tail.length) damaged.push(Buffer.from(tail))
  return { entries, damaged, torn, end: to }
}

/** What stands in a log that was found. */
export interface FoundLog {
  readonly cursor: Position
  readonly cursorDamaged: boolean
  /** Those that are not past the cursor, in order. */
  readonly segments: Segment[]
  /** Numbers of those past the cursor. */
  readonly past: readonly number[]
  /** The first record's time. */
  readonly oldest: number | undefined
}

/** Counts a segment's lines from an offset on. */
const countSegment = async (path: string, from: number) => {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    let lines = 0
    let at = from
    let first: string | undefined
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return { bytes: Math.max(at, from), lines, first }
      const bytes = buffer.subarray(0, bytesRead)
      if (first === undefined) decodeLines(bytes.subarray(0, 64 * 1024), (text) => (first ??= text))
      lines += countNewlines(bytes)
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}

/**
 * Looks through a log: how much of it is left, without judging its lines. Changes nothing. Rejects when reading is not possible now.
 */
export const scanLog = async (log: string): Promise<FoundLog> => {
  const read = readCursor(log)
  const cursor = read === undefined || read === 'damaged' ? START : read
  const segments: Segment[] = []
  const past: number[] = []
  let oldest: number | undefined
  for (const name of await fileNames(log)) {
    const number = segmentNumber(name)
    if (number === undefined) continue
    if (number < cursor.segment) {
      past.push(number)
      continue
    }
    const from = number === cursor.segment ? cursor.offset : 0
    try {
      const { bytes, lines, first } = await countSegment(segmentFile(log, number), from)
      segments.push({ number, bytes, unread: lines })
      if (first !== undefined) oldest ??= timeOf(first)
    } catch (error) {
      // Its records would be counted as lost, though they can be read later.
      if (isPassing(error)) throw error
      // Removed meanwhile, or unreadable: its reader will find out which, and say so.
      segments.push({ number, bytes: from + 1, unread: 0 })
    }
  }
  return { cursor, cursorDamaged: read === 'damaged', segments, past, oldest }
}
