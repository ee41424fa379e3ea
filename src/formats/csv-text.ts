import { isCsv } from './body.ts'
import { named, namesFor, outputsOf, type Row } from './rows.ts'

/** The outputs of a reply in CSV for n instances; undefined where the text is none. */
export const readCsvOutputs = (
  text: string,
  contentType: string,
  outputNames: readonly string[],
  n: number,
): Row[] | undefined => {
  if (!isCsv(contentType)) return undefined
  const { names, rows } = splitHeader(parseCsv(text), outputNames)
  const affordable = namesFor(rows.length, names)
  const [first] = rows
  // XGBoost's container replies all predictions in one line.
  if (rows.length === 1 && n > 1 && first?.length === n) return first.map((value) => outputsOf(value, outputNames))
  return rows.map((row) => {
    if (names !== outputNames) return named(row, affordable)
    return outputsOf(row.length === 1 ? row[0] : row, outputNames)
  })
}

/** Parts a header from the rows and turns their fields into values; without a header the names are the schema's. */
export const splitHeader = (
  lines: readonly (readonly string[])[],
  schemaNames: readonly string[],
): { names: readonly string[]; rows: unknown[][] } => {
  const [first, second] = lines
  const isHeader = first !== undefined && (saysNames(first, schemaNames) || looksLikeHeader(first, second))
  return {
    names: isHeader ? first : schemaNames,
    rows: lines.slice(isHeader ? 1 : 0).map((fields) => fields.map(valueOf)),
  }
}

const saysNames = (fields: readonly string[], names: readonly string[]): boolean =>
  names.length > 0 && fields.length > 0 && fields.every((field) => names.includes(field))

const looksLikeHeader = (first: readonly string[], second: readonly string[] | undefined): boolean =>
  second !== undefined && !first.some(isNumeric) && second.some(isNumeric)

/** A number as people write it: no leading zeros, which are part of a code. */
const NUMBER = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i

const isNumeric = (field: string): boolean => NUMBER.test(field.trim())

const valueOf = (field: string): unknown => {
  if (field === '') return null
  if (!isNumeric(field)) return field
  const value = Number(field)
  if (Number.isSafeInteger(value) || !/^[+-]?\d+$/.test(field.trim())) return value
  return BigInt(field.trim().replace('+', ''))
}

/** Lines of fields. Quotes are as in RFC 4180; an unclosed one runs to the end. Empty lines are left out. */
export const parseCsv = (text: string): string[][] => {
  if (!text.includes('"')) return text.split(/\r\n|\n|\r/).flatMap((line) => (line === '' ? [] : [line.split(',')]))
  const lines: string[][] = []
  let line: string[] = []
  let at = 0
  while (at <= text.length) {
    const { field, end } = text[at] === '"' ? quotedField(text, at) : plainField(text, at)
    line.push(field)
    at = end + 1
    if (text[end] === ',') continue
    if (text[end] === '\r' && text[at] === '\n') at++
    if (line.length > 1 || line[0] !== '') lines.push(line)
    line = []
    if (at === text.length) break
  }
  return lines
}

/** A field without quotes ends before a comma or the line's end. */
const plainField = (text: string, start: number): { field: string; end: number } => {
  let end = start
  while (end < text.length && text[end] !== ',' && text[end] !== '\n' && text[end] !== '\r') end++
  return { field: text.slice(start, end), end }
}

/** A quoted field; what stands between its closing quote and the next comma belongs to it, as it must to something. */
const quotedField = (text: string, start: number): { field: string; end: number } => {
  const parts: string[] = []
  let from = start + 1
  for (;;) {
    const quote = text.indexOf('"', from)
    if (quote < 0) return { field: parts.join('') + text.slice(from), end: text.length }
    parts.push(text.slice(from, quote))
    if (text[quote + 1] !== '"') {
      const rest = plainField(text, quote + 1)
      return { field: parts.join('') + rest.field, end: rest.end }
    }
    parts.push('"')
    from = quote + 2
  }
}
