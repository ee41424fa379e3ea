import { adviceOf } from './advice.ts'
import type { Answers, Bucket, Distribution, Group, PlannedColumn, WindowAnswer } from './answers.ts'
import { compareColumn, judgeDrift, type Compared } from './drift.ts'
import { columnFindings, type Examined } from './findings/columns.ts'
import { groupFindings, performanceFindings } from './findings/performance.ts'
import { serviceFindings } from './findings/service.ts'
import { histogramOf } from './histogram.ts'
import { own } from './own.ts'
import { metricsOf, performanceReport } from './performance.ts'
import type { ColumnReport, Finding, GroupReport, QualityReport, ReferenceNamed, Report } from './result.ts'
import { askSince } from './since.ts'
import { addCells, shareOf } from './statistics/bins.ts'
import { summarise } from './summaries.ts'
import { defaultThresholds, type Thresholds } from './thresholds.ts'
import { inOrder, iso, trafficOf, trafficReport } from './traffic.ts'
import { summaryOf, verdictOf, worstFirst } from './verdict.ts'
import { whenOf } from './when.ts'

export interface JudgeOptions {
  thresholds?: Thresholds
  /** The reference is a file's, or a version's: how it is named. */
  referenceName?: string
  /** The reference is a file of rows that were never served: it has no traffic. */
  referenceHasTraffic?: boolean
  /** Findings from before the statistics: another model in the table, a column that the reference file has and the table has not. */
  notes?: readonly Finding[]
}

/** Two distributions of a column, if they can be compared at all. */
const comparable = (
  column: PlannedColumn,
  current: Distribution,
  reference: Distribution | undefined,
): Compared | undefined =>
  reference && !column.unique && column.kind !== 'json' ? compareColumn(column, current, reference) : undefined

const overTime = (name: string, buckets: readonly Bucket[], reference: boolean): ColumnReport['over_time'] =>
  buckets.flatMap((bucket) => {
    const of = own(bucket.columns, name)
    if (!of) return []
    return [
      {
        since: iso(bucket.since),
        until: iso(bucket.until),
        reference,
        missing: shareOf(of.missing, addCells(of.present, of.missing)) ?? null,
        mean: of.moments && of.present.w > 0 ? of.moments.mean : null,
      },
    ]
  })

const whyNotCompared = (column: PlannedColumn, reference: Distribution | undefined): string => {
  if (column.kind === 'json') return 'a JSON value: only what is missing is counted'
  if (column.unique) return 'nearly every value is another one: only what is missing is counted'
  return reference ? 'not judged' : 'there is no reference'
}

/** Every column of the plan that the current window has, with its judgement. */
const examine = ({ plan, current, reference }: Answers, thresholds: Thresholds): Examined[] => {
  const found = plan.columns.flatMap((column) => {
    const now = own(current.all.columns, column.name)
    if (!now) return []
    const before = reference && own(reference.all.columns, column.name)
    return [{ column, current: now, reference: before, compared: comparable(column, now, before) }]
  })
  const judged = judgeDrift(
    found.flatMap(({ compared }) => (compared ? [compared] : [])),
    thresholds,
  )
  let next = 0
  return found.map((of) => {
    const verdict = of.compared && judged[next++]
    const { column } = of
    const why = verdict ? verdict.reason : whyNotCompared(column, of.reference)
    const report: ColumnReport = {
      role: column.role,
      kind: column.kind,
      current: summarise(column, of.current),
      reference: of.reference ? summarise(column, of.reference) : null,
      drift: verdict?.drift ?? null,
      ...(why !== undefined && { not_judged: why }),
      psi: verdict?.psi?.value ?? null,
      psi_noise: verdict?.psi?.noise ?? null,
      histogram: histogramOf(column, of.current, of.reference && of.reference.present.n > 0 ? of.reference : undefined),
      over_time: inOrder([
        ...overTime(column.name, reference?.buckets ?? [], true),
        ...overTime(column.name, current.buckets, false),
      ]),
    }
    return { ...of, judged: verdict, report }
  })
}

/** Which columns of a version or slice differ from the reference window. */
const driftedIn = (group: Group, { plan, reference }: Answers, thresholds: Thresholds): string[] => {
  const columns = plan.columns.flatMap((column) => {
    const now = own(group.columns, column.name)
    const compared = now && comparable(column, now, reference && own(reference.all.columns, column.name))
    return compared ? [compared] : []
  })
  return judgeDrift(columns, thresholds).flatMap(({ drift }, i) => (drift?.drifted ? [columns[i]!.column.name] : []))
}

