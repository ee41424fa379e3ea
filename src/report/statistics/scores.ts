import type { Bins } from '../answers.ts'
import { binOf, effectiveSize, sum } from './bins.ts'
import type { Measure } from './measures.ts'
import { Z } from './intervals.ts'

/** Chances in bins: of what happened, and of what did not. `wp`: Σ w·chance a bin, of both. */
export interface ScoreBins {
  readonly positive: Bins
  readonly negative: Bins
  readonly wp: readonly number[]
}

/**
 * The area under the ROC curve: the chance that what happened had the higher score, a tie counts half. Values in the same bin are ties. The
 * interval is Hanley and McNeil's with effective sizes.
 */
export const areaUnderCurve = ({ positive, negative }: ScoreBins): Measure => {
  const happened = sum(positive.w)
  const not = sum(negative.w)
  if (!(happened > 0)) return { undefined: 'no positive actuals' }
  if (!(not > 0)) return { undefined: 'no negative actuals' }
  let below = 0
  let pairs = 0
  positive.w.forEach((w, i) => {
    pairs += w * (below + negative.w[i]! / 2)
    below += negative.w[i]!
  })
  const value = pairs / (happened * not)
  const n = effectiveSize(binOf(positive))
  const m = effectiveSize(binOf(negative))
  const q1 = value / (2 - value)
  const q2 = (2 * value * value) / (1 + value)
  const square = value * value
  const variance = (value * (1 - value) + (n - 1) * (q1 - square) + (m - 1) * (q2 - square)) / (n * m)
  const half = Z * Math.sqrt(Math.max(0, variance))
  return { value, low: Math.max(0, value - half), high: Math.min(1, value + half) }
}

/** One of ten bins of chances: what was said, and what came true. */
export interface CalibrationBin {
  from: number
  to: number
  /** Share of the weight of all. */
  share: number
  /** Mean chance that was given, and share that happened; undefined where the bin is empty. */
  said: number | undefined
  happened: number | undefined
  /** Effective size. */
  size: number
}

const CALIBRATION_BINS = 10

/** Chances and what happened in ten bins of equal width; the bins given must be a multiple of ten, of equal width from 0 to 1. */
export const calibration = ({ positive, negative, wp }: ScoreBins): CalibrationBin[] => {
  const width = positive.w.length / CALIBRATION_BINS
  const total = sum(positive.w) + sum(negative.w)
  return Array.from({ length: CALIBRATION_BINS }, (_, i) => {
    const part = (values: readonly number[]): number => sum(values.slice(i * width, (i + 1) * width))
    const yes = part(positive.w)
    const weight = yes + part(negative.w)
    return {
      from: i / CALIBRATION_BINS,
      to: (i + 1) / CALIBRATION_BINS,
      share: total > 0 ? weight / total : 0,
      said: weight > 0 ? part(wp) / weight : undefined,
      happened: weight > 0 ? yes / weight : undefined,
      size: effectiveSize({ w: weight, w2: part(positive.w2) + part(negative.w2) }),
    }
  })
}

/** The expected calibration error over ten bins: how far what was said is from what happened, in the mean. */
export const calibrationError = (bins: readonly CalibrationBin[]): Measure => {
  if (!bins.some(({ share }) => share > 0)) return { undefined: 'no labelled predictions with a score' }
  return { value: sum(bins.map(({ share, said, happened }) => share * Math.abs((said ?? 0) - (happened ?? 0)))) }
}

/** What the expected calibration error of a perfectly calibrated model would be over so few rows: no error below it means anything. */
export const calibrationNoise = (bins: readonly CalibrationBin[]): number =>
  sum(
    bins.map(({ share, said, size }) =>
      size > 0 ? share * Math.sqrt((2 / Math.PI) * (((said ?? 0) * (1 - (said ?? 0))) / size)) : 0,
    ),
  )

/** A mean of a loss, from its weighted sum. */
export const meanLoss = ({ positive, negative }: ScoreBins, total: number): Measure => {
  const weight = sum(positive.w) + sum(negative.w)
  return weight > 0 ? { value: total / weight } : { undefined: 'no labelled predictions with a score' }
}
