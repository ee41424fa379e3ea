import { hasCode } from '../errors/errors.ts'
import type { Queue, QueuedBatch, DeadLetter } from '../outbox/queue.ts'
import type { Column } from '../schema/column.ts'
import type { Sink } from '../sink.ts'
import { inNextTurn, monotonicMs, nextTurn } from '../steps/real-timers.ts'
import { createBatchLimit } from './batch-limit.ts'
import type { Confirmations } from './confirmations.ts'
import type { Counts } from './counts.ts'
import { oneLine, type DeliveryLog } from './delivery-log.ts'
import { createOutage, type Outage } from './outage.ts'
import { createPause, endsWithin } from './waits.ts'
import { settleBatch, type SettleOptions } from './settle.ts'
import { createSinkWriter } from './sink-writer.ts'

export interface DeliverySettings {
  /** `memory`: what is queued at the end is lost, and said. `sink`: batches leave at once. */
  readonly durability: 'memory' | 'outbox' | 'sink'
  /** A batch goes out when this many records are queued, or … */
  readonly batchSize: number
  /** … this long after the first of them, or … */
  readonly flushIntervalMs: number
  /** … when their texts have this many bytes. Default: 4 MiB. */
  readonly batchBytes?: number
  /** A write that takes longer is aborted and tried again. Default: 30,000. */
  readonly writeTimeoutMs?: number
  /** An `open` that takes longer is tried again. Default: 30,000. */
  readonly openTimeoutMs?: number
  /** How long an aborted write may take to end before it is given up for dead. Default: 5,000. */
  readonly abortGraceMs?: number
}

export interface LoopOptions {
  readonly sink: Sink
  readonly queue: Queue
  readonly columns: () => readonly Column[]
  readonly settings: DeliverySettings
  readonly counts: Counts
  readonly confirmations: Confirmations
  readonly log: DeliveryLog
  /** What the log calls the sink. */
  readonly subject: string
}

const MEBIBYTE = 1024 * 1024

/**
 * The loop of one sink: takes a batch, brings all of it to its end, takes the next. One batch is held in memory, however long
 * the sink is away.
 */
