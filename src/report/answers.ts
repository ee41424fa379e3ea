import type { Column } from '../schema/column.ts'

/**
 * What a report asks a store, and what the store answers: counts and sums, never a row. Statistics, findings and views are functions of
 * these alone, and know no SQL; a store knows no statistic.
 */

/** Of some rows: how many, the sum of their weights (`sample_weight`, else 1), and the sum of the weights' squares. */
export interface Cell {
  readonly n: number
  readonly w: number
  readonly w2: number
}

/** A cell a bin, as three arrays of the same length. */
export interface Bins {
  readonly n: readonly number[]
  readonly w: readonly number[]
  readonly w2: readonly number[]
}

/** A range of time: `since <= timestamp < until`. */
export interface Window {
  readonly since: Date
  readonly until: Date
}

export type Role = 'feature' | 'output'
/** `time` is a number: seconds since 1970. Of `json` only what is missing is counted. */
export type Kind = 'number' | 'category' | 'boolean' | 'time' | 'json'
/** Whether it is counted by edges, and has moments. */
export const isNumeric = ({ kind }: { readonly kind: Kind }): boolean => kind === 'number' || kind === 'time'

export type BucketSize = 'hour' | 'day' | 'week'

/** What the first pass found about a column, both windows together unless said otherwise. */
export interface SurveyedColumn {
  readonly name: string
  readonly role: Role
  readonly kind: Kind
  /** The column is JSON, and this is a member of it: `['sepal', 'length']` of `features`. */
  readonly member?: readonly string[]
  /** How many different values there are, counted up to 101; from a sample of the rows where they are many. */
  readonly distinct: number
  /** Nearly every value is another one (ids, free text): its values are not counted by name. */
  readonly unique: boolean
  /** All values are whole numbers. */
  readonly whole: boolean
  /** Of the reference window, else (there is none, or nothing in it) of the current one. */
  readonly present: number
  /** Numbers: the least and the greatest finite value there. */
  readonly min?: number
  readonly max?: number
  /**
   * Numbers: ascending edges of at most 100 bins there. The first is `min`, the last `max`; between them the quantiles, or each value where there are at
   * most 100. Bin i holds `edges[i] <= x < edges[i + 1]`, the last its upper edge as well; of a single value there is one edge and one bin. Where each value
   * is an edge the greatest stands twice (`[0, 1, 1]`), so that it has a bin of its own: else 0 and 1 would share one, and no drift between them be seen.
   */
  readonly edges?: readonly number[]
  /** Categories and booleans (`true`, `false`): at most 50 there, the greatest weight first. */
  readonly categories?: readonly string[]
}

/** What there is: the answer to the first pass. */
export interface Survey {
  readonly columns: readonly SurveyedColumn[]
  /** The models that have rows in the windows, the one with the most first. */
  readonly models: readonly string[]
  /** Of both windows, at most 20, the most rows first. */
  readonly versions: readonly string[]
  /** Of each name in the question's `by`, in the current window, at most 20 values. */
  readonly by: readonly Values[]
  /** Rows in the windows. */
  readonly current: number
  readonly reference: number
  /** Rows of them with something in `extra`. */
  readonly extra: number
  /** Rows of them with a `sample_weight` that is none: each counts once. */
  readonly unweighable: number
  /** There is a table of actuals. */
  readonly hasActuals: boolean
  /** Its label columns that can be compared with an output: a number of them, a text or a truth value. Their role says nothing. */
  readonly labels: readonly SurveyedColumn[]
}

/** A column as the second pass asks for it. */
export interface PlannedColumn {
  readonly name: string
  readonly role: Role
  readonly kind: Kind
  readonly member?: readonly string[]
  /** Nearly every value is another one: only what is missing is counted. */
  readonly unique: boolean
  /** Numbers and times: as `SurveyedColumn.edges`, or those of a reference file. Empty where no value is known. */
  readonly edges: readonly number[]
  /** Categories and booleans: those that are counted by name, at most 50. */
  readonly categories: readonly string[]
  /** Categories: the reference has no others than these, so each other value is `unseen`. */
  readonly complete: boolean
}

