import { isNumeric, type Bins, type Distribution, type PlannedColumn } from './answers.ts'
import type { Drift, DriftStatistic } from './result.ts'
import { binOf, effectiveSize, regroup, sharesOf, sum } from './statistics/bins.ts'
import { commonValues } from './statistics/common-values.ts'
import { jensenShannon, populationStability, wasserstein, type Psi } from './statistics/distances.ts'
import { benjaminiHochberg, chiSquare, kolmogorovSmirnov, twoProportions } from './statistics/tests.ts'
import { counted } from './words.ts'
import { isIgnored, levelsOf, type Levels, type Thresholds } from './thresholds.ts'

/** Up to so many rows a test decides; above it tests see differences that matter to nobody, and a distance decides. */
const TESTS_UP_TO = 1000
/** A number of at most so many values is compared as categories are. */
const FEW_VALUES = 5

/** A column of a window with its bins: of a number first what is below, last what is above; of a category the named, `other` and `new`. */
export const binsOf = (
  column: Pick<PlannedColumn, 'kind'>,
  { bins, below, above, other, unseen }: Distribution,
): Bins => {
  const numeric = isNumeric(column)
  const first = numeric ? [below] : []
  const last = numeric ? [above] : [other, unseen]
  const all = (of: 'n' | 'w' | 'w2'): number[] => [...first.map((c) => c[of]), ...bins[of], ...last.map((c) => c[of])]
  return { n: all('n'), w: all('w'), w2: all('w2') }
}

/** Both windows of one column, ready to be compared. */
export interface Compared {
  readonly column: PlannedColumn
  readonly current: Bins
  readonly reference: Bins
  /** Effective sizes. */
  readonly sizes: readonly [number, number]
  /** Of the reference, numbers. */
  readonly sd: number
  /** Categories: many values, and none of them common enough to be compared by itself. */
  readonly scattered: boolean
}

const shrink = (bins: Bins, groups: readonly number[]): Bins => ({
  n: regroup(bins.n, groups),
  w: regroup(bins.w, groups),
  w2: regroup(bins.w2, groups),
})

export const compareColumn = (column: PlannedColumn, current: Distribution, reference: Distribution): Compared => {
  const now = binsOf(column, current)
  const before = binsOf(column, reference)
  const mass = binOf(before).w
  const sizes = [effectiveSize(binOf(now)), effectiveSize(binOf(before))] as const
  const sd = reference.moments && mass > 0 ? Math.sqrt(reference.moments.m2 / mass) : 0
  if (isNumeric(column)) return { column, current: now, reference: before, sizes, sd, scattered: false }
  const groups = commonValues(now.w, before.w, sizes)
  const scattered = Math.max(...groups) === 0 && column.categories.length > 1
  return { column, current: shrink(now, groups), reference: shrink(before, groups), sizes, sd, scattered }
}

/** How many values the reference has: each is a bin where its edges are its values. */
const hasFewValues = ({ edges }: PlannedColumn): boolean => new Set(edges).size <= FEW_VALUES

const testOf = ({
  column,
  current,
  reference,
  sizes,
}: Compared): { statistic: DriftStatistic; value: number; p: number } => {
  const used = current.w.flatMap((w, i) => (w > 0 || reference.w[i]! > 0 ? [i] : []))
  if (used.length === 2) {
    const [first] = used
    const test = twoProportions([sharesOf(current.w)[first!]!, sharesOf(reference.w)[first!]!], sizes)
    return { statistic: 'two_proportions', value: test.statistic, p: test.p }
  }
  if (isNumeric(column)) {
    const test = kolmogorovSmirnov(current.w, reference.w, sizes)
    return { statistic: 'kolmogorov_smirnov', value: test.statistic, p: test.p }
  }
  const test = chiSquare(current.w, reference.w, sizes)
  return { statistic: 'chi_square', value: test.statistic, p: test.p }
}

const distanceOf = ({
  column,
  current,
  reference,
  sd,
}: Compared): { statistic: 'wasserstein' | 'jensen_shannon'; value: number } => {
  if (!isNumeric(column) || hasFewValues(column))
    return { statistic: 'jensen_shannon', value: jensenShannon(current.w, reference.w) }
  const range = column.edges.at(-1)! - column.edges[0]!
  return {
    statistic: 'wasserstein',
    value: wasserstein(current.w, reference.w, column.edges) / Math.max(sd, 0.001 * range),
  }
}

