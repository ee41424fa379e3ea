import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { parse } from 'csv-parse'
import { delimited } from '../actuals/csv-delimiter.ts'
import { messageOf, PredictionsError } from '../errors/errors.ts'
import type { Column } from '../schema/column.ts'
import { columnsOf } from '../schema/columns.ts'
import { resolveSettings } from '../config/settings.ts'
import { isNumeric, type Kind, type ReportPlan, type PlannedColumn, type Role, type SurveyedColumn } from './answers.ts'
import { plannedColumn } from './plan.ts'
import { referenceOf, type ReferenceFile } from './reference-file.ts'
import { secondsOf } from './tally/json-members.ts'
import { surveyNumbers, surveyTexts } from './tally/survey.ts'
import { tallyRows } from './tally/rows.ts'
import { isUsable } from './usable.ts'

/** A CSV file, a training set for instance, as a reference: read twice, row by row, so that its size does not matter. */

type Cells = readonly string[]

const wrong = (path: string, why: string): PredictionsError =>
  new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', `--csv ${path}: ${why}`)

async function* recordsOf(path: string): AsyncGenerator<Cells> {
  try {
    const { delimiter, all } = await delimited(createReadStream(path, 'utf8') as AsyncIterable<string>)
    const parser = parse({ bom: true, trim: true, skip_empty_lines: true, delimiter })
    // A failure of the file's reader becomes the parser's, which is thrown here.
    for await (const record of pipeline(all, parser, () => {})) yield record as Cells
  } catch (error) {
    throw wrong(path, messageOf(error))
  }
}

const MISSING = new Set(['', 'NA', 'null', 'NULL', 'None'])
const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)/
const TRUTH = new Set(['true', 'false'])
const NOT_FINITE = new Set(['NaN', 'nan', 'inf', '-inf', 'Infinity', '-Infinity'])
const isNumber = (cell: string): boolean => NOT_FINITE.has(cell) || (cell !== '' && Number.isFinite(Number(cell)))

/** What is known of a column after the first reading. */
interface Seen {
  readonly name: string
  present: number
  numbers: number
  times: number
  truths: number
  min: number
  max: number
  minTime: number
  maxTime: number
  sample: string[]
}

/** Values that a column is judged by: of more, each second one is left out, again and again. */
const SAMPLE = 40_000

const see = (seen: Seen, cell: string, isSampled: boolean): void => {
  if (MISSING.has(cell)) return
  seen.present++
  if (isNumber(cell)) {
    seen.numbers++
    const number = Number(cell)
    if (isUsable(number)) {
      if (number < seen.min) seen.min = number
      if (number > seen.max) seen.max = number
    }
  }
  if (TIME.test(cell)) {
    const time = secondsOf(cell)
    if (time !== undefined) {
      seen.times++
      if (time < seen.minTime) seen.minTime = time
      if (time > seen.maxTime) seen.maxTime = time
    }
  }
  if (TRUTH.has(cell.toLowerCase())) seen.truths++
  if (isSampled) seen.sample.push(cell)
}

const kindOfType: Readonly<Partial<Record<Column['type'], Kind>>> = {
  double: 'number',
  bigint: 'number',
  integer: 'number',
  boolean: 'boolean',
  timestamp: 'time',
  text: 'category',
  uuid: 'category',
}

const kindOf = ({ name, present, numbers, times, truths }: Seen, schema: readonly Column[]): Kind => {
  const column = schema.find((each) => each.name === name && each.source !== 'record')
  const known = column && kindOfType[column.type]
  if (known) return known
  if (present === 0 || numbers === present) return 'number'
  if (times === present) return 'time'
  return truths === present ? 'boolean' : 'category'
}

const TRUE = /^(true|t|1|yes)$/i

const valueOf = (kind: Kind, cell: string): unknown => {
  if (MISSING.has(cell)) return undefined
  if (kind === 'number') return isNumber(cell) ? Number(cell.replace(/^(-?)inf$/, '$1Infinity')) : undefined
  if (kind === 'time') return secondsOf(cell)
  return kind === 'boolean' ? String(TRUE.test(cell)) : cell
}

const OUTPUT = /^(output_.*|prediction|predicted|confidence|probability|proba|score)$/

