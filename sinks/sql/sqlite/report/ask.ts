import { existsSync } from 'node:fs'
import { PredictionsError } from '../../../../src/errors/errors.ts'
import { DatabaseSync } from '../../../../src/node.ts'
import type { ReportPlan, Progress, Survey, SurveyQuestion } from '../../../../src/report/answers.ts'
import { answer } from './answer.ts'
import { survey } from './survey.ts'
import { inspectTable, type SqliteAddress } from './table.ts'

/** Both passes over a file, read only. They take the thread they run on for as long as they last. */
export interface SqliteQuestions {
  readonly address: SqliteAddress
  readonly question: SurveyQuestion
  /** Undefined: the first pass. */
  readonly plan?: ReportPlan
  /** Rows in the windows, for the progress. */
  readonly total?: number
}

export const ask = ({ address, question, plan, total = 0 }: SqliteQuestions, progress: Progress): unknown => {
  if (!existsSync(address.file))
    throw new PredictionsError(
      'PREDICTIONS_BAD_CONFIGURATION',
      `${address.file} does not exist: name the file by --sink or PREDICTIONS_SINK`,
    )
  const database = new DatabaseSync(address.file, { readOnly: true, timeout: 10_000 })
  try {
    // One state of the file for all statements.
    database.exec('begin')
    const inspected = inspectTable(database, address, question.columns)
    const result: unknown = plan
      ? answer(inspected, plan, total, progress)
      : (survey(inspected, question, progress) satisfies Survey)
    database.exec('commit')
    return result
  } finally {
    database.close()
  }
}
