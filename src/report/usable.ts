/**
 * Numbers that a report adds up. Those beyond, infinities and NaN are told of (`not_finite`), and left out of all else: their squares, of which variances
 * are made, and the squares of squares, of which intervals are, would be no numbers, and a database refuses to compute them.
 */

/** Numbers count from `-HUGE` on, up to `HUGE`. */
export const HUGE = 1e70
/** Nearer to 0 an actual counts as 0: what is divided by it would be no number. */
export const TINY = 1e-70

/** A weight is 0, or from here on … */
export const LEAST_WEIGHT = 1e-20
/** … to here. A row with any other (negative, infinite, NaN) counts once. */
export const GREATEST_WEIGHT = 1e20

export const isUsable = (value: unknown): value is number => typeof value === 'number' && value >= -HUGE && value < HUGE