const psiOf = ({ column, current, reference, sizes }: Compared): Psi =>
  populationStability(current.w, reference.w, sizes, { joined: isNumeric(column) && !hasFewValues(column) })

const severityAt = (value: number, { warn, alert }: Levels): 'alert' | 'warn' | null =>
  value >= alert ? 'alert' : value >= warn ? 'warn' : null

const RANK = { alert: 2, warn: 1 } as const
const rank = (severity: 'alert' | 'warn' | null): number => (severity ? RANK[severity] : 0)
const worst = (a: 'alert' | 'warn' | null, b: 'alert' | 'warn' | null) => (rank(a) >= rank(b) ? a : b)
const least = (a: 'alert' | 'warn' | null, b: 'alert' | 'warn' | null) => (rank(a) <= rank(b) ? a : b)

export interface Judged {
  drift: Drift | null
  reason?: string
  psi: Psi | null
}

const decide = (
  compared: Compared,
  test: ReturnType<typeof testOf>,
  adjusted: number,
  thresholds: Thresholds,
): Judged => {
  const { p: levels } = thresholds.levels
  const psi = psiOf(compared)
  // A small p is a large finding.
  const byChance = adjusted < levels.alert ? 'alert' : adjusted < levels.warn ? 'warn' : null
  if (Math.min(...compared.sizes) <= TESTS_UP_TO) {
    const drift = { statistic: test.statistic, value: test.value, threshold: levels.warn, p: adjusted }
    return { drift: { ...drift, drifted: byChance !== null, severity: byChance }, psi }
  }
  const distance = distanceOf(compared)
  const { name } = compared.column
  const byDistance = severityAt(distance.value, levelsOf(thresholds, distance.statistic, name))
  const byPsi = psi.value > psi.noise ? severityAt(psi.value, levelsOf(thresholds, 'psi', name)) : null
  // Large enough to matter, and larger than chance makes it: both.
  const severity = least(worst(byDistance, byPsi), byChance)
  const threshold = levelsOf(thresholds, distance.statistic, name).warn
  return { drift: { ...distance, threshold, p: adjusted, drifted: severity !== null, severity }, psi }
}

const isWeightless = ({ n, w }: Bins): boolean => sum(n) > 0 && sum(w) === 0

const whyNot = (
  { column, current, reference, sizes, scattered }: Compared,
  thresholds: Thresholds,
): string | undefined => {
  const [now, before] = sizes
  if (isIgnored(thresholds, column.name)) return 'not judged, as the configuration asks'
  if (isWeightless(current)) return 'sample_weight is 0 in all of its rows'
  if (isWeightless(reference)) return "sample_weight is 0 in all of the reference's rows"
  if (before === 0) return 'the reference has no values of it'
  if (now === 0) return 'there are no values of it now'
  if (Math.min(now, before) < thresholds.minimum) {
    const [few, which] = now <= before ? [now, 'now'] : [before, 'in the reference']
    return `not enough data: ${counted(Math.floor(few), 'row')} ${which}, ${thresholds.minimum} are needed`
  }
  if (scattered) return 'it has many values, and none is common enough to be compared'
  return undefined
}

/**
 * Whether each column has drifted. Up to 1,000 rows a test decides, whose chances are adjusted over all columns together. Above that the change
 * must be large enough to matter (a distance, or the population stability index) and beyond chance as well (the same test).
 */
export const judgeDrift = (columns: readonly Compared[], thresholds: Thresholds): Judged[] => {
  const reasons = columns.map((compared) => whyNot(compared, thresholds))
  const tests = columns.map((compared, i) => (reasons[i] === undefined ? testOf(compared) : undefined))
  const asked = tests.flatMap((test) => (test ? [test.p] : []))
  const adjusted = benjaminiHochberg(asked)
  let next = 0
  return columns.map((compared, i) => {
    const test = tests[i]
    if (!test) return { drift: null, reason: reasons[i]!, psi: null }
    return decide(compared, test, adjusted[next++]!, thresholds)
  })
}
