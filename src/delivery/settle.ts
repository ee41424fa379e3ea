import { hasCode, messageOf } from '../errors/errors.ts'
import type { DeadLetter } from '../outbox/queue.ts'
import type { StoredRecord } from '../records/stored.ts'
import type { BatchLimit } from './batch-limit.ts'
import { oneLine, says } from './delivery-log.ts'
import type { SinkWriter } from './sink-writer.ts'

/** A part of a batch that is not settled yet. */
interface Piece {
  readonly records: readonly StoredRecord[]
  /** Writes it was in. */
  readonly attempts: number
}

export interface SettleOptions {
  readonly writer: Pick<SinkWriter, 'open' | 'write'>
  /** Waits after a failure; resolves with false when delivery has stopped. */
  readonly backOff: (what: 'open' | 'write', error: unknown) => Promise<boolean>
  /** The sink has answered. */
  readonly answered: () => void
  /** How large a write may be: kept from batch to batch. */
  readonly limit: BatchLimit
}

const halves = ({ records, attempts }: Piece): [Piece, Piece] => {
  const middle = Math.ceil(records.length / 2)
  return [
    { records: records.slice(0, middle), attempts },
    { records: records.slice(middle), attempts },
  ]
}

const letterOf = (record: StoredRecord, error: string, attempts: number): DeadLetter => ({
  record,
  error: oneLine(error),
  attempts,
  at: new Date().toISOString(),
})

/**
 * Brings a batch's records to their end: written, or refused for good. A refused batch is split until its bad records
 * stand alone; while the sink is away only what is not settled yet is tried again, and what took too long in smaller writes.
 *
 * Resolves with the dead letters; with undefined when delivery has stopped before the end.
 */
export const settleBatch = async (
  records: readonly StoredRecord[],
  { writer, backOff, answered, limit }: SettleOptions,
): Promise<DeadLetter[] | undefined> => {
  const letters: DeadLetter[] = []
  /** The next piece is the last. */
  const pieces: Piece[] = [{ records, attempts: 0 }]

  const write = async (piece: Piece): Promise<void> => {
    const refusals = await writer.write(piece.records)
    for (const { index, reason } of refusals)
      // What a sink of somebody's own says may be no text.
      letters.push(letterOf(piece.records[index]!, messageOf(reason), piece.attempts))
  }

  const split = (piece: Piece, error: unknown): void => {
    if (piece.records.length === 1) {
      letters.push(letterOf(piece.records[0]!, says(error), piece.attempts))
      return
    }
    const [left, right] = halves(piece)
    pieces.push(right, left)
  }

  /** The piece, or as much of it as a write may have: the rest is next. */
  const cut = (piece: Piece): Piece => {
    const { records, attempts } = piece
    const size = limit.size()
    if (records.length <= size) return piece
    pieces.push({ records: records.slice(size), attempts })
    return { records: records.slice(0, size), attempts }
  }

  for (let whole = pieces.pop(); whole; whole = pieces.pop()) {
    const next = cut(whole)
    try {
      await writer.open()
    } catch (error) {
      pieces.push(next)
      if (await backOff('open', error)) continue
      return undefined
    }
    const piece = { records: next.records, attempts: next.attempts + 1 }
    try {
      await write(piece)
      limit.passed(piece.records.length)
      answered()
    } catch (error) {
      if (hasCode(error, 'PREDICTIONS_BATCH_REFUSED')) {
        answered()
        split(piece, error)
        continue
      }
      pieces.push(piece)
      if (hasCode(error, 'PREDICTIONS_WRITE_TIMED_OUT')) limit.timedOut(piece.records.length)
      if (!(await backOff('write', error))) return undefined
    }
  }
  return letters
}
