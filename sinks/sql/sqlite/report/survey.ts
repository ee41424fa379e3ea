import type { Kind, Survey, SurveyedColumn, SurveyQuestion, Values } from '../../../../src/report/answers.ts'
import { surveyNumbers, surveyTexts, type Sample } from '../../../../src/report/tally/survey.ts'
import { toldColumns } from './kinds.ts'
import { quote } from './own.ts'
import { parsed, readLabel } from './rows.ts'
import {
  addSample,
  countRows,
  newSamples,
  SAMPLE,
  sampleRows,
  type Counted,
  type Samples,
  type Told,
} from './sample.ts'
import { scan, type Range } from './scan.ts'
import { expectKnownNames, valueText, type Inspected } from './table.ts'

const surveyed = (
  { name, role, kind, member }: Told,
  samples: Samples,
  rows: number,
  sampledRows: number,
  range: Range | undefined,
): SurveyedColumn => {
  const present = Math.round((samples.sampled / Math.max(1, sampledRows)) * rows)
  const column = { name, role, kind, ...(member && { member }) }
  const { numbers, count, texts, sampled } = samples
  const sample: Sample = { numbers: numbers.subarray(0, count), texts, sampled, present }
  if (kind === 'number' || kind === 'time') return { ...column, ...surveyNumbers(sample, range) }
  if (kind === 'json') return { ...column, distinct: 0, unique: false, whole: false, present }
  return { ...column, ...surveyTexts(sample) }
}

interface LabelColumn {
  readonly name: string
  readonly kind: Kind
  readonly select: string
}

const labelColumns = ({ labels }: Inspected): LabelColumn[] =>
  [...(labels ?? [])].map(([name, type]) => {
    const kind: Kind = /int|real|floa|doub|num/.test(type) ? 'number' : 'category'
    return { name, kind, select: readLabel(name, kind, false, type).select }
  })

/** A label by its values. JSON where every text is that of a JSON scalar. */
const surveyLabel = ({ name, kind }: LabelColumn, raw: readonly unknown[]): SurveyedColumn => {
  const scalars = raw.map((value) => (typeof value === 'string' ? parsed(value) : undefined))
  const isJson =
    kind === 'category' && scalars.every((value) => value !== undefined && value !== null && typeof value !== 'object')
  const values = isJson ? scalars : raw
  const isNumeric = values.every((value) => typeof value === 'number')
  const isTruth = values.every((value) => typeof value === 'boolean')
  const told: Kind = !isJson ? kind : isNumeric ? 'number' : isTruth ? 'boolean' : 'category'
  const samples = newSamples()
  for (const value of values) addSample(samples, told === 'number' ? value : String(value), 1)
  const column = { name, role: 'output' as const, kind: told, ...(isJson && { member: [] }) }
  return surveyed(column, samples, raw.length, raw.length, undefined)
}

const MAX_GROUPS = 20

/** Values of some windows, those of the most rows first. */
const mostFrequent = (counts: readonly ReadonlyMap<string, number>[], limit: number): string[] => {
  const sums = new Map<string, number>()
  for (const window of counts) for (const [value, rows] of window) sums.set(value, (sums.get(value) ?? 0) + rows)
  const sorted = [...sums].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return sorted.slice(0, limit).map(([value]) => value)
}

export const survey = (inspected: Inspected, question: SurveyQuestion, say: (share: number) => void): Survey => {
  expectKnownNames(inspected, question)
  const current = countRows(inspected, question, question.current)
  const reference = question.reference && countRows(inspected, question, question.reference)
  const windows = reference ? [reference, current] : [current]
  const told = toldColumns(inspected, windows)
  say(0.2)
  const { own } = inspected
  const names = (['model', 'model_version'] as const).flatMap((name) => own[name] ?? [])
  const expressions = [
    ...names.map((name) => `coalesce(cast(p.${quote(name)} as text), '')`),
    ...question.by.map((name) => valueText(inspected, name)),
  ]
  const labels = labelColumns(inspected)
  const judged = reference && reference.rows > 0 ? reference : current
  const sampled = windows.map((window) =>
    sampleRows(inspected, window, {
      columns: window === judged ? told : [],
      texts: window === current ? expressions : expressions.slice(0, names.length),
      labels: labels.map(({ select }) => select),
    }),
  )
  const samples = sampled[windows.indexOf(judged)]!.columns
  // What the reference has no values of is told by the rows of now.
  const empty = judged === current ? [] : told.filter((_, i) => samples[i]!.sampled === 0)
  const ofNow = new Map(
    empty.length === 0
      ? []
      : sampleRows(inspected, current, { columns: empty, texts: [], labels: [] }).columns.map((of, i) => [
          empty[i]!,
          of,
        ]),
  )
  say(0.4)
  const scans = windows.map((window, at) => {
    const texts = sampled[at]!.texts.map((values, i) => ({ expression: expressions[i]!, values }))
    return scan(inspected, window, texts, window === judged ? told : window === current ? empty : [])
  })
  say(0.9)
  const scanOf = (window: Counted) => scans[windows.indexOf(window)]!
  const columns = told.map((column, i) => {
    const now = ofNow.get(column)
    const of = now ? current : judged
    const range = scanOf(of).ranges.get(column.name)
    return surveyed(column, now ?? samples[i]!, of.rows, Math.min(of.rows, SAMPLE), range)
  })
  const mostOf = (name: string | undefined, limit: number): string[] =>
    name === undefined
      ? []
      : mostFrequent(
          scans.map(({ counts }) => counts[names.indexOf(name)]!),
          limit,
        )
  const values = question.by.map((name, i): Values => ({
    name,
    values: mostFrequent([scanOf(current).counts[names.length + i]!], MAX_GROUPS),
  }))
  return {
    columns,
    models: mostOf(own.model, 100),
    versions: mostOf(own.model_version, MAX_GROUPS),
    by: values,
    current: current.rows,
    reference: reference?.rows ?? 0,
    extra: scans.reduce((sum, { extra }) => sum + extra, 0),
    unweighable: scans.reduce((sum, { unweighable }) => sum + unweighable, 0),
    hasActuals: inspected.labels !== undefined,
    labels: labels.flatMap((label, i) => {
      const values = sampled.flatMap((of) => of.labels[i]!)
      return values.length > 0 ? [surveyLabel(label, values)] : []
    }),
  }
}