/** Which output is compared with which label, and how. */
export interface Comparison {
  readonly task: 'classification' | 'regression'
  /** The output's column. */
  readonly prediction: string
  /** The label's column in the table of actuals; what it holds; whether it holds that as JSON. */
  readonly actual: string
  readonly actualKind: Kind
  readonly isActualJson: boolean
  /** Classification: at most 50, as text, in ascending order (numbers as numbers). All others are `''` in pairs. */
  readonly classes: readonly string[]
  /** One of both is a truth value: `1`, `t` and `true` are the same class, and `0`, `f` and `false`. */
  readonly isBoolean: boolean
  /** Two classes: the one that counts as positive (`true`, `1`, `yes`, else the later in order). */
  readonly positive?: string
  /**
   * The output that gives chances. `confidence`: of the predicted class; `probability`: of the positive one. Without it there is no AUC, log loss, Brier
   * score and calibration. Where the prediction itself is a probability, positive is predicted from 0.5 on.
   */
  readonly score?: { readonly column: string; readonly meaning: 'confidence' | 'probability' }
}

/** What the second pass asks. */
export interface ReportPlan {
  readonly model: string | undefined
  readonly current: Window
  /** Undefined: there is none, or it is a file. */
  readonly reference: (Window & { readonly version?: string }) | undefined
  readonly columns: readonly PlannedColumn[]
  /** Undefined: there is nothing to compare with. */
  readonly comparison: Comparison | undefined
  readonly bucket: BucketSize
  /** IANA name; buckets begin at its midnights, weeks on its Mondays. */
  readonly timeZone: string
  /** Starts of the buckets of both windows, ascending, each with its end. The first and the last may reach over a window's ends. */
  readonly buckets: readonly Window[]
  /** Rows that are looked at: all of these hold. A name is a column's, or a tag's. */
  readonly where: readonly { readonly name: string; readonly value: string }[]
  /** Versions that are told apart, at most 20. */
  readonly versions: readonly string[]
  /** Columns and tags by whose values the current window is cut into slices, and these values, at most 20. */
  readonly by: readonly Values[]
}

/** Values of a column or tag, as text, those of the most rows first; '' is none. */
export interface Values {
  readonly name: string
  readonly values: readonly string[]
}

/** Weighted, of the finite values: the mean, and the sum of w·(x − mean)². */
export interface Moments {
  readonly mean: number
  readonly m2: number
  readonly min: number
  readonly max: number
}

/**
 * One column in some rows. An output is looked at in rows without an error alone (`status` under 400 and no `error`): where nothing was predicted nothing
 * is missing. `present` + `missing` are all those rows; `nonFinite`, bins and the cells beside them add up to `present`.
 */
export interface Distribution {
  readonly present: Cell
  readonly missing: Cell
  /** Numbers that are not added up: NaN, infinities, and those beyond `HUGE`. */
  readonly nonFinite: Cell
  /** By the plan's edges, or by its categories. Empty for JSON, and where nearly every value is another one. */
  readonly bins: Bins
  /** Numbers: under the first edge, and over the last. */
  readonly below: Cell
  readonly above: Cell
  /** Categories: values that the reference has, but that are not named. */
  readonly other: Cell
  /** Categories: values that the reference has not. */
  readonly unseen: Cell
  /** The greatest of them by weight, at most 10. */
  readonly unseenValues: readonly Category[]
  /** Numbers and times that have a usable value. */
  readonly moments: Moments | undefined
}

export interface Category extends Cell {
  readonly value: string
}

/** Requests: rows of each instance. */
export interface Traffic {
  /** `n`: instances; `w`: instances represented. */
  readonly instances: Cell
  /** `status` 400 or more, or an `error`. */
  readonly errors: Cell
  /** Of `duration_ms`, by `LATENCY_EDGES`; the first bin holds what is under it as well, the last what is over it. */
  readonly latency: Bins
}

/** What the labelled rows of some rows say. */
export interface Labelled {
  /** Rows without an error that have an actual, of `Traffic.instances` less `errors`. Where the label is null, or has another type than the output, a row is not among them. */
  readonly labelled: Cell
  /** Rows with an actual that can't be compared: another type, or no prediction. */
  readonly incomparable: Cell
  /** Seconds from the prediction to the actual, by `LAG_EDGES`; the first and last bin as in `Traffic.latency`. */
  readonly lag: Bins
  /** Classification: by prediction and actual, of the plan's classes, '' for others. Only pairs that there are. */
  readonly pairs: readonly (Cell & { readonly prediction: string; readonly actual: string })[]
  /** Classification with a score. */
  readonly scores: Scores | undefined
  /** Regression. */
  readonly residuals: Residuals | undefined
}

/**
 * Chances against what happened, of labelled rows with a score from 0 to 1. Two classes: the chance p of the positive class (of a confidence: c where it
 * was predicted, else 1 − c), and whether it happened. More: the confidence, and whether the prediction was right.
 */
