import type { Estimate } from './intervals.ts'

/** A measure has a value, with its 95 % interval where one can be given; or `undefined` says why it has none. */
export type Measure = Estimate | { undefined: string }

/** The value of a measure; undefined: it has none, or there is no such measure. */
export const estimateOf = (measure: Measure | undefined): Estimate | undefined =>
  measure && 'value' in measure ? measure : undefined

export const NOT_LABELLED: Measure = { undefined: 'no labelled predictions' }
