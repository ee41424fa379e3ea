import { vi } from 'vitest'
import { hasCode, messageOf } from '../../../src/errors/errors.ts'
import type { PredictionRecord } from '../../../src/records/record.ts'
import type { Column } from '../../../src/schema/column.ts'
import type { Sink } from '../../../src/sink.ts'
import { patient } from '../records.ts'

/** What delivery does, without its waits: opens after an error, tries again, halves what is refused as a whole. */
export const deliver = (sink: Sink, columns: readonly Column[]) => {
  /** What the sink threw on the way. */
  const errors: string[] = []
  /** Reasons of those that were refused. */
  const refused: string[] = []
  let isOpen = false

  const attempt = async (records: readonly PredictionRecord[]): Promise<void> => {
    try {
      if (!isOpen) await sink.open!(columns)
      isOpen = true
      for (const { reason } of (await sink.write(records, patient)) ?? []) refused.push(reason)
    } catch (error) {
      errors.push(messageOf(error))
      if (!hasCode(error, 'PREDICTIONS_BATCH_REFUSED')) {
        isOpen = false
        throw error
      }
      if (records.length === 1) return void refused.push(messageOf(error))
      const half = records.length >> 1
      await write(records.slice(0, half))
      await write(records.slice(half))
    }
  }
  const write = (records: readonly PredictionRecord[]): Promise<void> =>
    vi.waitFor(() => attempt(records), { timeout: 120_000, interval: 20 })

  return { errors, refused, write }
}
