import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { PredictionsError } from '../../../../src/errors/errors.ts'
import type { Kind, ReportPlan, SurveyQuestion, Window } from '../../../../src/report/answers.ts'
import { labelsIn } from '../../actuals/columns.ts'
import { expectNames, noTimes, reportTable, type ReportTable } from '../../report/columns.ts'
import type { SqliteTables } from '../address.ts'
import { tableColumnsOf } from '../read.ts'
import { jsonOf, plainTextOf, quote } from './own.ts'

const textOf = (value: string): string => `'${value.replaceAll("'", "''")}'`

/** https://www.sqlite.org/datatype3.html#determination_of_column_affinity. Of text only the values tell what it holds. */
const kindOf = (type: string): Kind | undefined => {
  if (type.includes('bool')) return 'boolean'
  if (/char|clob|text|json|date|time/.test(type)) return undefined
  return /int|real|floa|doub|num|dec/.test(type) ? 'number' : undefined
}

export interface Inspected extends ReportTable {
  readonly database: DatabaseSync
  readonly table: string
  readonly actualsTable: string
  /** Types of the labels, by name; undefined: there is no table of actuals. */
  readonly labels: ReadonlyMap<string, string> | undefined
  /** Whether there are actuals that name a request and no prediction. */
  readonly byRequest: boolean
  /** Whether times are texts as capture writes them, as far as the least and the greatest tell, whose order is that of the times: somebody's own may be `2026-11-01 12:00:00`. */
  readonly hasOwnTimes: boolean
  /** False of a view, and of a table made `without rowid`. */
  readonly hasRowid: boolean
}

const hasRowid = (database: DatabaseSync, table: string): boolean =>
  database
    .prepare("select 1 from pragma_table_list(?) where schema = 'main' and type <> 'view' and wr = 0")
    .get(table) !== undefined

/** A whole number of a row, the same at each run: where rows have none, of its time and of the end of its id. */
export const rowNumber = ({ hasRowid, own }: Inspected): string => {
  if (hasRowid) return 'p.rowid'
  const letters = [1, 2, 3, 4].map(
    (place) => `coalesce(unicode(substr(p.${quote(own.id!)}, -${place}, 1)), 0) * ${7919 ** place % 1_000_003}`,
  )
  return `(cast(unixepoch(p.${quote(own.timestamp!)}, 'subsec') * 1000 as integer) + ${letters.join(' + ')} & ${2 ** 30 - 1})`
}

const OWN_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

/**
 * Looks at the least and the greatest time: each alone, so that an index finds it. Numbers are less than texts.
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: they are numbers
 */
const areOwnTimes = (database: DatabaseSync, table: string, timestamp: string): boolean =>
  ['min', 'max'].every((end) => {
    const value = `${end}(${quote(timestamp)})`
    const sql = `select typeof(${value}) as type, cast(${value} as text) as text from ${quote(table)}`
    const { type, text } = database.prepare(sql).get() as { type: string; text: string | null }
    if (text === null) return true
    if (type !== 'text') throw noTimes(table, 'a number', 'write it as a text, 2026-11-01T12:00:00.000Z')
    return OWN_TIME.test(text)
  })

const hasActualsByRequest = (database: DatabaseSync, actualsTable: string): boolean =>
  database
    .prepare(`select 1 from ${quote(actualsTable)} where prediction_id is null and request_id is not null limit 1`)
    .get() !== undefined

export const inspectTable = (
  database: DatabaseSync,
  { file, table, actualsTable }: SqliteTables,
  schema: SurveyQuestion['columns'],
): Inspected => {
  const columns = tableColumnsOf(database, table)
  if (columns.length === 0)
    throw new PredictionsError(
      'PREDICTIONS_BAD_CONFIGURATION',
      `${file} has no table ${JSON.stringify(table)}: name it by --table or PREDICTIONS_TABLE`,
    )
  const actuals = tableColumnsOf(database, actualsTable)
  const inspected = reportTable(table, columns, schema, kindOf)
  return {
    ...inspected,
    database,
    table,
    actualsTable,
    labels: actuals.length === 0 ? undefined : new Map(labelsIn(actuals).map(({ name, type }) => [name, type])),
    hasOwnTimes: areOwnTimes(database, table, inspected.own.timestamp!),
    hasRowid: hasRowid(database, table),
    byRequest:
      actuals.length > 0 && inspected.own.request_id !== undefined && hasActualsByRequest(database, actualsTable),
  }
}

