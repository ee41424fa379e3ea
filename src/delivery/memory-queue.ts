import { atMostOnceA, silentLogger, type Logger } from '../logger.ts'
import type { DeadLetter, Queue, QueuedBatch, ReadLimit } from '../outbox/queue.ts'
import { storedFromJson } from '../records/stored.ts'

const MEBIBYTE = 1024 * 1024

export interface MemoryQueueOptions {
  /** Limit of queue and dead letters, in bytes of their texts. Default: 64 MiB. */
  readonly maxBytes?: number
  /** Told when dead letters are let go of for want of room. Default: nothing is said. */
  readonly logger?: Logger
}

/** A queue that a crash loses: for durability `memory`. */
export interface MemoryQueue extends Queue {
  /** The newest dead letters: at most an eighth of the limit is kept. */
  readonly deadLetters: readonly DeadLetter[]
}

/** How many committed places at the front are worth a copy of the rest. */
const COMPACT_FROM = 4096

const textBytes = (line: string): number => Buffer.byteLength(line)

/** Dead letters kept up to a limit; the oldest go first. */
const createLetterBox = (maxBytes: number, logger: Logger) => {
  const log = atMostOnceA(60_000, (message) => logger.error(message))
  let letters: DeadLetter[] = []
  let bytes = 0
  let count = 0
  return {
    add(more: readonly DeadLetter[]): void {
      count += more.length
      letters.push(...more)
      for (const { record } of more) bytes += textBytes(record.json)
      let gone = 0
      while (bytes > maxBytes) bytes -= textBytes(letters[gone++]!.record.json)
      if (gone === 0) return
      letters = letters.slice(gone)
      log('letters', `no room in memory: ${gone} of the oldest dead letters are gone`)
    },
    letters: () => letters,
    bytes: () => bytes,
    count: () => count,
  }
}

/**
 * A queue in memory, with the outbox's interface.
 * @example const queue = createMemoryQueue({ maxBytes: 16 * 1024 * 1024 })
 */
export const createMemoryQueue = ({
  maxBytes = 64 * MEBIBYTE,
  logger = silentLogger,
}: MemoryQueueOptions = {}): MemoryQueue => {
  const listeners: ((records: number, bytes: number) => void)[] = []
  const letterBox = createLetterBox(maxBytes / 8, logger)
  /** The last of the room: less than this is as good as none. */
  const reserve = maxBytes / 64
  let lines: string[] = []
  let head = 0
  let bytes = 0
  let closed = false

  const room = (): number => maxBytes - bytes - letterBox.bytes()

  /** Where a batch from the head ends, and its bytes. */
  const measure = (limit: ReadLimit): { end: number; bytes: number } => {
    let end = head
    let total = 0
    while (end < lines.length && end - head < limit.records) {
      const more = textBytes(lines[end]!)
      if (end > head && total + more > limit.bytes) break
      total += more
      end++
    }
    return { end, bytes: total }
  }

  const compact = (): void => {
    if (head < COMPACT_FROM || head * 2 < lines.length) return
    lines = lines.slice(head)
    head = 0
  }

  return {
    append(more) {
      if (closed) return false
      let size = 0
      for (const line of more) size += textBytes(line)
      if (size > room()) return false
      for (const line of more) lines.push(line)
      bytes += size
      for (const listener of listeners) listener(more.length, size)
      return true
    },

    get full() {
      return closed || room() <= reserve
    },

    get deadLetters() {
      return letterBox.letters()
    },

    async flushed() {},

    async read(limit) {
      if (closed || head === lines.length) return undefined
      const { end, bytes } = measure(limit)
      return { records: lines.slice(head, end).map(storedFromJson), end, bytes }
    },

    async commit(batch: QueuedBatch) {
      const end = batch.end as number
      lines.fill('', head, end)
      head = end
      bytes -= batch.bytes
      compact()
    },

    async bury(letters) {
      letterBox.add(letters)
    },

    onAppend(listener) {
      listeners.push(listener)
    },

    size() {
      const oldest = lines[head]
      return {
        records: lines.length - head,
        bytes,
        // Asked for by few: a record is parsed for it.
        get oldest() {
          return oldest === undefined ? undefined : Date.parse(storedFromJson(oldest).timestamp)
        },
        carriedOver: 0,
        deadLetters: letterBox.count(),
        deadLetterBytes: letterBox.bytes(),
        setAside: 0,
      }
    },

    async close() {
      closed = true
    },
  }
}
