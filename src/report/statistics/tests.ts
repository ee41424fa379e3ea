import { sharesOf } from './bins.ts'
import { chiSquareTail, kolmogorovTail, normalTails } from './distributions.ts'

/** What a test of "both windows come from the same distribution" gives. */
export interface Test {
  statistic: number
  /** The chance of such a difference, or a larger one, without drift. */
  p: number
}

/**
 * The two-sample Kolmogorov-Smirnov test on bins: the largest difference of the distribution functions at an edge. Between edges it may be
 * larger by at most one bin's share, so the test is on the safe side: it never sees drift that the rows don't show. `p` is of the limit
 * distribution.
 *
 * @param sizes effective sizes of both windows
 */
export const kolmogorovSmirnov = (
  current: readonly number[],
  reference: readonly number[],
  sizes: readonly [number, number],
): Test => {
  const q = sharesOf(reference)
  let difference = 0
  let statistic = 0
  sharesOf(current).forEach((share, i) => {
    difference += share - q[i]!
    statistic = Math.max(statistic, Math.abs(difference))
  })
  const [n, m] = sizes
  return { statistic, p: n > 0 && m > 0 ? kolmogorovTail(Math.sqrt((n * m) / (n + m)) * statistic) : 1 }
}

/** A cell that fewer rows are expected in makes χ² see drift where there is none: such cells are joined. */
const LEAST_EXPECTED = 5

/** Counts whose rarest values stand together: the pairs that would be too small, as one. */
const joinRare = (pairs: [number, number][], sizes: readonly [number, number]): [number, number][] => {
  const smaller = Math.min(...sizes) / (sizes[0] + sizes[1])
  const common: [number, number][] = []
  const rare: [number, number] = [0, 0]
  for (const [a, b] of pairs) {
    if ((a + b) * smaller >= LEAST_EXPECTED) common.push([a, b])
    else {
      rare[0] += a
      rare[1] += b
    }
  }
  if (rare[0] + rare[1] === 0) return common
  if ((rare[0] + rare[1]) * smaller >= LEAST_EXPECTED || common.length === 0) return [...common, rare]
  // Together they are still too few: the least common one takes them in.
  const least = common.reduce((a, b) => (a[0] + a[1] <= b[0] + b[1] ? a : b))
  return common.map((pair) => (pair === least ? [pair[0] + rare[0], pair[1] + rare[1]] : pair))
}

/**
 * χ² of the contingency table of two windows by value, without a continuity correction. Weights are scaled to the effective sizes; values too
 * rare to be judged alone (fewer than 5 expected) are judged together.
 */
export const chiSquare = (
  current: readonly number[],
  reference: readonly number[],
  sizes: readonly [number, number],
): Test & { degrees: number } => {
  const p = sharesOf(current)
  const q = sharesOf(reference)
  const pairs = p.map((share, i): [number, number] => [share * sizes[0], q[i]! * sizes[1]])
  const cells = joinRare(
    pairs.filter(([a, b]) => a + b > 0),
    sizes,
  )
  const [n, m] = sizes
  let statistic = 0
  for (const [a, b] of cells) {
    const share = (a + b) / (n + m)
    statistic += (a - share * n) ** 2 / (share * n) + (b - share * m) ** 2 / (share * m)
  }
  const degrees = cells.length - 1
  if (degrees < 1 || !Number.isFinite(statistic)) return { statistic: 0, p: 1, degrees: 0 }
  return { statistic, p: chiSquareTail(statistic, degrees), degrees }
}

/** The two-proportion z test with the pooled share: whether `share` of current rows differs from that of the reference. */
export const twoProportions = (shares: readonly [number, number], sizes: readonly [number, number]): Test => {
  const [n, m] = sizes
  const pooled = (shares[0] * n + shares[1] * m) / (n + m)
  const variance = pooled * (1 - pooled) * (1 / n + 1 / m)
  if (!(variance > 0)) return { statistic: 0, p: 1 }
  const statistic = (shares[0] - shares[1]) / Math.sqrt(variance)
  return { statistic, p: normalTails(statistic) }
}

/**
 * p values adjusted by Benjamini and Hochberg for having asked several questions: of those that are below a level afterwards, at most
 * that share is false.
 */
export const benjaminiHochberg = (ps: readonly number[]): number[] => {
  const order = ps.map((_, i) => i).sort((a, b) => ps[b]! - ps[a]!)
  const adjusted: number[] = []
  let least = 1
  order.forEach((i, position) => {
    least = Math.min(least, (ps[i]! * ps.length) / (ps.length - position))
    adjusted[i] = least
  })
  return adjusted
}

/** The mean of values and their spread's share by which two means differ, Welch's z; for error measures of a regression. */
export const meansDiffer = (
  a: { mean: number; variance: number; size: number },
  b: { mean: number; variance: number; size: number },
): Test => {
  const variance = a.variance / a.size + b.variance / b.size
  if (!(variance > 0)) return { statistic: 0, p: 1 }
  const statistic = (a.mean - b.mean) / Math.sqrt(variance)
  return { statistic, p: normalTails(statistic) }
}
