import type { Kind, Role, SurveyQuestion, Window } from '../../../../src/report/answers.ts'
import { isUsable } from '../../../../src/report/usable.ts'
import { fromLabelled, fromPlain } from './labels.ts'
import { weightOf } from './own.ts'
import { iterate, readColumns } from './rows.ts'
import { conditionOf, rowNumber, type Condition, type Inspected } from './table.ts'

/** What a sample of a window's rows says of its columns. */

/** Rows of a window that columns are judged by. All of them are read where there are fewer. */
export const SAMPLE = 20_000

/** A window with the number of its rows. */
export interface Counted {
  readonly window: Window
  readonly condition: Condition
  readonly rows: number
}

export const countRows = (inspected: Inspected, question: SurveyQuestion, window: Window): Counted => {
  const condition = conditionOf(inspected, question, window)
  const sql = `select count(*) as rows from ${fromPlain(inspected)} where ${condition.sql}`
  const { rows } = inspected.database.prepare(sql).get(...condition.bindings) as { rows: number }
  return { window, condition, rows }
}

/** The same rows at each run, spread over all: those with a low hash of their number. Its high bits have no period that a batch's instances could share. */
const isSampled = (inspected: Inspected, { condition, rows }: Counted): string =>
  rows <= SAMPLE
    ? condition.sql
    : `${condition.sql} and ((${rowNumber(inspected)} * 2654435761) & 4294967295) < ${Math.floor((SAMPLE / rows) * 2 ** 32)}`

/** Some values of each row of a window's sample. */
export const readSample = (inspected: Inspected, counted: Counted, from: string, selects: readonly string[]) =>
  iterate(
    inspected.database,
    `select ${selects.join(', ')} from ${from} where ${isSampled(inspected, counted)}`,
    counted.condition.bindings,
  )

/** Values of one column as they are sampled. */
export interface Samples {
  /** Usable ones, the first `count` of these. */
  numbers: Float64Array
  count: number
  readonly texts: Map<string, number>
  sampled: number
}

const MAX_TEXTS = 50_000

/** A little more than a sample holds: a hash of numbers keeps not exactly as many as it is to. */
const CAPACITY = Math.ceil(SAMPLE * 1.05)

/** Of hundreds of columns: numbers take eight bytes each, and leave no garbage as they grow. */
const addNumber = (samples: Samples, value: number): void => {
  const { numbers, count } = samples
  if (count === numbers.length) {
    samples.numbers = new Float64Array(Math.max(CAPACITY, 2 * count))
    samples.numbers.set(numbers)
  }
  samples.numbers[samples.count++] = value
}

export const addSample = (samples: Samples, value: unknown, w: number): void => {
  if (value === null || value === undefined) return
  samples.sampled++
  if (typeof value === 'number') {
    if (isUsable(value)) addNumber(samples, value)
  } else if (samples.texts.size < MAX_TEXTS || samples.texts.has(String(value)))
    samples.texts.set(String(value), (samples.texts.get(String(value)) ?? 0) + w)
}

export const newSamples = (): Samples => ({
  numbers: new Float64Array(),
  count: 0,
  texts: new Map(),
  sampled: 0,
})

/** A column, or a member of a JSON column, whose kind is known. */
export interface Told {
  readonly name: string
  readonly role: Role
  readonly kind: Kind
  readonly member?: readonly string[]
}

/** What is asked of the rows of a sample. */
export interface SampleQuestion {
  readonly columns: readonly Told[]
  /** Expressions that give texts, never null. */
  readonly texts: readonly string[]
  /** Of each row's latest actual. */
  readonly labels: readonly string[]
}

export interface SampledRows {
  readonly columns: readonly Samples[]
  /** The different values of each expression. */
  readonly texts: readonly ReadonlySet<string>[]
  /** The values of each label, those that are there. */
  readonly labels: readonly (readonly unknown[])[]
}

/** Reads a window's sample once. */
export const sampleRows = (
  inspected: Inspected,
  counted: Counted,
  { columns, texts, labels }: SampleQuestion,
): SampledRows => {
  const reader = readColumns(inspected, columns)
  const found = {
    columns: columns.map(newSamples),
    texts: texts.map(() => new Set<string>()),
    labels: labels.map((): unknown[] => []),
  }
  const values = new Array<unknown>(columns.length)
  const selects = [weightOf(inspected), ...texts, ...labels, ...reader.selects]
  const from = labels.length > 0 ? fromLabelled(inspected) : fromPlain(inspected)
  const [labelsAt, columnsAt] = [1 + texts.length, 1 + texts.length + labels.length]
  for (const raw of readSample(inspected, counted, from, selects)) {
    for (let i = 0; i < texts.length; i++) found.texts[i]!.add(raw[1 + i] as string)
    for (let i = 0; i < labels.length; i++) if (raw[labelsAt + i] !== null) found.labels[i]!.push(raw[labelsAt + i])
    reader.read(raw, columnsAt, values)
    for (let i = 0; i < values.length; i++) addSample(found.columns[i]!, values[i], raw[0] as number)
  }
  return found
}
