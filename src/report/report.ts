import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { CaptureOptions, Settings } from '../config/options.ts'
import { didYouMean } from '../config/nearest.ts'
import { resolveSettings } from '../config/settings.ts'
import { redactUrl } from '../config/url.ts'
import { messageOf, PredictionsError } from '../errors/errors.ts'
import { columnsOf } from '../schema/columns.ts'
import { STORE_SCHEMES, storeOf } from '../stores.ts'
import type { Answers, BucketSize, Progress, Store, Survey, SurveyQuestion, Window } from './answers.ts'
import { judge } from './judge.ts'
import { planOf } from './plan.ts'
import { misfitsOf, parseReference, referenceOf, windowOf, type ReferenceFile } from './reference-file.ts'
import type { Finding, Report } from './result.ts'
import { counted } from './words.ts'
import { defaultThresholds, readThresholds, type Thresholds } from './thresholds.ts'
import { readReference as readReferenceWindow, readTimeZone, readWindow } from './time/windows.ts'

/** Where the rows are, and which of them. What is left out comes from the `PREDICTIONS_*` variables, then from its default. */
export interface ReadOptions extends Pick<CaptureOptions, 'table' | 'actualsTable' | 'schema'> {
  /** The URL of the store: `postgres://…`, `mysql://…`, `sqlite:FILE`. `PREDICTIONS_SINK`, where that names one that can be read. */
  readonly sink?: string | undefined
  /** A time (`2026-11-01`, `2026-11-01T12:00:00Z`), or how long before `until`: `7d` (m, h, d, w). @default '7d' */
  readonly since?: string | undefined
  /** Default: now. */
  readonly until?: string | undefined
  /** Which model's rows. Default: the only one in the windows; where there are more, `PREDICTIONS_MODEL`. */
  readonly model?: string | undefined
  /** Values that rows must have, by column or tag. */
  readonly where?: Readonly<Record<string, string>> | undefined
  /** IANA name; times without an offset are of this zone, and buckets begin at its midnights. @default 'UTC' */
  readonly timeZone?: string | undefined
  /** Called as the store works: the share that is done, from 0 to 1, and what is done. */
  readonly onProgress?: Progress | undefined
}

export interface ReportOptions extends ReadOptions {
  /** What to compare with: `previous` (as long, just before), `SINCE..UNTIL`, `version:V`, or the path of a reference file. @default 'previous' */
  readonly reference?: string | undefined
  /** Columns and tags by whose values the traffic is cut into slices. */
  readonly by?: readonly string[] | undefined
  /** Default: hours up to two days, days up to three months, else weeks. */
  readonly bucket?: BucketSize | undefined
  /** Thresholds, or the path of a JSON file with them. `PREDICTIONS_REPORT_CONFIG`. */
  readonly config?: string | object | undefined
}

const wrong = (message: string): PredictionsError => new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', message)

const settingsFor = ({ sink, table, actualsTable, schema }: ReadOptions): Settings =>
  resolveSettings({
    ...(sink !== undefined && { sink }),
    ...(table !== undefined && { table }),
    ...(actualsTable !== undefined && { actualsTable }),
    ...(schema !== undefined && { schema }),
  })

const schemeOf = (url: string): string => url.slice(0, url.indexOf(':'))

/** The URL of the one sink that can be read. */
const storeUrl = ({ sinks }: Settings): string => {
  const urls = sinks.filter((sink) => typeof sink === 'string')
  const readable = urls.filter((url) => STORE_SCHEMES.includes(schemeOf(url)))
  const [url, ...more] = readable
  if (url === undefined)
    throw wrong(
      `A report can't be made of ${urls.map(redactUrl).join(' or ') || 'a sink that is code'}: name a store by --sink or PREDICTIONS_SINK (${STORE_SCHEMES.join(', ')})`,
    )
  if (more.length > 0)
    throw wrong(`PREDICTIONS_SINK names several stores, ${readable.map(redactUrl).join(' and ')}: say which by --sink`)
  return url
}

