import {
  LAG_EDGES,
  LATENCY_EDGES,
  type Answers,
  type Bins,
  type Cell,
  type Comparison,
  type Distribution,
  type Group,
  type Labelled,
  type ReportPlan,
  type PlannedColumn,
  type WindowAnswer,
} from '../../src/report/answers.ts'

/** Answers of a store, made by hand: what a report is judged from. */

export const NONE: Cell = { n: 0, w: 0, w2: 0 }
export const cell = (n: number, weight = 1): Cell => ({ n, w: n * weight, w2: n * weight * weight })
export const bins = (n: readonly number[], weight = 1): Bins => ({
  n,
  w: n.map((each) => each * weight),
  w2: n.map((each) => each * weight * weight),
})
const totalOf = ({ n, w, w2 }: Bins): Cell => ({ n: total(n), w: total(w), w2: total(w2) })
export const total = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0)
export const plus = (...cells: Cell[]): Cell =>
  cells.reduce((a, b) => ({ n: a.n + b.n, w: a.w + b.w, w2: a.w2 + b.w2 }), NONE)

export const column = (name: string, of: Partial<PlannedColumn> = {}): PlannedColumn => ({
  name,
  role: 'feature',
  kind: 'number',
  unique: false,
  edges: [],
  categories: [],
  complete: true,
  ...of,
})

export const distribution = (of: Partial<Distribution> = {}): Distribution => {
  const { bins: inside = bins([]), below = NONE, above = NONE, other = NONE, unseen = NONE, nonFinite = NONE } = of
  return {
    present: plus(totalOf(inside), below, above, other, unseen, nonFinite),
    missing: NONE,
    nonFinite,
    bins: inside,
    below,
    above,
    other,
    unseen,
    unseenValues: [],
    moments: undefined,
    ...of,
  }
}

/** Numbers: a distribution whose moments are those of its bins, spread evenly within them. */
export const numbers = (edges: readonly number[], of: Partial<Distribution> & { bins: Bins }): Distribution => {
  const middles = of.bins.w.map((_, i) => (edges[i]! + (edges[i + 1] ?? edges[i]!)) / 2)
  const widths = of.bins.w.map((_, i) => (edges[i + 1] ?? edges[i]!) - edges[i]!)
  const below = of.below?.w ?? 0
  const above = of.above?.w ?? 0
  const points: [number, number, number][] = [
    ...middles.map((x, i): [number, number, number] => [x, of.bins.w[i]!, widths[i]!]),
    [edges[0]! - 1, below, 0],
    [edges.at(-1)! + 1, above, 0],
  ]
  const weight = total(points.map(([, w]) => w))
  const mean = weight > 0 ? total(points.map(([x, w]) => x * w)) / weight : 0
  const m2 = total(points.map(([x, w, width]) => w * ((x - mean) ** 2 + width ** 2 / 12)))
  const min = below > 0 ? edges[0]! - 1 : edges[0]!
  const max = above > 0 ? edges.at(-1)! + 1 : edges.at(-1)!
  return distribution({ moments: weight > 0 ? { mean, m2, min, max } : undefined, ...of })
}

const emptyBins = (edges: readonly number[]): Bins => bins(edges.slice(1).map(() => 0))

/** Latencies around `ms`. */
export const latency = (cellOf: Cell, ms = 20): Bins => {
  const shape = LATENCY_EDGES.slice(1).map((edge) => Math.exp(-((Math.log(edge / ms) / 0.4) ** 2) / 2))
  const sum = total(shape)
  const spread = (value: number): number[] => shape.map((share) => (share / sum) * value)
  return { n: spread(cellOf.n), w: spread(cellOf.w), w2: spread(cellOf.w2) }
}

export const labelledPairs = (pairs: Labelled['pairs'], of: Partial<Labelled> = {}): Labelled => ({
  labelled: plus(...pairs),
  incomparable: NONE,
  lag: emptyBins(LAG_EDGES),
  pairs,
  scores: undefined,
  residuals: undefined,
  ...of,
})

export const group = (of: Partial<Group> & { instances?: Cell; errors?: Cell } = {}): Group => {
  const { instances = NONE, errors = NONE, ...rest } = of
  return {
    traffic: { instances, errors, latency: latency(instances) },
    columns: {},
    labelled: undefined,
    expected: [],
    ...rest,
  }
}

export const CURRENT = { since: new Date('2026-03-08T00:00:00Z'), until: new Date('2026-03-15T00:00:00Z') }
export const REFERENCE = { since: new Date('2026-03-01T00:00:00Z'), until: new Date('2026-03-08T00:00:00Z') }

export const windowAnswer = (all: Group, of: Partial<WindowAnswer> = {}): WindowAnswer => ({
  ...CURRENT,
  all,
  buckets: [],
  versions: {},
  slices: [],
  extra: [],
  unmatched: undefined,
  ...of,
})

export const plan = (columns: readonly PlannedColumn[], comparison?: Comparison): ReportPlan => ({
  model: 'iris',
  current: CURRENT,
  reference: REFERENCE,
  columns,
  comparison,
  bucket: 'day',
  timeZone: 'UTC',
  buckets: [],
  where: [],
  by: [],
  versions: [],
})

/** Of classes, `prediction` with `actual`. */
export const comparison = (of: Partial<Comparison> = {}): Comparison => ({
  task: 'classification',
  prediction: 'prediction',
  actual: 'actual',
  actualKind: 'category',
  isActualJson: false,
  isBoolean: false,
  classes: [],
  ...of,
})

export const answers = (
  columns: readonly PlannedColumn[],
  current: Group,
  reference?: Group,
  comparison?: Comparison,
): Answers => ({
  plan: plan(columns, comparison),
  current: windowAnswer(current),
  reference: reference && windowAnswer(reference, REFERENCE),
})
