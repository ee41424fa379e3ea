import { sum } from './bins.ts'
import type { Bins } from '../answers.ts'
import { Z, type Estimate } from './intervals.ts'

/** Confidences in one predicted class: bins of equal width from 0 to 1, and Σ w·confidence of each. */
export interface Confidences {
  readonly prediction: string
  readonly bins: Bins
  readonly wp: readonly number[]
}

export interface ExpectedPerformance {
  accuracy: Estimate
  /** Of two classes: of the positive one. */
  precision?: Estimate
  recall?: Estimate
  f1?: Estimate
}

/** Σ w², and Σ w²·c·(1 − c): how much luck there is in whether so confident predictions come true. */
const luck = ({ bins, wp }: Confidences): number =>
  sum(
    bins.w.map((w, i) => {
      const confidence = w > 0 ? wp[i]! / w : 0
      return bins.w2[i]! * confidence * (1 - confidence)
    }),
  )

/**
 * Confidence-based performance estimation (CBPE): what the performance should be if the confidences are true chances, without any actual. A
 * prediction with confidence c is right with chance c, so the expected confusion matrix is a sum of confidences. Intervals hold the luck of
 * single predictions, and no doubt about the confidences themselves.
 *
 * Source: NannyML's description of CBPE.
 *
 * @param positive of two classes the one that precision, recall and F1 are about
 */
export const expectedPerformance = (
  confidences: readonly Confidences[],
  positive?: string,
): ExpectedPerformance | undefined => {
  const weight = (which: readonly Confidences[]): number => sum(which.flatMap(({ bins }) => bins.w))
  const right = (which: readonly Confidences[]): number => sum(which.flatMap(({ wp }) => wp))
  const all = weight(confidences)
  if (!(all > 0)) return undefined
  const estimate = (which: readonly Confidences[], of: number): Estimate => {
    const value = right(which) / of
    const half = (Z * Math.sqrt(sum(which.map(luck)))) / of
    return { value, low: Math.max(0, value - half), high: Math.min(1, value + half) }
  }
  const accuracy = estimate(confidences, all)
  if (positive === undefined) return { accuracy }

  const yes = confidences.filter(({ prediction }) => prediction === positive)
  const no = confidences.filter(({ prediction }) => prediction !== positive)
  const hits = right(yes)
  const predicted = weight(yes)
  const missed = weight(no) - right(no)
  return {
    accuracy,
    ...(predicted > 0 && { precision: estimate(yes, predicted) }),
    ...(hits + missed > 0 && { recall: { value: hits / (hits + missed) } }),
    ...(predicted + hits + missed > 0 && { f1: { value: (2 * hits) / (predicted + hits + missed) } }),
  }
}
