import { actualFrom, type ActualRecord } from '../../../src/records/actual.ts'
import { recordFrom, type PredictionRecord } from '../../../src/records/record.ts'
import type { ReportPlan, WindowAnswer } from '../../../src/report/answers.ts'
import { secondsOf } from '../../../src/report/tally/json-members.ts'
import { tallyRows, type KnownValues } from '../../../src/report/tally/rows.ts'
import { addCell } from '../../../src/report/tally/cells.ts'
import type { PredictionSchema } from '../../../src/schema/schema.ts'

/** Rows that have everything in them that a report looks at, and what they sum up to. */

export const schema: PredictionSchema = {
  features: {
    type: 'object',
    properties: {
      amount: { type: 'number' },
      count: { type: 'integer' },
      city: { type: 'string' },
      member: { type: 'boolean' },
      opened: { type: 'string', format: 'date-time' },
      notes: { type: 'array' },
    },
  },
  outputs: { type: 'object', properties: { prediction: { type: 'string' }, confidence: { type: 'number' } } },
}

export const windows = {
  reference: { since: new Date('2026-11-01T00:00:00Z'), until: new Date('2026-11-03T00:00:00Z') },
  current: { since: new Date('2026-11-03T00:00:00Z'), until: new Date('2026-11-05T00:00:00Z') },
}

/** The same numbers at each run. */
const numbersFrom = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed / 2_147_483_648
}

const idOf = (index: number): string => `01990000-0000-7000-8000-${(index * 65_536).toString(16).padStart(12, '0')}`

export interface Made {
  readonly predictions: readonly PredictionRecord[]
  readonly actuals: readonly ActualRecord[]
}

/** Predictions that actuals name and that are not stored: one beyond the ids of all others, two among them. */
export const unstored = [
  '01990000-0000-7000-9000-000000000000',
  ...[201, 501].map((index) => idOf(index).replace(/0$/, '1')),
]

/** The last two of twenty predictions are of one request. */
const requestOf = (index: number) =>
  index % 20 < 18
    ? { request_id: `request-${index}`, instance: 0 }
    : { request_id: `request-${index - (index % 2)}`, instance: index % 2 }

/** Whom a report names: mostly the prediction; else its request, with the instance or without, which of a request of several says nothing. */
const targetOf = (index: number, report: number) => {
  const { request_id, instance } = requestOf(index)
  if (index % 20 === 19) return { request_id, instance: null }
  if (index % 5 !== 3 || report > 0) return { prediction_id: idOf(index) }
  return { request_id, instance: index % 10 === 8 ? instance : null }
}

/** Hours after the prediction: of some the word that was known first came last. */
const reportedAfter = (index: number, report: number): number => {
  if (index % 3 === 2) return 1
  return index % 6 === 0 ? 3 - report : report + 1
}

const ROWS = 600
const MINUTE = 60_000

