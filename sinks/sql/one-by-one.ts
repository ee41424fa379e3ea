import type { PredictionRecord } from '../../src/records/record.ts'
import type { Refusal } from '../../src/sink.ts'

/** What a database says of a write that it refused. */
export interface WriteVerdict {
  /** The record's row is there already. */
  readonly isStored: boolean
  readonly reason: string
}

/**
 * Writes a batch without the right to skip what is there already: as a whole, and where that is refused in halves, down to the
 * records that are refused alone. A duplicate of the key is then the row itself, stored by a write whose answer was lost.
 *
 * @param write stores all of some records, or none of them
 * @param judge what an error says of the one record that was written; undefined: nothing, and it is thrown
 */
export const writeInHalves = async (
  records: readonly PredictionRecord[],
  write: (records: readonly PredictionRecord[]) => Promise<void>,
  judge: (error: unknown) => Promise<WriteVerdict | undefined>,
): Promise<Refusal[]> => {
  const refusals: Refusal[] = []
  /** The next part is the last. */
  const parts: { from: number; to: number }[] = [{ from: 0, to: records.length }]
  for (let part = parts.pop(); part; part = parts.pop()) {
    const { from, to } = part
    try {
      await write(records.slice(from, to))
    } catch (error) {
      const verdict = await judge(error)
      if (verdict === undefined) throw error
      const middle = Math.ceil((from + to) / 2)
      if (to - from > 1) parts.push({ from: middle, to }, { from, to: middle })
      else if (!verdict.isStored) refusals.push({ index: from, reason: verdict.reason })
    }
  }
  return refusals
}
