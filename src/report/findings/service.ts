import type { Bucket, Group, WindowAnswer } from '../answers.ts'
import type { Finding, QualityReport } from '../result.ts'
import { varianceOfShare, type AskSince } from '../since.ts'
import { binOf, effectiveSize, shareOf } from '../statistics/bins.ts'
import { kolmogorovSmirnov, twoProportions } from '../statistics/tests.ts'
import type { Thresholds } from '../thresholds.ts'
import { latencyOf } from '../traffic.ts'
import { counted, milliseconds, percent, quoted, shortNumber } from '../words.ts'
import { said, severityOf } from './columns.ts'

const LUCK = 0.001
/** Far more or fewer requests than in the reference: worth a word, and no fault of the model. */
const FACTOR = 2

const errors = (current: Group, reference: Group, thresholds: Thresholds, ask: AskSince): Finding[] => {
  const now = current.traffic
  const share = shareOf(now.errors, now.instances)
  const was = shareOf(reference.traffic.errors, reference.traffic.instances)
  if (share === undefined || was === undefined) return []
  const severity = severityOf(share - was, thresholds.levels.error_rate)
  const sizes = [effectiveSize(now.instances), effectiveSize(reference.traffic.instances)] as const
  if (!severity || twoProportions([share, was], sizes).p > LUCK) return []
  const levelOf = ({ traffic: { errors, instances } }: Bucket) => {
    const mean = shareOf(errors, instances)
    return mean === undefined ? undefined : { mean, size: effectiveSize(instances) }
  }
  const since = ask({ mean: was, size: sizes[1] }, levelOf, varianceOfShare(share))
  const message = `${percent(share)} of the predictions failed, was ${percent(was)}${since ? `; ${since.words}` : ''}.`
  return [{ severity, kind: 'errors', ...said(since), message }]
}

const latency = (current: Group, reference: Group, thresholds: Thresholds): Finding[] => {
  const now = latencyOf(current.traffic.latency)
  const was = latencyOf(reference.traffic.latency)
  if (!now || !was) return []
  const cells = [binOf(current.traffic.latency), binOf(reference.traffic.latency)] as const
  const sizes = [effectiveSize(cells[0]), effectiveSize(cells[1])] as const
  const test = kolmogorovSmirnov(current.traffic.latency.w, reference.traffic.latency.w, sizes)
  const severity = severityOf(now.p95 / was.p95, thresholds.levels.latency)
  if (!severity || Math.min(...sizes) < thresholds.minimum || test.p > LUCK) return []
  const message = `Replies take longer: 95 % within ${milliseconds(now.p95)}, was ${milliseconds(was.p95)}.`
  return [{ severity, kind: 'latency', message }]
}

const traffic = (current: WindowAnswer, reference: WindowAnswer): Finding[] => {
  const rate = ({ since, until, all }: WindowAnswer): number =>
    all.traffic.instances.w / Math.max(1, until.getTime() - since.getTime())
  const ratio = rate(current) / rate(reference)
  if (!Number.isFinite(ratio) || ratio === 0 || (ratio < FACTOR && ratio > 1 / FACTOR)) return []
  const words = ratio >= FACTOR ? `${shortNumber(ratio)} times as many` : `${percent(ratio)} of the`
  return [
    { severity: 'info', kind: 'traffic', message: `There were ${words} predictions per time as in the reference.` },
  ]
}

const extra = (quality: QualityReport, sizes: readonly [number, number], thresholds: Thresholds): Finding[] =>
  quality.extra.flatMap(({ path, reason, count, share, reference_share }) => {
    const severity = severityOf(share - (reference_share ?? 0), thresholds.levels.extra)
    const test = reference_share === null ? undefined : twoProportions([share, reference_share], sizes)
    if (!severity || (test && test.p > LUCK)) return []
    const was = reference_share === null ? '' : `, was ${percent(reference_share)}`
    const message = `${counted(count, 'value')} of ${path} did not fit the column (${quoted(reason)}), ${percent(share)} of the rows${was}: they are in the column extra.`
    return [{ severity, kind: 'extra', message }]
  })

/** Findings about the service: errors, latency, traffic, and values that did not fit. */
export const serviceFindings = (
  current: WindowAnswer,
  reference: WindowAnswer | undefined,
  quality: QualityReport,
  thresholds: Thresholds,
  ask: AskSince,
): Finding[] => {
  const before = reference && reference.all.traffic.instances.n > 0 ? reference : undefined
  const sizes = [
    effectiveSize(current.all.traffic.instances),
    effectiveSize(before?.all.traffic.instances ?? { w: 0, w2: 0 }),
  ] as const
  return [
    ...(before
      ? [
          ...errors(current.all, before.all, thresholds, ask),
          ...latency(current.all, before.all, thresholds),
          ...traffic(current, before),
        ]
      : []),
    ...extra(quality, sizes, thresholds),
  ]
}
