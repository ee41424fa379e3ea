import type {
  Kind,
  Progress,
  Role,
  Survey,
  SurveyedColumn,
  SurveyQuestion,
  Values,
  Window,
} from '../../../../src/report/answers.ts'
import { countMembers, memberOf, secondsOf, valueAs } from '../../../../src/report/tally/json-members.ts'
import { surveyNumbers, surveyTexts, type Sample } from '../../../../src/report/tally/survey.ts'
import { fromLabelled, fromPlain } from './labels.ts'
import { iterate, parsed, readColumns, readLabel } from './rows.ts'
import { conditionOf, expectKnownNames, quote, valueText, type Condition, type Inspected } from './table.ts'

/** Rows of a window that columns are judged by. All of them are read where there are fewer. */
const SAMPLE = 20_000

interface Counted {
  readonly window: Window
  readonly condition: Condition
  readonly rows: number
  readonly extra: number
}

const countRows = (inspected: Inspected, question: SurveyQuestion, window: Window): Counted => {
  const condition = conditionOf(inspected, question, window)
  const { extra } = inspected.own
  const counted = extra === undefined ? '0' : `count(p.${quote(extra)})`
  const sql = `select count(*) as rows, ${counted} as extra from ${fromPlain(inspected)} where ${condition.sql}`
  const counts = inspected.database.prepare(sql).get(...condition.bindings) as { rows: number; extra: number }
  return { window, condition, ...counts }
}

/** Values of an expression in some windows, those of the most rows first. */
const mostFrequent = (
  inspected: Inspected,
  counted: readonly Counted[],
  expression: string,
  limit: number,
): string[] => {
  const found = new Map<string, number>()
  for (const { condition } of counted) {
    const sql = `select ${expression} as value, count(*) as rows from ${fromPlain(inspected)} where ${condition.sql} group by 1`
    for (const [value, rows] of iterate(inspected.database, sql, condition.bindings) as Iterable<
      [string | null, number]
    >)
      found.set(value ?? '', (found.get(value ?? '') ?? 0) + rows)
  }
  const sorted = [...found].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return sorted.slice(0, limit).map(([value]) => value)
}

/** The same rows at each run, spread over all: those with a low hash of their number. Its high bits have no period that a batch's instances could share. */
const sampled = ({ condition, rows }: Counted): string =>
  rows <= SAMPLE
    ? condition.sql
    : `${condition.sql} and ((p.rowid * 2654435761) & 4294967295) < ${Math.floor((SAMPLE / rows) * 2 ** 32)}`

interface Candidate {
  readonly name: string
  readonly role: Role
  /** Undefined: to be told by the values, which are texts. */
  readonly kind: Kind | undefined
  readonly member?: readonly string[]
}

