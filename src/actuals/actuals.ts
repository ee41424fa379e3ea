import type { Column } from '../schema/column.ts'
import { labelNames } from '../schema/columns.ts'
import type { Redactor } from '../redact/redaction.ts'
import { messageOf } from '../errors/errors.ts'
import { timeOfId } from '../records/id.ts'
import { createActualLines } from './actual-lines.ts'
import {
  createReportReader,
  Refused,
  type BatchSizeOf,
  type Entry,
  type ReadReport,
  type ReportReader,
} from './actual-report.ts'

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

/** Records, about, that are made in a step. */
const STEP = 128

const tellLag = ({ time }: ReadReport, { target }: Entry, tell: (seconds: number) => void): void => {
  if (target.predictionId === undefined) return
  const known = time === undefined ? Date.now() : Date.parse(time.utc)
  tell(Math.max(0, known - timeOfId(target.predictionId)) / 1000)
}

export interface ReadingOptions {
  /** Those of the table of actuals as they are now: the same array until they change. */
  readonly columns: () => readonly Column[]
  readonly redactor?: Redactor | undefined
  readonly batchSizeOf?: BatchSizeOf | undefined
  /** Told how long each truth took to become known, in seconds. */
  readonly lag?: ((seconds: number) => void) | undefined
}

/**
 * Reads reports and makes their records, in steps: yields the texts of some, and gives at the end what became of the reports. It never
 * throws for what it is given.
 */
export const createActualSteps = ({ columns, redactor, batchSizeOf, lag }: ReadingOptions) => {
  const linesOf = createActualLines(redactor)
  let readsFor: readonly Column[] | undefined
  let read: ReportReader

  const reader = (): ReportReader => {
    const now = columns()
    if (readsFor !== now) read = createReportReader(labelNames(now), batchSizeOf)
    readsFor = now
    return read
  }

  return function* (reports: readonly unknown[]): Generator<readonly string[], ActualsResult, undefined> {
    const readReport = reader()
    const rejected: RejectedReport[] = []
    let lines: string[] = []
    for (const [index, report] of reports.entries()) {
      try {
        const said = readReport(report)
        if (said instanceof Refused) {
          rejected.push({ index, reason: said.reason })
          continue
        }
        const lineOf = linesOf(said)
        for (const entry of said.entries) {
          lines.push(lineOf(entry))
          if (lag !== undefined && !said.isRetracted) tellLag(said, entry, lag)
          if (lines.length < STEP) continue
          yield lines
          lines = []
        }
      } catch (error) {
        // A getter or a proxy of the caller's.
        rejected.push({ index, reason: `can't be read: ${messageOf(error)}` })
      }
    }
    if (lines.length > 0) yield lines
    return { accepted: reports.length - rejected.length, rejected }
  }
}

/** The same at once. */
export const createActuals = (options: ReadingOptions): ((reports: readonly unknown[]) => ReportedActuals) => {
  const readInSteps = createActualSteps(options)
  return (reports) => {
    const lines: string[] = []
    const steps = readInSteps(reports)
    for (;;) {
      const { done, value } = steps.next()
      if (done === true) return { ...value, lines }
      for (const line of value) lines.push(line)
    }
  }
}
