import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { finish, type Steps } from '../steps/time-slices.ts'

/** In bytes: so much of one request's files is read while it waits; the rest in steps. A digest takes a millisecond per megabyte, or more. */
const MAX_AT_ONCE = 64 * 1024
/** In bytes: so much is read in one step. */
const STEP = 64 * 1024
/** In bytes: larger files have no digest. */
const MAX_FILE = 64 * 1024 * 1024
/** So many files of one request are open at once, at most. */
const MAX_OPEN = 64

/** The bytes of a file, as they were when its request came by. */
interface Source {
  readonly size: number
  read(from: number, to: number): Uint8Array
  close(): void
}

/** Where its digest goes. */
export interface Digest {
  /** The file is in memory, or on disk at a path that the app's own parser has chosen. */
  readonly from: Buffer | string
  /** @param size in bytes */
  tell(sha256: string, size: number): void
  /** There is none. */
  fail(reason: string): void
}

/** Of requests whose end never came: what was opened for them is closed when they are forgotten. */
const forgotten = new FinalizationRegistry<number>((fd) => closeSync(fd))

/** Opened at once: a handler may remove it. Whatever it is that stands there, opening it waits for nothing. */
const openFile = (path: string): Source => {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  const stat = fstatSync(fd)
  const buffer = Buffer.allocUnsafe(Math.min(STEP, stat.size))
  const source: Source = {
    size: stat.isFile() ? stat.size : NaN,
    read: (from, to) => buffer.subarray(0, readSync(fd, buffer, 0, to - from, from)),
    close() {
      forgotten.unregister(source)
      closeSync(fd)
    },
  }
  forgotten.register(source, fd, source)
  return source
}

const ofMemory = (bytes: Buffer): Source => ({
  size: bytes.length,
  read: (from, to) => bytes.subarray(from, to),
  close() {},
})

const digestOfFile = function* (source: Source): Steps<string> {
  const hash = createHash('sha256')
  try {
    for (let from = 0; from < source.size; from += STEP) {
      if (from > 0) yield
      hash.update(source.read(from, Math.min(from + STEP, source.size)))
    }
    return hash.digest('hex')
  } finally {
    source.close()
  }
}

/** A system's error names the path as well: that is nobody's business. */
const reasonOf = (error: unknown): string => `no digest: ${(error as NodeJS.ErrnoException).code ?? 'it can’t be read'}`

interface Pending extends Digest {
  readonly source: Source
}

/** Digests of the files of one request. */
export interface FileDigests {
  /** Some are to be made yet. */
  readonly isLate: boolean
  /** Small ones are made at once. */
  add(digest: Digest): void
  steps(): Steps
  /** Nobody wants those that are left. */
  drop(): void
}

export const createFileDigests = (): FileDigests => {
  const pending: Pending[] = []
  let room = MAX_AT_ONCE

  const open = ({ from }: Digest): Source => {
    if (typeof from !== 'string') return ofMemory(from)
    if (pending.length >= MAX_OPEN) throw Object.assign(new Error(), { code: `more than ${MAX_OPEN} files` })
    return openFile(from)
  }

  const run = function* (digest: Digest, source: Source): Steps {
    try {
      digest.tell(yield* digestOfFile(source), source.size)
    } catch (error) {
      digest.fail(reasonOf(error))
    }
  }

  const addSource = (digest: Digest, source: Source): void => {
    if (!(source.size <= MAX_FILE)) {
      source.close()
      return digest.fail(source.size > MAX_FILE ? 'no digest: larger than 64 MiB' : 'no digest: it is no file')
    }
    if (source.size > room) {
      // A handler may change what is in memory.
      const kept = typeof digest.from === 'string' ? source : ofMemory(Buffer.from(digest.from))
      pending.push({ ...digest, source: kept })
      return
    }
    room -= source.size
    finish(run(digest, source))
  }

  return {
    get isLate() {
      return pending.length > 0
    },
    add(digest) {
      try {
        addSource(digest, open(digest))
      } catch (error) {
        digest.fail(reasonOf(error))
      }
    },
    *steps() {
      for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
        yield* run(next, next.source)
        yield
      }
    },
    drop() {
      for (const { source } of pending.splice(0)) source.close()
    },
  }
}