const groupReport = (
  name: string,
  value: string,
  group: Group,
  answers: Answers,
  thresholds: Thresholds,
): GroupReport => {
  const { instances, error_rate, latency_ms } = trafficOf(group.traffic)
  return {
    name,
    value,
    instances,
    share: shareOf(group.traffic.instances, answers.current.all.traffic.instances) ?? 0,
    error_rate,
    latency_ms,
    labelled: group.labelled?.labelled.n ?? 0,
    metrics: metricsOf(group.labelled, answers.plan.comparison),
    drifted: driftedIn(group, answers, thresholds),
  }
}

const qualityOf = (current: WindowAnswer, reference: WindowAnswer | undefined): QualityReport => {
  const rows = current.all.traffic.instances
  const before = reference && reference.all.traffic.instances.w > 0 ? reference : undefined
  return {
    extra: current.extra.map((of) => {
      const was = before?.extra.find(({ path, reason }) => path === of.path && reason === of.reason)
      return {
        path: of.path,
        reason: of.reason,
        count: of.n,
        share: shareOf(of, rows) ?? 0,
        reference_share: before ? (was ? (shareOf(was, before.all.traffic.instances) ?? 0) : 0) : null,
      }
    }),
    unmatched_actuals: current.unmatched ?? null,
    incomparable_actuals: current.all.labelled?.incomparable.n ?? 0,
  }
}

const referenceNamed = (reference: WindowAnswer, name: string | undefined): ReferenceNamed => ({
  since: iso(reference.since),
  until: iso(reference.until),
  from: name ?? null,
})

const noReference = ({ plan, reference }: Answers): Finding[] => {
  if (!reference || reference.all.traffic.instances.n > 0) return []
  const period = whenOf({ time_zone: plan.timeZone, bucket: plan.bucket }).period(
    iso(reference.since),
    iso(reference.until),
  )
  const message = `The reference, ${period}, has no predictions: nothing can be compared with it.`
  return [{ severity: 'info', kind: 'not_enough_data', message }]
}

const tooLittle = (columns: readonly Examined[]): Finding[] => {
  const few = columns.filter(({ judged }) => judged?.reason?.startsWith('not enough data'))
  if (few.length === 0) return []
  const message =
    few.length === 1
      ? `${few[0]!.column.name} is not judged: ${few[0]!.judged!.reason}.`
      : `${few.length} columns are not judged: ${few[0]!.judged!.reason}.`
  return [{ severity: 'info', kind: 'not_enough_data', message }]
}

/** The report of what a store answered: statistics, findings, verdict. A pure function. */
export const judge = (answers: Answers, options: JudgeOptions = {}): Report => {
  const { thresholds = defaultThresholds, referenceName, referenceHasTraffic = true, notes = [] } = options
  const { plan, current, reference } = answers
  const columns = examine(answers, thresholds)
  const ask = askSince(answers)
  const quality = qualityOf(current, reference)
  const performance = performanceReport(answers, thresholds)
  const group = (name: string, value: string, of: Group) => ({
    of: groupReport(name, value, of, answers, thresholds),
    group: of,
  })
  const versions = Object.entries(current.versions).map(([value, of]) => group('model_version', value, of))
  const slices = current.slices.map(({ name, value, group: of }) => group(name, value, of))
  const groups = [...(versions.length > 1 ? versions : []), ...slices]
  const findings = worstFirst([
    ...notes,
    ...performanceFindings(answers, performance, quality, thresholds, ask),
    ...groupFindings(groups, answers, performance, thresholds),
    ...columnFindings(columns, thresholds, ask),
    ...serviceFindings(current, referenceHasTraffic ? reference : undefined, quality, thresholds, ask),
    ...(referenceHasTraffic ? noReference(answers) : []),
    ...tooLittle(columns),
  ])
  const said = {
    findings,
    reference: reference ? referenceNamed(reference, referenceName) : null,
    traffic: trafficReport(answers, referenceHasTraffic),
    columns: Object.fromEntries(columns.map(({ column, report }) => [column.name, report])),
    performance,
  }
  const verdict = verdictOf(said)
  return {
    version: 1,
    model: plan.model ?? null,
    since: iso(current.since),
    until: iso(current.until),
    bucket: plan.bucket,
    time_zone: plan.timeZone,
    where: plan.where.map(({ name, value }) => ({ name, value })),
    verdict,
    summary: summaryOf(said, verdict),
    ...said,
    advice: adviceOf({ ...said, verdict }),
    versions: versions.map(({ of }) => of),
    slices: slices.map(({ of }) => of),
    quality,
  }
}
