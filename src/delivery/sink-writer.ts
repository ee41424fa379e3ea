import { hasCode, PredictionsError } from '../errors/errors.ts'
import type { PredictionRecord } from '../records/record.ts'
import type { StoredRecord } from '../records/stored.ts'
import type { Column } from '../schema/column.ts'
import type { Refusal, Sink } from '../sink.ts'
import { afterMs } from '../steps/real-timers.ts'

export interface SinkWriterOptions {
  readonly sink: Sink
  /** The columns as they are now: the same array until they change. */
  readonly columns: () => readonly Column[]
  /** After this a write is aborted. */
  readonly writeTimeoutMs: number
  /** After this an opening is given up. */
  readonly openTimeoutMs: number
  /** How long a write that was aborted may take to end. */
  readonly abortGraceMs: number
  /** Told what an opened sink says of itself. */
  readonly noted?: (note: string) => void
}

const tooLate = (what: 'open' | 'write', ms: number): PredictionsError =>
  new PredictionsError(
    what === 'write' ? 'PREDICTIONS_WRITE_TIMED_OUT' : 'PREDICTIONS_SINK_UNAVAILABLE',
    `no answer within ${ms / 1000} s of ${what}`,
  )

const badRefusal = 'write must resolve with nothing, or with refusals { index, reason } of records in the batch'

const isRefusalOfBatch = (value: unknown, records: number): boolean => {
  const index = (value as Refusal | null)?.index
  return Number.isInteger(index) && index! >= 0 && index! < records
}

/** What a sink resolved with, checked: a custom sink's mistake must not turn into a record that is counted as written. */
const refusalsOf = (result: unknown, records: number): readonly Refusal[] => {
  if (!Array.isArray(result)) return []
  if (!result.every((item) => isRefusalOfBatch(item, records))) throw new TypeError(badRefusal)
  return [...new Map((result as Refusal[]).map((refusal) => [refusal.index, refusal])).values()]
}

/**
 * Calls a sink, one call at a time, each under a time limit. The sink is opened before the first write, after a failed
 * one, and when the columns have changed.
 *
 * A write that takes too long is aborted and then waited for, so that no two overlap. One that does not end even so, within
 * the grace, is given up for dead: the sink is opened anew and the batch written again, which ids make harmless.
 */
export const createSinkWriter = ({
  sink,
  columns,
  writeTimeoutMs,
  openTimeoutMs,
  abortGraceMs,
  noted,
}: SinkWriterOptions) => {
  let openedWith: readonly Column[] | undefined
  let current: AbortController | undefined
  let stopped: Error | undefined

  const limited = async <T>(
    what: 'open' | 'write',
    call: (signal: AbortSignal) => Promise<T>,
    timeoutMs: number,
    graceMs: number,
  ): Promise<T> => {
    if (stopped) throw stopped
    const controller = new AbortController()
    const { signal } = controller
    const cancelLimit = afterMs(timeoutMs, () => controller.abort(tooLate(what, timeoutMs)))
    let cancelGrace = (): void => {}
    const givenUp = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        cancelGrace = afterMs(graceMs, () => reject(signal.reason as Error))
      })
    })
    current = controller
    try {
      return await Promise.race([call(signal), givenUp])
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    } finally {
      current = undefined
      cancelLimit()
      cancelGrace()
    }
  }

  return {
    /** Opens the sink, unless it is open with the present columns. */
    async open(): Promise<void> {
      const wanted = columns()
      if (openedWith === wanted) return
      openedWith = undefined
      const notes = await limited('open', async (signal) => sink.open?.(wanted, undefined, signal), openTimeoutMs, 0)
      openedWith = wanted
      if (Array.isArray(notes)) for (const note of notes) noted?.(String(note))
    },

    /** Writes records; resolves with the refused ones. */
    async write(records: readonly StoredRecord[]): Promise<readonly Refusal[]> {
      try {
        // Each kind of records has a queue of its own, so the sink knows which kind it gets.
        const call = async (signal: AbortSignal): Promise<unknown> =>
          sink.write(records as readonly PredictionRecord[], signal)
        return refusalsOf(await limited('write', call, writeTimeoutMs, abortGraceMs), records.length)
      } catch (error) {
        // Opening again heals a dropped table or changed credentials. A refused batch shows that neither is the cause.
        if (!hasCode(error, 'PREDICTIONS_BATCH_REFUSED')) openedWith = undefined
        throw error
      }
    },

    /** Aborts the call that is under way, and lets no other begin. */
    stop(reason: Error): void {
      stopped = reason
      current?.abort(reason)
    },
  }
}

export type SinkWriter = ReturnType<typeof createSinkWriter>
