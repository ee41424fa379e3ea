import { messageOf } from '../errors/errors.ts'
import { parseInSteps } from '../formats/json-steps.ts'
import { decode } from '../records/json.ts'
import type { Column } from '../schema/column.ts'
import { finishInTurns, type Pause } from '../steps/time-slices.ts'
import { csvReports } from './csv.ts'
import { isMembers } from '../records/members.ts'
import { ndjsonReports } from './ndjson.ts'
import { BATCH, UnreadableText, type NumberedReport } from './numbered.ts'

/** Reports of a value: one, a list, or `{ "reports": [...] }`. */
export const reportsIn = (value: unknown): readonly unknown[] | undefined => {
  if (Array.isArray(value)) return value
  if (!isMembers(value)) return undefined
  const { reports } = value
  return Array.isArray(reports) && Object.keys(value).length === 1 ? reports : [value]
}

/** Texts are cut, so that each step of reading one is short. */
const PIECE = 2 * 1024

const pieces = function* (text: string): Generator<string> {
  for (let from = 0; from < text.length; from += PIECE) yield text.slice(from, from + PIECE)
}

const valueOf = async (text: string): Promise<unknown> => {
  try {
    return await finishInTurns(parseInSteps(text, decode))
  } catch (error) {
    throw new UnreadableText(`the body is no JSON: ${messageOf(error)}`)
  }
}

const TYPES: readonly (readonly [pattern: RegExp, format: 'json' | 'ndjson' | 'csv'])[] = [
  [/^application\/(x-)?(ndjson|jsonl|jsonlines|json-lines)\b/i, 'ndjson'],
  [/^(text|application)\/(csv|tab-separated-values)\b/i, 'csv'],
  [/[/+]json\b/i, 'json'],
]

/** By its content type; else a text that begins as JSON does is that, and one of several JSON lines NDJSON. */
const formatOf = (text: string, contentType: string | undefined): 'json' | 'ndjson' | 'csv' => {
  const [, format] = TYPES.find(([pattern]) => pattern.test(contentType ?? '')) ?? []
  if (format !== undefined) return format
  const start = text.trimStart()
  if (start.startsWith('[')) return 'json'
  return start.startsWith('{') ? (/\}[^\S\n]*\n\s*\{/.test(start) ? 'ndjson' : 'json') : 'csv'
}

const inBatches = function* (reports: readonly unknown[]): Generator<readonly NumberedReport[]> {
  for (let from = 0; from < reports.length; from += BATCH)
    yield reports.slice(from, from + BATCH).map((report) => ({ line: 0, report }))
}

/**
 * The reports of a body, some at a time; `line` is 0 where there are no lines.
 * @param pause that of the larger work that this is a part of
 * @throws UnreadableText
 */
export const reportsOf = async function* (
  body: unknown,
  contentType: string | undefined,
  columns: readonly Column[],
  pause?: Pause,
): AsyncGenerator<readonly NumberedReport[]> {
  const text = Buffer.isBuffer(body) ? textOf(body) : typeof body === 'string' ? body.replace(/^\uFEFF/, '') : undefined
  if (text?.trim() === '') throw new UnreadableText('the body is empty: send a report, a list of them, NDJSON or CSV')
  const format = text === undefined ? 'json' : formatOf(text, contentType)
  if (format === 'ndjson') return yield* ndjsonReports(pieces(text!))
  if (format === 'csv') return yield* csvReports(pieces(text!), columns, {}, pause)
  const reports = reportsIn(text === undefined ? body : await valueOf(text))
  if (reports === undefined)
    throw new UnreadableText('the body is no report, no list of reports, and no {"reports": [...]}')
  if (reports.length === 0) throw new UnreadableText('the list of reports is empty')
  yield* inBatches(reports)
}

/** Bytes as text: in UTF-16 where they begin with its mark, else in UTF-8. */
const textOf = (bytes: Buffer): string => {
  const encoding = encodingOf(bytes)
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new UnreadableText(`the body is not ${encoding.toUpperCase()}, nor does it begin with a mark of UTF-16`)
  }
}

/** The encoding that the first bytes tell. */
export const encodingOf = (start: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' => {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le'
  return start[0] === 0xfe && start[1] === 0xff ? 'utf-16be' : 'utf-8'
}
