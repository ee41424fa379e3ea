import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import type { Kind, PlannedColumn } from '../../../../src/report/answers.ts'
import { memberOf, secondsOf, valueAs } from '../../../../src/report/tally/json-members.ts'
import { quote } from './own.ts'
import type { Inspected } from './table.ts'

/** The values of columns in rows as they are read: what to select, and what a row's values are. */

export type Raw = SQLOutputValue[]

type Selected = Pick<PlannedColumn, 'name' | 'role' | 'kind' | 'member'>

/** The JSON columns of a table without a schema. */
const jsonColumns = { feature: 'features', output: 'outputs' } as const

export interface ColumnReader {
  /** Expressions to select, in order. */
  readonly selects: readonly string[]
  /** Fills in a row's values. `at` is where in the row the expressions begin. */
  read(raw: Raw, at: number, values: unknown[]): void
}

const selectOf = (column: string, kind: Kind, type: string): string => {
  if (kind === 'json') return `${column} is not null`
  if (kind === 'boolean') return `case ${column} when 1 then 'true' when 0 then 'false' end`
  // An integer past 2^53 is refused by the driver, and to a report it is a number as others.
  if (kind === 'number') return /int|num|dec/.test(type) ? `${column} + 0.0` : column
  return kind === 'category' && type.includes('int') ? `cast(${column} as text)` : column
}

const convert = (kind: Kind, value: unknown): unknown => {
  if (kind === 'time') return secondsOf(value)
  return kind === 'json' ? value || undefined : value
}

/** A label: what to select, and what it is. */
export const readLabel = (name: string, kind: Kind, isJson: boolean, type: string) => {
  const column = `a.${quote(name)}`
  if (isJson) return { select: column, read: (value: unknown) => valueAs(kind, parsed(value)) }
  return { select: selectOf(column, kind, type), read: (value: unknown) => convert(kind, value) }
}

export const parsed = (text: unknown): unknown => {
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text)
  } catch {
    // Somebody's own text: it has no members.
    return undefined
  }
}

export const readColumns = ({ types }: Pick<Inspected, 'types'>, columns: readonly Selected[]): ColumnReader => {
  const selects: string[] = []
  const sources = { feature: -1, output: -1 }
  const plain: { at: number; index: number; kind: Kind }[] = []
  const members: { at: number; source: 'feature' | 'output'; path: readonly string[]; kind: Kind }[] = []
  for (const [at, { name, role, kind, member }] of columns.entries()) {
    if (member) {
      if (sources[role] < 0) sources[role] = selects.push(`p.${quote(jsonColumns[role])}`) - 1
      members.push({ at, source: role, path: member, kind })
    } else plain.push({ at, kind, index: selects.push(selectOf(`p.${quote(name)}`, kind, types.get(name) ?? '')) - 1 })
  }
  const plainOnly = plain.filter(({ kind }) => kind !== 'time' && kind !== 'json')
  const converted = plain.filter(({ kind }) => kind === 'time' || kind === 'json')
  return {
    selects,
    read(raw, start, values) {
      for (let i = 0; i < plainOnly.length; i++) values[plainOnly[i]!.at] = raw[start + plainOnly[i]!.index]
      for (const { at, index, kind } of converted) values[at] = convert(kind, raw[start + index])
      if (members.length === 0) return
      const json = {
        feature: sources.feature < 0 ? undefined : parsed(raw[start + sources.feature]),
        output: sources.output < 0 ? undefined : parsed(raw[start + sources.output]),
      }
      for (const { at, source, path, kind } of members) values[at] = valueAs(kind, memberOf(json[source], path))
    },
  }
}

/** Rows as arrays. Integers past 2^53 are read as text by the expressions above. */
export const iterate = (database: DatabaseSync, sql: string, bindings: readonly SQLInputValue[]): Iterable<Raw> => {
  const statement = database.prepare(sql)
  statement.setReturnArrays(true)
  return statement.iterate(...bindings) as unknown as Iterable<Raw>
}
