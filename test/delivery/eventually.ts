import { vi } from 'vitest'

/** Waits for a condition, on a busy machine too. */
export const eventually = <T>(condition: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(condition, { timeout: 20_000, interval: 5 })
