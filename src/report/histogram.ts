import { isNumeric, type Distribution, type PlannedColumn } from './answers.ts'
import { binsOf } from './drift.ts'
import type { Histogram } from './result.ts'
import { sharesOf } from './statistics/bins.ts'
import { quantiles } from './statistics/quantiles.ts'

const RANGES = 24
/** Numbers of at most so many values are drawn value by value. */
const MAX_VALUES = 20
/** Categories that are drawn; the others are joined. */
const MAX_CATEGORIES = 12
/** Of the reference, in each tail: far values must not press all others into one bar. */
const TAIL = 0.01

/** How much of the bins' weight lies under `x`, spread evenly within a bin. */
const cumulative = (shares: readonly number[], edges: readonly number[]) => {
  const under: number[] = []
  let total = 0
  for (const share of shares) under.push((total += share))
  return (x: number): number => {
    const upper = edges.findIndex((edge) => edge >= x)
    if (upper === -1) return under.at(-1)! - shares.at(-1)!
    if (upper === 0) return under[0]!
    const width = edges[upper]! - edges[upper - 1]!
    return under[upper - 1]! + (width > 0 ? (x - edges[upper - 1]!) / width : 0) * shares[upper]!
  }
}

/** Equal widths over the middle of both windows' values, as far as the edges reach. */
const displayEdges = (column: PlannedColumn, windows: readonly (readonly number[])[]): number[] => {
  const at = windows.map((w) => quantiles(w, column.edges, [TAIL, 1 - TAIL]))
  const low = Math.min(...at.flatMap(([low]) => (low === undefined ? [] : [low])))
  const high = Math.max(...at.flatMap(([, high]) => (high === undefined ? [] : [high])))
  if (!(high > low)) return []
  return Array.from({ length: RANGES + 1 }, (_, i) => low + ((high - low) * i) / RANGES)
}

const ranges = (column: PlannedColumn, windows: readonly (readonly number[])[]): Histogram | null => {
  const edges = displayEdges(column, windows)
  if (edges.length === 0) return null
  const [current, reference] = windows.map((w) => {
    const under = cumulative(sharesOf(w), column.edges)
    const at = edges.map(under)
    const bins = at.slice(1).map((share, i) => Math.max(0, share - at[i]!))
    return { bins, outside: { below: Math.max(0, at[0]!), above: Math.max(0, 1 - at.at(-1)!) } }
  })
  return {
    of: 'ranges',
    edges,
    current: current!.bins,
    reference: reference?.bins ?? null,
    outside: { current: current!.outside, reference: reference?.outside ?? null },
  }
}

/** A bin a value: the greatest stands twice among the edges, or alone. */
const valuesOf = ({ edges }: PlannedColumn): number[] | undefined => {
  const single = edges.length === 1 || (edges.length > 1 && edges.at(-1) === edges.at(-2))
  const values = [...new Set(edges)]
  return single && values.length <= MAX_VALUES ? values : undefined
}

const byValue = (values: readonly number[], windows: readonly (readonly number[])[]): Histogram => {
  const [current, reference] = windows.map((w) => {
    const shares = sharesOf(w)
    return { bins: shares.slice(1, values.length + 1), outside: { below: shares[0]!, above: shares.at(-1)! } }
  })
  return {
    of: 'values',
    values: values.map(String),
    current: current!.bins,
    reference: reference?.bins ?? null,
    outside: { current: current!.outside, reference: reference?.outside ?? null },
  }
}

const byCategory = (
  column: PlannedColumn,
  current: Distribution,
  reference: Distribution | undefined,
): Histogram | null => {
  const shares = [current, reference].map((of) => of && sharesOf(binsOf(column, of).w))
  const [now, before] = shares as [number[], number[] | undefined]
  const named = column.categories.length
  const order = column.categories.map((_, i) => i)
  order.sort((a, b) => Math.max(now[b]!, before?.[b] ?? 0) - Math.max(now[a]!, before?.[a] ?? 0))
  const shown = order.slice(0, named > MAX_CATEGORIES ? MAX_CATEGORIES - 1 : MAX_CATEGORIES)
  const hidden = order.slice(shown.length)
  const pick = (of: number[]): number[] => [
    ...shown.map((i) => of[i]!),
    hidden.reduce((total, i) => total + of[i]!, of[named]!),
    of[named + 1]!,
  ]
  const picked = [pick(now), before && pick(before)] as const
  const values = [...shown.map((i) => column.categories[i]!), 'other', 'new']
  const used = values.map((_, i) => i < shown.length || picked.some((of) => (of?.[i] ?? 0) > 0))
  if (!used.some(Boolean)) return null
  const keep = <T>(items: readonly T[]): T[] => items.filter((_, i) => used[i])
  const none = { below: 0, above: 0 }
  return {
    of: 'values',
    values: keep(values),
    current: keep(picked[0]),
    reference: picked[1] ? keep(picked[1]) : null,
    outside: { current: none, reference: reference ? none : null },
  }
}

/** Both distributions of a column for a chart, or null where there is nothing to draw. */
export const histogramOf = (
  column: PlannedColumn,
  current: Distribution,
  reference: Distribution | undefined,
): Histogram | null => {
  if (column.unique || column.kind === 'json') return null
  if (!isNumeric(column)) return byCategory(column, current, reference)
  if (column.edges.length === 0) return null
  const windows = [current, ...(reference ? [reference] : [])].map((of) => binsOf(column, of).w)
  const values = valuesOf(column)
  return values ? byValue(values, windows) : ranges(column, windows)
}
