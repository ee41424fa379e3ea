import {
  CONFIDENCE_EDGES,
  isNumeric,
  LAG_EDGES,
  LATENCY_EDGES,
  SCORE_EDGES,
  type Comparison,
  type ReportPlan,
  type PlannedColumn,
  type Window,
} from '../answers.ts'
import { isUsable, TINY } from '../usable.ts'
import { addCell, addToBin, addValue, clippedBin, edgeBelow, evenBin } from './cells.ts'
import {
  addGroup,
  addUnseen,
  expectedOf,
  newGroup,
  pairOf,
  type OpenColumn,
  type OpenGroup,
  type OpenLabelled,
  type OpenScores,
} from './group.ts'
import { className } from '../plan.ts'
import { tallyWindow, type WindowTally } from './window.ts'

/** A column's value: a number (seconds since 1970 of a time), a text (`true`, `false` of a boolean), anything of JSON; null and undefined are missing. */
export type Value = unknown

export interface TallyRow {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly version: string
  readonly weight: number
  readonly failed: boolean
  readonly duration: number | null
  /** In the order of the plan's columns. */
  readonly values: readonly Value[]
  /** In the order of the plan's `by`. */
  readonly slices: readonly string[]
  /** Whether there is an actual; its label, as the prediction's value; when it was known, in milliseconds. */
  readonly isLabelled: boolean
  readonly actual: Value
  readonly actualTime: number | null
}

const isMissing = (value: Value): value is null | undefined => value === null || value === undefined

type AddValue = (column: OpenColumn, value: Value, w: number) => void

const addNumber = ({ edges }: PlannedColumn): AddValue => {
  const last = edges.length - 1
  return (column, value, w) => {
    if (!isUsable(value)) {
      // NaN and infinities come as text from JSON.
      const cell = { n: 1, w, w2: w * w }
      if (isMissing(value)) return addCell(column.missing, cell)
      addCell(column.nonFinite, cell)
      return addCell(column.present, cell)
    }
    const { present, shape } = column
    present.n++
    present.w += w
    present.w2 += w * w
    addValue(column.moments, value, w)
    if (!shape || last < 0) return
    const index = edgeBelow(edges, value)
    if (index < 0) addCell(shape.below, { n: 1, w, w2: w * w })
    else if (index === last && value > edges[last]!) addCell(shape.above, { n: 1, w, w2: w * w })
    else addToBin(shape.bins, index === last ? Math.max(0, last - 1) : index, 1, w, w * w)
  }
}

/** Values of the reference that are told from new ones, beside those that are counted by name. */
const MAX_KNOWN = 200_000

/** What the reference window has in a column beside its named categories: filled while that window is read, asked when the current one is. */
export type KnownValues = ReadonlyMap<string, Set<string>>

const addCategory = (
  { name, categories, unique, complete }: PlannedColumn,
  known: KnownValues,
  isReference: boolean,
): AddValue => {
  const indexes = new Map(categories.map((category, index) => [category, index]))
  const others = known.get(name)
  return (column, value, w) => {
    const cell = { n: 1, w, w2: w * w }
    if (isMissing(value)) return addCell(column.missing, cell)
    addCell(column.present, cell)
    const { shape } = column
    if (!shape || unique) return
    const text = String(value)
    const index = indexes.get(text)
    if (index !== undefined) return addToBin(shape.bins, index, 1, w, w * w)
    if (isReference) {
      if (others && others.size < MAX_KNOWN) others.add(text)
      return addCell(shape.other, cell)
    }
    if (!complete && (others === undefined || others.size >= MAX_KNOWN || others.has(text)))
      return addCell(shape.other, cell)
    addCell(shape.unseen, cell)
    addUnseen(shape, text, cell)
  }
}

const addJson: AddValue = (column, value, w) =>
  addCell(isMissing(value) ? column.missing : column.present, { n: 1, w, w2: w * w })

