/** In the place of `src/steps/real-timers.ts`, for tests that put the clock forward: the same by the global timers, which can be faked. */
export const inNextTurn = (callback: () => void): void => void setImmediate(callback)
export { setImmediate as nextTurn } from 'node:timers/promises'
export const afterMs = (ms: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1))
  return () => clearTimeout(timer)
}
export const sleepMs = (ms: number): Promise<void> => new Promise((resolve) => void afterMs(ms, resolve))
export const monotonicMs = (): number => performance.now()
export const holdProcess = () => () => {}
