import type { PredictionRecord } from '../../../src/records/record.ts'
import type { StoredColumn, Target } from '../dialect.ts'
import type { TextEncoders } from '../rows.ts'
import { encode } from '../../../src/records/json.ts'
import type { Spelling } from './encoding.ts'
import { isArray } from './types.ts'
import { doubleText, tabField } from '../text.ts'

const asIs = (value: string): string => value

/** Values of one type as texts, and how an array of them is written where the column is one. */
type Literals = TextEncoders & { readonly array: (value: never) => string }

/** How a column's values are written. */
export const columnText =
  (texts: Literals) =>
  ({ type, storedAs }: StoredColumn): ((value: never) => string) =>
    type === 'json' && isArray(storedAs) ? texts.array : texts[type]

const elementIn =
  ({ text }: Spelling) =>
  (value: unknown): string => {
    if (value === null) return 'NULL'
    return typeof value === 'string' ? `"${text(value).replace(/["\\]/g, '\\$&')}"` : String(value)
  }

/** Values as fields of COPY's text format. */
export const fieldsIn = (spelling: Spelling): Literals => ({
  // https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
  array: (value: readonly unknown[]) => tabField(`{${value.map(elementIn(spelling)).join(',')}}`),
  text: (value: string) => tabField(spelling.text(value)),
  double: doubleText,
  bigint: String,
  integer: String,
  smallint: String,
  boolean: (value: boolean) => (value ? 't' : 'f'),
  timestamp: asIs,
  uuid: asIs,
  json: (value: unknown) => tabField(spelling.json(encode(value))),
})

/** Values as JSON, of which Postgres makes each column's type by its own input function: `"NaN"` is a double there. */
const literalsIn = ({ text, json }: Spelling): Literals => ({
  array: (value: unknown) => json(encode(value)),
  text: (value: string) => JSON.stringify(text(value)),
  double: (value: number) => (Number.isFinite(value) ? doubleText(value) : `"${value}"`),
  bigint: String,
  integer: String,
  smallint: String,
  boolean: String,
  timestamp: (value: string) => `"${value}"`,
  uuid: (value: string) => `"${value}"`,
  json: (value: unknown) => json(encode(value)),
})

/** A record as a JSON object with the members `c0`, `c1`, … */
export const jsonRows = ({ columns, rowOf }: Target, spelling: Spelling): ((record: PredictionRecord) => string) => {
  const texts = columns.map(columnText(literalsIn(spelling)))
  return (record) => {
    const row = rowOf(record)
    const members: string[] = []
    for (let i = 0; i < texts.length; i++) {
      const value = row[i]
      if (value !== null) members.push(`"c${i}":${texts[i]!(value as never)}`)
    }
    return `{${members.join(',')}}`
  }
}