/** A column's or a tag's value as text; '' where there is none. */
export const valueText = ({ own, names, types, columns }: ReportTable, name: string): string => {
  if (!names.includes(name))
    return `coalesce(cast(${jsonOf({ own }, 'tags')} ->> ${textOf(`$.${JSON.stringify(name)}`)} as text), '')`
  const type = types.get(name) ?? ''
  const column = `p.${quote(name)}`
  const kind = columns.find((each) => each.name === name)?.kind ?? kindOf(type)
  return kind === 'boolean'
    ? `case ${column} when 1 then 'true' when 0 then 'false' else '' end`
    : `coalesce(cast(${column} as text), '')`
}

const DAY = 86_400_000

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

export interface Condition {
  readonly sql: string
  readonly bindings: readonly SQLInputValue[]
}

/** Rows of a window that the report is about. */
export const conditionOf = (
  table: Pick<Inspected, keyof ReportTable | 'hasOwnTimes'>,
  { model, where, reference }: Pick<ReportPlan, 'model' | 'where' | 'reference'>,
  window: Window,
): Condition => {
  const { own } = table
  const timestamp = `p.${quote(own.timestamp!)}`
  const { since, until } = window
  const parts = [`${timestamp} >= ?`, `${timestamp} < ?`]
  const bindings: SQLInputValue[] = table.hasOwnTimes
    ? [since.toISOString(), until.toISOString()]
    : // An index finds the days, with a day more for those of another time zone; what a text says is compared.
      [dayOf(since.getTime() - DAY), dayOf(until.getTime() + 2 * DAY)]
  if (!table.hasOwnTimes) {
    parts.push(`unixepoch(${timestamp}, 'subsec') >= ?`, `unixepoch(${timestamp}, 'subsec') < ?`)
    bindings.push(since.getTime() / 1000, until.getTime() / 1000)
  }
  const and = (sql: string, value: SQLInputValue) => {
    parts.push(sql)
    bindings.push(value)
  }
  const plain = (name: 'model' | 'model_version') => plainTextOf(table, name)
  if (model !== undefined && own.model !== undefined) and(`${plain('model')} = ?`, model)
  if (reference?.version !== undefined && own.model_version !== undefined)
    and(`${plain('model_version')} ${window === reference ? 'is' : 'is not'} ?`, reference.version)
  for (const { name, value } of where) and(`${valueText(table, name)} = ?`, value)
  return { sql: parts.join(' and '), bindings }
}

/** Tags that rows have, by a sample of them. */
const tagNames = ({ database, own, table, hasRowid }: Inspected): string[] => {
  if (own.tags === undefined) return []
  const tags = quote(own.tags)
  const sql = `select distinct key from (select ${tags} as tags from ${quote(table)} where json_valid(${tags}) order by ${hasRowid ? 'rowid' : quote(own.timestamp!)} desc limit 10000), json_each(tags)`
  return (database.prepare(sql).all() as { key: string }[]).map(({ key }) => key)
}

export const expectKnownNames = (inspected: Inspected, { where, by }: Pick<SurveyQuestion, 'where' | 'by'>): void => {
  const given = [...where.map(({ name }) => name), ...by]
  if (given.every((name) => inspected.names.includes(name))) return
  const tags = tagNames(inspected)
  expectNames(
    '--where',
    where.map(({ name }) => name),
    inspected.names,
    tags,
  )
  expectNames('--by', by, inspected.names, tags)
}
