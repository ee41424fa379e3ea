import type { Answers, Bins, Cell, Distribution, Group, PlannedColumn } from '../../src/report/answers.ts'
import {
  answers,
  column,
  comparison,
  distribution,
  group,
  labelledPairs,
  latency,
  NONE,
  numbers,
  plus,
} from './answers.ts'
import { binomial, gamma, multinomial, type Random } from './random.ts'

/**
 * Two windows of rows, as a store would have binned them, without a row being made. Numbers: the edges are quantiles of the reference's own
 * rows, so the shares between them are random as spacings of uniform numbers are, and the rows of the other window fall into them as a
 * multinomial. That is the law of real rows, at any size.
 */

/** Which rows sampling kept, and so what they weigh. `by value`: those in the upper half were kept ten times as often. */
export type Weighting = 'none' | 'at random' | 'by value'

const BINS = 100
const HEAVY = 10

const split = (random: Random, counts: readonly number[], weighting: Weighting): Bins => {
  const heavy = counts.map((n, i) => {
    if (weighting === 'none') return 0
    if (weighting === 'at random') return binomial(random, n, 0.5)
    return i < counts.length / 2 ? n : 0
  })
  const of = (power: number): number[] => counts.map((n, i) => n - heavy[i]! + heavy[i]! * HEAVY ** power)
  return { n: counts, w: of(1), w2: of(2) }
}

const at = ({ n, w, w2 }: Bins, i: number): Cell => ({ n: n[i]!, w: w[i]!, w2: w2[i]! })
const slice = ({ n, w, w2 }: Bins, from: number, to: number): Bins => ({
  n: n.slice(from, to),
  w: w.slice(from, to),
  w2: w2.slice(from, to),
})

/** Rows of the current window, and of the reference. */
type Sizes = readonly [number, number]

interface Both {
  column: PlannedColumn
  current: Distribution
  reference: Distribution
}

/** Chances of what lies below the reference's least row, of each of its quantile bins, and above its greatest. */
const spacings = (random: Random, n: number): number[] => {
  const rows = n / BINS
  const gaps = [1, ...Array.from({ length: BINS }, () => Math.max(1, rows)), 1].map((shape) => gamma(random, shape))
  const sum = gaps.reduce((a, b) => a + b, 0)
  return gaps.map((gap) => gap / sum)
}

/** @param quantile of the column's distribution; `shifted`: chances of the current rows to lie under x, where they differ */
const continuous = (
  random: Random,
  name: string,
  [n, m]: Sizes,
  weighting: Weighting,
  quantile: (p: number) => number,
  shifted?: (x: number) => number,
): Both => {
  const chances = spacings(random, m)
  const edges: number[] = []
  let under = 0
  for (const chance of chances.slice(0, -1)) edges.push(quantile((under += chance)))
  const before = chances.map((_, i) =>
    i === 0 || i === BINS + 1 ? 0 : Math.floor((m * i) / BINS) - Math.floor((m * (i - 1)) / BINS),
  )
  const now = shifted ? [...edges.map(shifted), 1].map((p, i, all) => p - (all[i - 1] ?? 0)) : chances
  const of = (counts: readonly number[]): Distribution => {
    const binned = split(random, counts, weighting)
    return numbers(edges, { bins: slice(binned, 1, BINS + 1), below: at(binned, 0), above: at(binned, BINS + 1) })
  }
  return { column: column(name, { edges }), current: of(multinomial(random, n, now)), reference: of(before) }
}

const categorical = (
  random: Random,
  name: string,
  [n, m]: Sizes,
  weighting: Weighting,
  shares: readonly number[],
  of: Partial<PlannedColumn> = {},
): Both => {
  const before = split(random, multinomial(random, m, shares), weighting)
  const now = split(random, multinomial(random, n, shares), weighting)
  const known = shares.map((_, i) => i).filter((i) => before.n[i]! > 0)
  known.sort((a, b) => before.w[b]! - before.w[a]!)
  const named = known.slice(0, 50)
  const rest = known.slice(50)
  const unseen = shares.map((_, i) => i).filter((i) => before.n[i]! === 0 && now.n[i]! > 0)
  const pick = (bins: Bins, which: readonly number[]): Bins => ({
    n: which.map((i) => bins.n[i]!),
    w: which.map((i) => bins.w[i]!),
    w2: which.map((i) => bins.w2[i]!),
  })
  const make = (bins: Bins, news: readonly number[]): Distribution =>
    distribution({
      bins: pick(bins, named),
      other: plus(...rest.map((i) => at(bins, i))),
      unseen: plus(...news.map((i) => at(bins, i))),
      unseenValues: news
        .map((i) => ({ value: `v${i}`, ...at(bins, i) }))
        .sort((a, b) => b.w - a.w)
        .slice(0, 10),
    })
  return {
    column: column(name, { kind: 'category', categories: named.map((i) => `v${i}`), ...of }),
    current: make(now, unseen),
    reference: make(before, []),
  }
}

