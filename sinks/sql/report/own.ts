import { GREATEST_WEIGHT, LEAST_WEIGHT } from '../../../src/report/usable.ts'
import type { ReportTable } from './columns.ts'
import type { ReportSource } from './source.ts'

/**
 * The record's own columns as expressions over rows `p`. In a table that somebody made they may have any type (a version that is a whole number, a
 * status that is a text): what can't be read as what it is for counts as missing.
 */

type OwnName = keyof ReportTable['own']

/** Undefined: the table has none. */
const columnOf = ({ table, words }: ReportSource, name: OwnName): string | undefined =>
  table.own[name] === undefined ? undefined : `p.${words.quote(table.own[name])}`

const typeOf = ({ table }: ReportSource, name: OwnName): string => table.types.get(table.own[name]!) ?? ''

const isText = (type: string): boolean => /char|text/.test(type) && !type.endsWith('[]')

export const idOf = (source: ReportSource): string => columnOf(source, 'id') ?? 'null'
export const idTypeOf = (source: ReportSource): string => typeOf(source, 'id')
export const timestampOf = (source: ReportSource): string => columnOf(source, 'timestamp') ?? 'null'

/** As text; a column of texts as it is, so that an index finds it. Undefined: the table has none. */
export const plainTextOf = (source: ReportSource, name: OwnName, alias = 'p'): string | undefined => {
  const { table, words } = source
  if (table.own[name] === undefined) return undefined
  const column = `${alias}.${words.quote(table.own[name])}`
  const type = typeOf(source, name)
  return isText(type) ? column : words.text(column, 'category', type)
}

/** As text, '' where there is none. */
const textOf = (source: ReportSource, name: OwnName): string => `coalesce(${plainTextOf(source, name) ?? "''"}, '')`

export const modelOf = (source: ReportSource): string => textOf(source, 'model')
export const versionOf = (source: ReportSource): string => textOf(source, 'model_version')

/** A column as a number, also where it is a text. Undefined: the table has none. */
export const numberOf = (source: ReportSource, name: OwnName): string | undefined => {
  const column = columnOf(source, name)
  if (column === undefined) return undefined
  return source.words.kindOf(typeOf(source, name)) === 'number' ? column : source.words.numberIn(column)
}

export const durationOf = (source: ReportSource): string => numberOf(source, 'duration_ms') ?? 'null'

const isWeight = ({ words: { double } }: ReportSource, value: string): string =>
  `(${value} = 0 or ${value} between ${double(LEAST_WEIGHT)} and ${double(GREATEST_WEIGHT)})`

/** A double: the squares of whole numbers might be too great for their type. */
export const weightOf = (source: ReportSource): string => {
  const value = numberOf(source, 'sample_weight')
  if (value === undefined) return '1'
  const type = typeOf(source, 'sample_weight')
  const double = source.words.kindOf(type) === 'number' ? source.words.number(value, 'number', type) : value
  return `case when ${isWeight(source, value)} then ${double} else 1 end`
}

/** Whether a row has a weight that is none, so that it counts once. */
export const isUnweighable = (source: ReportSource): string => {
  const value = numberOf(source, 'sample_weight')
  if (value === undefined) return '1 = 0'
  return `${columnOf(source, 'sample_weight')!} is not null and case when ${isWeight(source, value)} then 0 else 1 end = 1`
}

/** What holds JSON, as the functions of JSON take it: `tags`, `extra`. Undefined: the table has none that does. */
export const jsonOf = (source: ReportSource, name: OwnName): string | undefined => {
  const column = columnOf(source, name)
  return column === undefined ? undefined : source.words.json(column, typeOf(source, name))
}

/** What tells of a failure: a status of 400 or more; an error, where the status does not. */
export type Failures = Readonly<Record<'byStatus' | 'byError', boolean>>

/** Of a truth value or a number `false` and 0 tell of no error. */
const hasError = (source: ReportSource): string | undefined => {
  const column = columnOf(source, 'error')
  const type = typeOf(source, 'error')
  const kind = source.words.kindOf(type)
  if (column === undefined) return undefined
  if (kind === 'boolean') return `coalesce(${source.words.text(column, kind, type)}, '') = 'true'`
  return kind === 'number' ? `coalesce(${column}, 0) <> 0` : `${column} is not null`
}

const failureParts = (source: ReportSource) => {
  const status = numberOf(source, 'status')
  return { byStatus: status && `coalesce(${status}, 0) >= 400`, byError: hasError(source) }
}

/** How many rows failed by each: what `failedOf` needs to know. */
export const failureCounts = (source: ReportSource): string[] => {
  const { byStatus, byError } = failureParts(source)
  const count = (condition: string | undefined) =>
    condition === undefined ? '0' : `count(case when ${condition} then 1 end)`
  return [count(byStatus), count(byError && byStatus ? `${byError} and not ${byStatus}` : byError)]
}

/** 1 of a row that failed, else 0. What tells of no failure is not read: a column of long texts costs as much as all others. */
export const failedOf = (source: ReportSource, failures: Failures): string => {
  const all = failureParts(source)
  const parts = (['byStatus', 'byError'] as const).flatMap((name) => (failures[name] ? (all[name] ?? []) : []))
  return parts.length === 0 ? '0' : `case when ${parts.join(' or ')} then 1 else 0 end`
}