export const makeRows = (): Made => {
  const next = numbersFrom(7)
  const predictions: PredictionRecord[] = []
  const actuals: ActualRecord[] = []
  for (let index = 0; index < ROWS; index++) {
    // Also before and after the windows.
    const time = windows.reference.since.getTime() - 6 * 60 * MINUTE + index * 10 * MINUTE
    const isCurrent = time >= windows.current.since.getTime()
    const failed = next() < 0.05
    const prediction = next() < 0.4 ? 'yes' : 'no'
    const city = isCurrent && next() < 0.1 ? 'Zürich' : ['Köln', 'köln', 'Paris', "d'Or"][Math.floor(next() * 4)]!
    predictions.push(
      recordFrom({
        id: idOf(index),
        timestamp: new Date(time).toISOString(),
        model: index % 50 === 0 ? 'other' : 'loans',
        model_version: isCurrent && next() < 0.5 ? '2' : '1',
        ...requestOf(index),
        // Of some the status tells that they failed, of some the error alone.
        status: failed && index % 2 === 0 ? 500 : 200,
        ...(failed && { error: 'model failed' }),
        duration_ms: Math.round(next() * 1000) / 10,
        sample_weight: next() < 0.5 ? 1 : 4,
        tags: { country: ['DE', 'FR'][index % 2]! },
        features: {
          ...(next() < 0.9 && { amount: Math.round(next() * 1e6) / 1000 - 200 + (isCurrent ? 300 : 0) }),
          count: Math.floor(next() * 4),
          city,
          ...(next() < 0.8 && { member: next() < 0.5 }),
          opened: new Date(time - Math.floor(next() * 1e9)).toISOString(),
          ...(next() < 0.5 && { notes: [1, 2] }),
        },
        outputs: failed ? {} : { prediction, confidence: Math.round((0.5 + next() / 2) * 1e4) / 1e4 },
        ...(next() < 0.1 && { extra: { 'features.amount': { value: 'x', reason: 'not a number' } } }),
      }),
    )
    if (next() < 0.3) continue
    const truth = next() < 0.8 ? prediction : prediction === 'yes' ? 'no' : 'yes'
    const reports = next() < 0.2 ? 2 : 1
    for (let report = 0; report < reports; report++) {
      // Of some both are known at one time, of some they are reported at one time as well: then the greater id is the later one.
      const [hour, isTie] = [60 * MINUTE, index % 3 > 0]
      const place = index % 3 === 2 ? 8 - report : report
      actuals.push(
        actualFrom({
          id: `01990000-0000-8000-8000-${(index * 16 + place).toString(16).padStart(12, '0')}`,
          timestamp: new Date(time + (isTie ? 1 : report + 1) * hour).toISOString(),
          reported_at: new Date(time + reportedAfter(index, report) * hour).toISOString(),
          ...targetOf(index, report),
          // A correction, or the first report's word.
          actuals: { actual: report === 0 && reports === 2 ? 'no' : truth },
        }),
      )
    }
    if (next() < 0.05)
      actuals.push(
        actualFrom({
          id: `01990000-0000-8000-8000-${(index * 16 + 9).toString(16).padStart(12, '0')}`,
          timestamp: new Date(time + 600 * MINUTE).toISOString(),
          reported_at: new Date(time + 600 * MINUTE).toISOString(),
          prediction_id: idOf(index),
          retracted: true,
        }),
      )
  }
  for (const [index, id] of unstored.entries())
    actuals.push(
      actualFrom({
        id: `01990000-0000-8000-8000-fffffffffff${index}`,
        timestamp: '2026-11-04T00:00:00.000Z',
        reported_at: '2026-11-04T00:00:00.000Z',
        prediction_id: id,
        actuals: { actual: 'yes' },
      }),
    )
  return { predictions, actuals }
}

/** Predictions and labels that are numbers: some labels 0, some missing, many repeated. */
export const numbersSchema: PredictionSchema = {
  ...schema,
  outputs: { type: 'object', properties: { prediction: { type: 'number' } } },
}

/** What a report takes for a failure. */
export const hasFailed = ({ status, error }: PredictionRecord): boolean => status >= 400 || error !== null

/** The same rows with numbers in place of classes. */
export const withNumbers = ({ predictions, actuals }: Made): Made => {
  const next = numbersFrom(11)
  const number = () => Math.round(next() * 1e5) / 1e3 - 20
  return {
    predictions: predictions.map((record) =>
      recordFrom({
        ...(JSON.parse(record.json) as PredictionRecord),
        outputs: record.outputs['prediction'] === undefined ? {} : { prediction: number() },
      }),
    ),
    actuals: actuals.map((actual, index) =>
      actualFrom({
        ...(JSON.parse(actual.json) as ActualRecord),
        actuals: actual.retracted || index % 13 === 0 ? {} : { actual: index % 7 === 0 ? 0 : number() },
      }),
    ),
  }
}

