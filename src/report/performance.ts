import {
  LAG_EDGES,
  type Answers,
  type Bucket,
  type Comparison,
  type Expected,
  type Group,
  type Labelled,
} from './answers.ts'
import type { Estimated, MetricReport, PerformanceBucket, PerformanceReport } from './result.ts'
import { confidenceColumn, meanConfidence } from './expected-only.ts'
import { addCells, binOf, effectiveSize } from './statistics/bins.ts'
import { accuracy, macro, ofClass } from './statistics/classification.ts'
import { expectedPerformance } from './statistics/expected.ts'
import { bias, determination, meanAbsolute, meanRelative, rootMeanSquare } from './statistics/regression.ts'
import { areaUnderCurve, calibration, calibrationError, calibrationNoise, meanLoss } from './statistics/scores.ts'
import { inOrder, iso, quantilesWithin } from './traffic.ts'
import type { Thresholds } from './thresholds.ts'

const scored = ({ scores }: Labelled, comparison: Comparison): Record<string, MetricReport> => {
  if (!comparison.score || !scores) return {}
  const two = comparison.positive !== undefined
  return {
    // Of more than two classes only whether the predicted one was right is known.
    ...(two && { auc: areaUnderCurve(scores), log_loss: meanLoss(scores, scores.logLoss) }),
    brier: meanLoss(scores, scores.brier),
    calibration_error: calibrationError(calibration(scores)),
  }
}

const classified = (labelled: Labelled, comparison: Comparison): Record<string, MetricReport> => {
  const { pairs } = labelled
  const { positive } = comparison
  const named = positive === undefined ? undefined : ofClass(pairs, positive, 'positive actuals')
  return {
    accuracy: accuracy(pairs),
    ...(named ?? {
      precision_macro: macro(pairs, 'precision'),
      recall_macro: macro(pairs, 'recall'),
      f1_macro: macro(pairs, 'f1'),
    }),
    ...scored(labelled, comparison),
  }
}

const regressed = ({ residuals, labelled }: Labelled): Record<string, MetricReport> =>
  residuals
    ? {
        rmse: rootMeanSquare(residuals, labelled),
        mae: meanAbsolute(residuals, labelled),
        bias: bias(residuals, labelled),
        r2: determination(residuals, labelled),
        mape: meanRelative(residuals, labelled),
      }
    : {}

/** All measures of some labelled rows; one that is undefined says why. */
export const metricsOf = (
  labelled: Labelled | undefined,
  comparison: Comparison | undefined,
): Record<string, MetricReport> => {
  if (!labelled || !comparison) return {}
  return comparison.task === 'classification' ? classified(labelled, comparison) : regressed(labelled)
}

/** Of predictions without an error, the share that has an actual. */
const labelledShare = ({ traffic, labelled }: Pick<Group, 'traffic' | 'labelled'>): number | null => {
  if (!labelled) return null
  const predicted = traffic.instances.w - traffic.errors.w
  return predicted > 0 ? Math.min(1, labelled.labelled.w / predicted) : null
}

const lagOf = ({ lag }: Labelled): PerformanceReport['lag_seconds'] => {
  const found = quantilesWithin(lag, LAG_EDGES, [0.5, 0.9])
  return found ? { p50: found[0]!, p90: found[1]! } : null
}

const ASSUMPTIONS =
  'Expected from the confidences alone (CBPE): right as far as a confidence of 0.8 comes true 8 times in 10, and still does.'

const NO_ACTUALS = 'no actuals to check the confidences against'

/** The confidences are not what happened: then nothing follows from them. */
const whyUnreliable = (
  labelled: Labelled | undefined,
  thresholds: Thresholds,
): { reliable: boolean; reason?: string } => {
  if (!labelled?.scores) return { reliable: true, reason: NO_ACTUALS }
  const bins = calibration(labelled.scores)
  const size = effectiveSize(addCells(binOf(labelled.scores.positive), binOf(labelled.scores.negative)))
  if (size < thresholds.minimum)
    return { reliable: true, reason: `${Math.floor(size)} actuals are too few to check the confidences` }
  const error = calibrationError(bins)
  const limit = thresholds.levels.calibration.warn + calibrationNoise(bins)
  if (!('value' in error) || error.value < limit) return { reliable: true }
  return {
    reliable: false,
    reason: `the confidences are ${(error.value * 100).toFixed(0)} points from what happened in the mean`,
  }
}

