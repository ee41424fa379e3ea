import { monotonicMs, sleepMs } from '../../../src/steps/real-timers.ts'
import { isBusy } from './errors.ts'

const PATIENCE_MS = 5000
const MOST_MS = 5

/** Runs `work` again until no other connection is in its way. SQLite's own waiting would keep the event loop. */
export const whenFree = async <Result>(work: () => Result, signal?: AbortSignal): Promise<Result> => {
  const end = monotonicMs() + PATIENCE_MS
  for (let wait = 1; ; wait = Math.min(2 * wait, MOST_MS)) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || monotonicMs() > end) throw error
    }
    await sleepMs(wait)
    signal?.throwIfAborted()
  }
}
