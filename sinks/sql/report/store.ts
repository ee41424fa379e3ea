import { PredictionsError } from '../../../src/errors/errors.ts'
import type { Store, SurveyQuestion } from '../../../src/report/answers.ts'
import { columnNamed, labelsIn } from '../actuals/columns.ts'
import { answer } from './answer.ts'
import { noTimes, reportTable, type TableColumn } from './columns.ts'
import type { Known } from './known.ts'
import type { ActualsSource, ReportSource } from './source.ts'
import { survey } from './survey.ts'
import type { ReadSession, ReportSession, Words } from './words.ts'

export interface Opened {
  /** At least one; questions run on all of them. */
  readonly sessions: readonly ReportSession[]
}

export interface ReportStoreOptions {
  readonly name: string
  readonly address: string
  readonly table: string
  readonly actualsTable: string
  readonly words: Words
  quoted(name: string): string
  open(): Promise<Opened>
  /** The columns of a table; none: there is no such table. */
  columnsOf(session: ReadSession, which: 'predictions' | 'actuals'): Promise<readonly TableColumn[]>
  /** The steps of a path that `words.members` gives. Default: it is an array of them. */
  readonly stepsOf?: (path: unknown) => readonly string[]
  /** What is told of an error. */
  failed(error: unknown): PredictionsError
}

/** A store over a database that is asked by SQL. */
export const reportStore = (options: ReportStoreOptions): Store => {
  const { words, table, actualsTable } = options
  let opened: Promise<Opened> | undefined
  let asked: { source: ReportSource; known: Known } | undefined

  const open = (): Promise<Opened> => (opened ??= options.open())

  const actualsOf = (columns: readonly TableColumn[]): ActualsSource => ({
    name: options.quoted(actualsTable),
    own: (name) => words.quote(columnNamed(columns, name)?.name ?? name),
    idType: columnNamed(columns, 'prediction_id')?.type ?? '',
    labels: new Map(labelsIn(columns).map(({ name, type }) => [name, type])),
  })

  const sourceOf = async (session: ReadSession, question: SurveyQuestion): Promise<ReportSource> => {
    const columns = await options.columnsOf(session, 'predictions')
    if (columns.length === 0)
      throw new PredictionsError(
        'PREDICTIONS_BAD_CONFIGURATION',
        `${options.address} has no table ${JSON.stringify(table)} that this user may see: name it by --table or PREDICTIONS_TABLE`,
      )
    const actualColumns = await options.columnsOf(session, 'actuals')
    const found = reportTable(table, columns, question.columns, words.kindOf)
    const type = found.types.get(found.own.timestamp!)!
    if (!words.isTime(type))
      throw noTimes(
        table,
        type,
        `make a view of the table that has it as ${words.timeType}, and name the view by --table`,
      )
    return {
      words,
      stepsOf: options.stepsOf ?? ((path) => path as readonly string[]),
      name: options.quoted(table),
      table: found,
      actuals: actualColumns.length === 0 ? undefined : actualsOf(actualColumns),
    }
  }

  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      throw options.failed(error)
    }
  }

  return {
    name: options.name,
    survey: (question, progress) =>
      guarded(async () => {
        const { sessions } = await open()
        const source = await sourceOf(sessions[0]!, question)
        const { survey: found, known } = await survey(sessions, source, question, progress)
        asked = { source, known }
        return found
      }),
    answer: (plan, progress) =>
      guarded(async () => {
        if (!asked) throw new Error('the survey comes first')
        const { sessions } = await open()
        return answer(sessions, asked.source, plan, asked.known, progress)
      }),
    async close() {
      const closing = await opened?.catch(() => undefined)
      opened = undefined
      for (const session of closing?.sessions ?? []) await session.close().catch(() => {})
    },
  }
}
