import type { Answers, Distribution, PlannedColumn } from './answers.ts'
import { CONFIDENCES, isNamed } from './plan.ts'
import { effectiveSize } from './statistics/bins.ts'
import { ofMean, type Estimate } from './statistics/intervals.ts'

/**
 * What accuracy is to be expected where there are no actuals at all: of a classifier the mean of its confidences (CBPE), which the column
 * `confidence` tells by itself.
 */

const isClass = ({ kind, edges }: PlannedColumn): boolean =>
  kind === 'category' || kind === 'boolean' || (kind === 'number' && edges.length > 0 && edges.every(Number.isInteger))

/** The output that gives confidences of a class. */
export const confidenceColumn = ({ plan, current }: Answers): PlannedColumn | undefined => {
  const outputs = plan.columns.filter(({ role }) => role === 'output')
  const column = outputs.find((output) => output.kind === 'number' && isNamed(output, CONFIDENCES))
  if (!column || !outputs.some((output) => output !== column && isClass(output))) return undefined
  const moments = current.all.columns[column.name]?.moments
  return moments && moments.min >= 0 && moments.max <= 1 ? column : undefined
}

/** The mean confidence; its interval holds the luck of single predictions, whose variance is c·(1 − c). */
export const meanConfidence = (of: Pick<Distribution, 'present' | 'moments'> | undefined): Estimate | null => {
  if (!of?.moments || !(of.present.w > 0)) return null
  const { mean, m2 } = of.moments
  const { value, low = 0, high = 1 } = ofMean(mean, mean - mean * mean - m2 / of.present.w, effectiveSize(of.present))
  return { value, low: Math.max(0, low), high: Math.min(1, high) }
}
