import type { Cell, Residuals } from '../answers.ts'
import { effectiveSize } from './bins.ts'
import { ofMean } from './intervals.ts'
import { NOT_LABELLED, type Measure } from './measures.ts'

/** The root of the mean squared error. Its interval is that of the mean square, whose root is taken. */
export const rootMeanSquare = ({ e2, e4 }: Residuals, labelled: Cell): Measure => {
  if (!(labelled.w > 0)) return NOT_LABELLED
  const mean = e2 / labelled.w
  const { low = 0, high = 0 } = ofMean(mean, e4 / labelled.w - mean * mean, effectiveSize(labelled))
  return { value: Math.sqrt(mean), low: Math.sqrt(Math.max(0, low)), high: Math.sqrt(high) }
}

/** The mean absolute error. */
export const meanAbsolute = ({ abs, e2 }: Residuals, labelled: Cell): Measure => {
  if (!(labelled.w > 0)) return NOT_LABELLED
  const mean = abs / labelled.w
  const { value, low = 0, high } = ofMean(mean, e2 / labelled.w - mean * mean, effectiveSize(labelled))
  return { value, low: Math.max(0, low), high: high! }
}

/** The mean error: above 0 the model says too much. */
export const bias = ({ e, e2 }: Residuals, labelled: Cell): Measure => {
  if (!(labelled.w > 0)) return NOT_LABELLED
  const mean = e / labelled.w
  return ofMean(mean, e2 / labelled.w - mean * mean, effectiveSize(labelled))
}

/** 1 − Σe² / Σ(y − mean y)²: the share of the actuals' variance that the model explains. */
export const determination = ({ e2, m2 }: Residuals, labelled: Cell): Measure => {
  if (!(labelled.w > 0)) return NOT_LABELLED
  return m2 > 0 ? { value: 1 - e2 / m2 } : { undefined: 'all actuals are equal' }
}

/** The mean absolute error as a share of the actual, over actuals that are not 0. */
export const meanRelative = ({ relative, relative2, nonZero }: Residuals, labelled: Cell): Measure => {
  if (!(labelled.w > 0)) return NOT_LABELLED
  if (!(nonZero.w > 0)) return { undefined: 'all actuals are 0' }
  const mean = relative / nonZero.w
  const { value, low = 0, high } = ofMean(mean, relative2 / nonZero.w - mean * mean, effectiveSize(nonZero))
  return { value, low: Math.max(0, low), high: high! }
}
