import {
  CONFIDENCE_EDGES,
  LAG_EDGES,
  LATENCY_EDGES,
  SCORE_EDGES,
  type Category,
  type Distribution,
  type Group,
  type Labelled,
  type ReportPlan,
  type PlannedColumn,
  type Residuals,
} from '../answers.ts'
import {
  addBins,
  addCell,
  addMoments,
  momentsOf,
  newBins,
  newCell,
  newMoments,
  type OpenBins,
  type OpenCell,
  type OpenMoments,
} from './cells.ts'

/** A group of rows whose sums grow: the shape of an answer's group, to be added to. */

export interface OpenColumn {
  readonly present: OpenCell
  readonly missing: OpenCell
  readonly nonFinite: OpenCell
  readonly moments: OpenMoments
  /** Undefined where only what is missing and the moments are asked for: in a bucket. */
  readonly shape: OpenShape | undefined
}

export interface OpenShape {
  readonly bins: OpenBins
  readonly below: OpenCell
  readonly above: OpenCell
  readonly other: OpenCell
  readonly unseen: OpenCell
  readonly unseenValues: Map<string, OpenCell>
}

export interface OpenScores {
  readonly positive: OpenBins
  readonly negative: OpenBins
  readonly wp: number[]
  logLoss: number
  brier: number
}

export type OpenResiduals = { -readonly [Key in Exclude<keyof Residuals, 'mean' | 'm2' | 'nonZero'>]: number } & {
  readonly actual: OpenMoments
  readonly nonZero: OpenCell
}

export interface OpenLabelled {
  readonly labelled: OpenCell
  readonly incomparable: OpenCell
  readonly lag: OpenBins
  readonly pairs: Map<string, OpenCell & { readonly prediction: string; readonly actual: string }>
  readonly scores: OpenScores | undefined
  readonly residuals: OpenResiduals | undefined
}

export interface OpenExpected {
  readonly bins: OpenBins
  readonly wp: number[]
}

export interface OpenGroup {
  readonly instances: OpenCell
  readonly errors: OpenCell
  readonly latency: OpenBins
  /** In the order of the plan's. */
  readonly columns: readonly OpenColumn[]
  readonly labelled: OpenLabelled | undefined
  readonly expected: Map<string, OpenExpected>
}

/** How many bins a column has: by its edges, or its categories. */
export const binCount = ({ edges, categories, unique }: PlannedColumn): number =>
  unique ? 0 : categories.length > 0 ? categories.length : edges.length === 1 ? 1 : Math.max(0, edges.length - 1)

const newShape = (column: PlannedColumn): OpenShape => ({
  bins: newBins(binCount(column)),
  below: newCell(),
  above: newCell(),
  other: newCell(),
  unseen: newCell(),
  unseenValues: new Map(),
})

const newLabelled = ({ task, score }: NonNullable<ReportPlan['comparison']>): OpenLabelled => ({
  labelled: newCell(),
  incomparable: newCell(),
  lag: newBins(LAG_EDGES.length - 1),
  pairs: new Map(),
  scores: score && {
    positive: newBins(SCORE_EDGES.length - 1),
    negative: newBins(SCORE_EDGES.length - 1),
    wp: new Array<number>(SCORE_EDGES.length - 1).fill(0),
    logLoss: 0,
    brier: 0,
  },
  residuals:
    task === 'regression'
      ? { e: 0, e2: 0, e4: 0, abs: 0, relative: 0, relative2: 0, actual: newMoments(), nonZero: newCell() }
      : undefined,
})

export const newGroup = ({ columns, comparison }: ReportPlan, withShapes: boolean): OpenGroup => ({
  instances: newCell(),
  errors: newCell(),
  latency: newBins(LATENCY_EDGES.length - 1),
  columns: columns.map((column) => ({
    present: newCell(),
    missing: newCell(),
    nonFinite: newCell(),
    moments: newMoments(),
    shape: withShapes ? newShape(column) : undefined,
  })),
  labelled: comparison && newLabelled(comparison),
  expected: new Map(),
})

export const expectedOf = ({ expected }: OpenGroup, prediction: string): OpenExpected => {
  let found = expected.get(prediction)
  if (!found) {
    const count = CONFIDENCE_EDGES.length - 1
    expected.set(prediction, (found = { bins: newBins(count), wp: new Array<number>(count).fill(0) }))
  }
  return found
}

export const pairOf = ({ pairs }: OpenLabelled, prediction: string, actual: string): OpenCell => {
  const key = `${prediction}\0${actual}`
  let found = pairs.get(key)
  if (!found) pairs.set(key, (found = { ...newCell(), prediction, actual }))
  return found
}

/** Unseen values beside the greatest are counted without their names, so that a column of ever new values takes no memory. */
const MAX_UNSEEN = 1000

