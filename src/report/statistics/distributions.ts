import jstat from 'jstat'

const { jStat } = jstat

const probability = (p: number): number => Math.min(1, Math.max(0, p))

/** P(X > x) where X is χ² with so many degrees of freedom. To 1e-9; what is smaller than 1e-16 is 0. */
export const chiSquareTail = (x: number, degrees: number): number => {
  if (x <= 0 || degrees <= 0) return 1
  if (!Number.isFinite(x)) return 0
  return probability(1 - jStat.lowRegGamma(degrees / 2, x / 2))
}

/** The x below which χ² with so many degrees of freedom is with chance `p`. */
export const chiSquareQuantile = (p: number, degrees: number): number =>
  degrees <= 0 ? 0 : jStat.chisquare.inv(p, degrees)

/** P(|Z| > |z|) where Z is standard normal. */
export const normalTails = (z: number): number => probability(1 - jStat.erf(Math.abs(z) / Math.SQRT2))

/** The z below which a standard normal is with chance `p`. */
export const normalQuantile = (p: number): number => jStat.normal.inv(p, 0, 1)

/** Below this the alternating series needs too many terms, and its dual form has one. */
const DUAL_BELOW = 1.1

/**
 * P(K > x) of Kolmogorov's limit distribution, the law of √n·D. Two series of the same function (a theta function's
 * transformation): each is used where it ends after a few terms.
 */
export const kolmogorovTail = (x: number): number => {
  if (x <= 0) return 1
  let sum = 0
  if (x < DUAL_BELOW) {
    const step = Math.PI ** 2 / (8 * x * x)
    for (let k = 1; k <= 9; k += 2) sum += Math.exp(-k * k * step)
    return probability(1 - (Math.sqrt(2 * Math.PI) / x) * sum)
  }
  for (let k = 1; k <= 9; k++) sum += (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * x * x)
  return probability(2 * sum)
}
