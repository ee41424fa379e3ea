import { didYouMean } from '../config/nearest.ts'
import { own } from './own.ts'

export interface Levels {
  warn: number
  alert: number
}

/** From where on something is a finding. A JSON file (`--config`, `PREDICTIONS_REPORT_CONFIG`) names what is to be another. */
export const DEFAULTS = {
  /** Drift of each column, both windows above 1,000 rows: population stability index. */
  psi: { warn: 0.1, alert: 0.25 },
  /** Categories, and numbers of at most 5 values. */
  jensen_shannon: { warn: 0.1, alert: 0.2 },
  /** Numbers, in standard deviations of the reference. */
  wasserstein: { warn: 0.1, alert: 0.25 },
  /** Chance of so large a difference without drift; up to 1,000 rows it decides alone. */
  p: { warn: 0.05, alert: 0.01 },
  /** More missing values, as a share of all rows. */
  missing: { warn: 0.05, alert: 0.2 },
  /** Share of values that the reference does not have. */
  new_values: { warn: 0.01, alert: 0.05 },
  /** Share of numbers outside the reference's range. */
  out_of_range: { warn: 0.01, alert: 0.05 },
  /** More values that did not fit their column, as a share of all rows. */
  extra: { warn: 0.01, alert: 0.05 },
  /** More errors, as a share of all rows. */
  error_rate: { warn: 0.01, alert: 0.05 },
  /** The 95th percentile of the latency, as a multiple of the reference's. */
  latency: { warn: 1.5, alert: 3 },
  /** Accuracy, F1 and AUC: so far under the reference. */
  performance: { warn: 0.05, alert: 0.1 },
  /** RMSE: so much over the reference's, as a share of it. */
  error_growth: { warn: 0.1, alert: 0.25 },
  /** Expected calibration error, above what chance makes of it. */
  calibration: { warn: 0.05, alert: 0.15 },
} as const satisfies Record<string, Levels>

export type ThresholdName = keyof typeof DEFAULTS

const OF_COLUMNS = ['psi', 'jensen_shannon', 'wasserstein', 'missing', 'new_values', 'out_of_range'] as const
type OfColumn = (typeof OF_COLUMNS)[number]

export interface Thresholds {
  readonly levels: Readonly<Record<ThresholdName, Levels>>
  /** Rows (effective) a window needs to be judged. */
  readonly minimum: number
  /** Of single columns; `ignore`: shown, never judged. */
  readonly columns: Readonly<
    Record<string, { readonly ignore: boolean; readonly levels: Partial<Record<OfColumn, Levels>> }>
  >
}

export const defaultThresholds: Thresholds = { levels: DEFAULTS, minimum: 100, columns: {} }

/** The levels of a column, or those of all. */
export const levelsOf = (thresholds: Thresholds, name: OfColumn, column: string): Levels =>
  own(thresholds.columns, column)?.levels[name] ?? thresholds.levels[name]

export const isIgnored = (thresholds: Thresholds, column: string): boolean =>
  own(thresholds.columns, column)?.ignore === true

type Mistakes = string[]
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Of a level that is named, or of one number: warn from there on, alert never. */
const readLevels = (at: string, given: unknown, fallback: Levels, mistakes: Mistakes): Levels => {
  if (typeof given === 'number' && given >= 0) return { warn: given, alert: at === 'p' ? 0 : Infinity }
  if (!isObject(given)) {
    mistakes.push(`${at} must be a number, or {"warn": number, "alert": number}, not ${JSON.stringify(given)}`)
    return fallback
  }
  const levels = { ...fallback }
  for (const [name, value] of Object.entries(given)) {
    if (name !== 'warn' && name !== 'alert')
      mistakes.push(`${at}.${name} is unknown${didYouMean(name, ['warn', 'alert'])}`)
    else if (typeof value !== 'number' || !(value >= 0))
      mistakes.push(`${at}.${name} must be a number of at least 0, not ${JSON.stringify(value)}`)
    else levels[name] = value
  }
  return levels
}

const readColumn = (at: string, given: unknown, mistakes: Mistakes): Thresholds['columns'][string] => {
  const levels: Partial<Record<OfColumn, Levels>> = {}
  let ignore = false
  if (!isObject(given)) {
    mistakes.push(`${at} must be an object, such as {"ignore": true} or {"psi": 0.2}, not ${JSON.stringify(given)}`)
    return { ignore, levels }
  }
  for (const [name, value] of Object.entries(given)) {
    const known = OF_COLUMNS.find((each) => each === name)
    if (known) levels[known] = readLevels(`${at}.${name}`, value, DEFAULTS[known], mistakes)
    else if (name !== 'ignore') mistakes.push(`${at}.${name} is unknown${didYouMean(name, ['ignore', ...OF_COLUMNS])}`)
    else if (typeof value !== 'boolean')
      mistakes.push(`${at}.ignore must be true or false, not ${JSON.stringify(value)}`)
    else ignore = value
  }
  return { ignore, levels }
}

/**
 * The thresholds of a JSON file's content: what it does not name keeps its default. `{"psi": {"warn": 0.2}, "minimum": 50,
 * "columns": {"zip": {"ignore": true}}}`. All mistakes are told at once.
 */
export const readThresholds = (given: unknown): { thresholds: Thresholds; mistakes: readonly string[] } => {
  const mistakes: Mistakes = []
  const levels: Record<ThresholdName, Levels> = { ...DEFAULTS }
  const columns: Record<string, Thresholds['columns'][string]> = Object.create(null)
  let { minimum } = defaultThresholds
  if (!isObject(given)) return { thresholds: defaultThresholds, mistakes: ['the file must hold a JSON object'] }

  const names = Object.keys(DEFAULTS) as ThresholdName[]
  for (const [name, value] of Object.entries(given)) {
    const known = names.find((each) => each === name)
    if (known) levels[known] = readLevels(name, value, DEFAULTS[known], mistakes)
    else if (name === 'minimum') {
      if (typeof value === 'number' && value >= 2) minimum = value
      else mistakes.push(`minimum must be a number of at least 2, not ${JSON.stringify(value)}`)
    } else if (name !== 'columns')
      mistakes.push(`${name} is unknown${didYouMean(name, [...names, 'minimum', 'columns'])}`)
    else if (!isObject(value)) mistakes.push(`columns must be an object by column, not ${JSON.stringify(value)}`)
    else
      for (const [column, of] of Object.entries(value)) columns[column] = readColumn(`columns.${column}`, of, mistakes)
  }
  return { thresholds: { levels, minimum, columns }, mistakes }
}
