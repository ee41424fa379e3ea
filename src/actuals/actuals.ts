import type { Column } from '../schema/column.ts'
import { labelNames } from '../schema/columns.ts'
import type { Redactor } from '../redact/redaction.ts'
import { messageOf } from '../errors/errors.ts'
import { timeOfId } from '../records/id.ts'
import { createActualLines } from './actual-lines.ts'
import { createReportReader, Refused, type ReadReport, type ReportReader } from './report.ts'

/** A report that was not taken. */
export interface RejectedReport {
  /** Its place among those given, from 0. */
  readonly index: number
  /** What is wrong, and what would be right. */
  readonly reason: string
}

/** What became of reports: accepted + rejected = given. */
export interface ActualsResult {
  readonly accepted: number
  readonly rejected: readonly RejectedReport[]
}

/** Reports, read: the texts of the records to be stored, and what became of each report. */
export interface ReportedActuals extends ActualsResult {
  readonly lines: readonly string[]
}

const tellLags = ({ entries, time, isRetracted }: ReadReport, tell: (seconds: number) => void): void => {
  if (isRetracted) return
  const known = time === undefined ? Date.now() : Date.parse(time.utc)
  for (const { target } of entries)
    if (target.predictionId !== undefined) tell(Math.max(0, known - timeOfId(target.predictionId)) / 1000)
}

/**
 * Reads reports and makes their records. It never throws for what it is given.
 * @param lag told how long each truth took to become known, in seconds
 * @param columns those of the table of actuals as they are now: the same array until they change
 */
export const createActuals = (
  columns: () => readonly Column[],
  redactor: Redactor | undefined,
  lag?: (seconds: number) => void,
) => {
  const linesOf = createActualLines(redactor)
  let readsFor: readonly Column[] | undefined
  let read: ReportReader

  const reader = (): ReportReader => {
    const now = columns()
    if (readsFor !== now) read = createReportReader(labelNames(now))
    readsFor = now
    return read
  }

  return (reports: readonly unknown[]): ReportedActuals => {
    const readReport = reader()
    const rejected: RejectedReport[] = []
    const lines: string[] = []
    for (const [index, report] of reports.entries()) {
      try {
        const said = readReport(report)
        if (said instanceof Refused) rejected.push({ index, reason: said.reason })
        else {
          for (const line of linesOf(said)) lines.push(line)
          if (lag !== undefined) tellLags(said, lag)
        }
      } catch (error) {
        // A getter or a proxy of the caller's.
        rejected.push({ index, reason: `can't be read: ${messageOf(error)}` })
      }
    }
    return { accepted: reports.length - rejected.length, rejected, lines }
  }
}
