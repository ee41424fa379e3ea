/** jStat has no types of its own: those of the functions that are used here. */
declare module 'jstat' {
  export const jStat: {
    /** The regularised lower incomplete gamma function P(a, x). */
    lowRegGamma(a: number, x: number): number
    chisquare: { inv(p: number, degrees: number): number }
    normal: { inv(p: number, mean: number, sd: number): number }
    erf(x: number): number
  }
}
