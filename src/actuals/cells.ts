import { decode } from '../records/json.ts'
import type { Column, ColumnType } from '../schema/column.ts'

/** What a cell of a table of texts means; undefined: it is empty. */
export type ReadCell = (text: string) => unknown

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const LONG_INTEGER = /^[+-]?\d{16,1000}$/

/** What is no number stays a text: the table says so in `extra`. */
const number: ReadCell = (text) => {
  const trimmed = text.trim()
  if (LONG_INTEGER.test(trimmed)) return BigInt(trimmed)
  return NUMBER.test(trimmed) ? Number(trimmed) : text
}

const words: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  '1': true,
  '0': false,
  yes: true,
  no: false,
}

const boolean: ReadCell = (text) => {
  const word = text.trim().toLowerCase()
  return Object.hasOwn(words, word) ? words[word] : text
}

/** A column that may hold anything: `2` is the number, as in a JSON report, and what is no JSON a text. */
const jsonOrText: ReadCell = (text) => {
  try {
    return decode(text)
  } catch {
    return text
  }
}

const asIs: ReadCell = (text) => text

const byType: Readonly<Record<ColumnType, ReadCell>> = {
  text: asIs,
  uuid: asIs,
  timestamp: asIs,
  double: number,
  bigint: number,
  integer: number,
  smallint: number,
  boolean,
  json: jsonOrText,
}

const orEmpty =
  (read: ReadCell): ReadCell =>
  (text) =>
    text.trim() === '' ? undefined : read(text)

/** How the cells of a label are read, by the type of its column: then a report in CSV has the id of the same one in JSON. */
export const labelReader = (columns: readonly Column[], label: string): ReadCell => {
  const of = columns.filter(({ source, path }) => source === 'actuals' && path[0] === label)
  const [only] = of
  return orEmpty(of.length === 1 && only!.path.length === 1 ? byType[only!.type] : jsonOrText)
}

/** How the cells of a report's own members are read. */
export const memberReaders: Readonly<Record<string, ReadCell>> = {
  id: orEmpty((text) => text.trim()),
  request_id: orEmpty(asIs),
  instance: orEmpty(number),
  timestamp: orEmpty(asIs),
  source: orEmpty(asIs),
  retracted: orEmpty(boolean),
  tags: orEmpty(jsonOrText),
}