const adderOf = (column: PlannedColumn, known: KnownValues, isReference: boolean): AddValue => {
  if (column.kind === 'json') return addJson
  return isNumeric(column) ? addNumber(column) : addCategory(column, known, isReference)
}

const addScore = (scores: OpenScores, chance: number, happened: boolean, w: number): void => {
  const bin = evenBin(SCORE_EDGES.length - 1, chance)
  addToBin(happened ? scores.positive : scores.negative, bin, 1, w, w * w)
  scores.wp[bin]! += w * chance
  const given = Math.max(happened ? chance : 1 - chance, 1e-15)
  scores.logLoss -= w * Math.log(Math.min(given, 1 - 1e-15))
  scores.brier += w * (chance - (happened ? 1 : 0)) ** 2
}

const addResidual = ({ residuals }: OpenLabelled, prediction: number, actual: number, w: number): void => {
  const sums = residuals!
  const e = prediction - actual
  sums.e += w * e
  sums.e2 += w * e * e
  sums.e4 += w * e ** 4
  sums.abs += w * Math.abs(e)
  addValue(sums.actual, actual, w)
  if (Math.abs(actual) < TINY) return
  sums.relative += w * Math.abs(e / actual)
  sums.relative2 += w * (e / actual) ** 2
  addCell(sums.nonZero, { n: 1, w, w2: w * w })
}

/** What of a row is compared: where the prediction and the score stand among its values. */
const comparer = (plan: ReportPlan, comparison: Comparison) => {
  const indexOf = (name: string) => plan.columns.findIndex((column) => column.name === name)
  const predictionAt = indexOf(comparison.prediction)
  const scoreAt = comparison.score ? indexOf(comparison.score.column) : -1
  const { task, positive, score, isBoolean } = comparison
  const classes = new Set(comparison.classes)
  const negative = comparison.classes.find((name) => name !== positive) ?? ''
  const isProbability = score?.meaning === 'probability'
  const isThreshold = isProbability && score.column === comparison.prediction

  const classOf = (value: Value): string => {
    const text = className(String(value), isBoolean)
    return classes.has(text) ? text : ''
  }
  const predictedClass = (prediction: Value): string => {
    if (isThreshold) return Number(prediction) >= 0.5 ? positive! : negative
    return classOf(prediction)
  }

  const scoreOf = ({ values }: TallyRow): number | undefined => {
    const value = scoreAt < 0 ? undefined : values[scoreAt]
    return typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined
  }

  const expect = (group: OpenGroup, row: TallyRow): void => {
    const chance = scoreOf(row)
    const prediction = row.values[predictionAt]
    if (chance === undefined || isMissing(prediction)) return
    const predicted = predictedClass(prediction)
    const confidence = isProbability && predicted !== positive ? 1 - chance : chance
    const expected = expectedOf(group, predicted)
    const bin = evenBin(CONFIDENCE_EDGES.length - 1, confidence)
    addToBin(expected.bins, bin, 1, row.weight, row.weight ** 2)
    expected.wp[bin]! += row.weight * confidence
  }

  const compare = (labelled: OpenLabelled, row: TallyRow): void => {
    const { weight: w, actual, actualTime, time } = row
    const cell = { n: 1, w, w2: w * w }
    const prediction = row.values[predictionAt]
    const areNumbers = isUsable(prediction) && isUsable(actual)
    const isComparable = !isMissing(prediction) && !isMissing(actual) && (task === 'classification' || areNumbers)
    if (!isComparable) return addCell(labelled.incomparable, cell)
    addCell(labelled.labelled, cell)
    if (actualTime !== null) addToBin(labelled.lag, clippedBin(LAG_EDGES, (actualTime - time) / 1000), 1, w, w * w)
    if (task === 'regression') return addResidual(labelled, prediction as number, actual as number, w)
    const predicted = predictedClass(prediction)
    const happened = classOf(actual)
    addCell(pairOf(labelled, predicted, happened), cell)
    const chance = scoreOf(row)
    if (!labelled.scores || chance === undefined) return
    if (positive === undefined) return addScore(labelled.scores, chance, predicted !== '' && predicted === happened, w)
    addScore(labelled.scores, isProbability || predicted === positive ? chance : 1 - chance, happened === positive, w)
  }

  return { expect: scoreAt < 0 || task === 'regression' ? undefined : expect, compare }
}

