import { describe, expect, it } from 'vitest'
import type { Answers, Distribution, PlannedColumn, Residuals } from '../../src/report/answers.ts'
import { judge } from '../../src/report/judge.ts'
import type { Report } from '../../src/report/result.ts'
import { terminalView } from '../../src/report/views/terminal.ts'
import { htmlView } from '../../src/report/views/html/page.ts'
import {
  answers,
  bins,
  cell,
  column,
  comparison,
  distribution,
  group,
  labelledPairs,
  NONE,
  numbers,
  windowAnswer,
} from './answers.ts'
import { example } from './example.ts'

const EDGES = [0, 1, 2, 3, 4]
const x = column('x', { edges: EDGES })
const spread = (each: number, of: Partial<Distribution> = {}) =>
  numbers(EDGES, { bins: bins([each, each, each, each]), ...of })

/** One column in both windows. */
const compared = (current: Distribution, reference: Distribution | undefined, of: PlannedColumn = x): Answers => {
  const window = (distribution: Distribution) =>
    group({
      instances: cell(distribution.present.n + distribution.missing.n),
      columns: { [of.name]: distribution },
    })
  return answers([of], window(current), reference && window(reference))
}

/** Numbers in JSON are numbers: NaN and infinities would be null where none may be. */
const everyNumberIsFinite = (value: unknown): void => {
  if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true)
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(everyNumberIsFinite)
}

