import type { Answers, ReportPlan, PlannedColumn, Window } from '../../src/report/answers.ts'
import { tallyRows, type TallyRow } from '../../src/report/tally/rows.ts'
import { column, comparison, CURRENT, plan, REFERENCE } from './answers.ts'
import { normal, seeded, type Random } from './random.ts'

/**
 * Two weeks of a service that predicts whether a loan is repaid, as rows, tallied as SQLite's are. In the second week applicants are older,
 * incomes lie higher, a channel is new, version 2 is served beside version 1 and is worse, and the last days' actuals are still coming.
 */

const DAY = 86_400_000

export interface ExampleOptions {
  rows?: number
  seed?: number
  /** More features, without drift. */
  features?: number
  drifts?: boolean
  /** The share of rows that sampling kept. */
  sampled?: number
  /** No actuals, as where they come much later. */
  labels?: boolean
}

const CHANNELS = ['web', 'app', 'branch', 'phone']

const pick = (random: Random, values: readonly string[], weights: readonly number[]): string => {
  let at = random() * weights.reduce((a, b) => a + b, 0)
  for (const [i, weight] of weights.entries()) if ((at -= weight) < 0) return values[i]!
  return values.at(-1)!
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

const rowsOf = (
  random: Random,
  { since, until }: Window,
  isNow: boolean,
  options: Required<ExampleOptions>,
): TallyRow[] =>
  Array.from({ length: options.rows }, () => {
    const drifts = isNow && options.drifts
    const share = random()
    const time = since.getTime() + (until.getTime() - since.getTime()) * share
    const age = Math.max(18, 38 + (drifts ? 6 : 0) + 11 * normal(random))
    const income = Math.round(Math.exp(10.3 + (drifts ? 0.15 : 0) + 0.5 * normal(random)))
    const channel = pick(random, [...CHANNELS, 'partner'], drifts ? [3, 4, 1, 0.5, 1.2] : [4, 3, 1.5, 0.5, 0])
    const version = isNow && random() < 0.4 ? '2' : '1'
    const truth = sigmoid(0.05 * (age - 38) + 1.2 * (Math.log(income) - 10.3) + 0.6 + 1.2 * normal(random))
    const isWorse = drifts && version === '2'
    const chance = isWorse ? sigmoid(1.4 * normal(random)) : Math.min(0.99, Math.max(0.01, truth))
    const prediction = chance >= 0.5 ? 'yes' : 'no'
    const failed = random() < (drifts && share > 0.6 ? 0.04 : 0.008)
    const lag = Math.exp(11.2 + 0.8 * normal(random)) * 1000
    const isLabelled = options.labels && !failed && time + lag < CURRENT.until.getTime()
    const weight = options.sampled < 1 ? 1 / options.sampled : 1
    return {
      time,
      version,
      weight,
      failed,
      duration: Math.exp(2.6 + 0.5 * normal(random) + (isWorse ? 0.9 : 0)),
      values: [
        random() < (drifts ? 0.09 : 0.02) ? null : age,
        income,
        Math.floor(random() ** 2 * 4),
        channel,
        random() < 0.3,
        ...Array.from({ length: options.features }, () => normal(random)),
        prediction,
        prediction === 'yes' ? chance : 1 - chance,
      ],
      slices: [channel],
      isLabelled,
      actual: random() < truth ? 'yes' : 'no',
      actualTime: isLabelled ? time + lag : null,
    }
  })

const edgesOf = (rows: readonly TallyRow[], at: number): number[] => {
  const values = rows
    .flatMap(({ values }) => (typeof values[at] === 'number' ? [values[at]] : []))
    .sort((a, b) => a - b)
  const different = [...new Set(values)]
  if (different.length <= 100) return [...different, different.at(-1)!]
  return [...new Set(Array.from({ length: 101 }, (_, i) => values[Math.round((i / 100) * (values.length - 1))]!))]
}

const buckets = (...windows: Window[]): Window[] =>
  windows.flatMap(({ since, until }) =>
    Array.from({ length: (until.getTime() - since.getTime()) / DAY }, (_, i) => ({
      since: new Date(since.getTime() + i * DAY),
      until: new Date(since.getTime() + (i + 1) * DAY),
    })),
  )

export const example = (given: ExampleOptions = {}): Answers => {
  const options = { rows: 12_000, seed: 7, features: 0, drifts: true, sampled: 1, labels: true, ...given }
  const random = seeded(options.seed)
  const before = rowsOf(random, REFERENCE, false, options)
  const now = rowsOf(random, CURRENT, true, options)
  const more = Array.from({ length: options.features }, (_, i) => `feature_${i + 1}`)
  const number = (name: string, at: number, of: Partial<PlannedColumn> = {}) =>
    column(name, { edges: edgesOf(before, at), ...of })
  const columns: PlannedColumn[] = [
    number('age', 0),
    number('income', 1),
    number('open_loans', 2),
    column('channel', { kind: 'category', categories: CHANNELS }),
    column('is_customer', { kind: 'boolean', categories: ['false', 'true'] }),
    ...more.map((name, i) => number(name, 5 + i)),
    column('prediction', { role: 'output', kind: 'category', categories: ['yes', 'no'] }),
    number('confidence', 6 + more.length, { role: 'output' }),
  ]
  const compared = comparison({
    classes: ['no', 'yes'],
    positive: 'yes',
    score: { column: 'confidence', meaning: 'confidence' },
  })
  const asked: ReportPlan = {
    ...plan(columns, compared),
    model: 'loan',
    buckets: buckets(REFERENCE, CURRENT),
    by: [{ name: 'channel', values: [...CHANNELS, 'partner'] }],
    versions: ['1', '2'],
  }
  const known = new Map(columns.map(({ name }) => [name, new Set<string>()]))
  const tally = (rows: readonly TallyRow[], window: Window, isReference: boolean) => {
    const sums = tallyRows(asked, window, known, isReference)
    for (const row of rows) sums.add(row)
    return sums
  }
  const reference = tally(before, REFERENCE, true).answer(0)
  const current = tally(now, CURRENT, false)
  if (options.drifts) {
    const cell = current.extra('features.income', 'not a number')
    Object.assign(cell, { n: 312, w: 312 / options.sampled, w2: 312 / options.sampled ** 2 })
  }
  return { plan: asked, current: current.answer(options.labels ? 40 : 0), reference }
}
