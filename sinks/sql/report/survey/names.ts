import type { SurveyQuestion } from '../../../../src/report/answers.ts'
import { expectNames } from '../columns.ts'
import { jsonOf } from '../own.ts'
import { fromOf, textOf } from '../rows.ts'
import type { ReportSource } from '../source.ts'
import { newBindings, type ReadSession } from '../words.ts'
import type { Counted } from './count.ts'

/** The columns and tags that a question names. */

/** @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: one of them is neither */
export const expectKnownNames = async (
  session: ReadSession,
  source: ReportSource,
  question: SurveyQuestion,
): Promise<void> => {
  const { words, table } = source
  const where = question.where.map(({ name }) => name)
  if ([...where, ...question.by].every((name) => table.names.includes(name))) return
  const bindings = newBindings(words.placeholder)
  const from = fromOf(source, { ...question, where: [] }, question.current, bindings)
  const column = jsonOf(source, 'tags')
  const rows =
    column === undefined
      ? []
      : await session.query(bindings.finish(words.memberNames(column, `${from()} and ${column} is not null`)))
  const tags = rows.map(([name]) => String(name))
  expectNames('--where', where, table.names, tags)
  expectNames('--by', question.by, table.names, tags)
}

/** Values of a column or a tag in a window, those of the most rows first. */
export const valuesOf = async (
  session: ReadSession,
  source: ReportSource,
  { bindings, from }: Counted,
  name: string,
  limit: number,
): Promise<string[]> => {
  const text = `select ${textOf(source, name, bindings)} as x, count(*) as n from ${from()} group by 1 order by n desc, 1 limit ${limit}`
  return (await session.query(bindings.finish(text))).map(([value]) => String(value))
}