const BUCKETS: readonly string[] = ['hour', 'day', 'week'] satisfies BucketSize[]

const readBucket = (bucket: string | undefined): BucketSize | undefined => {
  if (bucket === undefined || BUCKETS.includes(bucket)) return bucket as BucketSize | undefined
  throw wrong(`--bucket is ${JSON.stringify(bucket)}: it must be ${BUCKETS.join(', ')}${didYouMean(bucket, BUCKETS)}`)
}

const readJson = (path: string, name: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''))
  } catch (error) {
    throw wrong(`${name} ${path} can't be read: ${messageOf(error)}`)
  }
}

/** @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION` that lists every mistake in them */
const thresholdsOf = (given: string | object | undefined): Thresholds => {
  if (given === undefined) return defaultThresholds
  const { thresholds, mistakes } = readThresholds(typeof given === 'string' ? readJson(given, '--config') : given)
  if (mistakes.length > 0) throw wrong(`The report's configuration has mistakes: ${mistakes.join('; ')}`)
  return thresholds
}

/** What a report compares with: a window of the store, or a file. */
interface ComparedWith {
  readonly window: SurveyQuestion['reference']
  readonly file: ReferenceFile | undefined
  readonly name: string | undefined
}

const comparedWith = (reference: string, current: Window, timeZone: string): ComparedWith => {
  const window = readReferenceWindow(reference, current, timeZone)
  if (window)
    return { window, file: undefined, name: window.version === undefined ? undefined : `version ${window.version}` }
  let text: string
  try {
    text = readFileSync(reference, 'utf8')
  } catch (error) {
    throw wrong(
      `--reference is ${JSON.stringify(reference)}: write previous, SINCE..UNTIL, version:V, or the path of a reference file (${messageOf(error)})`,
    )
  }
  return { window: undefined, file: parseReference(text, reference), name: basename(reference) }
}

/** Rows may have none. */
const named = (models: readonly string[]): string => models.map((name) => name || 'none').join(', ')

/** The model that rows are of, and what was found about it. Of several in a table one has to be meant. */
const surveyModel = async (
  store: Store,
  question: SurveyQuestion,
  configured: string,
  progress: Progress,
): Promise<{ survey: Survey; model: string | undefined; others: readonly string[] }> => {
  const survey = await store.survey(question, progress)
  const { models } = survey
  if (question.model !== undefined) {
    if (survey.current + survey.reference > 0) return { survey, model: question.model, others: [] }
    const { models: there } = await store.survey({ ...question, model: undefined }, progress)
    if (there.length > 0 && !there.includes(question.model))
      throw wrong(
        `--model is ${JSON.stringify(question.model)}, and the windows hold none of its rows${didYouMean(question.model, there) || `; there are ${there.join(', ')}`}`,
      )
    return { survey: await store.survey(question, progress), model: question.model, others: [] }
  }
  if (models.length <= 1) return { survey, model: models[0], others: [] }
  if (!models.includes(configured))
    throw wrong(`The table holds rows of ${models.length} models, ${named(models)}: say which by --model`)
  return {
    survey: await store.survey({ ...question, model: configured }, progress),
    model: configured,
    others: models.filter((name) => name !== configured),
  }
}

interface Read {
  readonly answers: Answers
  /** Rows whose weight is none. */
  readonly unweighable: number
  readonly others: readonly string[]
}

const silent: Progress = () => {}

const read = async (
  settings: Settings,
  question: SurveyQuestion,
  options: Pick<ReportOptions, 'bucket' | 'timeZone' | 'onProgress'>,
  file?: ReferenceFile,
): Promise<Read> => {
  const { onProgress = silent, timeZone = 'UTC', bucket } = options
  const store = await storeOf({
    url: storeUrl(settings),
    table: settings.table,
    actualsTable: settings.actualsTable,
  })
  try {
    const { survey, model, others } = await surveyModel(store, question, settings.model, (share, step) =>
      onProgress(share * 0.3, step),
    )
    const plan = planOf(question, survey, { model, bucket, timeZone, referenceColumns: file?.columns })
    const answers = await store.answer(plan, (share, step) => onProgress(0.3 + share * 0.7, step))
    return { answers, others, unweighable: survey.unweighable }
  } finally {
    await store.close()
  }
}

