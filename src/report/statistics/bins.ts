import type { Bins, Cell } from '../answers.ts'

export const NO_CELL: Cell = { n: 0, w: 0, w2: 0 }

export const sum = (numbers: readonly number[]): number => {
  let total = 0
  for (const number of numbers) total += number
  return total
}

export const binOf = ({ n, w, w2 }: Bins): Cell => ({ n: sum(n), w: sum(w), w2: sum(w2) })

export const addCells = (...cells: readonly Cell[]): Cell =>
  cells.reduce((a, b) => ({ n: a.n + b.n, w: a.w + b.w, w2: a.w2 + b.w2 }), NO_CELL)

/** A share of weight, or undefined where there is nothing. */
export const shareOf = (part: Cell, all: Cell): number | undefined => (all.w > 0 ? part.w / all.w : undefined)

/**
 * Kish's effective sample size, (Σw)² / Σw²: so many rows of equal weight say as much as these do. 0 where nothing has weight.
 */
export const effectiveSize = ({ w, w2 }: Pick<Cell, 'w' | 'w2'>): number => (w > 0 && w2 > 0 ? (w * w) / w2 : 0)

/** Each bin's share of all weight; all 0 where nothing has weight. */
export const sharesOf = (w: readonly number[]): number[] => {
  const total = sum(w)
  return w.map((weight) => (total > 0 ? weight / total : 0))
}

/** The sums of groups of bins: bin i goes to group `groups[i]`. */
export const regroup = (values: readonly number[], groups: readonly number[]): number[] => {
  const grouped = Array.from({ length: Math.max(-1, ...groups) + 1 }, () => 0)
  values.forEach((value, i) => (grouped[groups[i]!]! += value))
  return grouped
}

/** Sums of shares that should be a quantile are this near to it. */
const ROUNDING = 1e-9

/**
 * Neighbouring bins joined to about `count` groups of the same reference share, as the index of each bin's group. What lies below or
 * above all edges belongs to the first or last group. A value that many rows share makes a group of its own, so there may be fewer.
 */
export const quantileGroups = (reference: readonly number[], count: number): number[] => {
  const shares = sharesOf(reference)
  const lastWithRows = shares.findLastIndex((share) => share > 0)
  let group = 0
  let cumulated = 0
  let quantile = 1
  return shares.map((share, i) => {
    const own = group
    cumulated += share
    if (i < lastWithRows && cumulated >= quantile / count - ROUNDING) {
      group += 1
      quantile = Math.floor(cumulated * count + ROUNDING) + 1
    }
    return own
  })
}
