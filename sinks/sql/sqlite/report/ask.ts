import type { ReportPlan, Survey, SurveyQuestion } from '../../../../src/report/answers.ts'
import type { SqliteTables } from '../address.ts'
import { openToRead } from '../read.ts'
import { answer, type Share, type WindowName } from './answer.ts'
import { survey } from './survey.ts'
import { inspectTable } from './table.ts'

/** Questions to a file, which is only read. They take the thread they run on for as long as they last. */
export interface SqliteQuestion {
  readonly tables: SqliteTables
  readonly question: SurveyQuestion
  /** Undefined: the first pass. */
  readonly second?: { readonly plan: ReportPlan; readonly windows: readonly WindowName[] }
}

/** @param progress is told the share of the first pass that is done; how many more rows the second has read */
export const ask = ({ tables, question, second }: SqliteQuestion, progress: (done: number) => void): Survey | Share => {
  const database = openToRead(tables.file)
  try {
    const inspected = inspectTable(database, tables, question.columns)
    return second ? answer(inspected, second.plan, second.windows, progress) : survey(inspected, question, progress)
  } finally {
    database.close()
  }
}
