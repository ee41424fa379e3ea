import { setTimeout as pause } from 'node:timers/promises'

/** Between looks, in milliseconds. */
const PAUSE = 50

/**
 * Waits until `look` gives something true, and gives that.
 * @throws Error that names `what` after `timeoutMs` of pauses (default: 90,000: a busy machine takes its time). Pauses are counted, as by
 * the clock a process that was stopped meanwhile would be late when it goes on.
 */
export const until = async <T>(
  what: string,
  look: () => T | Promise<T>,
  timeoutMs = 90_000,
): Promise<NonNullable<T>> => {
  for (let waited = 0; waited <= timeoutMs; waited += PAUSE) {
    const found = await look()
    if (found) return found as NonNullable<T>
    await pause(PAUSE)
  }
  throw new Error(`not within ${timeoutMs / 1000} s: ${what}`)
}
