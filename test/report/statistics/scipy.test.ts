import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { effectiveSize, binOf, sum } from '../../../src/report/statistics/bins.ts'
import { accuracy, macro, ofClass } from '../../../src/report/statistics/classification.ts'
import { jensenShannon, populationStability, wasserstein } from '../../../src/report/statistics/distances.ts'
import {
  chiSquareQuantile,
  chiSquareTail,
  kolmogorovTail,
  normalTails,
} from '../../../src/report/statistics/distributions.ts'
import { expectedPerformance } from '../../../src/report/statistics/expected.ts'
import { estimateOf, type Measure } from '../../../src/report/statistics/measures.ts'
import { wilson } from '../../../src/report/statistics/intervals.ts'
import { quantiles } from '../../../src/report/statistics/quantiles.ts'
import { determination, meanAbsolute, meanRelative, rootMeanSquare } from '../../../src/report/statistics/regression.ts'
import { areaUnderCurve, calibration, calibrationError, meanLoss } from '../../../src/report/statistics/scores.ts'
import {
  benjaminiHochberg,
  chiSquare,
  kolmogorovSmirnov,
  twoProportions,
} from '../../../src/report/statistics/tests.ts'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a JSON file of many shapes holds
type Case = any

/** What scipy and scikit-learn say (statistics.py). */
const cases: Record<string, Case> = JSON.parse(
  readFileSync(new URL('../fixtures/statistics.json', import.meta.url), 'utf8'),
)

const EXACT = 1e-9

/** To 1e-9, of what is above 1 as a share of it. */
const same = (actual: number | undefined, expected: number): void => {
  expect(actual).toBeTypeOf('number')
  const most = EXACT * Math.max(1, Math.abs(expected))
  expect(Math.abs(actual! - expected), `${actual} is not ${expected}`).toBeLessThanOrEqual(most)
}

const valueOf = (measure: Measure): number | undefined => estimateOf(measure)?.value

describe('distribution functions', () => {
  it.each(cases.distributions.chiSquareTail as number[][])('P(χ² > %d), %d degrees', (x, degrees, p) =>
    same(chiSquareTail(x!, degrees!), p!),
  )
  it.each(cases.distributions.chiSquareQuantile as number[][])('χ² quantile %d, %d degrees', (p, degrees, x) =>
    same(chiSquareQuantile(p!, degrees!), x!),
  )
  it.each(cases.distributions.normalTails as number[][])('P(|Z| > %d)', (z, p) => same(normalTails(z!), p!))
  it.each(cases.distributions.kolmogorovTail as number[][])('P(K > %d)', (x, p) => same(kolmogorovTail(x!), p!))
})

describe.each(cases.numbers as Case[])('numbers: $name', (of) => {
  const edges: number[] = of.edges

  it('have the effective sizes', () => {
    same(effectiveSize(binOf(of.current)), of.effective[0])
    same(effectiveSize(binOf(of.reference)), of.effective[1])
  })

  it('have the Wasserstein distance of their bins, and near that of their rows', () => {
    const distance = wasserstein(of.current.w, of.reference.w, edges)
    same(distance, of.wasserstein)
    // A value is moved by half its bin's width at most. With 100 bins of long tails that is far more than it comes to.
    const half = (w: number[]): number =>
      sum(edges.slice(1).map((edge, i) => (w[i + 1]! / sum(w)) * ((edge - edges[i]!) / 2)))
    const error = Math.abs(distance - of.wassersteinOfSamples)
    expect(error).toBeLessThanOrEqual(half(of.current.w) + half(of.reference.w))
    expect(error).toBeLessThan((of.name.startsWith('skewed') ? 0.05 : 0.02) * of.sd)
  })

  it('have the Kolmogorov-Smirnov statistic of their bins, at most a bin under that of their rows', () => {
    const test = kolmogorovSmirnov(of.current.w, of.reference.w, of.effective)
    same(test.statistic, of.ks.statistic)
    same(test.p, of.ks.p)
    if (of.name.includes('weighted')) return
    expect(test.statistic).toBeLessThanOrEqual(of.ksOfSamples.statistic + EXACT)
    const widest = Math.max(...of.current.w.map((w: number) => w / sum(of.current.w)))
    expect(test.statistic).toBeGreaterThan(of.ksOfSamples.statistic - widest)
  })

  it('have quantiles within a bin of those of their rows', () => {
    const [at, expected] = of.quantiles as [number[], number[]]
    quantiles(of.current.w, edges, at).forEach((value, i) => {
      const clipped = Math.min(Math.max(expected[i]!, edges[0]!), edges.at(-1)!)
      const upper = Math.max(
        1,
        edges.findIndex((edge) => edge >= clipped),
      )
      const neighbours = edges.slice(Math.max(0, upper - 2), upper + 2)
      expect(Math.abs(value! - clipped)).toBeLessThanOrEqual(neighbours.at(-1)! - neighbours[0]!)
    })
  })
})

