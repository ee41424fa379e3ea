import { GREATEST_WEIGHT, LEAST_WEIGHT } from '../../../../src/report/usable.ts'
import type { ReportTable } from '../../report/columns.ts'

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** The record's own columns as expressions over rows `p`. A column may hold anything: what can't be read as what it is for counts as missing. */

type Own = Pick<ReportTable, 'own'>
type OwnName = keyof ReportTable['own']

export const columnOf = ({ own }: Own, name: OwnName): string =>
  own[name] === undefined ? 'null' : `p.${quote(own[name])}`

/** As text; a column of texts as it is, so that an index finds it. */
export const plainTextOf = (table: Pick<ReportTable, 'own' | 'types'>, name: OwnName): string => {
  const isText = /char|clob|text/.test(table.types.get(table.own[name]!) ?? '')
  return isText ? columnOf(table, name) : `cast(${columnOf(table, name)} as text)`
}

/** As text, '' where there is none. */
export const textOf = (table: Own, name: OwnName): string => `coalesce(cast(${columnOf(table, name)} as text), '')`

/** As a number, also where it is a text: an integer past 2^53 is refused by the driver, and to a report it is a number as others. */
export const numberOf = (table: Own, name: OwnName): string => {
  const column = columnOf(table, name)
  if (column === 'null') return column
  return `case typeof(${column}) when 'real' then ${column} when 'integer' then ${column} + 0.0 when 'text' then case when ${column} glob '[0-9]*' and ${column} not glob '*[^-+0-9.eE]*' then cast(${column} as real) end end`
}

const isWeight = (value: string): string => `${value} = 0 or ${value} between ${LEAST_WEIGHT} and ${GREATEST_WEIGHT}`

export const weightOf = (table: Own): string => {
  const value = numberOf(table, 'sample_weight')
  return value === 'null' ? '1.0' : `case when ${isWeight(value)} then ${value} else 1.0 end`
}

/** Whether a row has a weight that is none, so that it counts once. */
export const isUnweighable = (table: Own): string => {
  const value = numberOf(table, 'sample_weight')
  return value === 'null'
    ? '0'
    : `${columnOf(table, 'sample_weight')} is not null and not coalesce(${isWeight(value)}, 0)`
}

/** 1 of a row that failed, else 0. Of a number 0 tells of no error. */
export const failedOf = (table: Own): string => {
  const error = columnOf(table, 'error')
  const hasError =
    error === 'null' ? '0' : `case typeof(${error}) when 'null' then 0 when 'integer' then ${error} <> 0 else 1 end`
  return `coalesce(${numberOf(table, 'status')} >= 400, 0) or ${hasError}`
}

/** As JSON that is well formed. */
export const jsonOf = (table: Own, name: OwnName): string => {
  const column = columnOf(table, name)
  return column === 'null' ? column : `case when json_valid(${column}) then ${column} end`
}
