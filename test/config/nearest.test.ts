import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { didYouMean, distance, nearestName } from '../../src/config/nearest.ts'

describe('distance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['snik', 'sink', 1],
    ['ca', 'abc', 3],
    ['PREDICTIONS_SNIK', 'PREDICTIONS_SINK', 1],
  ])('%s, %s: %i', (a, b, expected) => {
    expect(distance(a, b)).toBe(expected)
    expect(distance(b, a)).toBe(expected)
  })

  it('is 0 for equals only, and at most the longer length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        expect(distance(a, b) === 0).toBe(a === b)
        expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
      }),
    )
  })
})

describe('nearest', () => {
  const names = ['memory', 'outbox', 'sink']

  it.each([
    ['outbx', 'outbox'],
    ['OUTBOX', 'outbox'],
    ['memroy', 'memory'],
    ['snik', 'sink'],
    ['disk', undefined],
    ['', undefined],
  ])('%s: %s', (given, expected) => {
    expect(nearestName(given, names)).toBe(expected)
  })

  it('is not looked for where the name is long', () => {
    expect(nearestName('x'.repeat(1_000_000), ['x'.repeat(1_000_000)])).toBeUndefined()
  })

  it('is said, or nothing', () => {
    expect(didYouMean('outbx', names)).toBe('; did you mean "outbox"?')
    expect(didYouMean('xyzzy', names)).toBe('')
  })
})
