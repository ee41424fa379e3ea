import type { Logger } from '../logger.ts'
import type { Queue } from '../outbox/queue.ts'
import type { Column } from '../schema/column.ts'
import type { Sink } from '../sink.ts'
import { createConfirmations } from './confirmations.ts'
import { createCounts, type SinkStats } from './counts.ts'
import { createDeliveryLog, says } from './delivery-log.ts'
import { createLoop, type DeliverySettings, type Flush } from './loop.ts'
import { holdProcess, monotonicMs } from '../steps/real-timers.ts'
import { endsWithin, orFalseAfter } from './waits.ts'

export type { DeliverySettings } from './loop.ts'

export interface DeliveryOptions {
  readonly sink: Sink
  /** Closed with the delivery. */
  readonly queue: Queue
  /** The columns as they are now: the same array until they change. */
  readonly columns: () => readonly Column[]
  readonly settings: DeliverySettings
  readonly logger: Logger
}

/** Moves records from one sink's queue to the sink. */
export interface Delivery {
  /** The sink's name. */
  readonly name: string
  /** Whether the queue is full. */
  readonly full: boolean
  /** Begins to send, as soon as the columns are known. `flush` and `close` do as well. */
  start(): void
  /** Queues one request's records (JSON texts), or some of a large one's; false: full, and counted as dropped. */
  append(lines: readonly string[]): boolean
  /** Queues the records of several requests at once; where there is no room for all, each on its own. */
  appendAll(requests: readonly (readonly string[])[]): void
  /** Requests of so many bytes come, each appended in several parts: `full` is to keep room for one more. */
  expect(bytes: number): void
  /**
   * Resolves with true as soon as lines that were just appended are safe: on the disk, or settled by the sink (stored, or a
   * dead letter). With false after `timeoutMs`: they are counted as unconfirmed.
   */
  confirm(lines: readonly string[], options: { by: 'disk' | 'sink'; timeoutMs: number }): Promise<boolean>
  /**
   * Sends what is queued without waiting for a full batch. Resolves with true when everything queued at the call is stored or a
   * dead letter, however long the sink is away; with false when `timeoutMs` passed or the delivery was closed first.
   * Default: no timeout.
   */
  flush(options?: { timeoutMs?: number }): Promise<boolean>
  /**
   * Sends what is queued, lets go of the sink and the queue, and ends within `timeoutMs` (default: 10,000). What could not be
   * sent stays in the outbox for the next start; in memory it is lost, counted as dropped and logged.
   * With an outbox, a sink that is away is not waited for.
   */
  close(options?: { timeoutMs?: number }): Promise<void>
  stats(): SinkStats
}

/** The end of a close's time that is kept for aborting the write and closing the sink. */
const spareOf = (timeoutMs: number): number => Math.min(2000, timeoutMs / 4)

/**
 * The delivery of one sink, independent of every other sink's. None of its timers keeps the process alive, but a `flush` or
 * `close` that is waited for does.
 *
 * @example
 * const delivery = createDelivery({ sink, queue: createMemoryQueue(), columns: () => columns, settings, logger })
 * delivery.start()
 * delivery.append([record.json])
 * await delivery.close()
 */
export const createDelivery = ({ sink, queue, columns, settings, logger }: DeliveryOptions): Delivery => {
  const { durability } = settings
  const subject = `sink ${sink.name}`
  const log = createDeliveryLog(logger)
  const counts = createCounts(queue)
  const confirmations = createConfirmations()
  const loop = createLoop({ sink, queue, columns, settings, counts, confirmations, log, subject })
  let closed: Promise<void> | undefined

  const onDisk = async (): Promise<boolean> => {
    try {
      await queue.flushed()
      return true
    } catch (error) {
      log.error('fsync', `the queue of ${subject} (fsync): ${says(error)}`)
      return false
    }
  }

  const closeSink = async (): Promise<void> => {
    try {
      await sink.close?.()
    } catch (error) {
      log.warn('close', `${subject} (close): ${says(error)}`)
    }
  }

  const closeQueue = async (): Promise<void> => {
    try {
      await queue.close()
    } catch (error) {
      log.error('close', `the queue of ${subject} (close): ${says(error)}`)
    }
  }

  /** Says what the end leaves behind. */
  const logRest = (): void => {
    const rest = counts.queued()
    if (rest === 0) return
    if (durability !== 'memory') {
      log.warn('rest', `${subject}: closed with ${rest} records in the outbox. They are sent at the next start`)
      return
    }
    counts.lost(rest)
    log.error('rest', `${subject}: closed with ${rest} records in memory. They are lost`)
  }

  const end = async (timeoutMs: number): Promise<void> => {
    const release = holdProcess()
    const deadline = monotonicMs() + timeoutMs
    const left = (): number => Math.max(0, deadline - monotonicMs())
    try {
      loop.start()
      await endsWithin(loop.drain(), timeoutMs - spareOf(timeoutMs))
      await loop.stop(left() / 2)
      if (!(await endsWithin(closeSink(), left()))) log.warn('close', `${subject} could not be closed in time`)
      logRest()
      confirmations.end()
      await closeQueue()
    } finally {
      release()
    }
  }

  const append = (lines: readonly string[]): boolean => {
    const taken = queue.append(lines)
    counts.appended(lines.length, taken)
    if (!taken) {
      const why = closed ? 'closed' : 'full'
      log.error(why, `the queue of ${subject} is ${why}: ${counts.dropped()} records dropped so far`)
    }
    return taken
  }

  return {
    name: sink.name,

    get full() {
      return queue.full
    },

    start: loop.start,

    append,

    expect: (bytes) => queue.expect?.(bytes),

    appendAll(requests) {
      if (requests.length < 2) return requests.forEach(append)
      const lines = requests.flat()
      if (queue.append(lines)) counts.appended(lines.length, true)
      else requests.forEach(append)
    },

    async confirm(lines, { by, timeoutMs }) {
      const held = by === 'disk' ? undefined : confirmations.hold(lines)
      if (await orFalseAfter(timeoutMs, held?.settled ?? onDisk())) return true
      held?.forget()
      counts.unconfirmed(lines.length)
      return false
    },

    async flush({ timeoutMs = Infinity } = {}) {
      if (closed) return counts.queued() === 0
      loop.start()
      const release = holdProcess()
      let flush: Flush | undefined
      try {
        const settled = new Promise<boolean>((resolve) => {
          flush = loop.flush(resolve)
        })
        return await orFalseAfter(timeoutMs, settled)
      } finally {
        flush?.end(false)
        release()
      }
    },

    close: ({ timeoutMs = 10_000 } = {}) => (closed ??= end(timeoutMs)),

    stats: counts.stats,
  }
}
