import { sum } from './bins.ts'

/**
 * Quantiles of binned values, spread evenly within each bin. What is below the first edge or above the last counts as on it.
 *
 * @param w weights: below all edges, of each bin, above all edges (`edges.length + 1` of them)
 */
export const quantiles = (
  w: readonly number[],
  edges: readonly number[],
  at: readonly number[],
): (number | undefined)[] => {
  const total = sum(w)
  return at.map((q) => {
    if (!(total > 0) || edges.length === 0) return undefined
    const goal = q * total
    let passed = w[0]!
    if (goal <= passed && passed > 0) return edges[0]!
    for (let i = 1; i < edges.length; i++) {
      const weight = w[i]!
      if (weight > 0 && passed + weight >= goal) {
        const inside = Math.max(0, goal - passed) / weight
        return edges[i - 1]! + inside * (edges[i]! - edges[i - 1]!)
      }
      passed += weight
    }
    return edges.at(-1)!
  })
}
