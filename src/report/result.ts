import type { BucketSize, Kind, Role } from './answers.ts'
import type { Estimate } from './statistics/intervals.ts'
import type { Measure } from './statistics/measures.ts'

/** What a report says, as `--json` prints it and `report()` returns it. Shares are from 0 to 1, weighted by `sample_weight`; times are ISO 8601 in UTC. */
export interface Report {
  /** Of this format: a member may be added to it, none is taken away or changes its meaning. */
  version: 1
  model: string | null
  since: string
  until: string
  /** Size of the buckets of what is told over time, and the zone (IANA) whose midnights they begin at. */
  bucket: BucketSize
  time_zone: string
  /** What the window is compared with; null: nothing. */
  reference: ReferenceNamed | null
  /** Of which rows the report is alone: a column's or tag's value. */
  where: { name: string; value: string }[]
  verdict: Verdict
  /** The verdict for people: one or two sentences. */
  summary: string
  /** Worst first. */
  findings: Finding[]
  /** What to do about them, for people: a sentence each, the most pressing first. */
  advice: string[]
  traffic: TrafficReport
  columns: Record<string, ColumnReport>
  performance: PerformanceReport
  /** By `model_version`, the one with the most rows first. */
  versions: GroupReport[]
  /** By the columns and tags of `--by`. */
  slices: GroupReport[]
  quality: QualityReport
}

/** `unknown`: not enough data to judge. */
export type Verdict = 'ok' | 'warn' | 'alert' | 'unknown'

/** `info` never changes the verdict. */
export type Severity = 'alert' | 'warn' | 'info'

export type FindingKind =
  | 'drift'
  | 'missing'
  | 'new_values'
  | 'out_of_range'
  | 'not_finite'
  | 'extra'
  | 'errors'
  | 'latency'
  | 'traffic'
  | 'performance'
  | 'expected_performance'
  | 'calibration'
  | 'actuals'
  | 'columns'
  | 'not_enough_data'

export interface Finding {
  severity: Severity
  kind: FindingKind
  column?: string
  /** `model_version=2`, `country=DE` */
  slice?: string
  /** Start of the bucket from which on it is so; undefined: the buckets don't tell. */
  since?: string
  /** One sentence, for people. */
  message: string
}

export interface ReferenceNamed {
  since: string | null
  until: string | null
  /** A reference file's name, or a model version. */
  from: string | null
}

export interface TrafficReport {
  /** Rows: instances that are stored. */
  instances: number
  /** Σ weight: instances that were predicted, those that sampling left out as well. */
  represented: number
  errors: number
  /** null: no instances. */
  error_rate: number | null
  latency_ms: Latency | null
  /** The same of the reference window; null: there is none, or it does not know its traffic. */
  reference: { instances: number; represented: number; error_rate: number | null; latency_ms: Latency | null } | null
  over_time: TrafficBucket[]
}

/** Milliseconds, from bins of an eighth of their value. */
export interface Latency {
  p50: number
  p95: number
  p99: number
}

export interface TrafficBucket {
  since: string
  until: string
  /** The bucket is of the reference window. */
  reference: boolean
  instances: number
  represented: number
  error_rate: number | null
  latency_ms: Latency | null
  /** Σ weight by `model_version`. */
  versions: Record<string, number>
}

export interface ColumnReport {
  role: Role
  kind: Kind
  current: ColumnSummary
  reference: ColumnSummary | null
  /** null: not judged, for the reason in `not_judged`. */
  drift: Drift | null
  not_judged?: string
  /** Population stability index; null: nothing to compare. */
  psi: number | null
  /** What `psi` stays under without drift, 19 times of 20, for windows of these sizes. */
  psi_noise: number | null
  /** Both distributions for a chart; null: nothing to draw. */
  histogram: Histogram | null
  over_time: { since: string; until: string; reference: boolean; missing: number | null; mean: number | null }[]
}