const JSON_START = /^\s*[[{]/
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/

/** What a text column holds. */
const kindOfTexts = (texts: Iterable<string>): Kind => {
  let [all, json, times] = [0, 0, 0]
  for (const text of texts) {
    all++
    if (JSON_START.test(text)) json++
    else if (TIME.test(text)) times++
  }
  if (all > 0 && json === all) return 'json'
  return all > 0 && times === all ? 'time' : 'category'
}

/** Values of one column as they are sampled. */
interface Samples {
  readonly numbers: number[]
  readonly texts: Map<string, number>
  sampled: number
}

const MAX_TEXTS = 50_000

const addSample = (samples: Samples, value: unknown, w: number): void => {
  if (value === null || value === undefined) return
  samples.sampled++
  if (typeof value === 'number') {
    if (Number.isFinite(value)) samples.numbers.push(value)
  } else if (samples.texts.size < MAX_TEXTS || samples.texts.has(String(value)))
    samples.texts.set(String(value), (samples.texts.get(String(value)) ?? 0) + w)
}

const newSamples = (): Samples => ({ numbers: [], texts: new Map(), sampled: 0 })

/** The columns with what their values tell of their kinds; JSON columns of a table without a schema by their members. */
const candidatesOf = (inspected: Inspected, counted: readonly Counted[]): Candidate[] => {
  const members = countMembers()
  const expanded = new Set<string>()
  const candidates = inspected.columns.map(({ name, role, kind }): Candidate => {
    if (kind !== undefined && kind !== 'json') return { name, role, kind }
    const isWhole = name === (role === 'feature' ? 'features' : 'outputs')
    const texts: string[] = []
    for (const window of counted)
      for (const [value] of iterate(
        inspected.database,
        `select cast(p.${quote(name)} as text) from ${fromPlain(inspected)} where ${sampled(window)} and p.${quote(name)} is not null limit 5000`,
        window.condition.bindings,
      ))
        texts.push(value as string)
    const found = kind ?? kindOfTexts(texts)
    if (found !== 'json' || !isWhole) return { name, role, kind: found }
    for (const text of texts) members.add(role, parsed(text))
    expanded.add(name)
    return { name, role, kind: found }
  })
  return [
    ...candidates.filter(({ name }) => !expanded.has(name)),
    ...members.members().map(({ name, role, path, kind }) => ({ name, role, kind, member: path })),
  ]
}

const bounds = (
  inspected: Inspected,
  candidates: readonly Candidate[],
  { condition }: Counted,
): Map<string, { min: number; max: number }> => {
  const found = new Map<string, { min: number; max: number }>()
  const numeric = candidates.filter(({ kind }) => kind === 'number' || kind === 'time')
  const plain = numeric.filter(({ member }) => member === undefined)
  const MAX = '1.7976931348623157e308'
  const selects = plain.flatMap(({ name, kind }) => {
    const column = `p.${quote(name)}`
    const finite =
      kind === 'number' ? `case when ${column} between -${MAX} and ${MAX} then ${column} + 0.0 end` : column
    return [`min(${finite})`, `max(${finite})`]
  })
  const keep = (name: string, min: unknown, max: unknown) => {
    if (typeof min === 'number' && typeof max === 'number') found.set(name, { min, max })
  }
  if (plain.length > 0) {
    const sql = `select ${selects.join(', ')} from ${fromPlain(inspected)} where ${condition.sql}`
    const [row = []] = iterate(inspected.database, sql, condition.bindings)
    for (const [index, { name, kind }] of plain.entries()) {
      const [min, max] = [row[2 * index], row[2 * index + 1]]
      if (kind === 'time') keep(name, secondsOf(min), secondsOf(max))
      else keep(name, min, max)
    }
  }
  for (const { name, min, max } of memberBounds(inspected, numeric, condition)) keep(name, min, max)
  return found
}

/** Of members of JSON every row has to be read to know their range. */
const memberBounds = (inspected: Inspected, candidates: readonly Candidate[], condition: Condition) => {
  const members = candidates.flatMap(({ name, role, kind, member }) =>
    member ? [{ name, role, kind: kind!, member, min: Infinity, max: -Infinity }] : [],
  )
  for (const role of ['feature', 'output'] as const) {
    const mine = members.filter((member) => member.role === role)
    if (mine.length === 0) continue
    const column = role === 'feature' ? 'features' : 'outputs'
    const sql = `select p.${column} from ${fromPlain(inspected)} where ${condition.sql}`
    for (const [text] of iterate(inspected.database, sql, condition.bindings)) {
      const json = parsed(text)
      for (const member of mine) {
        const value = valueAs(member.kind, memberOf(json, member.member))
        if (typeof value !== 'number' || !Number.isFinite(value)) continue
        if (value < member.min) member.min = value
        if (value > member.max) member.max = value
      }
    }
  }
  return members.filter(({ min, max }) => min <= max)
}

const weightOf = ({ own }: Inspected): string =>
  own.sample_weight === undefined ? '1.0' : `coalesce(p.${quote(own.sample_weight)}, 1) + 0.0`

const sampleColumns = (inspected: Inspected, candidates: readonly Candidate[], counted: Counted): Samples[] => {
  const reader = readColumns(
    inspected,
    candidates.map((candidate) => ({ ...candidate, kind: candidate.kind! })),
  )
  const samples = candidates.map(newSamples)
  const values = new Array<unknown>(candidates.length)
  const sql = `select ${[weightOf(inspected), ...reader.selects].join(', ')} from ${fromPlain(inspected)} where ${sampled(counted)}`
  for (const raw of iterate(inspected.database, sql, counted.condition.bindings)) {
    reader.read(raw, 1, values)
    for (let i = 0; i < values.length; i++) addSample(samples[i]!, values[i], raw[0] as number)
  }
  return samples
}

const surveyed = (
  { name, role, kind, member }: Candidate,
  samples: Samples,
  rows: number,
  sampledRows: number,
  range: { min: number; max: number } | undefined,
): SurveyedColumn => {
  const present = Math.round((samples.sampled / Math.max(1, sampledRows)) * rows)
  const column = { name, role, kind: kind!, ...(member && { member }) }
  const sample: Sample = { ...samples, present }
  if (kind === 'number' || kind === 'time') return { ...column, ...surveyNumbers(sample, range) }
  if (kind === 'json') return { ...column, distinct: 0, unique: false, whole: false, present }
  return { ...column, ...surveyTexts(sample) }
}

/** Labels as they are, of the predictions that are sampled. JSON where every text is that of a JSON scalar. */
const surveyLabels = (inspected: Inspected, counted: readonly Counted[]): SurveyedColumn[] =>
  [...(inspected.labels ?? [])].flatMap(([name, type]) => {
    const kind: Kind = /int|real|floa|doub|num/.test(type) ? 'number' : 'category'
    const { select } = readLabel(name, kind, false, type)
    const raw: unknown[] = []
    for (const window of counted) {
      const sql = `select ${select} from ${fromLabelled(inspected)} where ${sampled(window)} and a.${quote(name)} is not null`
      for (const [value] of iterate(inspected.database, sql, window.condition.bindings)) raw.push(value)
    }
    const scalars = raw.map((value) => (typeof value === 'string' ? parsed(value) : undefined))
    const isJson =
      kind === 'category' &&
      raw.length > 0 &&
      scalars.every((value) => value !== undefined && value !== null && typeof value !== 'object')
    const values = isJson ? scalars : raw
    const isNumeric = values.every((value) => typeof value === 'number')
    const isTruth = values.every((value) => typeof value === 'boolean')
    const told: Kind = !isJson ? kind : isNumeric ? 'number' : isTruth ? 'boolean' : 'category'
    const samples = newSamples()
    for (const value of values) addSample(samples, told === 'number' ? value : String(value), 1)
    const candidate = { name, role: 'output' as const, kind: told, ...(isJson && { member: [] }) }
    return raw.length === 0 ? [] : [surveyed(candidate, samples, raw.length, raw.length, undefined)]
  })

const MAX_GROUPS = 20

export const survey = (inspected: Inspected, question: SurveyQuestion, progress: Progress): Survey => {
  expectKnownNames(inspected, question)
  const say = (share: number) => progress(share, 'looking at what there is')
  const current = countRows(inspected, question, question.current)
  const reference = question.reference && countRows(inspected, question, question.reference)
  const counted = reference ? [reference, current] : [current]
  say(0.2)
  const { own } = inspected
  const top = (name: 'model' | 'model_version', limit: number) =>
    own[name] === undefined ? [] : mostFrequent(inspected, counted, `p.${quote(own[name])}`, limit)
  const candidates = candidatesOf(inspected, counted)
  say(0.4)
  const judged = reference && reference.rows > 0 ? reference : current
  const samples = sampleColumns(inspected, candidates, judged)
  const others = judged === reference ? sampleColumns(inspected, candidates, current) : samples
  say(0.7)
  const ranges = bounds(inspected, candidates, judged)
  const currentRanges =
    samples.some(({ sampled }) => sampled === 0) && judged !== current ? bounds(inspected, candidates, current) : ranges
  say(0.9)
  const columns = candidates.map((candidate, index) => {
    const isEmpty = samples[index]!.sampled === 0
    const of = isEmpty ? current : judged
    const sampledRows = Math.min(of.rows, SAMPLE)
    const found = surveyed(
      candidate,
      (isEmpty ? others : samples)[index]!,
      of.rows,
      sampledRows,
      (isEmpty ? currentRanges : ranges).get(candidate.name),
    )
    return found
  })
  const values = question.by.map((name): Values => ({
    name,
    values: mostFrequent(inspected, [current], valueText(inspected, name), MAX_GROUPS),
  }))
  return {
    columns,
    models: top('model', 100),
    versions: top('model_version', MAX_GROUPS),
    by: values,
    current: current.rows,
    reference: reference?.rows ?? 0,
    extra: current.extra + (reference?.extra ?? 0),
    hasActuals: inspected.labels !== undefined,
    labels: surveyLabels(inspected, counted),
  }
}