/** A number of few whole values: each is an edge, the greatest twice. */
const discrete = (
  random: Random,
  name: string,
  [n, m]: Sizes,
  weighting: Weighting,
  shares: readonly number[],
): Both => {
  const edges = [...shares.map((_, i) => i), shares.length - 1]
  const of = (rows: number): Distribution =>
    numbers(edges, { bins: split(random, multinomial(random, rows, shares), weighting) })
  return { column: column(name, { edges }), current: of(n), reference: of(m) }
}

const withMissing = (random: Random, { column, current, reference }: Both, share: number): Both => {
  const lose = (of: Distribution): Distribution => {
    const n = binomial(random, of.present.n, share)
    const weight = of.present.n > 0 ? of.present.w / of.present.n : 1
    return { ...of, missing: { n, w: n * weight, w2: (n * of.present.w2) / Math.max(1, of.present.n) } }
  }
  return { column, current: lose(current), reference: lose(reference) }
}

const asOutput = (both: Both): Both => ({ ...both, column: { ...both.column, role: 'output' } })

/** erf by Abramowitz and Stegun 7.1.26; good to 1e-7, for making data only. */
const erf = (x: number): number => {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const y =
    1 -
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x)
  return Math.sign(x) * y
}
const normalBelow = (x: number): number => (1 + erf(x / Math.SQRT2)) / 2
const normalQuantile = (p: number): number => {
  let low = -9
  let high = 9
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2
    if (normalBelow(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

const zipf = (count: number): number[] => Array.from({ length: count }, (_, i) => 1 / (i + 1))

const accurate = (random: Random, n: number, share: number) => {
  const right = binomial(random, n, share)
  const pair = (prediction: string, actual: string, rows: number) => ({
    prediction,
    actual,
    n: rows,
    w: rows,
    w2: rows,
  })
  return labelledPairs([pair('a', 'a', right), pair('a', 'b', n - right)])
}

export interface Simulation {
  n: number
  weighting?: Weighting
  /** Rows of the reference, where it has others. */
  m?: number
  /** Of the first feature, in standard deviations. */
  shift?: number
}

/** A report over ten features and two outputs, with accuracy, errors and latency. Without a shift both windows are alike. */
export const simulate = (random: Random, { n, m = n, weighting = 'none', shift = 0 }: Simulation): Answers => {
  const sizes = [n, m] as const
  const shifted = shift === 0 ? undefined : (x: number) => normalBelow(x - shift)
  const log = (sd: number) => (p: number) => Math.exp(sd * normalQuantile(p))
  const columns = [
    continuous(random, 'normal', sizes, weighting, normalQuantile, shifted),
    continuous(random, 'lognormal', sizes, weighting, log(1)),
    continuous(random, 'long_tail', sizes, weighting, log(2)),
    withMissing(
      random,
      continuous(random, 'exponential', sizes, weighting, (p) => -Math.log(1 - p)),
      0.1,
    ),
    continuous(random, 'uniform', sizes, weighting, (p) => p),
    discrete(random, 'steps', sizes, weighting, [5, 3, 1, 0.5]),
    categorical(random, 'kind', sizes, weighting, [5, 3, 2, 1, 1]),
    categorical(random, 'country', sizes, weighting, zipf(40)),
    categorical(random, 'product', sizes, weighting, zipf(2000)),
    categorical(random, 'member', sizes, weighting, [9, 1], { kind: 'boolean' }),
    categorical(random, 'prediction', sizes, weighting, [3, 2, 2], { role: 'output' }),
    asOutput(continuous(random, 'confidence', sizes, weighting, (p) => p ** 0.2)),
  ]
  const of = (which: 'current' | 'reference'): Group => {
    const instances = columns[0]![which].present
    const errors = { ...NONE, n: binomial(random, instances.n, 0.01) }
    const weight = instances.w / instances.n
    return group({
      traffic: {
        instances,
        errors: { n: errors.n, w: errors.n * weight, w2: errors.n * weight * weight },
        latency: latency(instances),
      },
      columns: Object.fromEntries(columns.map((both) => [both.column.name, both[which]])),
      labelled: accurate(random, instances.n, 0.9),
    })
  }
  return answers(
    columns.map(({ column }) => column),
    of('current'),
    of('reference'),
    comparison({ classes: ['a', 'b'] }),
  )
}