/** The same rows with numbers so great, and so near 0, that their squares are none; infinities and NaN where a store can have them. */
export const withHugeNumbers = ({ predictions, actuals }: Made, more: readonly number[]): Made => {
  const huge = [1e200, -Number.MAX_VALUE, 1e70, -1e69, 1e-200, -5e-324, ...more]
  return {
    predictions: predictions.map((record, index) =>
      recordFrom({
        ...(JSON.parse(record.json) as PredictionRecord),
        features: { ...record.features, ...(index % 9 === 0 && { amount: huge[(index / 9) % huge.length] }) },
        ...(index % 16 === 0 && { outputs: { prediction: huge[(index / 16) % huge.length] } }),
      }),
    ),
    actuals: actuals.map((actual, index) =>
      actualFrom({
        ...(JSON.parse(actual.json) as ActualRecord),
        ...(!actual.retracted &&
          index % 10 === 0 && { actuals: { actual: [1e-200, 1e200, -1e-308][(index / 10) % 3]! } }),
      }),
    ),
  }
}

/** The same rows with chances so small that their squares are 0. */
export const withTinyChances = (made: Made): Made => ({
  ...made,
  predictions: made.predictions.map((record, index) =>
    recordFrom({
      ...(JSON.parse(record.json) as PredictionRecord),
      outputs: { ...record.outputs, ...(index % 3 === 0 && { confidence: [1e-200, 5e-324, 0][(index / 3) % 3]! }) },
    }),
  ),
})

/** The same rows, each for itself alone. */
export const withoutWeights = (made: Made): Made => ({
  ...made,
  predictions: made.predictions.map((record) =>
    recordFrom({ ...(JSON.parse(record.json) as PredictionRecord), sample_weight: 1 }),
  ),
})

/** The latest report of each prediction, without those that were taken back. */
export const latestOf = ({ predictions, actuals }: Made): ReadonlyMap<string, ActualRecord> => {
  const latest = new Map<string, ActualRecord>()
  const orderOf = ({ timestamp, reported_at, id }: ActualRecord) => `${timestamp} ${reported_at} ${id}`
  const meantBy = ({ prediction_id, request_id, instance }: ActualRecord): string | undefined => {
    if (prediction_id !== null) return prediction_id
    const ofRequest = predictions.filter((record) => record.request_id === request_id)
    if (instance === null) return ofRequest.length === 1 ? ofRequest[0]!.id : undefined
    return ofRequest.find((record) => record.instance === instance)?.id
  }
  for (const actual of actuals) {
    const id = meantBy(actual)
    if (id === undefined) continue
    const before = latest.get(id)
    if (!before || orderOf(actual) > orderOf(before)) latest.set(id, actual)
  }
  return new Map([...latest].filter(([, { retracted }]) => !retracted))
}

/** What the rows of a window sum up to, row by row. */
export const expectedAnswer = (
  made: Made,
  plan: ReportPlan,
  name: 'reference' | 'current',
  known: KnownValues,
): WindowAnswer => {
  const window = plan[name]!
  const isReference = name === 'reference'
  const tally = tallyRows(plan, window, known, isReference)
  const latest = latestOf(made)
  for (const record of made.predictions) {
    const time = Date.parse(record.timestamp)
    if (time < window.since.getTime() || time >= window.until.getTime()) continue
    if (plan.model !== undefined && record.model !== plan.model) continue
    const valueOf = (column: string): unknown => {
      const value = record.outputs[column] ?? record.features[column]
      if (column === 'opened') return secondsOf(value)
      return typeof value === 'boolean' ? String(value) : value
    }
    if (!plan.where.every(({ name, value }) => String(record.tags[name] ?? valueOf(name)) === value)) continue
    const actual = latest.get(record.id)
    tally.add({
      time,
      version: record.model_version,
      weight: record.sample_weight,
      failed: hasFailed(record),
      duration: record.duration_ms,
      values: plan.columns.map((column) => valueOf(column.name)),
      slices: isReference ? [] : plan.by.map(({ name }) => String(record.tags[name] ?? valueOf(name) ?? '')),
      isLabelled: actual !== undefined,
      actual: actual?.actuals['actual'],
      actualTime: actual ? Date.parse(actual.timestamp) : null,
    })
    const { sample_weight: w } = record
    for (const [path, { reason }] of Object.entries(record.extra))
      addCell(tally.extra(path, reason), { n: 1, w, w2: w * w })
  }
  return tally.answer(plan.comparison && !isReference ? unstored.length : undefined)
}