const whereOf = (where: ReadOptions['where'] = {}) => Object.entries(where).map(([name, value]) => ({ name, value }))

/**
 * What the stored rows say: is the model still right, and what has changed? The same object as `capture-predictions report --json` prints. Nothing is
 * written, and of the rows none leaves the database but for SQLite, whose file a thread of this process reads.
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: an option is wrong, a column unknown, or the table none of predictions
 * @throws PredictionsError `PREDICTIONS_SINK_UNAVAILABLE`: the store is away, or refuses
 * @throws PredictionsError `PREDICTIONS_MISSING_PACKAGE`: its driver is not installed
 *
 * @example
 * import { report } from 'capture-predictions/report'
 *
 * const { verdict, summary, findings } = await report({ sink: 'sqlite:./predictions.db', since: '7d' })
 * if (verdict === 'alert') console.error(summary, findings)
 */
export const report = async (options: ReportOptions = {}): Promise<Report> => {
  const timeZone = readTimeZone(options.timeZone ?? 'UTC')
  const bucket = readBucket(options.bucket)
  const current = readWindow({ since: options.since, until: options.until, timeZone, now: new Date() })
  const { window, file, name } = comparedWith(options.reference ?? 'previous', current, timeZone)
  const settings = settingsFor(options)
  const thresholds = thresholdsOf(options.config ?? settings.reportConfig)
  const question: SurveyQuestion = {
    current,
    reference: window,
    model: options.model,
    where: whereOf(options.where),
    by: options.by ?? [],
    columns: columnsOf(settings.schema),
  }
  const { answers, others, unweighable } = await read(settings, question, { ...options, bucket, timeZone }, file)
  const notes: Finding[] = file
    ? misfitsOf(file, answers.plan.columns).map((misfit) => ({ severity: 'warn', kind: 'columns', ...misfit }))
    : []
  if (file?.model && answers.plan.model && file.model !== answers.plan.model)
    throw wrong(
      `${name} is a reference of the model ${file.model}, and the rows are of ${answers.plan.model}: make one by "capture-predictions reference"`,
    )
  if (others.length > 0)
    notes.push({
      severity: 'info',
      kind: 'columns',
      message: `The table holds rows of other models too (${named(others)}): they are not looked at.`,
    })
  if (unweighable > 0)
    notes.push({
      severity: 'warn',
      kind: 'columns',
      message: `${counted(unweighable, 'row')} of the windows ${unweighable === 1 ? 'has' : 'have'} a sample_weight that is none (negative, infinite or not a number): each counts as 1.`,
    })
  return judge(file ? { ...answers, reference: windowOf(file) } : answers, {
    thresholds,
    ...(name !== undefined && { referenceName: name }),
    referenceHasTraffic: file === undefined,
    notes,
  })
}

/**
 * A window of stored rows as a reference: what `report({ reference: FILE })` compares with, once it is written by `referenceText`.
 * @throws as `report`
 */
export const reference = async (options: ReadOptions = {}): Promise<ReferenceFile> => {
  const timeZone = readTimeZone(options.timeZone ?? 'UTC')
  const current = readWindow({ since: options.since, until: options.until, timeZone, now: new Date() })
  const settings = settingsFor(options)
  const question = {
    current,
    reference: undefined,
    model: options.model,
    where: whereOf(options.where),
    by: [],
    columns: columnsOf(settings.schema),
  }
  const { answers } = await read(settings, question, options)
  if (answers.current.all.traffic.instances.n === 0)
    throw wrong(
      `There are no predictions from ${current.since.toISOString()} to ${current.until.toISOString()}: a reference needs some`,
    )
  return referenceOf(answers)
}