describe.each(cases.categories as Case[])('categories: $name', (of) => {
  const sizes: [number, number] = [sum(of.current), sum(of.reference)]

  it('have the Jensen-Shannon distance', () => same(jensenShannon(of.current, of.reference), of.jensenShannon))

  it('have the population stability index and its noise', () => {
    const { value, noise } = populationStability(of.current, of.reference, sizes, { joined: false })
    same(value, of.psi)
    same(noise, of.psiNoise)
  })

  it('have the χ² test', () => {
    const test = chiSquare(of.current, of.reference, sizes)
    same(test.statistic, of.chiSquare.statistic)
    same(test.p, of.chiSquare.p)
    expect(test.degrees).toBe(of.chiSquare.degrees)
  })

  it('of two, have the z test, whose square is χ²', () => {
    if (of.current.length !== 2) return
    const test = twoProportions([of.current[0] / sizes[0], of.reference[0] / sizes[1]], sizes)
    same(test.statistic ** 2, of.chiSquare.statistic)
    same(test.p, of.chiSquare.p)
  })
})

it.each(cases.wilson as number[][])('Wilson interval of %d in %d', (share, size, low, high) => {
  const interval = wilson(share!, size!)
  same(interval.low, low!)
  same(interval.high, high!)
})

it('p values are adjusted as Benjamini and Hochberg do', () => {
  const [ps, expected] = cases.adjusted as [number[], number[]]
  benjaminiHochberg(ps).forEach((p, i) => same(p, expected[i]!))
})

const OF_CLASS = ['precision', 'recall', 'f1'] as const

describe.each(cases.classification as Case[])('classification: $name', (of) => {
  it('has the accuracy', () => same(valueOf(accuracy(of.pairs)), of.accuracy))

  it('has precision, recall and F1 of each class', () => {
    ;(of.classes as string[]).forEach((name, i) => {
      const measures = ofClass(of.pairs, name)
      // Where scikit-learn puts a 0, a measure says why it has no value.
      for (const which of OF_CLASS) same(valueOf(measures[which]) ?? 0, of[which][i])
    })
  })

  it('has the macro means', () => {
    OF_CLASS.forEach((which, i) => same(valueOf(macro(of.pairs, which)), of.macro[i]))
  })
})

describe.each(cases.scores as Case[])('scores: $name', (of) => {
  it('have the area under the curve, and within the ties of its bins that of their rows', () => {
    const area = valueOf(areaUnderCurve(of))
    same(area, of.auc)
    const p = sum(of.positive.w)
    const n = sum(of.negative.w)
    const ties = sum(of.positive.w.map((w: number, i: number) => (w / p) * (of.negative.w[i] / n)))
    expect(Math.abs(area! - of.aucOfSamples)).toBeLessThanOrEqual(ties / 2)
  })

  it('have log loss and Brier score', () => {
    same(valueOf(meanLoss(of, of.sumLogLoss)), of.logLoss)
    same(valueOf(meanLoss(of, of.sumBrier)), of.brier)
  })

  it('have the calibration error', () => same(valueOf(calibrationError(calibration(of))), of.calibrationError))

  it('have the performance to be expected', () => {
    const expected = expectedPerformance(of.confidences, 'true')!
    for (const which of ['accuracy', ...OF_CLASS] as const) same(expected[which]?.value, of.expected[which])
  })
})

describe.each(cases.regression as Case[])('regression: $name', (of) => {
  it('has RMSE, MAE, R² and MAPE', () => {
    same(valueOf(rootMeanSquare(of.residuals, of.labelled)), of.rmse)
    same(valueOf(meanAbsolute(of.residuals, of.labelled)), of.mae)
    same(valueOf(determination(of.residuals, of.labelled)), of.r2)
    same(valueOf(meanRelative(of.residuals, of.labelled)), of.mape)
  })
})
