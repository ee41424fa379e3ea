import type { DriftStatistic, MetricReport, PerformanceReport } from './result.ts'
import type { Estimate } from './statistics/intervals.ts'

/** How numbers are said to people, in findings and views alike. */

const trim = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)

/** Three or four digits: `0.0123`, `5.84`, `1,235`, `1.2e+9`. */
export const shortNumber = (value: number): string => {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (value === 0) return '0'
  if (size >= 1e9 || size < 1e-4) return value.toExponential(1).replace('.0e', 'e')
  if (size >= 1000) return Math.round(value).toLocaleString('en-US')
  return trim(value.toPrecision(3))
}

const compactNumber = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 })

/** For axes: `62.6K`, `0.5`. */
export const compact = (value: number): string =>
  Math.abs(value) >= 1000 && Math.abs(value) < 1e15 ? compactNumber.format(value) : shortNumber(value)

/** `12,345`, `12.3 million`. */
export const count = (value: number): string =>
  value >= 1e7 ? `${trim((value / 1e6).toFixed(1))} million` : Math.round(value).toLocaleString('en-US')

/** `12 rows`, `1 row`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${Math.round(value) === 1 ? one : many}`

/** `12 %`, `0.3 %`, `< 0.01 %`; never `0 %` of something. */
export const percent = (share: number): string => {
  const value = share * 100
  if (value === 0) return '0 %'
  if (Math.abs(value) < 0.01) return '< 0.01 %'
  if (Math.abs(value) < 1) return `${trim(value.toFixed(2))} %`
  if (share < 1 && value > 99) return `${trim((Math.floor(value * 10) / 10).toFixed(1))} %`
  return `${trim(value.toFixed(value < 10 ? 1 : 0))} %`
}

/** A chance: `p = 0.03`, `p < 0.0001`. */
export const chance = (p: number): string => (p < 1e-4 ? 'p < 0.0001' : `p = ${shortNumber(p)}`)

/** Measures from 0 to 1: `0.912`. */
export const score = (value: number): string => trim(value.toFixed(3))

/** `0.91 (0.88–0.93)` */
export const withInterval = ({ value, low, high }: Estimate, say: (value: number) => string = score): string =>
  low === undefined || high === undefined ? say(value) : `${say(value)} (${say(low)}–${say(high)})`

/** `a`, `a and b`, `a, b and c`; of many the first and how many more. */
export const list = (items: readonly string[], most = 4): string => {
  const shown = items.length > most ? [...items.slice(0, most - 1), `${items.length - most + 1} more`] : items
  return shown.length < 2 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

const MAX_VALUE = 40

/** A value that came from outside, and that may be a whole text, as views name it. */
export const shortened = (value: string, most = 80): string =>
  value.length > most ? `${value.slice(0, most)}…` : value

/** A value that came from outside, in quotes and not too long, and nothing in it that a terminal would obey. */
export const quoted = (value: string): string =>
  JSON.stringify(shortened(value, MAX_VALUE)).replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '?')

const UNITS: readonly (readonly [number, string])[] = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
]

/** `3 days`, `1.5 hours`, `12 seconds` */
export const duration = (seconds: number): string => {
  const [size, name] = UNITS.find(([size]) => seconds >= size) ?? [1, 'second']
  const value = trim((seconds / size).toFixed(seconds / size < 10 ? 1 : 0))
  return `${value} ${name}${value === '1' ? '' : 's'}`
}

/** `870 ms`, `1.2 s` */
export const milliseconds = (value: number): string =>
  value >= 1000 ? `${shortNumber(value / 1000)} s` : `${shortNumber(value)} ms`

const STATISTICS: Readonly<Record<DriftStatistic, string>> = {
  wasserstein: 'Wasserstein distance',
  jensen_shannon: 'Jensen-Shannon distance',
  kolmogorov_smirnov: 'Kolmogorov-Smirnov test',
  chi_square: 'χ² test',
  two_proportions: 'two-proportion test',
}

export const nameOfStatistic = (name: DriftStatistic): string => STATISTICS[name]

/** A distance says how far apart the windows are; the others are tests, which say whether that is more than chance. */
export const isDistance = (name: DriftStatistic): boolean => name === 'wasserstein' || name === 'jensen_shannon'

const METRICS: Readonly<Record<string, string>> = {
  accuracy: 'accuracy',
  precision: 'precision',
  recall: 'recall',
  f1: 'F1',
  precision_macro: 'precision (macro)',
  recall_macro: 'recall (macro)',
  f1_macro: 'F1 (macro)',
  auc: 'AUC',
  log_loss: 'log loss',
  brier: 'Brier score',
  calibration_error: 'calibration error',
  rmse: 'RMSE',
  mae: 'MAE',
  r2: 'R²',
  mape: 'MAPE',
  bias: 'mean error',
}

export const nameOfMetric = (name: string): string => METRICS[name] ?? name

type Task = PerformanceReport['task']

/** The measure that a verdict names. */
export const headlineOf = (task: Task): 'rmse' | 'accuracy' => (task === 'regression' ? 'rmse' : 'accuracy')

/** How the values of a measure are said: shares as such, errors in the prediction's unit. */
export const sayOf = (task: Task, name: string): ((value: number) => string) => {
  if (name === 'mape') return percent
  return task === 'regression' && name !== 'r2' ? shortNumber : score
}

export const sayMetric = (task: Task, name: string, metric: MetricReport | undefined): string => {
  if (!metric) return '–'
  return 'value' in metric ? withInterval(metric, sayOf(task, name)) : `undefined: ${metric.undefined}`
}
