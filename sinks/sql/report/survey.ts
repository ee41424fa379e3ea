import type { Progress, Survey, SurveyQuestion } from '../../../src/report/answers.ts'
import type { Known } from './known.ts'
import type { ReportSource } from './source.ts'
import { runOn } from './sessions.ts'
import { candidatesOf } from './survey/candidates.ts'
import { surveyColumns } from './survey/columns.ts'
import { countRows, mostOf } from './survey/count.ts'
import { labelsOfAll, surveyLabels } from './survey/labels.ts'
import { expectKnownNames, valuesOf } from './survey/names.ts'
import type { ReadSession, ReportSession } from './words.ts'

/** The first pass: what there is. */

const MAX_MODELS = 100
const MAX_GROUPS = 20

const hasActualsByRequest = async (session: ReadSession, { actuals }: ReportSource): Promise<boolean> => {
  const { name, own } = actuals!
  const text = `select 1 from ${name} a where a.${own('prediction_id')} is null and a.${own('request_id')} is not null limit 1`
  return (await session.query({ sql: text, values: [] })).length > 0
}

export const survey = async (
  sessions: readonly ReportSession[],
  source: ReportSource,
  question: SurveyQuestion,
  progress: Progress,
): Promise<{ survey: Survey; known: Known }> => {
  const [first] = sessions
  const say = (share: number) => progress(share, 'looking at what there is')
  await expectKnownNames(first!, source, question)
  const windows = question.reference ? [question.reference, question.current] : [question.current]
  const counted = await runOn(
    sessions,
    windows.map((window) => (session) => countRows(session, source, question, window)),
  )
  const current = counted.at(-1)!
  const reference = question.reference && counted[0]
  say(0.4)
  const byRequest = source.actuals !== undefined && (await hasActualsByRequest(first!, source))
  const [columns = [], ...labels] = await runOn(
    sessions,
    [
      async (session) => surveyColumns(session, source, await candidatesOf(session, source, counted), counted),
      ...counted.map((window) => (session: ReadSession) => surveyLabels(session, source, window, byRequest)),
    ],
    (finished) => say(0.4 + (finished / (counted.length + 1)) * 0.5),
  )
  const by = await runOn(
    sessions,
    question.by.map((name) => async (session) => ({
      name,
      values: await valuesOf(session, source, current, name, MAX_GROUPS),
    })),
  )
  const models = counted.map(({ models }) => models)
  const versions = counted.map(({ versions }) => versions)
  const extra = counted.reduce((sum, window) => sum + window.extra, 0)
  return {
    survey: {
      columns,
      models: source.table.own.model === undefined ? [] : mostOf(models, MAX_MODELS),
      versions: mostOf(versions, MAX_GROUPS),
      by,
      current: current.rows,
      reference: reference?.rows ?? 0,
      extra,
      unweighable: counted.reduce((sum, window) => sum + window.unweighable, 0),
      hasActuals: source.actuals !== undefined,
      labels: labelsOfAll(source, labels.flat()),
    },
    known: {
      isWeighted: counted.some(({ weighted }) => weighted > 0),
      versions: mostOf(versions, Infinity),
      current,
      reference,
      byRequest,
      hasExtra: extra > 0,
      isOneModel: question.model === undefined && mostOf(models, 2).length === 1,
    },
  }
}
