import type { PredictionRecord } from '../../../src/record.ts'
import type { ColumnType } from '../../../src/schema/column.ts'
import { doubleText, jsonOf, spellUnstorable, tabField } from '../text.ts'
import type { Target } from '../dialect.ts'

type Text = (value: never) => string

const asIs = (value: string): string => value

/** Values as fields of COPY's text format. */
const fields: Readonly<Record<ColumnType, Text>> = {
  text: (value: string) => tabField(spellUnstorable(value)),
  double: doubleText,
  bigint: String,
  integer: String,
  smallint: String,
  boolean: (value: boolean) => (value ? 't' : 'f'),
  timestamp: asIs,
  uuid: asIs,
  json: (value: unknown) => tabField(jsonOf(value)),
}

/** Values as JSON, of which Postgres makes each column's type by its own input function: `"NaN"` is a double there. */
const literals: Readonly<Record<ColumnType, Text>> = {
  text: (value: string) => JSON.stringify(spellUnstorable(value)),
  double: (value: number) => (Number.isFinite(value) ? doubleText(value) : `"${value}"`),
  bigint: String,
  integer: String,
  smallint: String,
  boolean: String,
  timestamp: (value: string) => `"${value}"`,
  uuid: (value: string) => `"${value}"`,
  json: jsonOf,
}

/** A record's line of COPY's text format. */
export const copyLines = ({ columns, rowOf }: Target): ((record: PredictionRecord) => string) => {
  const texts = columns.map(({ type }) => fields[type])
  return (record) => {
    const row = rowOf(record)
    let line = ''
    for (let i = 0; i < texts.length; i++) {
      const value = row[i]
      if (i > 0) line += '\t'
      line += value === null ? '\\N' : texts[i]!(value as never)
    }
    return line + '\n'
  }
}

/** A record as a JSON object with the members `c0`, `c1`, … */
export const jsonRows = ({ columns, rowOf }: Target): ((record: PredictionRecord) => string) => {
  const texts = columns.map(({ type }) => literals[type])
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