/** Judges, and shows the report in every view: none may throw, or say NaN. */
const judged = (given: Answers, options = {}): Report => {
  const report = judge(given, options)
  everyNumberIsFinite(report)
  for (const text of [terminalView(report, { colours: false }), htmlView(report)])
    expect(text).not.toMatch(/\bNaN\b(?! or)|Infinity|\[object/)
  return report
}

const messages = ({ findings }: Report): string[] => findings.map(({ severity, message }) => `${severity}: ${message}`)

describe('a report of', () => {
  it('an empty window', () => {
    const report = judged(compared(spread(0), spread(100)))
    expect([report.verdict, report.summary]).toEqual([
      'unknown',
      'No predictions in this window: there is nothing to judge.',
    ])
    expect(report.advice).toEqual([expect.stringMatching(/^Take a window that has rows \(--since 30d\)/)])
  })

  it('an empty reference', () => {
    const report = judged(compared(spread(100), spread(0)))
    expect(report.verdict).toBe('unknown')
    expect(report.summary).toBe(
      'Not enough data to judge: 400 predictions, and none in the reference to compare them with.',
    )
    expect(report.advice).toEqual([expect.stringMatching(/^Compare the last hour with the one before: --since 1h; /)])
    expect(messages(report)[0]).toBe(
      'info: The reference, 1 Mar 2026 – 8 Mar 2026, has no predictions: nothing can be compared with it.',
    )
    expect(report.columns['x']!.not_judged).toBe('the reference has no values of it')
  })

  it('no reference', () => {
    const report = judged(compared(spread(100), undefined))
    expect(report.summary).toBe('Not enough data to judge: 400 predictions, there is nothing to compare them with.')
    expect(report.columns['x']).toMatchObject({ drift: null, not_judged: 'there is no reference', reference: null })
  })

  it('one row', () => {
    const one = numbers([2], { bins: bins([1]) })
    const report = judged(compared(one, one, column('x', { edges: [2] })))
    expect(report.verdict).toBe('unknown')
    expect(messages(report)).toEqual(['info: x is not judged: not enough data: 1 row now, 100 are needed.'])
  })

  it('a column that is missing in all rows', () => {
    const report = judged(compared(distribution({ bins: bins([0, 0, 0, 0]), missing: cell(400) }), spread(100)))
    expect(messages(report)).toEqual(['alert: x has no values any more: all 400 rows lack it, it was 0 %.'])
    expect(report.columns['x']!.not_judged).toBe('there are no values of it now')
  })

  it('a column that is missing in both windows', () => {
    const none = distribution({ bins: bins([]), missing: cell(400) })
    expect(messages(judged(compared(none, none, column('x'))))).toEqual([])
  })

  it('a constant column', () => {
    const constant = numbers([7], { bins: bins([400]) })
    const report = judged(compared(constant, constant, column('x', { edges: [7] })))
    expect([report.verdict, report.columns['x']!.drift!.drifted]).toEqual(['ok', false])
    expect(report.columns['x']!.current).toMatchObject({ mean: 7, sd: 0, min: 7, max: 7 })
  })

  it('a constant column that has become another constant', () => {
    const moved = numbers([7], { bins: bins([0]), above: cell(400) })
    const report = judged(compared(moved, numbers([7], { bins: bins([400]) }), column('x', { edges: [7] })))
    expect(report.verdict).toBe('alert')
    expect(messages(report)).toContainEqual("alert: 100 % of x is out of the reference's range: over 7.")
  })

  it.each([1000, 100_000])('weights that are all 0, %d rows', (rows) => {
    const weightless = numbers(EDGES, { bins: bins([rows, rows, rows, rows], 0) })
    const given = compared(weightless, spread(rows))
    const traffic = group({ instances: cell(4 * rows, 0) }).traffic
    const report = judged({ ...given, current: windowAnswer({ ...given.current.all, traffic }) })
    expect(report.columns['x']!.not_judged).toBe('sample_weight is 0 in all of its rows')
    expect(report.summary).toMatch(
      /^Not enough data to judge: [\d,]+ predictions, and each has a sample_weight of 0\.$/,
    )
    expect(judged(compared(spread(rows), weightless)).columns['x']!.not_judged).toBe(
      "sample_weight is 0 in all of the reference's rows",
    )
  })

  it('infinite values', () => {
    const report = judged(compared(spread(100, { nonFinite: cell(4) }), spread(100)))
    expect(messages(report)).toEqual([
      'warn: x has 4 values that are NaN or infinite, or too great to be added up (1e70 or more), 0.99 % of it: they are counted, and left out of everything else.',
    ])
    expect(report.columns['x']!.current.not_finite).toBeCloseTo(4 / 404)
  })

  const kind = column('kind', { kind: 'category', categories: ['a', 'b'] })
  it('a category never seen', () => {
    const news = distribution({
      bins: bins([300, 300]),
      unseen: cell(60),
      unseenValues: [{ value: 'c\u001b[2J', ...cell(60) }],
    })
    const report = judged(compared(news, distribution({ bins: bins([300, 300]) }), kind))
    expect(messages(report)).toContainEqual('alert: kind has new values: "c\\u001b[2J", together 9.1 % of it.')
  })

  it('100,000 categories, most of them new each time', () => {
    const names = Array.from({ length: 50 }, (_, i) => `v${i}`)
    const many = column('kind', { kind: 'category', categories: names, complete: false })
    const rare = (of: Partial<Distribution>) => distribution({ bins: bins(names.map(() => 3)), ...of })
    const unseenValues = names.slice(0, 10).map((name) => ({ value: `new ${name}`, ...cell(3) }))
    const current = rare({ bins: bins(names.map(() => 0)), other: cell(18_000), unseen: cell(82_000), unseenValues })
    const report = judged(compared(current, rare({ other: cell(99_850) }), many))
    expect(messages(report)).toEqual([])
    expect(report.columns['kind']!.not_judged).toBe('it has many values, and none is common enough to be compared')
  })

  it('booleans', () => {
    const flag = column('flag', { kind: 'boolean', categories: ['false', 'true'] })
    const of = (no: number, yes: number) => distribution({ bins: bins([no, yes]) })
    const report = judged(compared(of(250, 250), of(450, 50), flag))
    expect(report.columns['flag']!.drift).toMatchObject({ statistic: 'two_proportions', drifted: true })
    expect(report.findings[0]!.message).toMatch(/^flag has drifted: "false" 50 % of it, was 90 %/)
  })

  it('times, of which those of now lie after those of the reference', () => {
    const start = Date.parse('2026-03-29T00:00:00Z') / 1000
    const edges = [0, 1, 2, 3, 4].map((day) => start + day * 86_400)
    const at = column('at', { kind: 'time', edges })
    const later = numbers(edges, { bins: bins([0, 0, 0, 0]), above: cell(400) })
    const report = judged(compared(later, numbers(edges, { bins: bins([100, 100, 100, 100]) }), at))
    expect(messages(report)).toContainEqual(
      "alert: 100 % of at is out of the reference's range: over 2026-04-02 00:00.",
    )
  })

  it('a column that came later', () => {
    const report = judged(compared(spread(100), distribution({ bins: bins([0, 0, 0, 0]), missing: cell(400) })))
    expect(messages(report)).toEqual([
      'info: x has values now, and none in the reference: there is nothing to compare it with.',
    ])
  })

  it('another type, another model, a column that went: what is noted goes first among its equals', () => {
    const note = { severity: 'warn', kind: 'columns', column: 'y', message: 'y is gone.' } as const
    expect(messages(judged(compared(spread(100), spread(100)), { notes: [note] }))).toEqual(['warn: y is gone.'])
  })

  const pair = (prediction: string, actual: string, n: number) => ({ prediction, actual, ...cell(n) })
  const COMPARISON = comparison({ classes: ['0', '1'], positive: '1' })
  const labelled = (pairs: ReturnType<typeof pair>[], incomparable = NONE) => {
    const all = group({
      instances: cell(1000),
      labelled: labelledPairs(pairs, { incomparable }),
    })
    return answers([], all, undefined, COMPARISON)
  }

  it('no labelled prediction', () => {
    const report = judged(labelled([]))
    expect(messages(report)).toEqual(['info: No prediction of this window has an actual yet.'])
    expect(report.performance.metrics['accuracy']).toEqual({ undefined: 'no labelled predictions' })
  })

  it('one labelled prediction', () => {
    const report = judged(labelled([pair('1', '1', 1)]))
    expect(messages(report)).toEqual(['info: 1 prediction has an actual: 100 are needed to judge.'])
    expect(report.performance.metrics['accuracy']).toMatchObject({ value: 1, low: expect.closeTo(0.2065, 4), high: 1 })
  })

  it('no positive actuals', () => {
    const { metrics } = judged(labelled([pair('0', '0', 200)])).performance
    expect(metrics['recall']).toEqual({ undefined: 'no positive actuals' })
    expect(metrics['precision']).toEqual({ undefined: 'no positive predictions' })
  })

  it('actuals of another type than the predictions', () => {
    const report = judged(labelled([pair('0', '0', 200)], cell(50)))
    expect(messages(report)).toEqual([
      "warn: 50 actuals can't be compared: of another type than the prediction, or nothing was predicted.",
    ])
  })

  it('actuals whose ids are of another form', () => {
    const given = labelled([pair('0', '0', 200)])
    const report = judged({ ...given, current: windowAnswer(given.current.all, { unmatched: 500 }) })
    expect(messages(report)).toEqual([
      'warn: 500 actuals belong to no stored prediction: are their ids those of the header X-Prediction-Id?',
    ])
  })
})

describe('classes', () => {
  const compared = comparison({ classes: ['0', '1', '2'] })
  const window = (rows: Record<string, number>) => {
    const pairs = Object.entries(rows).map(([name, n]) => ({ prediction: name, actual: name, ...cell(n) }))
    return group({ instances: cell(1000), labelled: labelledPairs(pairs) })
  }
  const found = (now: Record<string, number>, was: Record<string, number>) =>
    messages(judged(answers([], window(now), window(was), compared)))

  it('missing in the reference are told', () => {
    const message = `warn: New among the actuals, and never in the reference's: "2" (10 %).`
    expect(found({ 0: 500, 1: 400, 2: 100 }, { 0: 500, 1: 500 })).toEqual([message])
  })

  it('that few rows of a reference may lack by chance are not', () => {
    expect(found({ 0: 500, 1: 490, 2: 10 }, { 0: 100, 1: 100 })).toEqual([])
    expect(found({ 0: 500, 1: 400, 2: 100 }, { 0: 500, 1: 400, 2: 1 })).toEqual([])
    expect(found({ 0: 500, 1: 400, 2: 100 }, {})).toEqual([])
  })
})

describe('sample weights', () => {
  it('a window sampled at 10 % gives the shares of the whole, within their interval', () => {
    const whole = judged(example({ drifts: false, rows: 20_000, seed: 1 }))
    const sampled = judged(example({ drifts: false, rows: 2000, sampled: 0.1, seed: 2 }))
    expect(sampled.traffic.represented).toBeCloseTo(20_000)
    expect(sampled.traffic.instances).toBe(2000)
    const accuracy = (report: Report) =>
      report.performance.metrics['accuracy'] as { value: number; low: number; high: number }
    expect(accuracy(whole).value).toBeGreaterThan(accuracy(sampled).low)
    expect(accuracy(whole).value).toBeLessThan(accuracy(sampled).high)
    // Ten times the weight is no more certainty.
    const width = ({ low, high }: { low: number; high: number }) => high - low
    expect(width(accuracy(sampled)) / width(accuracy(whole))).toBeCloseTo(Math.sqrt(10), 0)
    const share = (report: Report) => report.columns['channel']!.current.categories!.values[0]!.share
    expect(Math.abs(share(whole) - share(sampled))).toBeLessThan(0.03)
    expect(sampled.verdict).toBe('ok')
  })
})

describe('a drifted service', () => {
  const report = judged(example())

  it('has an alert whose verdict names the drift and the accuracy', () => {
    expect(report.verdict).toBe('alert')
    expect(report.summary).toMatch(
      /^3 of 5 features \(age, income and channel\) have drifted; accuracy 0\.6\d+ \(0\.6\d+–0\.6\d+\), 0\.\d+ under the reference;/,
    )
  })

  it.each([
    ['drift', 'age'],
    ['drift', 'income'],
    ['drift', 'channel'],
    ['new_values', 'channel'],
    ['missing', 'age'],
    ['performance', undefined],
    ['errors', undefined],
    ['latency', undefined],
    ['extra', undefined],
    ['calibration', undefined],
  ])('finds %s of %s', (kind, column) => {
    expect(report.findings).toContainEqual(expect.objectContaining({ kind, ...(column && { column }) }))
  })

  it('says since when, where the days tell it', () => {
    const sinceOf = (kind: string, name?: string) =>
      report.findings.find((of) => of.kind === kind && of.column === name && !of.slice)
    expect(sinceOf('drift', 'age')).toMatchObject({
      since: '2026-03-08T00:00:00.000Z',
      message: expect.stringMatching(/^age has drifted since 8 Mar 2026: mean 44, was 38/),
    })
    expect(sinceOf('missing', 'age')).toMatchObject({
      message: expect.stringMatching(/, was 2 %; since 8 Mar 2026\.$/),
    })
    expect(sinceOf('performance')).toMatchObject({ message: expect.stringMatching(/; since 8 Mar 2026\.$/) })
    expect(sinceOf('errors')).toMatchObject({ since: '2026-03-12T00:00:00.000Z' })
    // Of categories the days are not known one by one.
    expect(sinceOf('drift', 'channel')).not.toHaveProperty('since')
  })

  it('knows nothing of the time between the window and a reference that is not just before', () => {
    const answers = example()
    const earlier = { since: new Date('2026-02-01'), until: new Date('2026-02-08') }
    const { findings } = judged({ ...answers, reference: { ...answers.reference!, ...earlier, buckets: [] } })
    expect(findings.find(({ column }) => column === 'age')!.message).toMatch(/drifted since 8 Mar 2026 or before: /)
  })

  it('without a reference says how its halves are compared', () => {
    const given = example()
    const empty = {
      ...windowAnswer(group({ columns: {} })),
      since: given.reference!.since,
      until: given.reference!.until,
    }
    const report = judged({ ...given, reference: empty })
    expect(report.summary).toMatch(/ The reference has no predictions to compare with\.$/)
    expect(report.findings.filter(({ kind }) => kind === 'columns')).toEqual([])
    expect(report.advice[0]).toMatch(
      /^Compare the later half .*: --since 2026-03-11T00:00:00.000Z --reference 2026-03-08T00:00:00.000Z\.\.2026-03-11T00:00:00.000Z; /,
    )
  })

  it('says what to do, the most pressing first', () => {
    expect(report.advice[0]).toMatch(/^The model is worst for model_version=2: /)
    expect(report.advice[1]).toMatch(/^See how age, income and channel changed\. /)
    expect(report.advice).toHaveLength(5)
    for (const view of [terminalView(report, { colours: false }), htmlView(report)])
      expect(view.replace(/\s+/g, ' ')).toContain('See how age, income and channel changed')
  })

  it('says which version is to blame', () => {
    const slices = report.findings.flatMap(({ slice }) => slice ?? [])
    expect(slices).toEqual(['model_version=2'])
  })

  it('marks the days whose actuals are still coming', () => {
    const coming = report.performance.over_time.filter(({ coming }) => coming)
    expect(coming.map(({ since }) => since.slice(0, 10))).toEqual(['2026-03-12', '2026-03-13', '2026-03-14'])
    expect(report.performance.over_time.every(({ reference, coming }) => !(reference && coming))).toBe(true)
  })

  it('expects nothing from confidences that are off', () => {
    expect(report.performance.estimated).toMatchObject({
      reliable: false,
      reason: expect.stringMatching(/^the confidences are \d+ points from what happened/),
    })
  })
})

describe('the performance to be expected (CBPE)', () => {
  it('is near what is measured, where confidences are true', () => {
    const { metrics, estimated } = judged(example({ drifts: false, rows: 40_000 })).performance
    expect(estimated!.reliable).toBe(true)
    const measured = metrics['accuracy'] as { value: number }
    expect(estimated!.metrics['accuracy']!.value).toBeCloseTo(measured.value, 1)
    expect(Math.abs(estimated!.metrics['accuracy']!.value - measured.value)).toBeLessThan(0.015)
  })

  it('needs no table of actuals', () => {
    const given = example({ drifts: false })
    const without = judged({ ...given, plan: { ...given.plan, comparison: undefined } })
    const { estimated, over_time, task } = without.performance
    const { metrics } = judged(given).performance.estimated!
    expect([task, estimated!.reason]).toEqual([null, 'no actuals to check the confidences against'])
    for (const which of ['value', 'low', 'high'] as const)
      expect(estimated!.metrics['accuracy']![which]).toBeCloseTo(metrics['accuracy']![which]!, 4)
    expect(over_time.map(({ estimated }) => estimated!.value > 0.7)).toEqual(Array(14).fill(true))
    expect(without.summary).toMatch(/to be expected \(no actuals yet\)/)
  })

  it('stands for the accuracy while there are no actuals', () => {
    const report = judged(example({ drifts: false, labels: false }))
    expect(report.summary).toMatch(/accuracy 0\.7\d* \(0\.\d+–0\.\d+\) to be expected \(no actuals yet\)/)
    expect(report.performance.estimated).toMatchObject({ reliable: true, reason: expect.stringContaining('too few') })
  })
})

describe('a regression', () => {
  const COMPARISON = comparison({ task: 'regression', prediction: 'price', actualKind: 'number' })

  /** Normal errors of a standard deviation, as sums. */
  const errors = (n: number, sd: number, of: Partial<Residuals> = {}) => {
    const residuals = {
      e: 0,
      e2: n * sd ** 2,
      e4: n * 3 * sd ** 4,
      abs: n * sd * Math.sqrt(2 / Math.PI),
      mean: 100,
      m2: n * 400,
      relative: n * 0.02,
      relative2: n * 0.001,
      nonZero: cell(n),
      ...of,
    }
    return group({
      instances: cell(n),
      labelled: labelledPairs([], { labelled: cell(n), residuals }),
    })
  }

  it('whose errors have grown is told by its RMSE', () => {
    const report = judged(answers([], errors(2000, 2.6), errors(2000, 2), COMPARISON))
    expect(messages(report)).toEqual(['alert: The RMSE is 2.6 (2.52–2.68), was 2 (1.94–2.06).'])
    expect(report.summary).toBe('RMSE 2.6 (2.52–2.68), 0.6 over the reference.')
  })

  it('that is as good as before is ok, however few its rows', () => {
    expect(judged(answers([], errors(2000, 2.05), errors(2000, 2), COMPARISON)).verdict).toBe('ok')
    expect(judged(answers([], errors(120, 2.2), errors(120, 2), COMPARISON)).verdict).toBe('ok')
  })

  it('says why a measure has no value', () => {
    const given = errors(200, 2, { mean: 0, m2: 0, relative: 0, relative2: 0, nonZero: NONE })
    const { metrics } = judged(answers([], given, undefined, COMPARISON)).performance
    expect(metrics['r2']).toEqual({ undefined: 'all actuals are equal' })
    expect(metrics['mape']).toEqual({ undefined: 'all actuals are 0' })
  })
})
