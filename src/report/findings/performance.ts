import type { Answers, Group, Labelled } from '../answers.ts'
import { metricsOf } from '../performance.ts'
import type { Finding, GroupReport, PerformanceReport, QualityReport } from '../result.ts'
import { varianceOfShare, type AskSince } from '../since.ts'
import { addCells, effectiveSize, shareOf } from '../statistics/bins.ts'
import { accuracy } from '../statistics/classification.ts'
import { estimateOf } from '../statistics/measures.ts'
import { meansDiffer, twoProportions } from '../statistics/tests.ts'
import type { Levels, Thresholds } from '../thresholds.ts'
import {
  counted,
  headlineOf,
  list,
  nameOfMetric,
  percent,
  quoted,
  sayOf,
  score,
  shortened,
  withInterval,
} from '../words.ts'
import { allInCurrent, said, severityOf } from './columns.ts'

const LUCK = 0.01

const squares = ({ residuals, labelled }: Labelled) => {
  const mean = residuals!.e2 / labelled.w
  return { mean, variance: residuals!.e4 / labelled.w - mean * mean, size: effectiveSize(labelled) }
}

/** The chance that so large a difference of the headline measure is luck. */
const luckOf = (task: PerformanceReport['task'], now: Labelled, was: Labelled, values: [number, number]): number =>
  task === 'regression'
    ? meansDiffer(squares(now), squares(was)).p
    : twoProportions(values, [effectiveSize(now.labelled), effectiveSize(was.labelled)]).p

const worse = (task: PerformanceReport['task'], now: number, was: number): number =>
  task === 'regression' ? (was > 0 ? now / was - 1 : 0) : was - now

const levelsFor = (task: PerformanceReport['task'], thresholds: Thresholds): Levels =>
  task === 'regression' ? thresholds.levels.error_growth : thresholds.levels.performance

/** By accuracy, or by the mean of squared errors. */
const fellSince = (
  task: PerformanceReport['task'],
  now: Labelled,
  was: Labelled,
  values: [number, number],
  ask: AskSince,
) => {
  if (task === 'regression') {
    const { mean, size } = squares(was)
    return ask(
      { mean, size },
      ({ labelled }) => (labelled && labelled.labelled.w > 0 ? squares(labelled) : undefined),
      squares(now).variance,
    )
  }
  const levelOf = (labelled: Labelled | undefined) => {
    const value = labelled && estimateOf(accuracy(labelled.pairs))
    return value && { mean: value.value, size: effectiveSize(labelled.labelled) }
  }
  return ask(
    { mean: values[1], size: effectiveSize(was.labelled) },
    ({ labelled }) => levelOf(labelled),
    varianceOfShare(values[0]),
  )
}

const fell = (
  { plan, current, reference }: Answers,
  report: PerformanceReport,
  thresholds: Thresholds,
  ask: AskSince,
): Finding[] => {
  const name = headlineOf(report.task)
  const now = estimateOf(report.metrics[name])
  const was = estimateOf(report.reference?.metrics[name])
  const groups = [current.all.labelled, reference?.all.labelled] as const
  if (!plan.comparison || !now || !was || !groups[0] || !groups[1]) return []
  const sizes = groups.map((of) => effectiveSize(of!.labelled))
  if (Math.min(...sizes) < thresholds.minimum) return []
  const severity = severityOf(worse(report.task, now.value, was.value), levelsFor(report.task, thresholds))
  if (!severity || luckOf(report.task, groups[0], groups[1], [now.value, was.value]) > LUCK) return []
  const say = sayOf(report.task, name)
  const since = fellSince(report.task, groups[0], groups[1], [now.value, was.value], ask)
  const message = `The ${nameOfMetric(name)} is ${withInterval(now, say)}, was ${withInterval(was, say)}${since ? `; ${since.words}` : ''}.`
  return [{ severity, kind: 'performance', ...said(since), message }]
}

/** A version or slice that does far worse than all predictions together. */
export const groupFindings = (
  groups: readonly { of: GroupReport; group: Group }[],
  { plan, current }: Answers,
  report: PerformanceReport,
  thresholds: Thresholds,
): Finding[] => {
  const all = current.all.labelled
  const name = headlineOf(report.task)
  const whole = estimateOf(report.metrics[name])
  if (!plan.comparison || !all || !whole) return []
  return groups.flatMap(({ of, group }) => {
    const value = estimateOf(metricsOf(group.labelled, plan.comparison)[name])
    if (!value || !group.labelled || effectiveSize(group.labelled.labelled) < thresholds.minimum) return []
    const severity = severityOf(worse(report.task, value.value, whole.value), levelsFor(report.task, thresholds))
    const luck = luckOf(report.task, group.labelled, all, [value.value, whole.value])
    if (!severity || luck * groups.length > LUCK) return []
    const say = sayOf(report.task, name)
    const slice = `${of.name}=${of.value}`
    const message = `For ${of.name}=${shortened(of.value)} the ${nameOfMetric(name)} is ${withInterval(value, say)}, for all ${say(whole.value)}.`
    return [{ severity: 'warn', kind: 'performance', slice, message }]
  })
}

