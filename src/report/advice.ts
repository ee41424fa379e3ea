import type { Finding, FindingKind, Report } from './result.ts'
import { list } from './words.ts'

/** What helps against what was found: a sentence for all findings of a kind. */

type Said = Pick<Report, 'findings' | 'columns' | 'traffic' | 'reference' | 'verdict'>

/** At most so many: who is told everything does nothing. */
const MOST = 5

const named = (findings: readonly Finding[]): string =>
  list([...new Set(findings.flatMap(({ column }) => column ?? []))])

/** Of actuals there is no column to name. */
const ofColumns = (findings: readonly Finding[]): string => {
  const names = named(findings)
  return names && ` of ${names}`
}

const afterDrift = (findings: readonly Finding[], { columns }: Said): string => {
  const ofRole = (role: string) => findings.filter(({ column }) => column && columns[column]?.role === role)
  const features = ofRole('feature')
  if (features.length > 0)
    return `See how ${named(features)} changed. If the source, the unit or the meaning is another one, mend that; if the world has changed, train the model with recent rows.`
  return `${named(ofRole('output'))} changed while no feature did: look for a new version of the model, or of the code around it.`
}

const afterPerformance = (findings: readonly Finding[]): string => {
  const slices = list(findings.flatMap(({ slice }) => slice ?? []))
  const where = slices
    ? `The model is worst for ${slices}: look there first.`
    : 'See in which versions and slices (--by NAME) the model is less right.'
  return `${where} Serve the version that was better, or train the model anew.`
}

/** Kinds of findings that the same thing helps against, in the order in which it is said. */
const ADVICE: readonly (readonly [
  kinds: readonly FindingKind[],
  say: (of: readonly Finding[], said: Said) => string,
])[] = [
  [['performance'], afterPerformance],
  [['drift'], afterDrift],
  [['missing'], (of) => `Ask who sends ${named(of)} why values are missing.`],
  [
    ['new_values', 'out_of_range'],
    (of) => `Check that the new values${ofColumns(of)} are meant; the model has not been trained with them.`,
  ],
  [
    ['not_finite', 'extra'],
    () => 'Mend the callers whose values do not fit, or the schema (PREDICTIONS_SCHEMA) that they do not fit.',
  ],
  [['errors', 'latency'], () => "Look into the service's log for failures and slow replies."],
  [['actuals'], () => 'capture-predictions actuals check says which actuals have no prediction, and why.'],
  [
    ['expected_performance'],
    () => 'Report actuals (capture-predictions actuals import): they say whether the model is less right.',
  ],
  [['calibration'], () => "Calibrate the model's confidences anew, and rely on none of them until then."],
]

/** The later half of the window's rows against the earlier one, as far as the buckets tell them apart. */
const halves = ({ over_time }: Said['traffic']): string | undefined => {
  const filled = over_time.filter(({ reference, instances }) => !reference && instances > 0)
  const rows = filled.reduce((sum, { instances }) => sum + instances, 0)
  let before = 0
  const middle = filled.findIndex(
    ({ instances }, i) => i > 0 && (before += filled[i - 1]!.instances) + instances / 2 >= rows / 2,
  )
  if (middle < 1) return undefined
  const [from, at] = [filled[0]!.since, filled[middle]!.since]
  return `Compare the later half of these predictions with the earlier one: --since ${at} --reference ${from}..${at}`
}

const withoutReference = ({ traffic }: Said): string =>
  `${halves(traffic) ?? 'Compare the last hour with the one before: --since 1h'}; or name a training set: --reference FILE, made by capture-predictions reference --csv.`

const hasNoReference = ({ reference, traffic }: Said): boolean => !reference || traffic.reference?.instances === 0

const withoutVerdict = (said: Said): string => {
  const { traffic } = said
  if (traffic.instances === 0)
    return 'Take a window that has rows (--since 30d), and check that --sink and --table name what the service writes to.'
  if (hasNoReference(said)) return withoutReference(said)
  return 'Take a longer window (--since 30d), or wait for more rows.'
}

/** What to do, the most pressing first; nothing where nothing was found. */
export const adviceOf = (said: Said): string[] => {
  if (said.verdict === 'unknown') return [withoutVerdict(said)]
  const worth = said.findings.filter(({ severity }) => severity !== 'info')
  const found = ADVICE.flatMap(([kinds, say]) => {
    const of = worth.filter(({ kind }) => kinds.includes(kind))
    return of.length > 0 ? [say(of, said)] : []
  })
  return [...(hasNoReference(said) ? [withoutReference(said)] : []), ...found].slice(0, MOST)
}