export const addUnseen = ({ unseenValues }: OpenShape, value: string, cell: OpenCell): void => {
  const found = unseenValues.get(value)
  if (found) addCell(found, cell)
  else if (unseenValues.size < MAX_UNSEEN) unseenValues.set(value, { ...cell })
}

const addNumbers = (sums: number[], added: readonly number[]): void => {
  for (let i = 0; i < added.length; i++) sums[i]! += added[i]!
}

const addShape = (shape: OpenShape, added: OpenShape): void => {
  addBins(shape.bins, added.bins)
  for (const key of ['below', 'above', 'other', 'unseen'] as const) addCell(shape[key], added[key])
  for (const [value, cell] of added.unseenValues) addUnseen(shape, value, cell)
}

const addColumn = (column: OpenColumn, added: OpenColumn): void => {
  for (const key of ['present', 'missing', 'nonFinite'] as const) addCell(column[key], added[key])
  addMoments(column.moments, added.moments)
  if (column.shape && added.shape) addShape(column.shape, added.shape)
}

const addLabelled = (labelled: OpenLabelled, added: OpenLabelled): void => {
  addCell(labelled.labelled, added.labelled)
  addCell(labelled.incomparable, added.incomparable)
  addBins(labelled.lag, added.lag)
  for (const pair of added.pairs.values()) addCell(pairOf(labelled, pair.prediction, pair.actual), pair)
  if (labelled.scores && added.scores) {
    addBins(labelled.scores.positive, added.scores.positive)
    addBins(labelled.scores.negative, added.scores.negative)
    addNumbers(labelled.scores.wp, added.scores.wp)
    labelled.scores.logLoss += added.scores.logLoss
    labelled.scores.brier += added.scores.brier
  }
  if (labelled.residuals && added.residuals) {
    for (const key of ['e', 'e2', 'e4', 'abs', 'relative', 'relative2'] as const)
      labelled.residuals[key] += added.residuals[key]
    addMoments(labelled.residuals.actual, added.residuals.actual)
    addCell(labelled.residuals.nonZero, added.residuals.nonZero)
  }
}

/** Adds the sums of other rows. */
export const addGroup = (group: OpenGroup, added: OpenGroup): void => {
  addCell(group.instances, added.instances)
  addCell(group.errors, added.errors)
  addBins(group.latency, added.latency)
  for (const [index, column] of group.columns.entries()) addColumn(column, added.columns[index]!)
  if (group.labelled && added.labelled) addLabelled(group.labelled, added.labelled)
  for (const [prediction, expected] of added.expected) {
    const found = expectedOf(group, prediction)
    addBins(found.bins, expected.bins)
    addNumbers(found.wp, expected.wp)
  }
}

const NAMED_UNSEEN = 10

/** The greatest first; of the same weight by name, so that the same rows always give the same answer. */
const greatest = (values: ReadonlyMap<string, OpenCell>): Category[] =>
  [...values]
    .map(([value, cell]) => ({ value, ...cell }))
    .sort((a, b) => b.w - a.w || (a.value < b.value ? -1 : 1))
    .slice(0, NAMED_UNSEEN)

const distributionOf = ({ present, missing, nonFinite, moments, shape }: OpenColumn): Distribution => {
  const { bins, below, above, other, unseen, unseenValues } = shape!
  return {
    present,
    missing,
    nonFinite,
    bins,
    below,
    above,
    other,
    unseen,
    unseenValues: greatest(unseenValues),
    moments: momentsOf(moments),
  }
}

const residualsOf = ({ actual: { mean, m2 }, ...sums }: OpenResiduals): Residuals => ({ ...sums, mean, m2 })

const labelledOf = ({ pairs, residuals, ...rest }: OpenLabelled): Labelled => ({
  ...rest,
  pairs: [...pairs.values()],
  residuals: residuals && residualsOf(residuals),
})

/** What a bucket and a group both have. */
export const factsOf = ({ instances, errors, latency, labelled, expected }: OpenGroup) => ({
  traffic: { instances, errors, latency },
  labelled: labelled && labelledOf(labelled),
  expected: Array.from(expected, ([prediction, { bins, wp }]) => ({ prediction, bins, wp })),
})

const byName = <Value>({ columns }: ReportPlan, valueOf: (index: number) => Value): Readonly<Record<string, Value>> =>
  Object.fromEntries(columns.map(({ name }, index) => [name, valueOf(index)]))

export const groupOf = (plan: ReportPlan, group: OpenGroup): Group => ({
  ...factsOf(group),
  columns: byName(plan, (index) => distributionOf(group.columns[index]!)),
})

/** What a bucket has of its columns. */
export const columnsInBucket = (plan: ReportPlan, { columns }: OpenGroup) =>
  byName(plan, (index) => {
    const { present, missing, moments } = columns[index]!
    return { present, missing, moments: momentsOf(moments) }
  })