/** Classes that come true now, and never did in the reference: the model can't have learnt them from it. */
const newClasses = ({ plan, current, reference }: Answers, { levels }: Thresholds): Finding[] => {
  const [now, was] = [current.all.labelled, reference?.all.labelled]
  if (plan.comparison?.task !== 'classification' || !now || !was) return []
  const sizes = [effectiveSize(now.labelled), effectiveSize(was.labelled)] as const
  const { classes } = plan.comparison
  const cellIn = ({ pairs }: Labelled, name: string) => addCells(...pairs.filter(({ actual }) => actual === name))
  const found = classes.flatMap((name) => {
    const share = shareOf(cellIn(now, name), now.labelled) ?? 0
    if (cellIn(was, name).n > 0 || !severityOf(share, levels.new_values)) return []
    return allInCurrent(share * sizes[0], sizes) * classes.length <= LUCK ? [{ name, share }] : []
  })
  if (found.length === 0) return []
  const names = list(found.map(({ name, share }) => `${quoted(name)} (${percent(share)})`))
  const message = `New among the actuals, and never in the reference's: ${names}.`
  return [{ severity: 'warn', kind: 'new_values', message }]
}

const expectedFell = (report: PerformanceReport, thresholds: Thresholds): Finding[] => {
  const expected = report.estimated?.metrics.accuracy
  const was = estimateOf(report.reference?.metrics.accuracy)
  // Where enough is known, what is measured counts.
  if (!report.estimated?.reliable || !expected || !was || report.labelled >= thresholds.minimum) return []
  if (!severityOf(was.value - (expected.high ?? expected.value), thresholds.levels.performance)) return []
  const message = `The accuracy to be expected from the confidences is ${withInterval(expected)}, was measured ${score(was.value)} in the reference.`
  return [{ severity: 'warn', kind: 'expected_performance', message }]
}

const uncalibrated = (report: PerformanceReport): Finding[] =>
  report.estimated && !report.estimated.reliable
    ? [
        {
          severity: 'warn',
          kind: 'calibration',
          message: `The confidences are not to be relied on: ${report.estimated.reason}. So no performance is expected from them.`,
        },
      ]
    : []

/** Many reports without a prediction mean ids that do not match; a few are predictions of other windows or that sampling left out. */
const UNMATCHED = 0.05

const actuals = (
  report: PerformanceReport,
  quality: QualityReport,
  sampled: boolean,
  { minimum }: Thresholds,
): Finding[] => {
  const findings: Finding[] = []
  const unmatched = quality.unmatched_actuals ?? 0
  if (unmatched > UNMATCHED * (unmatched + report.labelled)) {
    const message = sampled
      ? `${counted(unmatched, 'actual')} belong to no stored prediction: to predictions that sampling left out, or their ids are not ours.`
      : `${counted(unmatched, 'actual')} belong to no stored prediction: are their ids those of the header X-Prediction-Id?`
    findings.push({ severity: sampled ? 'info' : 'warn', kind: 'actuals', message })
  }
  const incomparable = quality.incomparable_actuals
  if (incomparable > 0)
    findings.push({
      severity: incomparable > UNMATCHED * (incomparable + report.labelled) ? 'warn' : 'info',
      kind: 'actuals',
      message: `${counted(incomparable, 'actual')} can't be compared: of another type than the prediction, or nothing was predicted.`,
    })
  if (report.task && report.labelled === 0)
    findings.push({ severity: 'info', kind: 'actuals', message: 'No prediction of this window has an actual yet.' })
  else if (report.task && report.labelled < minimum)
    findings.push({
      severity: 'info',
      kind: 'actuals',
      message: `${counted(report.labelled, 'prediction')} ${report.labelled === 1 ? 'has' : 'have'} an actual: ${minimum} are needed to judge.`,
    })
  else if (report.reference && report.share !== null && (report.reference.share ?? 0) > report.share * 2)
    findings.push({
      severity: 'info',
      kind: 'actuals',
      message: `${percent(report.share)} of the predictions have an actual so far, of the reference's ${percent(report.reference.share!)}: more may come.`,
    })
  return findings
}

export const performanceFindings = (
  answers: Answers,
  report: PerformanceReport,
  quality: QualityReport,
  thresholds: Thresholds,
  ask: AskSince,
): Finding[] => [
  ...fell(answers, report, thresholds, ask),
  ...newClasses(answers, thresholds),
  ...expectedFell(report, thresholds),
  ...uncalibrated(report),
  ...actuals(
    report,
    quality,
    answers.current.all.traffic.instances.w > answers.current.all.traffic.instances.n * 1.01,
    thresholds,
  ),
]
