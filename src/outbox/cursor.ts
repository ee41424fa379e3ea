import { closeSync, constants, fchmodSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { FILE_MODE, isMissing, isPassing } from './files.ts'
import { decodeLine, encodeLines } from './line.ts'

/** A place in a log: a segment, and bytes from its start. */
export interface Position {
  readonly segment: number
  readonly offset: number
}

/** Before everything. */
export const START: Position = { segment: 0, offset: 0 }

/** What a cursor's text is filled up to, so that every one is written over the last as a whole. */
const TEXT_LENGTH = 64

const cursorFile = (log: string) => join(log, 'cursor')

/**
 * The cursor of a log: `undefined` when there is none yet, `'damaged'` when it can't be read.
 * @throws when it can't be read now
 */
export const readCursor = (log: string): Position | 'damaged' | undefined => {
  let bytes: Buffer
  try {
    bytes = readFileSync(cursorFile(log))
  } catch (error) {
    if (isPassing(error)) throw error
    return isMissing(error) ? undefined : 'damaged'
  }
  const text = decodeLine(bytes, 0, bytes.length - 1)
  return text === undefined ? 'damaged' : (JSON.parse(text) as Position)
}

export interface CursorFile {
  /** @throws when the disk refuses */
  write(position: Position): void
  close(): void
}

/**
 * One line, as a record's, overwritten in place: a `write` of less than a sector happens whole or not at all, also under `kill -9`;
 * it takes two microseconds where a new file and a rename take fifty, and needs no room on a full disk. So it is exact after
 * every commit, and only a batch that was being written comes again.
 */
export const openCursor = (log: string): CursorFile => {
  let fd: number | undefined
  return {
    write(position) {
      const { buffer, bytes } = encodeLines([JSON.stringify(position).padEnd(TEXT_LENGTH)])
      if (fd === undefined) {
        fd = openSync(cursorFile(log), constants.O_RDWR | constants.O_CREAT, FILE_MODE)
        fchmodSync(fd, FILE_MODE)
        // Noise behind the line would make it unreadable.
        ftruncateSync(fd, bytes)
      }
      writeSync(fd, buffer, 0, bytes, 0)
    },
    close() {
      const open = fd
      fd = undefined
      if (open !== undefined) closeSync(open)
    },
  }
}
