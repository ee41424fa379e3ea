import { isActualText } from '../records/actual.ts'
import { storedFromJson, type StoredRecord } from '../records/stored.ts'

const idOf = (line: string): string => storedFromJson(line).id

/**
 * The ids that a reply waits for. Of predictions the last one's: the records of a reply follow one another in the queue, and batches are
 * settled in order, so the last record is settled last. An actual that is reported again has the id that it had, and may be settled
 * before those that stand before it: each is waited for.
 */
const idsOf = (lines: readonly string[]): Set<string> => {
  const last = lines.at(-1)
  if (last === undefined) return new Set()
  return new Set((isActualText(last) ? lines : [last]).map(idOf))
}

/** A reply that is held. */
export interface Confirmation {
  /** Resolves with true when its records are settled. */
  readonly settled: Promise<boolean>
  /** Nobody waits any more. */
  forget(): void
}

interface Waiter {
  readonly ids: Set<string>
  resolve(settled: boolean): void
}

/** Tells whoever holds a reply when its records are settled. */
export const createConfirmations = () => {
  const waiting = new Map<string, Set<Waiter>>()

  const remove = (waiter: Waiter, id: string): void => {
    waiter.ids.delete(id)
    const others = waiting.get(id)
    others?.delete(waiter)
    if (others?.size === 0) waiting.delete(id)
  }

  return {
    /** Of lines that were just appended. */
    hold(lines: readonly string[]): Confirmation {
      const ids = idsOf(lines)
      const { promise: settled, resolve } = Promise.withResolvers<boolean>()
      const waiter: Waiter = { ids, resolve }
      for (const id of ids) waiting.set(id, (waiting.get(id) ?? new Set()).add(waiter))
      if (ids.size === 0) resolve(true)
      return {
        settled,
        forget() {
          for (const id of ids) remove(waiter, id)
        },
      }
    },
    tell(records: readonly StoredRecord[]): void {
      if (waiting.size === 0) return
      for (const { id } of records)
        for (const waiter of waiting.get(id) ?? []) {
          remove(waiter, id)
          if (waiter.ids.size === 0) waiter.resolve(true)
        }
    },
    /** Nothing more will be settled. */
    end(): void {
      for (const waiters of waiting.values()) for (const { resolve } of waiters) resolve(false)
      waiting.clear()
    },
  }
}

export type Confirmations = ReturnType<typeof createConfirmations>
