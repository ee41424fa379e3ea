/** Random numbers from a seed, and the distributions that windows of rows are drawn from. */

export type Random = () => number

/** Mulberry32. */
export const seeded = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

/** Marsaglia and Tsang; `shape` of at least 1. */
export const gamma = (random: Random, shape: number): number => {
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(random)
    const v = (1 + c * x) ** 3
    if (v <= 0) continue
    if (Math.log(1 - random()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v
  }
}

/** How many of n come true with chance p. By waiting times where few do; by the normal distribution where n·p·(1 − p) is above 400. */
export const binomial = (random: Random, n: number, p: number): number => {
  if (n <= 0 || p <= 0) return 0
  if (p >= 1) return n
  if (p > 0.5) return n - binomial(random, n, 1 - p)
  const variance = n * p * (1 - p)
  if (variance > 400) return Math.min(n, Math.max(0, Math.round(n * p + Math.sqrt(variance) * normal(random))))
  const step = Math.log(1 - p)
  let found = 0
  for (let at = 0; ; found++) {
    at += Math.floor(Math.log(1 - random()) / step) + 1
    if (at > n) return found
  }
}

export const multinomial = (random: Random, n: number, shares: readonly number[]): number[] => {
  let left = n
  let mass = shares.reduce((a, b) => a + b, 0)
  return shares.map((share) => {
    const drawn = binomial(random, left, Math.min(1, mass > 0 ? share / mass : 0))
    left -= drawn
    mass -= share
    return drawn
  })
}