const roleOf = (name: string, schema: readonly Column[]): Role => {
  const column = schema.find((each) => each.name === name && each.source !== 'record')
  if (column) return column.source === 'outputs' ? 'output' : 'feature'
  return OUTPUT.test(name) ? 'output' : 'feature'
}

const surveyOf = (seen: Seen, schema: readonly Column[]): SurveyedColumn => {
  const { name, present, sample } = seen
  const kind = kindOf(seen, schema)
  const column = { name, role: roleOf(name, schema), kind }
  const values = sample.map((cell) => valueOf(kind, cell)).filter((value) => value !== undefined)
  if (isNumeric(column)) {
    const numbers = Float64Array.from((values as number[]).filter(isUsable))
    const [min, max] = kind === 'time' ? [seen.minTime, seen.maxTime] : [seen.min, seen.max]
    return { ...column, ...surveyNumbers({ numbers, present }, min <= max ? { min, max } : undefined) }
  }
  const texts = new Map<string, number>()
  for (const value of values as string[]) texts.set(value, (texts.get(value) ?? 0) + 1)
  return { ...column, ...surveyTexts({ texts, sampled: values.length, present }) }
}

/** As of a store's row: without a weight it stands for itself alone. */
const weightOf = (cell: string | undefined): number => {
  const weight = cell === undefined || MISSING.has(cell) ? 1 : Number(cell)
  return weight >= 0 ? weight : 1
}

const readSeen = async (path: string): Promise<readonly Seen[]> => {
  let seen: Seen[] | undefined
  let rows = 0
  let every = 1
  for await (const record of recordsOf(path)) {
    if (!seen) {
      const twice = record.find((name, index) => record.indexOf(name) !== index)
      if (twice !== undefined) throw wrong(path, `its header names ${JSON.stringify(twice)} twice`)
      seen = record.map((name) => ({
        name,
        present: 0,
        numbers: 0,
        times: 0,
        truths: 0,
        min: Infinity,
        max: -Infinity,
        minTime: Infinity,
        maxTime: -Infinity,
        sample: [],
      }))
      continue
    }
    const isSampled = rows % every === 0
    for (const [index, column] of seen.entries()) see(column, record[index]!, isSampled)
    rows++
    if (rows / every < SAMPLE) continue
    every *= 2
    for (const column of seen) column.sample = column.sample.filter((_, index) => index % 2 === 0)
  }
  if (!seen || rows === 0) throw wrong(path, 'it has no rows below a header')
  return seen
}

export interface CsvReferenceOptions {
  /** The model that the rows are of. Default: not said. */
  readonly model?: string | undefined
}

/**
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: the file can't be read, or is no CSV with a header
 */
export const referenceOfCsv = async (path: string, { model }: CsvReferenceOptions = {}): Promise<ReferenceFile> => {
  const schema = columnsOf(resolveSettings().schema)
  const seen = await readSeen(path)
  const weightAt = seen.findIndex(({ name }) => name === 'sample_weight')
  const kept = seen.flatMap((column, at) =>
    at === weightAt ? [] : [{ at, column: plannedColumn(surveyOf(column, schema), undefined) }],
  )
  const columns: PlannedColumn[] = kept.map(({ column }) => column)
  const window = { since: new Date(0), until: new Date(1) }
  const plan: ReportPlan = {
    model,
    current: window,
    reference: undefined,
    columns,
    comparison: undefined,
    bucket: 'day',
    timeZone: 'UTC',
    buckets: [window],
    where: [],
    versions: [],
    by: [],
  }
  const tally = tallyRows(plan, window, new Map(), true)
  let isHeader = true
  for await (const record of recordsOf(path)) {
    if (isHeader) {
      isHeader = false
      continue
    }
    tally.add({
      time: 0,
      version: '',
      weight: weightOf(record[weightAt]),
      failed: false,
      duration: null,
      values: kept.map(({ at, column }) => valueOf(column.kind, record[at]!)),
      slices: [],
      isLabelled: false,
      actual: undefined,
      actualTime: null,
    })
  }
  const answers = { plan, current: tally.answer(undefined), reference: undefined }
  return { ...referenceOf(answers), since: null, until: null }
}
