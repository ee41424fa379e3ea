/** The normal quantile of an interval of 95 %. */
export const Z = 1.959963984540054

/** An estimate with its 95 % interval, where one can be given. */
export interface Estimate {
  value: number
  low?: number
  high?: number
}

/** A share with Wilson's interval. `size` is the effective size; at 0 there is no share. */
export const wilson = (share: number, size: number): Estimate => {
  const centre = (share + (Z * Z) / (2 * size)) / (1 + (Z * Z) / size)
  const half = (Z / (1 + (Z * Z) / size)) * Math.sqrt((share * (1 - share)) / size + (Z * Z) / (4 * size * size))
  // At its ends the interval is exact, and its sums are not.
  return {
    value: share,
    low: share === 0 ? 0 : Math.max(0, centre - half),
    high: share === 1 ? 1 : Math.min(1, centre + half),
  }
}

/** A mean with its normal interval, from the variance of single values and the effective size. */
export const ofMean = (mean: number, variance: number, size: number): Estimate => {
  const half = Z * Math.sqrt(Math.max(0, variance) / size)
  return { value: mean, low: mean - half, high: mean + half }
}
