import type { Answers, ReportPlan, Progress, Survey, SurveyQuestion } from '../../../../src/report/answers.ts'
import type { SqliteTables } from '../address.ts'
import { openToRead } from '../read.ts'
import { answer } from './answer.ts'
import { survey } from './survey.ts'
import { inspectTable } from './table.ts'

/** Both passes over a file, read only. They take the thread they run on for as long as they last. */
export interface SqliteQuestions {
  readonly tables: SqliteTables
  readonly question: SurveyQuestion
  /** Undefined: the first pass. */
  readonly plan?: ReportPlan
  /** Rows in the windows, for the progress. */
  readonly total?: number
}

export const ask = ({ tables, question, plan, total = 0 }: SqliteQuestions, progress: Progress): Survey | Answers => {
  const database = openToRead(tables.file)
  try {
    const inspected = inspectTable(database, tables, question.columns)
    return plan ? answer(inspected, plan, total, progress) : survey(inspected, question, progress)
  } finally {
    database.close()
  }
}
