import { expect, it } from 'vitest'
import { commonValues } from '../../../src/report/statistics/common-values.ts'

it('values that are common in both windows stand alone, all others together', () => {
  expect(commonValues([500, 300, 3, 0, 0], [520, 280, 1, 0, 0], [803, 801])).toEqual([1, 2, 0, 0, 0])
})

it('of a reference with more values than names only those that chance can not have chosen stand alone', () => {
  // Named are the four most common of many: a third of them would be others in the next sample.
  const reference = [400, 30, 29, 28, 600, 0]
  expect(commonValues([380, 20, 22, 18, 640, 10], reference, [1090, 1087])).toEqual([1, 0, 0, 0, 0, 0])
})

it('what only the current window has is no value of its own', () => {
  expect(commonValues([0, 100, 0, 900], [500, 500, 0, 0], [1000, 1000])).toEqual([1, 2, 0, 0])
})