export const createLoop = (options: LoopOptions) => {
  const { sink, queue, columns, settings, counts, confirmations, log, subject } = options
  const { durability, batchSize, flushIntervalMs, batchBytes = 4 * MEBIBYTE } = settings
  const { writeTimeoutMs = 30_000, openTimeoutMs = 30_000, abortGraceMs = 5000 } = settings
  const { queued, failed } = counts
  const sinkOutage = createOutage({ subject, log, queued, failed })
  const queueOutage = createOutage({ subject: `the queue of ${subject}`, log, queued, failed })
  const writer = createSinkWriter({
    sink,
    columns,
    writeTimeoutMs,
    openTimeoutMs,
    abortGraceMs,
    noted: (note) => log.warn(`note ${note}`, `${subject}: ${oneLine(note)}`),
  })
  const flushes = new Set<{ mark: number; end: (done: boolean) => void }>()
  const idle = createPause()

  let loop: Promise<void> | undefined
  /** Nothing is waited for any more. */
  let closing = false
  /** Nothing is tried any more. */
  let stopped = false
  /** Whatever still answers comes too late to be counted. */
  let over = false
  /** When the first of the records that wait for their batch was appended. */
  let waitingSince: number | undefined
  /** What may still be appended before the batch goes, as of the last look: appends take from it, so that they need not look. */
  let room = { records: 0, bytes: 0 }
  let isWaiting = false
  let isWaking = false

  /** Milliseconds until the next batch should go. */
  const dueIn = (): number => {
    if (closing || flushes.size > 0) return 0
    const { records, bytes } = queue.size()
    room = { records: durability === 'sink' ? 0 : batchSize - records, bytes: batchBytes - bytes }
    if (records === 0) {
      waitingSince = undefined
      return Infinity
    }
    if (durability === 'sink' || records >= batchSize || bytes >= batchBytes) return 0
    waitingSince ??= monotonicMs()
    return waitingSince + flushIntervalMs - monotonicMs()
  }

  const untilDue = async (): Promise<void> => {
    for (let ms = dueIn(); ms > 0 && !stopped; ms = dueIn()) {
      isWaiting = true
      await idle.wait(ms)
      isWaiting = false
    }
  }

  /** Waits after a failure; false: delivery ends here. What an outbox keeps need not hold up the end. */
  const backOff = async (outage: Outage, what: string, error: unknown): Promise<boolean> => {
    if (stopped) return false
    outage.report(what, error)
    if (closing && durability !== 'memory') return false
    counts.retried()
    await outage.wait()
    return !stopped
  }

  const logDeadLetters = (letters: readonly DeadLetter[]): void => {
    const last = letters.at(-1)
    if (!last) return
    const kept =
      durability === 'memory'
        ? 'they stay in memory while there is room'
        : 'see `capture-predictions dead-letters list`'
    const total = counts.deadLettered()
    log.error(
      'dead letters',
      `${subject} refused ${letters.length} records for good (${total} so far; ${kept}): ${last.error}`,
    )
  }

  /** Keeps the dead letters and moves on. The queue's own trouble, as a full disk, is waited out. */
  const commit = async (batch: QueuedBatch, letters: readonly DeadLetter[]): Promise<boolean> => {
    let buried = letters.length === 0
    for (;;) {
      try {
        if (!buried) await queue.bury(letters)
        buried = true
        await queue.commit(batch)
        queueOutage.over()
        return true
      } catch (error) {
        if (!(await backOff(queueOutage, 'commit', error))) return false
      }
    }
  }

  const limit = createBatchLimit(batchSize * (sink.batches ?? 1))

  const settling: SettleOptions = {
    writer,
    backOff(what, error) {
      const waiting = backOff(sinkOutage, what, error)
      if (hasCode(error, 'PREDICTIONS_WRITE_TIMED_OUT'))
        log.warn(
          'batch size',
          `${subject}: as the write took too long, the next ones have at most ${limit.size()} records, and grow slowly; a smaller PREDICTIONS_BATCH_SIZE avoids that`,
        )
      return waiting
    },
    answered: sinkOutage.over,
    limit,
  }

  /** Settles a batch; false: delivery ends here. */
  const deliver = async (batch: QueuedBatch): Promise<boolean> => {
    const letters = await settleBatch(batch.records, settling)
    if (!letters || over || !(await commit(batch, letters)) || over) return false
    counts.settled({ written: batch.records.length - letters.length, deadLettered: letters.length })
    logDeadLetters(letters)
    confirmations.tell(batch.records)
    for (const flush of flushes) if (counts.isPast(flush.mark)) flush.end(true)
    return true
  }

  /** Takes one batch to its end; false: there is nothing more to do. */
  const turn = async (): Promise<boolean> => {
    const before = [...flushes]
    const since = waitingSince
    waitingSince = undefined
    const batch = await queue.read({ records: batchSize * (sink.batches ?? 1), bytes: batchBytes })
    if (stopped) return false
    if (batch) {
      // Some of what is left has waited as long as the batch: it goes on at once.
      if (queue.size().records > batch.records.length) waitingSince = since
      return deliver(batch)
    }
    for (const flush of before) flush.end(true)
    return !closing
  }

  const run = async (): Promise<void> => {
    for (;;) {
      await untilDue()
      if (stopped) return
      try {
        if (!(await turn())) return
        // A sink that is quick to answer, as one in memory, must not keep the event loop for as long as there is a backlog.
        await nextTurn()
      } catch (error) {
        if (!(await backOff(queueOutage, 'read', error))) return
      }
    }
  }

  const cutWaits = (): void => {
    idle.cut()
    sinkOutage.cutWait()
    queueOutage.cutWait()
  }

  /** In the next turn, not on the path of the request whose records were appended. */
  const wake = (): void => {
    if (isWaking) return
    isWaking = true
    inNextTurn(() => {
      isWaking = false
      idle.cut()
    })
  }

  // Runs within each append: only what changes when the batch goes wakes the loop.
  queue.onAppend((records, bytes) => {
    const isFirst = waitingSince === undefined
    if (isFirst) waitingSince = monotonicMs()
    room.records -= records
    room.bytes -= bytes
    if (isWaiting && (isFirst || room.records <= 0 || room.bytes <= 0)) wake()
  })

  return {
    start(): void {
      if (loop) return
      // What earlier runs left has waited long enough.
      if (queue.size().records > 0) waitingSince = -Infinity
      loop = run()
    },

    /** Sends what is queued at the call; `end` is told once, whether all of it was settled. */
    flush(end: (done: boolean) => void): Flush {
      const flush = {
        mark: counts.mark(),
        end: (done: boolean) => {
          if (flushes.delete(flush)) end(done)
        },
      }
      flushes.add(flush)
      idle.cut()
      return flush
    },

    /** Sends what is queued and ends: at the first failure where the queue is kept. */
    async drain(): Promise<void> {
      closing = true
      cutWaits()
      await loop
    },

    /** Aborts the write that is under way and ends, after `graceMs` at the latest: from then on no answer counts. */
    async stop(graceMs: number): Promise<void> {
      stopped = true
      cutWaits()
      writer.stop(new Error('the service is closing'))
      if (loop) await endsWithin(loop, graceMs)
      over = true
      for (const flush of flushes) flush.end(false)
    },
  }
}

export interface Flush {
  /** Ends the waiting, if it has not ended. */
  end(done: boolean): void
}
