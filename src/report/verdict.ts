import type { Finding, PerformanceReport, Report, Severity, Verdict } from './result.ts'
import { estimateOf } from './statistics/measures.ts'
import { counted, headlineOf, list, nameOfMetric, sayOf, withInterval } from './words.ts'

const ORDER: Record<Severity, number> = { alert: 0, warn: 1, info: 2 }
/** What has the most to say about whether the model is still right comes first. */
const KINDS: readonly Finding['kind'][] = ['performance', 'errors', 'drift', 'missing', 'new_values', 'out_of_range']

const place = ({ kind }: Finding): number => {
  const at = KINDS.indexOf(kind)
  return at === -1 ? KINDS.length : at
}

/** Worst first; among equals in the order they were found. */
export const worstFirst = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted((a, b) => ORDER[a.severity] - ORDER[b.severity] || place(a) - place(b))

type Said = Pick<Report, 'findings' | 'columns' | 'performance' | 'traffic' | 'reference'>

const judgedColumns = ({ columns }: Said) =>
  Object.entries(columns).flatMap(([name, { role, drift }]) => (drift ? [{ name, role, drift }] : []))

const isMeasured = ({ metrics, reference }: PerformanceReport): boolean =>
  reference !== null && Object.values(metrics).some(estimateOf)

/** The worst finding; `unknown` where nothing was found because nothing could be judged. */
export const verdictOf = (said: Said): Verdict => {
  for (const severity of ['alert', 'warn'] as const)
    if (said.findings.some((finding) => finding.severity === severity)) return severity
  return judgedColumns(said).length > 0 || isMeasured(said.performance) ? 'ok' : 'unknown'
}

const ROLES = [
  ['feature', 'features'],
  ['output', 'outputs'],
] as const

/** `2 of 4 features (age and income)`, `the output prediction` */
const share = (drifted: readonly string[], of: number, [one, many]: (typeof ROLES)[number]): string =>
  of === 1 ? `the ${one} ${list(drifted)}` : `${drifted.length} of ${of} ${many} (${list(drifted)})`

const driftWords = (said: Said): string[] => {
  const judged = judgedColumns(said)
  if (judged.length === 0) return []
  let total = 0
  const parts = ROLES.flatMap((names) => {
    const of = judged.filter(({ role }) => role === names[0])
    const drifted = of.filter(({ drift }) => drift.drifted).map(({ name }) => name)
    total += drifted.length
    return drifted.length === 0 ? [] : [share(drifted, of.length, names)]
  })
  return total === 0 ? ['nothing has drifted'] : [`${list(parts)} ${total === 1 ? 'has' : 'have'} drifted`]
}

const performanceWords = ({ performance }: Said): string[] => {
  const name = headlineOf(performance.task)
  const now = estimateOf(performance.metrics[name])
  if (now) {
    const say = sayOf(performance.task, name)
    const was = estimateOf(performance.reference?.metrics[name])
    if (!was) return [`${nameOfMetric(name)} ${withInterval(now, say)}`]
    const difference = now.value - was.value
    const than =
      Math.abs(difference) < 5e-4
        ? 'as in the reference'
        : `${say(Math.abs(difference))} ${difference < 0 ? 'under' : 'over'} the reference`
    return [`${nameOfMetric(name)} ${withInterval(now, say)}, ${than}`]
  }
  const expected = performance.estimated?.reliable ? performance.estimated.metrics.accuracy : undefined
  return expected ? [`accuracy ${withInterval(expected)} to be expected (no actuals yet)`] : []
}

const OTHERS: Partial<Record<Finding['kind'], string>> = {
  errors: 'more predictions fail',
  latency: 'replies take longer',
  missing: 'more values are missing',
  new_values: 'there are new values',
  out_of_range: 'values are out of range',
  extra: 'values did not fit',
  not_finite: 'values are not finite',
  calibration: 'the confidences are off',
  actuals: "actuals don't match",
}

const otherWords = ({ findings }: Said): string[] => {
  const kinds = new Set(findings.filter(({ severity }) => severity !== 'info').map(({ kind }) => kind))
  const words = [...kinds].flatMap((kind) => OTHERS[kind] ?? [])
  return words.length > 0 ? [list(words, 3)] : []
}

const sentence = (parts: readonly string[]): string => {
  const text = parts.join('; ')
  return text && `${text[0]!.toUpperCase()}${text.slice(1)}.`
}

const whyUnknown = ({ traffic, reference }: Said): string => {
  if (!reference) return 'there is nothing to compare them with'
  if (traffic.represented === 0) return 'and each has a sample_weight of 0'
  if (traffic.reference?.instances === 0) return 'and none in the reference to compare them with'
  return 'too few of them, or too few in the reference, to say whether anything has changed'
}

/** The verdict for people: what has changed and how right the model is. */
export const summaryOf = (said: Said, verdict: Verdict): string => {
  const { traffic } = said
  if (traffic.instances === 0) return 'No predictions in this window: there is nothing to judge.'
  const words = sentence([...driftWords(said), ...performanceWords(said), ...otherWords(said)])
  if (verdict !== 'unknown')
    return traffic.reference?.instances === 0 ? `${words} The reference has no predictions to compare with.` : words
  const why = whyUnknown(said)
  return `Not enough data to judge: ${counted(traffic.instances, 'prediction')}, ${why}.${words && !words.startsWith('Nothing') ? ` ${words}` : ''}`
}
