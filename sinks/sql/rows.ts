import type { PredictionRecord } from '../../src/records/record.ts'
import type { ColumnType } from '../../src/schema/column.ts'
import type { StoredColumn, Target } from './dialect.ts'

/** How values of each type are written as text. Never called with null. */
export type TextEncoders = Readonly<Record<ColumnType, (value: never) => string>>

/** A record as a line of tab-separated text, for COPY and LOAD DATA. */
export const tabLines = (
  { columns, rowOf }: Pick<Target, 'columns' | 'rowOf'>,
  textOf: (column: StoredColumn) => (value: never) => string,
): ((record: PredictionRecord) => string) => {
  const writers = columns.map(textOf)
  return (record) => {
    const row = rowOf(record)
    let line = ''
    for (let i = 0; i < writers.length; i++) {
      const value = row[i]
      if (i > 0) line += '\t'
      line += value === null ? '\\N' : writers[i]!(value as never)
    }
    return line + '\n'
  }
}
