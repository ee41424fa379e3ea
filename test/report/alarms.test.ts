import { describe, expect, it } from 'vitest'
import { judge } from '../../src/report/judge.ts'
import { seeded } from './random.ts'
import { simulate, type Simulation } from './simulate.ts'

/** The same with 1,000 pairs, more sizes and weights: test/long/report-alarms.ts. */
const PAIRS = 100

const alarms = (simulation: Simulation): number => {
  const random = seeded(11)
  const reports = Array.from({ length: PAIRS }, () => judge(simulate(random, simulation)))
  return reports.filter(({ verdict }) => verdict !== 'ok').length
}

const found = (simulation: Simulation): number => {
  const random = seeded(12)
  const reports = Array.from({ length: PAIRS }, () => judge(simulate(random, simulation)))
  return reports.filter(({ columns }) => columns['normal']!.drift!.drifted).length
}

describe('of windows without drift', () => {
  it.each([
    { n: 150 },
    { n: 1000 },
    { n: 1000, weighting: 'at random' },
    { n: 20_000 },
    { n: 1_000_000, m: 500 },
  ] as Simulation[])('a report is ok, with rare exceptions: %o', (simulation) => {
    // Four in 100 are usual at this size (docs/report.md); the seed makes it the same run each time.
    expect(alarms(simulation)).toBeLessThanOrEqual(8)
  })
})

it('a shift of half a standard deviation in one of ten features is found at 1,000 rows', () => {
  expect(found({ n: 1000, shift: 0.5 })).toBeGreaterThanOrEqual(95)
})

it('what matters to nobody is no drift, however many rows show it', () => {
  expect(found({ n: 1_000_000, shift: 0.05 })).toBe(0)
})
