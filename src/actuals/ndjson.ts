import { messageOf } from '../errors/errors.ts'
import { parseInSteps } from '../formats/json-steps.ts'
import { decode } from '../records/json.ts'
import { finishInTurns } from '../steps/time-slices.ts'
import type { CsvMapping } from './csv.ts'
import { isMembers } from '../records/members.ts'
import { BATCH, UnreadableText, type NumberedReport, type Pieces } from './numbered.ts'

/** A longer line is no report. */
const MAX_LINE = 16 * 1024 * 1024

/** A longer one is parsed in steps, while other work has its turns: it may have a list of 65,536 elements. */
const LONG_LINE = 64 * 1024

interface Line {
  /** From 1. */
  readonly line: number
  readonly text: string
}

const noJson = (line: number, error: unknown): NumberedReport => ({ line, reason: `is no JSON: ${messageOf(error)}` })

const reportOf = ({ line, text }: Line): NumberedReport => {
  try {
    return { line, report: decode(text) }
  } catch (error) {
    return noJson(line, error)
  }
}

const longReportOf = async ({ line, text }: Line): Promise<NumberedReport> => {
  try {
    return { line, report: await finishInTurns(parseInSteps(text, decode)) }
  } catch (error) {
    return noJson(line, error)
  }
}

/** The lines of a text in pieces, some at a time. Empty ones are left out. */
const linesOf = async function* (pieces: Pieces): AsyncGenerator<Line[]> {
  let rest = ''
  let number = 0
  const cut = (text: string): Line[] => {
    const lines = text.split('\n')
    rest = lines.pop()!
    return lines.map((line) => ({ line: ++number, text: line })).filter((line) => line.text.trim() !== '')
  }
  for await (const piece of pieces) {
    // Not joined for every piece: a line that never ends would cost the square of its length.
    yield piece.includes('\n') || rest.length + piece.length > MAX_LINE ? cut(rest + piece) : ((rest += piece), [])
    if (rest.length > MAX_LINE) throw new UnreadableText(`line ${number + 1} has more than ${MAX_LINE} characters`)
  }
  yield cut(`${rest}\n`)
}

/** Newline-delimited JSON: a report a line. */
export const ndjsonReports = async function* (pieces: Pieces): AsyncGenerator<readonly NumberedReport[]> {
  for await (const lines of linesOf(pieces))
    for (let from = 0; from < lines.length; from += BATCH) {
      const batch: NumberedReport[] = []
      for (const line of lines.slice(from, from + BATCH))
        batch.push(line.text.length > LONG_LINE ? await longReportOf(line) : reportOf(line))
      yield batch
    }
}

/** Reports whose members have other names, as a mapping says: what it does not name is left out. */
export const mappedReports = async function* (
  batches: AsyncIterable<readonly NumberedReport[]>,
  { id, requestId, timestamp, labels }: CsvMapping,
): AsyncGenerator<readonly NumberedReport[]> {
  const names = [
    ['id', id],
    ['request_id', requestId],
    ['timestamp', timestamp],
  ] as const
  const isMapped = labels !== undefined || names.some(([, name]) => name !== undefined)
  const renamed = (report: unknown): unknown => {
    if (!isMapped || !isMembers(report)) return report
    const own = names.flatMap(([member, name]) => {
      const isOther = member === 'id' ? requestId !== undefined : member === 'request_id' && id !== undefined
      const value = isOther ? undefined : report[name ?? member]
      return value === undefined ? [] : [[member, value] as const]
    })
    const values = labels?.map(({ column, label }) => [label, report[column]] as const)
    const actuals = values ? Object.fromEntries(values) : (report['actuals'] ?? { actual: report['actual'] })
    return Object.fromEntries([...own, ['actuals', actuals]])
  }
  for await (const batch of batches)
    yield batch.map((numbered) =>
      'report' in numbered ? { line: numbered.line, report: renamed(numbered.report) } : numbered,
    )
}
