import type { Queue } from '../outbox/queue.ts'
import type { ConversionCounts } from '../schema/conversions.ts'

/**
 * What became of a sink's records. At any moment, in records of this run:
 *
 *     captured + carriedOver = written + queued + deadLettered + discarded + dropped
 */
export interface SinkStats {
  /** Records that were given to this sink's queue, taken or not. */
  readonly captured: number
  /** Records found from earlier runs and of dead processes. */
  readonly carriedOver: number
  /** Records that the sink has stored. */
  readonly written: number
  /** Records that wait for the sink. */
  readonly queued: number
  /** Records that the sink refused for good. */
  readonly deadLettered: number
  /** Records that were damaged on the disk and set aside. */
  readonly discarded: number
  /** Records that the queue had no room for, or lost with the memory at the end. */
  readonly dropped: number
  /** Writes and openings that failed and were tried again. */
  readonly retries: number
  /** Records whose reply went before they were confirmed as safe: the hold timed out. */
  readonly unconfirmed: number
  /** What the last failure said, without secrets. */
  readonly lastError: string | null
  /** ISO 8601 in UTC. */
  readonly lastErrorAt: string | null
  /** ISO 8601 in UTC. */
  readonly lastWrittenAt: string | null
  /** When the oldest queued record was captured, ISO 8601 in UTC. */
  readonly oldestQueuedAt: string | null
}

/** What became of the requests of captured routes: seen = captured + sampledOut + skipped. */
export interface RequestStats {
  readonly seen: number
  readonly captured: number
  readonly sampledOut: number
  readonly skipped: number
  /** Requests that were refused with 503, as a queue was full. They are not among the seen. */
  readonly rejected: number
}

export interface CaptureStats {
  readonly requests: RequestStats
  /** Requests by the format their body was read as. */
  readonly formats: Readonly<Record<string, number>>
  /**
   * Values that were stored in another type than they came in, as nothing of them is lost, by path: `features.age: text as number`.
   * Of all sinks of the process.
   */
  readonly converted: ConversionCounts
  /** Faults inside capture that did not reach the response. */
  readonly faults: number
  /** By the sink's name. */
  readonly sinks: Readonly<Record<string, SinkStats>>
}

const isoOf = (time: number | undefined): string | null =>
  time === undefined || Number.isNaN(time) ? null : new Date(time).toISOString()

/**
 * Counts one sink's records. What is queued is counted here, not asked of the queue, whose cursor moves
 * some time after a write: so the sum holds between the two as well.
 */
export const createCounts = (queue: Pick<Queue, 'size'>) => {
  let captured = 0
  let written = 0
  let deadLettered = 0
  let dropped = 0
  let retries = 0
  let unconfirmed = 0
  let lastError: string | null = null
  let lastErrorAt: number | undefined
  let lastWrittenAt: number | undefined

  const found = (): number => captured - dropped + queue.size().carriedOver
  const settled = (): number => written + deadLettered + queue.size().setAside

  return {
    appended(records: number, taken: boolean): void {
      captured += records
      if (!taken) dropped += records
    },
    /** A batch was committed. */
    settled(batch: { written: number; deadLettered: number }): void {
      written += batch.written
      deadLettered += batch.deadLettered
      if (batch.written > 0) lastWrittenAt = Date.now()
    },
    /** Queued records are gone with the memory. */
    lost(records: number): void {
      dropped += records
    },
    failed(message: string): void {
      lastError = message
      lastErrorAt = Date.now()
    },
    retried(): void {
      retries++
    },
    unconfirmed(records: number): void {
      unconfirmed += records
    },
    queued: (): number => found() - settled(),
    dropped: (): number => dropped,
    deadLettered: (): number => deadLettered,
    /** What has been queued so far, for `isPast`. */
    mark: (): number => captured - dropped,
    /** Whether everything queued at the mark is settled. Records adopted since may stand before it, and count too. */
    isPast: (mark: number): boolean => settled() >= mark + queue.size().carriedOver,
    stats: (): SinkStats => ({
      captured,
      carriedOver: queue.size().carriedOver,
      written,
      queued: found() - settled(),
      deadLettered,
      discarded: queue.size().setAside,
      dropped,
      retries,
      unconfirmed,
      lastError,
      lastErrorAt: isoOf(lastErrorAt),
      lastWrittenAt: isoOf(lastWrittenAt),
      oldestQueuedAt: isoOf(queue.size().oldest),
    }),
  }
}

export type Counts = ReturnType<typeof createCounts>
