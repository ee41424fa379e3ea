import { describe, expect, it } from 'vitest'
import { backoffMs } from '../../src/delivery/outage.ts'

describe('backoff', () => {
  it('doubles from 100 ms, and is never longer than 5 s, however many failures', () => {
    const longest = (failures: number): number => backoffMs(failures, () => 1)
    expect([1, 2, 3, 4, 5, 6, 7, 8, 1000, 100_000].map(longest)).toEqual([
      100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000,
    ])
  })

  it('has full jitter', () => {
    expect(backoffMs(4, () => 0)).toBe(0)
    expect(backoffMs(4, () => 0.25)).toBe(200)
  })
})
