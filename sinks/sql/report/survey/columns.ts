import type { SurveyedColumn } from '../../../../src/report/answers.ts'
import type { Valued } from '../rows.ts'
import type { ReportSource } from '../source.ts'
import type { ReadSession } from '../words.ts'
import { boundsOf } from './bounds.ts'
import type { Counted } from './count.ts'
import { sampleColumns } from './sample.ts'
import { surveyed } from './surveyed.ts'

/** The columns as a window has them. */
const columnsIn = async (
  session: ReadSession,
  source: ReportSource,
  candidates: readonly Valued[],
  counted: Counted,
): Promise<SurveyedColumn[]> => {
  const bounds = await boundsOf(session, source, candidates, counted)
  const sampled = await sampleColumns(session, source, candidates, counted)
  return candidates.map((column, index) => surveyed(column, sampled[index]!, bounds[index]!))
}

/** The columns as the first window with rows has them; those that have no value there as the last one has them: columns that came later. */
export const surveyColumns = async (
  session: ReadSession,
  source: ReportSource,
  candidates: readonly Valued[],
  counted: readonly Counted[],
): Promise<SurveyedColumn[]> => {
  const [judged = counted.at(-1)!] = counted.filter(({ rows }) => rows > 0)
  const columns = await columnsIn(session, source, candidates, judged)
  const late = candidates.filter((_, index) => columns[index]!.present === 0)
  if (late.length === 0 || judged === counted.at(-1)) return columns
  const later = await columnsIn(session, source, late, counted.at(-1)!)
  return columns.map((column, index) => {
    const found = later[late.indexOf(candidates[index]!)]
    return found && found.present > 0 ? found : column
  })
}
