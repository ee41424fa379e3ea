import { storedFromJson, type StoredRecord } from '../records/stored.ts'

const idOf = (line: string): string => storedFromJson(line).id

/**
 * Tells whoever holds a reply when its records are settled. It waits for one id only, that of the last record of a reply: the records of a
 * reply follow one another in the queue, and batches are settled in order, so the last record is settled last.
 */
export const createConfirmations = () => {
  const waiting = new Map<string, (settled: boolean) => void>()
  return {
    /** Resolves with true when the lines, just appended, are settled. */
    settled: (lines: readonly string[]): Promise<boolean> =>
      lines.length === 0
        ? Promise.resolve(true)
        : new Promise((resolve) => {
            // An actual that is reported again has the id that it had.
            const id = idOf(lines.at(-1)!)
            const earlier = waiting.get(id)
            waiting.set(id, (settled) => {
              earlier?.(settled)
              resolve(settled)
            })
          }),
    forget(lines: readonly string[]): void {
      if (lines.length > 0) waiting.delete(idOf(lines.at(-1)!))
    },
    tell(records: readonly StoredRecord[]): void {
      if (waiting.size === 0) return
      for (const { id } of records) {
        waiting.get(id)?.(true)
        waiting.delete(id)
      }
    },
    /** Nothing more will be settled. */
    end(): void {
      for (const resolve of waiting.values()) resolve(false)
      waiting.clear()
    },
  }
}

export type Confirmations = ReturnType<typeof createConfirmations>
