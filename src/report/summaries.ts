import { isNumeric, type Category, type Distribution, type PlannedColumn } from './answers.ts'
import { binsOf } from './drift.ts'
import type { CategoryShares, ColumnSummary } from './result.ts'
import { addCells, binOf, shareOf } from './statistics/bins.ts'
import { quantiles } from './statistics/quantiles.ts'

const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]

const categoriesOf = (
  { categories }: PlannedColumn,
  { bins, other, unseen, unseenValues, present }: Distribution,
): CategoryShares => {
  const share = (w: number): number => (present.w > 0 ? w / present.w : 0)
  const named = ({ value, w }: Category) => ({ value, share: share(w) })
  return {
    values: categories.map((value, i) => ({ value, share: share(bins.w[i] ?? 0) })),
    other: share(other.w),
    new: share(unseen.w),
    new_values: unseenValues.map(named),
  }
}

const numbersOf = (
  column: PlannedColumn,
  of: Distribution,
): Pick<ColumnSummary, 'mean' | 'sd' | 'min' | 'max' | 'quantiles'> => {
  const w = binsOf(column, of).w
  const finite = binOf(binsOf(column, of))
  if (!of.moments || !(finite.w > 0)) return { mean: null, sd: null, min: null, max: null, quantiles: null }
  const { mean, m2, min, max } = of.moments
  const values = quantiles(w, column.edges, QUANTILES)
  return {
    mean,
    sd: Math.sqrt(m2 / finite.w),
    min,
    max,
    quantiles: Object.fromEntries(
      QUANTILES.flatMap((q, i) => (values[i] === undefined ? [] : [[String(q), values[i]]])),
    ),
  }
}

/** What a column holds in one window. Never NaN: what can't be said is null. */
export const summarise = (column: PlannedColumn, of: Distribution): ColumnSummary => {
  const all = addCells(of.present, of.missing)
  const share = (part: { n: number; w: number; w2: number }): number => shareOf(part, of.present) ?? 0
  const named = (column.kind === 'category' || column.kind === 'boolean') && !column.unique
  return {
    count: of.present.n,
    missing: shareOf(of.missing, all) ?? null,
    ...(isNumeric(column) ? numbersOf(column, of) : { mean: null, sd: null, min: null, max: null, quantiles: null }),
    categories: named ? categoriesOf(column, of) : null,
    not_finite: isNumeric(column) ? share(of.nonFinite) : 0,
    below: isNumeric(column) ? share(of.below) : 0,
    above: isNumeric(column) ? share(of.above) : 0,
  }
}
