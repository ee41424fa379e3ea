import { describe, expect, it } from 'vitest'
import { changedSince } from '../../../src/report/statistics/change.ts'
import { normal, seeded } from '../random.ts'

const day = (index: number) => new Date(Date.UTC(2026, 2, 8 + index))
const steps = (means: readonly number[], size = 1000) => means.map((mean, index) => ({ since: day(index), mean, size }))
const before = { mean: 0, size: 7000 }

describe('since when a mean has changed', () => {
  it('is the step from which on it is another one', () => {
    expect(changedSince(before, steps([0, 0.02, -0.01, 1, 0.98, 1.03, 1]), 1)).toEqual(day(3))
    expect(changedSince(before, steps([0.01, 0, 0, 0, 0, 0, -1]), 1)).toEqual(day(6))
  })

  it('is the first step where all are alike', () => {
    expect(changedSince(before, steps([1, 1.02, 0.99, 1, 1, 0.98, 1.01]), 1)).toEqual(day(0))
  })

  it('is in the midst of a slow change', () => {
    expect(changedSince(before, steps([0, 0.2, 0.4, 0.6, 0.8, 1, 1.2]), 1)).toEqual(day(3))
  })

  it('leaves out steps without rows', () => {
    const known = steps([0, 0, 0, 1, 1, 1])
    known[2] = { ...known[2]!, mean: 9, size: 0 }
    expect(changedSince(before, known, 1)).toEqual(day(3))
  })

  it('is not told by what chance makes', () => {
    const random = seeded(3)
    const found = Array.from({ length: 500 }, () => {
      const mean = () => normal(random) / Math.sqrt(1000)
      return changedSince(
        { mean: normal(random) / Math.sqrt(7000), size: 7000 },
        steps(Array.from({ length: 7 }, mean)),
        1,
      )
    })
    expect(found.filter(Boolean).length).toBeLessThanOrEqual(2)
  })

  it('is not told by two steps, nor without a reference', () => {
    expect(changedSince(before, steps([1, 1]), 1)).toBeUndefined()
    expect(changedSince({ mean: 0, size: 0 }, steps([1, 1, 1, 1]), 1)).toBeUndefined()
  })
})