const estimatedOf = (
  group: Group,
  checkedOn: Labelled | undefined,
  comparison: Comparison,
  thresholds: Thresholds,
): Estimated | null => {
  const expected = expectedPerformance(group.expected, comparison.positive)
  if (!expected) return null
  return {
    method: 'cbpe',
    ...whyUnreliable(checkedOn, thresholds),
    assumptions: ASSUMPTIONS,
    metrics: { ...expected },
  }
}

const accuracyOf = (expected: readonly Expected[]) => expectedPerformance(expected)?.accuracy ?? null

/** Age in seconds after which nine of ten actuals have come, if that is known. */
const isComing = (bucket: Bucket, end: Date, p90: number | undefined): boolean =>
  p90 !== undefined && (end.getTime() - bucket.until.getTime()) / 1000 < p90

const NOTHING: PerformanceReport = {
  task: null,
  prediction: null,
  actual: null,
  labelled: 0,
  share: null,
  lag_seconds: null,
  metrics: {},
  reference: null,
  confusion: [],
  classes: [],
  calibration: [],
  over_time: [],
  estimated: null,
}

const classesOf = ({ pairs }: Labelled, { classes }: Comparison): PerformanceReport['classes'] =>
  classes.map((name) => ({
    name,
    ...ofClass(pairs, name),
    count: addCells(...pairs.filter(({ actual }) => actual === name)).n,
  }))

const calibrationOf = ({ scores }: Labelled): PerformanceReport['calibration'] =>
  scores
    ? calibration(scores).map(({ from, to, share, said, happened }) => ({
        from,
        to,
        share,
        said: said ?? null,
        happened: happened ?? null,
      }))
    : []

/** Without actuals: what the confidences alone let expect. */
const withoutActuals = (answers: Answers): PerformanceReport => {
  const { plan, current, reference } = answers
  const reason = plan.comparison
    ? 'there are no actuals'
    : 'there are no actuals that a prediction could be compared with'
  const column = confidenceColumn(answers)
  const accuracy = column && meanConfidence(current.all.columns[column.name])
  if (!column || !accuracy) return { ...NOTHING, reason }
  const bucket =
    (isReference: boolean) =>
    (of: Bucket): PerformanceBucket => ({
      since: iso(of.since),
      until: iso(of.until),
      reference: isReference,
      labelled: 0,
      share: null,
      coming: false,
      metrics: {},
      estimated: meanConfidence(of.columns[column.name]),
    })
  return {
    ...NOTHING,
    reason,
    over_time: inOrder([...(reference?.buckets ?? []).map(bucket(true)), ...current.buckets.map(bucket(false))]),
    estimated: { method: 'cbpe', reliable: true, reason: NO_ACTUALS, assumptions: ASSUMPTIONS, metrics: { accuracy } },
  }
}

export const performanceReport = ({ plan, current, reference }: Answers, thresholds: Thresholds): PerformanceReport => {
  const { comparison } = plan
  const { labelled } = current.all
  if (!comparison || !labelled) return withoutActuals({ plan, current, reference })

  // Whichever window has more labels knows more of how long they take.
  const before = reference?.all.labelled
  const lag = lagOf(before && before.labelled.n > labelled.labelled.n ? before : labelled)
  const bucket =
    (reference: boolean) =>
    (of: Bucket): PerformanceBucket => ({
      since: iso(of.since),
      until: iso(of.until),
      reference,
      labelled: of.labelled?.labelled.n ?? 0,
      share: labelledShare(of),
      coming: isComing(of, current.until, lag?.p90),
      metrics: metricsOf(of.labelled, comparison),
      estimated: accuracyOf(of.expected),
    })
  // The current window says most of whether they are still true, as soon as it says enough.
  const isEnough = before === undefined || effectiveSize(labelled.labelled) >= thresholds.minimum
  const checkedOn = isEnough ? labelled : before
  return {
    task: comparison.task,
    prediction: comparison.prediction,
    actual: comparison.actual,
    labelled: labelled.labelled.n,
    share: labelledShare(current.all),
    lag_seconds: lag,
    metrics: metricsOf(labelled, comparison),
    reference:
      reference && before && before.labelled.n > 0
        ? { labelled: before.labelled.n, share: labelledShare(reference.all), metrics: metricsOf(before, comparison) }
        : null,
    confusion: labelled.pairs.map(({ prediction, actual, n, w }) => ({ prediction, actual, count: n, weight: w })),
    classes: comparison.task === 'classification' ? classesOf(labelled, comparison) : [],
    calibration: calibrationOf(labelled),
    over_time: inOrder([...(reference?.buckets ?? []).map(bucket(true)), ...current.buckets.map(bucket(false))]),
    estimated: estimatedOf(current.all, checkedOn, comparison, thresholds),
  }
}
