import {
  closeSync,
  fchmodSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../errors/errors.ts'
import { monotonicMs } from '../steps/real-timers.ts'
import type { Warn } from './damage.ts'
import { FILE_MODE, isMissing, segmentFile, syncFolder } from './files.ts'
import { encodeLines, type EncodedLines } from './line.ts'
import type { OutboxLog } from './log.ts'
import type { Segment } from './segment.ts'

/**
 * The appending side of a process's own log. Each request's lines are one `write` to the operating system; from then on they
 * outlive the process. When the disk refuses, they are kept in memory as long as there is room, and go to the disk once it takes them.
 */
export interface LogWriter {
  /** false: neither the disk nor the memory has room. Never throws. */
  append(texts: readonly string[], lines: EncodedLines): boolean
  /** Records that are only in memory. */
  readonly unsafe: number
  /** Whether neither disk nor memory would take so many bytes now. */
  refuses(bytes: number): boolean
  /** Resolves when all that was appended is on the disk; one `fsync` for all who wait. Rejects when the disk refuses. */
  flush(): Promise<void>
  /** Twice a second: brings to the disk what is not there yet, and looks whether the segment is still there. */
  upkeep(): Promise<void>
  close(): Promise<void>
}

export interface LogWriterOptions {
  readonly log: OutboxLog
  readonly segmentBytes: number
  /** How much is kept in memory while the disk refuses. */
  readonly memoryBytes: number
  /** Makes the log's folder again when it is gone. */
  makeFolder(): void
  readonly warn: Warn
}

interface OpenSegment {
  readonly fd: number
  readonly inode: number
  readonly segment: Segment
}

/** Segments in memory are small, so that what is delivered makes room. */
const MEMORY_SEGMENT_BYTES = 1024 * 1024
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5000

const dataSync = promisify(fdatasync)

const writeAll = (fd: number, { buffer, bytes }: EncodedLines) => {
  for (let done = 0; done < bytes;) done += writeSync(fd, buffer, done, bytes - done)
}

export const openWriter = ({ log, segmentBytes, memoryBytes, makeFolder, warn }: LogWriterOptions): LogWriter => {
  let lastNumber = 0
  let current: OpenSegment | undefined
  let memory: Segment | undefined
  /** Complete, to be synced and closed. */
  let retired: OpenSegment[] = []
  let dirty = false
  let folderDirty = false
  /** Set while the disk refuses. The monotonic clock: setting the time back must not stop the retries. */
  let refusal: { error: unknown; retryAt: number; delay: number } | undefined

  const openFile = (path: string) => {
    try {
      return openSync(path, 'ax', FILE_MODE)
    } catch (error) {
      if (!isMissing(error)) throw error
      makeFolder()
      return openSync(path, 'ax', FILE_MODE)
    }
  }

  const begin = (): OpenSegment => {
    const number = ++lastNumber
    const fd = openFile(segmentFile(log.directory, number))
    fchmodSync(fd, FILE_MODE)
    const { ino: inode } = fstatSync(fd)
    folderDirty = true
    memory = undefined
    return { fd, inode, segment: log.begin(number, 'disk') }
  }

  /** The next append begins a new segment. */
  const retire = () => {
    if (current) retired.push(current)
    current = undefined
  }

  const refused = (error: unknown) => {
    const delay = Math.min(LAST_RETRY_MS, (refusal?.delay ?? FIRST_RETRY_MS / 2) * 2)
    refusal = { error, delay, retryAt: monotonicMs() + delay }
    warn(
      'write',
      `The outbox can’t write to ${log.directory}: ${messageOf(error)}. New records are kept in memory, up to ${memoryBytes} bytes, ` +
        'and are lost if the process ends now. Free space, or make the folder writable: it is tried again every few seconds.',
    )
  }

  /** What a segment does not take, because of its size or its state, a new one may. */
  const tryToWrite = (lines: EncodedLines): Segment => {
    const isNew = current === undefined
    current ??= begin()
    try {
      writeAll(current.fd, lines)
      return current.segment
    } catch (error) {
      cutBack(current)
      retire()
      if (isNew) throw error
      warn(
        'segment',
        `The outbox can’t go on in a segment of ${log.directory}: ${messageOf(error)}. It begins a new one.`,
      )
      return tryToWrite(lines)
    }
  }

  const isRefused = () => refusal !== undefined && monotonicMs() < refusal.retryAt

  const toDisk = (lines: EncodedLines): Segment | undefined => {
    if (isRefused()) return undefined
    try {
      const segment = tryToWrite(lines)
      refusal = undefined
      dirty = true
      return segment
    } catch (error) {
      refused(error)
      return undefined
    }
  }

  const unsafeBytes = () => log.inMemory().reduce((sum, segment) => sum + segment.bytes, 0)

  const toMemory = (lines: EncodedLines): Segment | undefined => {
    if (unsafeBytes() + lines.bytes > memoryBytes) return undefined
    const isOver = !memory || memory.bytes >= MEMORY_SEGMENT_BYTES || !log.inMemory().includes(memory)
    if (isOver) {
      // Segments are read in their order: what comes after this one goes to a new one.
      retire()
      memory = log.begin(++lastNumber, 'memory')
    }
    return memory
  }

  /** Writes a segment that was in memory to the disk, whole. */
  const persist = async (segment: Segment) => {
    if (segment === memory) memory = undefined
    const { buffer, bytes } = encodeLines((segment.memory ?? []).map(({ text }) => text))
    const path = segmentFile(log.directory, segment.number)
    // A copy, as the buffer is shared.
    try {
      await writeFile(`${path}.tmp`, Buffer.from(buffer.subarray(0, bytes)), { mode: FILE_MODE, flush: true })
    } catch (error) {
      // Half of a file takes room that others need.
      attempt(() => rmSync(`${path}.tmp`, { force: true }))
      throw error
    }
    if (log.inMemory().includes(segment)) {
      renameSync(`${path}.tmp`, path)
      segment.memory = undefined
      folderDirty = true
    } else rmSync(`${path}.tmp`)
  }

  const persistIn = async (segment: Segment) => {
    try {
      await persist(segment)
    } catch (error) {
      if (!isMissing(error)) throw error
      makeFolder()
      await persist(segment)
    }
  }

  /** @param isLast each is tried: there is no next time */
  const persistAll = async (isLast = false) => {
    for (const segment of log.inMemory()) {
      if (isRefused() && !isLast) return
      try {
        await persistIn(segment)
        refusal = undefined
      } catch (error) {
        refused(error)
      }
    }
  }

  /** Each is tried, and kept when it fails. One that was delivered and removed takes room as long as it is open. */
  const syncComplete = async (complete: readonly OpenSegment[]) => {
    const failed: OpenSegment[] = []
    let failure: unknown
    for (const segment of complete) {
      try {
        if (isThere(segment)) await dataSync(segment.fd)
        if (isOpen(segment)) close(segment)
      } catch (error) {
        failed.push(segment)
        failure ??= error
      }
    }
    retired.unshift(...failed)
    if (failed.length > 0) throw failure
  }

  const sync = async () => {
    const complete = retired
    const growing = dirty ? current : undefined
    const folder = folderDirty
    retired = []
    dirty = folderDirty = false
    try {
      await syncComplete(complete)
      if (growing) await dataSync(growing.fd)
      if (folder) await syncUpTo(log.directory, 4)
    } catch (error) {
      // They are not safe: they are brought to the disk the next time.
      dirty ||= growing !== undefined
      folderDirty ||= folder
      warn(
        'sync',
        `The outbox can’t bring ${log.directory} to the disk: ${messageOf(error)}. A power cut may lose records now.`,
      )
      throw error
    }
  }

  let running: Promise<void> | undefined
  let waiting: Promise<void> | undefined
  const start = (): Promise<void> => {
    waiting = undefined
    return (running = sync().finally(() => (running = undefined)))
  }
  /** One at a time: who comes while one runs waits for the next, together with all others. */
  const syncAll = () => (running ? (waiting ??= running.then(start, start)) : start())

  const isDirty = () => dirty || folderDirty || retired.length > 0 || running !== undefined

  /** Someone may have removed or cut the file, or closed our descriptor: what is written to it then is nowhere. */
  const checkSegment = () => {
    if (!current) return
    const found = statOf(current)
    if (found && found.nlink > 0 && found.size === current.segment.bytes) return
    const path = segmentFile(log.directory, current.segment.number)
    warn('changed', `The outbox’s ${path} was removed, cut or closed by someone. It goes on in a new one.`)
    retire()
  }

  return {
    append(texts, lines) {
      const segment = toDisk(lines) ?? toMemory(lines)
      if (!segment) return false
      log.added(segment, texts, lines.sizes)
      if (segment.bytes >= segmentBytes && segment === current?.segment) retire()
      return true
    },
    get unsafe() {
      return log.inMemory().reduce((sum, segment) => sum + segment.memory!.length, 0)
    },
    refuses: (bytes) => isRefused() && unsafeBytes() + bytes > memoryBytes,
    async flush() {
      if (isDirty()) await syncAll()
      const [unsafe] = log.inMemory()
      if (unsafe) throw new Error(`records are only in memory: ${messageOf(refusal?.error)}`)
    },
    async upkeep() {
      checkSegment()
      await persistAll()
      if (isDirty()) await syncAll().catch(() => {})
    },
    async close() {
      await persistAll(true)
      retire()
      await syncAll().catch(() => {})
      retired.splice(0).filter(isOpen).forEach(close)
      const lost = log.inMemory().reduce((sum, segment) => sum + segment.memory!.length, 0)
      if (lost > 0)
        warn(
          'lost',
          `The outbox ends with ${lost} records that ${log.directory} did not take: ${messageOf(refusal?.error)}. They are lost.`,
        )
    },
  }
}

/** Cuts off what a failed write left; if that fails too, the reader stops at the whole lines, and recovery finds them by their checksums. */
const cutBack = (open: OpenSegment) => {
  if (isOpen(open)) attempt(() => ftruncateSync(open.fd, open.segment.bytes))
}

const close = ({ fd }: OpenSegment) => attempt(() => closeSync(fd))

const attempt = <T>(action: () => T): T | undefined => {
  try {
    return action()
  } catch {
    return undefined
  }
}

/** A segment's file; undefined: its descriptor was closed by someone, and may be another file's by now. */
const statOf = ({ fd, inode }: OpenSegment) => {
  const found = attempt(() => fstatSync(fd))
  return found?.ino === inode ? found : undefined
}

/** Whether its file has a name still. */
const isThere = (segment: OpenSegment) => (statOf(segment)?.nlink ?? 0) > 0

const isOpen = (segment: OpenSegment) => statOf(segment) !== undefined

/** A segment's name, and those of the folders down to it: sink, process, outbox. */
const syncUpTo = async (path: string, levels: number): Promise<void> => {
  for (let folder = path; levels > 0; folder = dirname(folder), levels--) await syncFolder(folder)
}