/** Sums over rows as they come, in any order. */
export interface RowTally extends Pick<WindowTally, 'extra' | 'answer'> {
  add(row: TallyRow): void
}

/** The rows of one version in one bucket: each is counted once, and bucket and version both get the sums at the end. */
interface Part {
  /** Its columns have the shapes of the version's. */
  readonly sums: OpenGroup
  readonly ofVersion: OpenGroup
}

const newPart = (plan: ReportPlan, ofVersion: OpenGroup): Part => {
  const { columns, ...sums } = newGroup(plan, false)
  const shaped = columns.map((column, i) => ({ ...column, shape: ofVersion.columns[i]!.shape }))
  return { sums: { ...sums, columns: shaped }, ofVersion }
}

const withoutShapes = ({ columns, ...sums }: OpenGroup): OpenGroup => ({
  ...sums,
  columns: columns.map((column) => ({ ...column, shape: undefined })),
})

export const tallyRows = (plan: ReportPlan, window: Window, known: KnownValues, isReference: boolean): RowTally => {
  const tally = tallyWindow(plan, window)
  const adders = plan.columns.map((column) => adderOf(column, known, isReference))
  const isOutput = plan.columns.map(({ role }) => role === 'output')
  const starts = tally.buckets.map(({ since }) => since.getTime())
  const comparing = plan.comparison && comparer(plan, plan.comparison)
  const sliceValues = plan.by.map(({ values }) => new Set(values))
  const named = new Set(plan.versions)
  /** By bucket and version; undefined: all versions that the plan does not name. */
  const parts = tally.buckets.map(() => new Map<string | undefined, Part>())

  const addTo = (group: OpenGroup, row: TallyRow): void => {
    const { weight: w, failed, duration, values } = row
    const cell = { n: 1, w, w2: w * w }
    addCell(group.instances, cell)
    if (failed) addCell(group.errors, cell)
    if (duration !== null) addToBin(group.latency, clippedBin(LATENCY_EDGES, duration), 1, w, w * w)
    for (let i = 0; i < adders.length; i++) if (!(failed && isOutput[i])) adders[i]!(group.columns[i]!, values[i], w)
    if (failed || !comparing) return
    comparing.expect?.(group, row)
    if (row.isLabelled) comparing.compare(group.labelled!, row)
  }

  const partOf = (bucket: number, version: string): Part => {
    const key = named.has(version) ? version : undefined
    let part = parts[bucket]!.get(key)
    if (!part) parts[bucket]!.set(key, (part = newPart(plan, tally.version(version))))
    return part
  }

  return {
    extra: tally.extra,
    add(row) {
      const bucket = Math.max(0, edgeBelow(starts, row.time))
      addTo(partOf(bucket, row.version).sums, row)
      if (!named.has(row.version))
        addCell(tally.versionIn(bucket, row.version), { n: 1, w: row.weight, w2: row.weight ** 2 })
      if (isReference) return
      for (const [index, { name }] of plan.by.entries()) {
        const value = row.slices[index]!
        if (sliceValues[index]!.has(value)) addTo(tally.slice(name, value), row)
      }
    },
    answer(unmatched) {
      for (const [bucket, ofBucket] of parts.entries())
        for (const [version, { sums, ofVersion }] of ofBucket) {
          for (const group of [tally.bucket(bucket), ofVersion]) addGroup(group, withoutShapes(sums))
          if (version !== undefined) addCell(tally.versionIn(bucket, version), sums.instances)
        }
      return tally.answer(unmatched)
    },
  }
}