/** One column in one window. */
export interface ColumnSummary {
  /** Rows with a value. */
  count: number
  /** Share of rows without a value; null: no rows. */
  missing: number | null
  /** Numbers and times (seconds since 1970): of finite values; null: none. `sd` is √(Σw·(x − mean)² / Σw). */
  mean: number | null
  sd: number | null
  min: number | null
  max: number | null
  /** From bins: at 0.05, 0.25, 0.5, 0.75 and 0.95. Within the reference's range. */
  quantiles: Record<string, number> | null
  /** Categories and booleans: shares of the values, by name, those of the reference that have no name (`other`), and those it has not (`new`). */
  categories: CategoryShares | null
  /** Numbers: share of NaN, infinities, and numbers of 1e70 or more either way: they are in nothing else. */
  not_finite: number
  /** Numbers: shares under and over the reference's range. */
  below: number
  above: number
}

export interface CategoryShares {
  values: { value: string; share: number }[]
  other: number
  new: number
  /** The most common of the new ones, at most 10. */
  new_values: { value: string; share: number }[]
}

export type DriftStatistic = 'wasserstein' | 'jensen_shannon' | 'kolmogorov_smirnov' | 'chi_square' | 'two_proportions'

export interface Drift {
  statistic: DriftStatistic
  /** Of a distance: Wasserstein in standard deviations of the reference. Of a test: its statistic. */
  value: number
  /** What `value` (a distance) or `p` (a test) has to pass for `warn`. */
  threshold: number
  /** Adjusted by Benjamini and Hochberg over the report's columns. */
  p: number
  drifted: boolean
  severity: 'alert' | 'warn' | null
}

/** Shares of the weight of both windows, over the same bins. `of`: what a bin is. */
export type Histogram =
  | { of: 'ranges'; edges: number[]; current: number[]; reference: number[] | null; outside: Outside }
  | { of: 'values'; values: string[]; current: number[]; reference: number[] | null; outside: Outside }

/** Shares that are not in the bins: under and over them. */
export interface Outside {
  current: { below: number; above: number }
  reference: { below: number; above: number } | null
}

export type MetricReport = Measure

export interface PerformanceReport {
  /** null: there is nothing to compare. */
  task: 'classification' | 'regression' | null
  /** Why there is no performance; undefined where there is. */
  reason?: string
  /** Which output is compared with which label. */
  prediction: string | null
  actual: string | null
  /** Rows with an actual. */
  labelled: number
  /** Share of predictions that have one; null: no predictions. */
  share: number | null
  /** Seconds from a prediction to its actual. */
  lag_seconds: { p50: number; p90: number } | null
  metrics: Record<string, MetricReport>
  /** The same of the reference. */
  reference: { labelled: number; share: number | null; metrics: Record<string, MetricReport> } | null
  /** By prediction and actual: rows and weight. `''`: other classes. */
  confusion: { prediction: string; actual: string; count: number; weight: number }[]
  classes: { name: string; precision: MetricReport; recall: MetricReport; f1: MetricReport; count: number }[]
  /** Ten bins of the chance that was given: what was said, and what happened. Empty without a score. */
  calibration: { from: number; to: number; share: number; said: number | null; happened: number | null }[]
  over_time: PerformanceBucket[]
  /** What performance is to be expected from the confidences, without actuals. */
  estimated: Estimated | null
}

export interface PerformanceBucket {
  since: string
  until: string
  reference: boolean
  labelled: number
  share: number | null
  /** Younger than nine of ten actuals need to come: the value may still change. */
  coming: boolean
  metrics: Record<string, MetricReport>
  /** Expected from confidences. */
  estimated: Estimate | null
}

export interface Estimated {
  method: 'cbpe'
  /** Not to be used, for the reason in `reason`. */
  reliable: boolean
  reason?: string
  /** What it stands on, in words. */
  assumptions: string
  metrics: Record<string, Estimate>
}

export interface GroupReport {
  /** `model_version`, or what `--by` names. */
  name: string
  /** '': none. */
  value: string
  instances: number
  /** Of the weight of all. */
  share: number
  error_rate: number | null
  latency_ms: Latency | null
  labelled: number
  metrics: Record<string, MetricReport>
  /** Columns whose values differ from the reference window's. */
  drifted: string[]
}

export interface QualityReport {
  /** What did not fit a column, by its path and the reason. */
  extra: { path: string; reason: string; count: number; share: number; reference_share: number | null }[]
  /** Actuals that belong to no stored prediction; null: there are no actuals. */
  unmatched_actuals: number | null
  /** Actuals that can't be compared with their prediction: of another type, or none was predicted. */
  incomparable_actuals: number
}
