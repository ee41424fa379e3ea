import { afterEach } from 'vitest'
import { createBatchLimit } from '../../../src/delivery/batch-limit.ts'
import { settleBatch } from '../../../src/delivery/settle.ts'
import { createSinkWriter } from '../../../src/delivery/sink-writer.ts'
import type { PredictionRecord } from '../../../src/records/record.ts'
import type { Column } from '../../../src/schema/column.ts'
import type { Sink } from '../../../src/sink.ts'

const opened: Sink[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((sink) => sink.close!()))
})

/** What delivery does with a sink: opens it when that is needed, tries again, splits. */
export const deliveryTo = (sink: Sink, columns: () => readonly Column[]) => {
  opened.push(sink)
  const noted: string[] = []
  const failures: string[] = []
  const writer = createSinkWriter({
    sink,
    columns,
    writeTimeoutMs: 30_000,
    openTimeoutMs: 30_000,
    abortGraceMs: 5000,
    noted: (note) => noted.push(note),
  })
  const limit = createBatchLimit(1000)
  return {
    noted,
    failures,
    open: writer.open,
    /** Resolves with why records were refused; fails where it would try for ever. */
    async write(records: readonly PredictionRecord[]): Promise<string[]> {
      let tries = 0
      const letters = await settleBatch(records, {
        writer,
        limit,
        answered: () => {},
        async backOff(_, error) {
          failures.push((error as Error).message)
          return ++tries < 3
        },
      })
      if (!letters) throw new Error(failures.join('\n'))
      return letters.map(({ error }) => error)
    },
  }
}
