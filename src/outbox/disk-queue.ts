import { messageOf } from '../errors/errors.ts'
import { storedFromJson } from '../records/stored.ts'
import { oneAtATime } from '../steps/one-at-a-time.ts'
import { monotonicMs } from '../steps/real-timers.ts'
import type { Damage, Warn } from './damage.ts'
import { deadLettersChanged, measureDeadLetters, writeDeadLetters } from './dead-letters.ts'
import { sinkKey } from './files.ts'
import { encodeLines } from './line.ts'
import { openLog, type OutboxLog } from './log.ts'
import type { Queue, QueuedBatch } from './queue.ts'
import { scanLog, type Entry } from './segment.ts'
import { openWriter } from './log-writer.ts'

/** One sink's queue: the process's own log, which is appended to, after those of dead processes. */
export interface DiskQueue extends Queue {
  /** Takes over a log that was moved into this process's folder. Never rejects: one that can't be opened now is tried again. */
  adopt(log: string): Promise<void>
  /** Twice a second: the upkeep that need not happen on a request's path. */
  upkeep(): Promise<void>
}

export interface DiskQueueOptions {
  readonly sink: string
  /** The outbox directory, for dead letters. */
  readonly outbox: string
  /** The own log's folder. */
  readonly directory: string
  readonly maxBytes: number
  readonly memoryBytes: number
  readonly damage: Damage
  readonly warn: Warn
  /** Makes the own log's folder, and what it stands in, again. */
  makeFolder(): void
}

/** Segments are removed whole: the limit should hold several. */
const SEGMENT_BYTES = 8 * 1024 * 1024
const segmentBytesFor = (maxBytes: number) => Math.min(SEGMENT_BYTES, Math.max(64 * 1024, Math.floor(maxBytes / 8)))

/** Where a batch ends. */
interface QueueEnd {
  readonly log: OutboxLog
  readonly last: Entry
}

export const openDiskQueue = (options: DiskQueueOptions): DiskQueue => {
  const { sink, outbox, directory, maxBytes, memoryBytes, damage, warn, makeFolder } = options
  let setAside = 0
  const logOptions = { memoryBytes, damage, onLost: (records: number) => (setAside += records) }
  const own = openLog({ ...logOptions, directory })
  const writer = openWriter({ log: own, segmentBytes: segmentBytesFor(maxBytes), memoryBytes, makeFolder, warn })
  /** Oldest first; the own one is the last. */
  const logs: OutboxLog[] = [own]
  /** Logs that were moved here, and are not open yet; those of them that could not be opened. */
  const adopted = new Set<string>()
  const unreadable = new Set<string>()
  let carriedOver = 0
  let deadLetters = 0
  let deadLetterBytes = 0
  let lastChange = 0
  let nextCount = 0
  const key = sinkKey(sink)
  let listener: ((records: number, bytes: number) => void) | undefined
  let closed = false
  /** The size of requests lately: `full` keeps room for one more. */
  let usualBytes = 0

  const used = () => deadLetterBytes + logs.reduce((sum, log) => sum + log.bytes, 0)

  /** Other processes and people change them as well. Counting many takes long: a twentieth of the time at most goes into it. */
  const countDeadLetters = async () => {
    const start = monotonicMs()
    if (start < nextCount) return
    const changed = await deadLettersChanged(outbox, key)
    if (changed === lastChange) return
    deadLetterBytes = (await measureDeadLetters(outbox, key)).bytes
    lastChange = changed
    nextCount = monotonicMs() + 20 * (monotonicMs() - start)
  }

  const closeLog = async (log: OutboxLog) => {
    try {
      await log.close()
    } catch (error) {
      damage.report('remove', log.directory, error)
    }
  }

  const dropDrained = async (log: OutboxLog) => {
    if (log === own) return
    const at = logs.indexOf(log)
    if (at < 0) return
    logs.splice(at, 1)
    await closeLog(log)
  }

  const openFound = async (path: string) => {
    const found = await scanLog(path)
    if (found.cursorDamaged)
      warn('cursor', `The cursor of ${path} is damaged: its records are sent again (they are stored once).`)
    if (closed) return
    const log = openLog({ ...logOptions, directory: path, found })
    adopted.delete(path)
    carriedOver += log.records
    logs.splice(-1, 0, log)
    if (log.drained) await dropDrained(log)
    else listener?.(log.records, log.bytes)
  }

  /** Those that can't be opened now are tried again by the next upkeep. */
  const openAdopted = oneAtATime(async () => {
    for (const path of adopted) {
      try {
        await openFound(path)
        unreadable.delete(path)
      } catch (error) {
        if (adopted.has(path)) unreadable.add(path)
        warn('adopted', `The outbox can’t read ${path} now, and tries again: ${messageOf(error)}`)
      }
    }
  })

  const append = (texts: readonly string[]): boolean => {
    const lines = encodeLines(texts)
    if (used() + lines.bytes > maxBytes || !writer.append(texts, lines)) return false
    usualBytes = Math.max(lines.bytes, usualBytes - (usualBytes >> 6))
    listener?.(texts.length, lines.bytes)
    return true
  }

  return {
    append(texts) {
      if (closed) return false
      try {
        return append(texts)
      } catch (error) {
        warn('append', `The outbox could not take a record: ${messageOf(error)}`)
        return false
      }
    },

    expect(bytes) {
      usualBytes = Math.max(usualBytes, bytes)
    },

    get full() {
      return closed || used() + usualBytes >= maxBytes || writer.refuses(usualBytes)
    },

    flushed: () => writer.flush(),

    async read(limit) {
      if (closed) return undefined
      for (const log of [...logs]) {
        const entries = await log.read(limit)
        if (closed) return undefined
        const last = entries.at(-1)
        if (!last) {
          if (log.drained) await dropDrained(log)
          continue
        }
        const records = entries.map(({ text }) => storedFromJson(text))
        const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
        return { records, bytes, end: { log, last } satisfies QueueEnd } satisfies QueuedBatch
      }
      const [unread] = unreadable
      if (unread !== undefined) throw new Error(`${unread} can’t be read now`)
      return undefined
    },

    async commit({ end }) {
      const { log, last } = end as QueueEnd
      await log.commit(last)
      if (log.drained) await dropDrained(log)
    },

    async bury(letters) {
      const bytes = await writeDeadLetters(outbox, sink, letters)
      deadLetterBytes += bytes
      // A count that ended meanwhile may have them or not.
      lastChange = -1
      deadLetters += letters.length
    },

    onAppend: (added) => void (listener = added),

    size: () => ({
      records: logs.reduce((sum, log) => sum + log.records, 0),
      bytes: logs.reduce((sum, log) => sum + log.bytes, 0),
      get oldest() {
        return logs.reduce<number | undefined>((least, log) => {
          const time = log.oldest()
          return time === undefined || (least !== undefined && least <= time) ? least : time
        }, undefined)
      },
      carriedOver,
      deadLetters,
      deadLetterBytes,
      setAside,
      unsafe: writer.unsafe,
    }),

    async adopt(path) {
      adopted.add(path)
      await openAdopted()
    },

    async upkeep() {
      if (closed) return
      await writer.upkeep()
      await openAdopted()
      try {
        await countDeadLetters()
      } catch (error) {
        warn('dead letters', `The outbox can’t count its dead letters: ${messageOf(error)}`)
      }
    },

    async close() {
      if (closed) return
      closed = true
      await writer.close()
      for (const log of [...logs]) await closeLog(log)
    },
  }
}
