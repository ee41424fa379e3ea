import { isCsv } from './body.ts'
import { COMMA, QUOTE } from './json-tokens.ts'
import { named, namesFor, namesNote, outputsOf, type Rows, rowsOfItems } from './rows.ts'

/** The lines of a text in CSV, each taken apart when it is asked for. */
export interface CsvLines {
  readonly length: number
  /** The fields of line i. */
  at(i: number): readonly string[] | undefined
}

/** Lines of values, in a text in CSV without its header. */
interface CsvRows {
  readonly length: number
  at(i: number): readonly unknown[] | undefined
}

/** The outputs of a reply in CSV for n instances; undefined where the text is none. */
export const readCsvOutputs = (
  text: string,
  contentType: string,
  outputNames: readonly string[],
  n: number,
): Rows | undefined => {
  if (!isCsv(contentType)) return undefined
  const { names, rows } = splitHeader(parseCsv(text), outputNames, contentType)
  const affordable = namesFor(rows.length, names)
  const first = rows.at(0)
  // XGBoost's container replies all predictions in one line.
  if (rows.length === 1 && n > 1 && first?.length === n)
    return rowsOfItems(first, (value) => outputsOf(value, outputNames))
  const at = (i: number) => {
    const row = rows.at(i)!
    return names === outputNames ? outputsOf(row.length === 1 ? row[0] : row, outputNames) : named(row, affordable)
  }
  return { length: rows.length, at, extra: namesNote(names, affordable) }
}

/** Parts a header from the rows and turns their fields into values; without a header the names are the schema's. */
export const splitHeader = (
  lines: CsvLines,
  schemaNames: readonly string[],
  contentType: string,
): { names: readonly string[]; rows: CsvRows } => {
  const first = lines.at(0)
  const isHeader =
    first !== undefined &&
    (saysHeader(contentType) ?? (saysNames(first, schemaNames) || looksLikeHeader(first, lines.at(1))))
  const start = isHeader ? 1 : 0
  return {
    names: isHeader ? first : schemaNames,
    rows: { length: lines.length - start, at: (i) => lines.at(i + start)?.map(valueOf) },
  }
}

/** Whether the first line is a header by the content type (`text/csv; header=present`); undefined: it does not say. */
const saysHeader = (contentType: string): boolean | undefined => {
  const header = /;\s*header="?(present|absent)\b/i.exec(contentType)?.[1]
  return header === undefined ? undefined : header.toLowerCase() === 'present'
}

const saysNames = (fields: readonly string[], names: readonly string[]): boolean => {
  if (names.length === 0 || fields.length === 0) return false
  const known = new Set(names)
  return fields.every((field) => known.has(field))
}

const looksLikeHeader = (first: readonly string[], second: readonly string[] | undefined): boolean =>
  second !== undefined && !first.some(isNumeric) && second.some(isNumeric)

/** A number as people write it: no leading zeros, which are part of a code. */
const NUMBER = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i

const isNumeric = (field: string): boolean => NUMBER.test(field.trim())

/** Longer integers stay text: they take long to read, and no database has a type for them. */
const MAX_DIGITS = 1000

const valueOf = (field: string): unknown => {
  if (field === '') return null
  if (!isNumeric(field)) return field
  const value = Number(field)
  if (Number.isSafeInteger(value)) return value
  const integer = /^[+-]?(\d+)$/.exec(field.trim())
  if (integer === null) return value
  return integer[1]!.length > MAX_DIGITS ? field : BigInt(field.trim().replace('+', ''))
}

const CR = 0x0d
const LF = 0x0a

/** Lines of fields. Quotes are as in RFC 4180; an unclosed one runs to the end. Empty lines are left out. */
export const parseCsv = (text: string): CsvLines => {
  const { starts, ends } = boundsOf(text)
  return {
    length: starts.length,
    at: (i) => (i < starts.length ? fieldsOf(text.slice(starts[i], ends[i])) : undefined),
  }
}

/** Where each line begins and ends: at the next line break that stands in no quotes. */
const boundsOf = (text: string): { starts: number[]; ends: number[] } => {
  const starts: number[] = []
  const ends: number[] = []
  let start = 0
  const endLine = (end: number): void => {
    if (end === start || (end - start === 2 && text.startsWith('""', start))) return
    starts.push(start)
    ends.push(end)
  }
  let isFieldStart = true
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at)
    if (code === QUOTE && isFieldStart) at = endOfQuotes(text, at + 1)
    else at++
    isFieldStart = code === COMMA || code === LF || code === CR
    if (code !== LF && code !== CR) continue
    endLine(at - 1)
    start = at
  }
  endLine(text.length)
  return { starts, ends }
}

/** Behind the quote that closes what is quoted from `from` on. */
const endOfQuotes = (text: string, from: number): number => {
  for (;;) {
    const quote = text.indexOf('"', from)
    if (quote < 0) return text.length
    if (text.charCodeAt(quote + 1) !== QUOTE) return quote + 1
    from = quote + 2
  }
}

const fieldsOf = (line: string): string[] => {
  if (!line.includes('"')) return line.split(',')
  const fields: string[] = []
  for (let at = 0; at <= line.length;) {
    const { field, end } = line.charCodeAt(at) === QUOTE ? quotedField(line, at) : plainField(line, at)
    fields.push(field)
    at = end + 1
  }
  return fields
}

/** A field without quotes ends before the next comma. */
const plainField = (line: string, start: number): { field: string; end: number } => {
  const comma = line.indexOf(',', start)
  const end = comma < 0 ? line.length : comma
  return { field: line.slice(start, end), end }
}

/** A quoted field; what stands between its closing quote and the next comma belongs to it, as it must to something. */
const quotedField = (line: string, start: number): { field: string; end: number } => {
  const parts: string[] = []
  let from = start + 1
  for (;;) {
    const quote = line.indexOf('"', from)
    if (quote < 0) return { field: parts.join('') + line.slice(from), end: line.length }
    parts.push(line.slice(from, quote))
    if (line[quote + 1] !== '"') {
      const rest = plainField(line, quote + 1)
      return { field: parts.join('') + rest.field, end: rest.end }
    }
    parts.push('"')
    from = quote + 2
  }
}