export interface Scores {
  /** It happened: by `SCORE_EDGES`. */
  readonly positive: Bins
  /** It did not. */
  readonly negative: Bins
  /** Σ w·p a bin of both: for calibration without a bin's width in it. */
  readonly wp: readonly number[]
  /** Σ w·(−ln of the chance given to what happened), clipped to 1e-15. */
  readonly logLoss: number
  /** Σ w·(p − happened)². */
  readonly brier: number
}

/** Sums over labelled rows of e = prediction − actual, y = actual. */
export interface Residuals {
  readonly e: number
  readonly e2: number
  readonly e4: number
  readonly abs: number
  /** Of y: weighted mean, Σ w·(y − mean)². */
  readonly mean: number
  readonly m2: number
  /** Rows with y ≠ 0: Σ w·|e / y| and Σ w·(e / y)². */
  readonly relative: number
  readonly relative2: number
  readonly nonZero: Cell
}

/** Rows without an error that have a score, labelled or not: what performance is to be expected. */
export interface Expected {
  /** The class that was predicted; '': one that is not among the plan's. */
  readonly prediction: string
  /** Of the confidence in it (of a probability: p, or 1 − p where the negative class was predicted), by `CONFIDENCE_EDGES`. */
  readonly bins: Bins
  /** Σ w·confidence a bin. */
  readonly wp: readonly number[]
}

/** All about some rows. */
export interface Group {
  readonly traffic: Traffic
  /** By the column's name. */
  readonly columns: Readonly<Record<string, Distribution>>
  /** Undefined without a comparison. */
  readonly labelled: Labelled | undefined
  /** Classification with a score, one a predicted class; else empty. */
  readonly expected: readonly Expected[]
}

/** A bucket of a window; its ends are cut to the window's. Of columns it has what is missing and the mean. */
export interface Bucket extends Window {
  readonly traffic: Traffic
  readonly versions: Readonly<Record<string, Cell>>
  readonly columns: Readonly<Record<string, Pick<Distribution, 'present' | 'missing' | 'moments'>>>
  readonly labelled: Labelled | undefined
  readonly expected: readonly Expected[]
}

export interface WindowAnswer extends Window {
  readonly all: Group
  /** In the order of their time; those without rows too. */
  readonly buckets: readonly Bucket[]
  /** By `model_version`, at most 20, the most rows first. */
  readonly versions: Readonly<Record<string, Group>>
  /** By each of the plan's `by`: its values, at most 20, the most rows first; '' is none. Only of the current window. */
  readonly slices: readonly { readonly name: string; readonly value: string; readonly group: Group }[]
  /** What did not fit, by the path (`features.sepal.length`) and the reason, at most 50, the most rows first. */
  readonly extra: readonly (Cell & { readonly path: string; readonly reason: string })[]
  /** Reports of actuals that came in the window and belong to no prediction that is stored. Undefined: no actuals. */
  readonly unmatched: number | undefined
}

/** The answer to the second pass. */
export interface Answers {
  readonly plan: ReportPlan
  readonly current: WindowAnswer
  readonly reference: WindowAnswer | undefined
}

/** How a store is found. */
export interface StoreOptions {
  /** The sink's URL. */
  readonly url: string
  /** `table` or `schema.table`. */
  readonly table: string
  /** Undefined: the one that the sink makes beside it. */
  readonly actualsTable: string | undefined
}

/** What a store can be asked. */
export interface Store {
  /** As of a sink: without a password. */
  readonly name: string
  survey(question: SurveyQuestion, progress: Progress): Promise<Survey>
  answer(plan: ReportPlan, progress: Progress): Promise<Answers>
  close(): Promise<void>
}

/** What the first pass asks. */
export interface SurveyQuestion extends Pick<ReportPlan, 'current' | 'reference' | 'where'> {
  readonly by: readonly string[]
  readonly model: string | undefined
  /** The schema's columns. A column that it does not name is an output from `prediction` on, in the table's order. */
  readonly columns: readonly Column[]
}

/** How much of a pass is done, from 0 to 1. */
export type Progress = (share: number, step: string) => void

const range = (count: number, at: (index: number) => number): readonly number[] =>
  Array.from({ length: count }, (_, index) => at(index))

/** Milliseconds, 20 bins a power of ten: from 0.01 ms to 1,000 s. */
export const LATENCY_EDGES = range(161, (index) => 10 ** (index / 20 - 2))

/** Seconds, 10 bins a power of ten: from 1 s to 10^8 s. */
export const LAG_EDGES = range(81, (index) => 10 ** (index / 10))

/** Chances: 1,000 bins of the same width, the last with 1. */
export const SCORE_EDGES = range(1001, (index) => index / 1000)

/** The same, 100 bins. */
export const CONFIDENCE_EDGES = range(101, (index) => index / 100)
