import { setTimeout as pause } from 'node:timers/promises'

/**
 * Waits until `look` gives something true, and gives that.
 * @throws Error that names `what` after `timeoutMs` (default: 90,000: a busy machine takes its time)
 */
export const until = async <T>(
  what: string,
  look: () => T | Promise<T>,
  timeoutMs = 90_000,
): Promise<NonNullable<T>> => {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found) return found as NonNullable<T>
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`)
    await pause(50)
  }
}
