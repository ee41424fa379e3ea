import { chiSquareQuantile } from './distributions.ts'
import { quantileGroups, regroup, sharesOf } from './bins.ts'

const PSI_BINS = 10
/** A share of 0 would make the index infinite. */
const LEAST_SHARE = 1e-4

export interface Psi {
  /** Σ (p − q) · ln(p / q). */
  value: number
  /** What two windows of these sizes without drift stay under with the given chance. */
  noise: number
  /** Bins that were compared. */
  bins: number
}

/**
 * The population stability index of the current window against the reference. Bins of numbers are first joined to 10 of equal reference
 * share (`joined`); shares of 0 count as 1e-4. Its noise floor is χ²(bins − 1) · (1/n₁ + 1/n₂), as PSI · n is χ² without drift.
 *
 * @param sizes effective sizes of both windows
 * @param confidence chance with which no drift stays below the noise floor, default 0.95
 */
export const populationStability = (
  current: readonly number[],
  reference: readonly number[],
  sizes: readonly [number, number],
  { joined = true, confidence = 0.95 } = {},
): Psi => {
  const groups = joined ? quantileGroups(reference, PSI_BINS) : reference.map((_, i) => i)
  const p = sharesOf(regroup(current, groups))
  const q = sharesOf(regroup(reference, groups))
  let value = 0
  p.forEach((share, i) => {
    const now = Math.max(share, LEAST_SHARE)
    const before = Math.max(q[i]!, LEAST_SHARE)
    // A bin that neither window has says nothing.
    if (share > 0 || q[i]! > 0) value += (now - before) * Math.log(now / before)
  })
  const bins = p.filter((share, i) => share > 0 || q[i]! > 0).length
  return { value, noise: chiSquareQuantile(confidence, bins - 1) * (1 / sizes[0] + 1 / sizes[1]), bins }
}

/** p · log₂(p / m), which is 0 where p is. */
const divergence = (p: number, m: number): number => (p > 0 ? p * Math.log2(p / m) : 0)

/** The Jensen-Shannon distance to base 2 of two distributions over the same bins: 0 where they are the same, 1 where they share nothing. */
export const jensenShannon = (current: readonly number[], reference: readonly number[]): number => {
  const p = sharesOf(current)
  const q = sharesOf(reference)
  let total = 0
  p.forEach((share, i) => {
    const middle = (share + q[i]!) / 2
    total += (divergence(share, middle) + divergence(q[i]!, middle)) / 2
  })
  return Math.sqrt(Math.max(0, total))
}

/** Σ of the first i shares, for each i. */
const cumulate = (shares: readonly number[]): number[] => {
  let total = 0
  return shares.map((share) => (total += share))
}

/** ∫ |a + (b − a)·x| dx over x from 0 to 1: a difference that goes from a to b along a line, which may cross 0. */
const meanAbsolute = (a: number, b: number): number =>
  a * b >= 0 ? Math.abs(a + b) / 2 : (a * a + b * b) / (2 * Math.abs(a - b))

/**
 * The Wasserstein distance of two distributions over the bins of `edges`, in the column's unit: the area between their distribution
 * functions. Within a bin values are taken as spread evenly; what is below or above the edges counts as on the edge, so that one absurd
 * value can't decide.
 *
 * @param current, reference weights of `edges.length + 1` bins, the first below all edges and the last above
 */
export const wasserstein = (
  current: readonly number[],
  reference: readonly number[],
  edges: readonly number[],
): number => {
  const p = cumulate(sharesOf(current))
  const q = cumulate(sharesOf(reference))
  let distance = 0
  for (let i = 1; i < edges.length; i++) {
    distance += (edges[i]! - edges[i - 1]!) * meanAbsolute(p[i - 1]! - q[i - 1]!, p[i]! - q[i]!)
  }
  return distance
}
