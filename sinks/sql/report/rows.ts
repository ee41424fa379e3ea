import type { Kind, ReportPlan, PlannedColumn, Role, Window } from '../../../src/report/answers.ts'
import { HUGE } from '../../../src/report/usable.ts'
import { idOf, idTypeOf, jsonOf, plainTextOf, timestampOf, versionOf } from './own.ts'
import type { ReportSource } from './source.ts'
import type { Bindings } from './words.ts'

/** The rows of a window as expressions: what every question is asked over. */

/** The JSON columns of a table without a schema. */
export const jsonColumns: Readonly<Record<Role, string>> = { feature: 'features', output: 'outputs' }

interface ComparedIds {
  readonly ofRow: string
  readonly ofActual: string
  /** Of both. */
  readonly type: string
}

/** Of a row and of an actual `a` the prediction's id, each so that it can be compared with the other's. */
export const comparedIds = (source: ReportSource): ComparedIds => {
  const { words, actuals } = source
  const [type, typeOfActual] = [idTypeOf(source), actuals!.idType]
  return {
    ofRow: words.comparable(idOf(source), type, typeOfActual),
    ofActual: words.comparable(`a.${actuals!.own('prediction_id')}`, typeOfActual, type),
    type: type === typeOfActual ? type : '',
  }
}

export type Valued = Pick<PlannedColumn, 'name' | 'role' | 'kind' | 'member'> & { readonly unique?: boolean }

/** Whether it is one of the JSON columns of a table without a schema, whose members are columns. */
export const hasMembers = ({ name, role, kind }: Valued): boolean => kind === 'json' && name === jsonColumns[role]

/** The columns of features and outputs. */
export const columnsOf = ({ table }: ReportSource): Valued[] =>
  table.columns.map(({ name, role, kind }) => ({ name, role, kind: kind ?? 'category' }))

export const isNumeric = (kind: Kind): boolean => kind === 'number' || kind === 'time'

/** A column's value: a number, a text, or 1 where only that it is there counts. Null: missing. */
export const valueOf = (source: ReportSource, column: Valued, bindings: Bindings): string => {
  const { words, table } = source
  const { name, role, kind, member, unique } = column
  if (member) {
    const json = `p.${words.quote(jsonColumns[role])}`
    if (kind === 'json' || unique) return `case when ${words.hasMember(json, member, bindings)} then 1 end`
    return words.member(json, member, kind, bindings)
  }
  const quoted = `p.${words.quote(name)}`
  const type = table.types.get(name) ?? ''
  if (kind === 'json' || unique) return `case when ${quoted} is not null then 1 end`
  return isNumeric(kind) ? words.number(quoted, kind, type) : words.text(quoted, kind, type)
}

/** Whether a number of a type can be added up; undefined: it always can. */
export const usableTestOf = ({ words }: ReportSource, type: string, value: string): string | undefined =>
  words.hasUnusable(type) ? `${value} >= ${words.double(-HUGE)} and ${value} < ${words.double(HUGE)}` : undefined

export const usableTest = (source: ReportSource, { name, member }: Valued, value: string): string | undefined =>
  usableTestOf(source, member ? 'json' : (source.table.types.get(name) ?? ''), value)

/** A column's or a tag's value as text; '' where there is none. */
export const textOf = (source: ReportSource, name: string, bindings: Bindings): string => {
  const { words, table } = source
  const type = table.types.get(name)
  if (type === undefined) return `coalesce(${words.tag(jsonOf(source, 'tags') ?? 'null', name, bindings)}, '')`
  const kind = table.columns.find((column) => column.name === name)?.kind ?? words.kindOf(type) ?? 'category'
  return `coalesce(${words.text(`p.${words.quote(name)}`, kind, type)}, '')`
}

/** The least and the greatest id of some rows. */
export interface IdRange {
  readonly first: string
  readonly last: string
}

/** `table p where …`: with what the rows are joined with before the `where`. */
export type From = (join?: string) => string

/**
 * Which rows are looked at.
 * @param known what is known of them: the least and the greatest id (ids are in the order of their time, so an index of them finds the rows as well),
 * and whether there is a model to look for
 */
export const fromOf = (
  source: ReportSource,
  { model, where, reference }: Pick<ReportPlan, 'model' | 'where' | 'reference'>,
  window: Window,
  bindings: Bindings,
  known?: { readonly ids: IdRange | undefined; readonly isOneModel: boolean },
): From => {
  const { words, table } = source
  const timestamp = timestampOf(source)
  const parts = [
    `${timestamp} >= ${words.instant(window.since, bindings)}`,
    `${timestamp} < ${words.instant(window.until, bindings)}`,
  ]
  if (known?.ids)
    parts.push(`${idOf(source)} between ${bindings.bind(known.ids.first)} and ${bindings.bind(known.ids.last)}`)
  const ofModel = plainTextOf(source, 'model')
  if (model !== undefined && ofModel !== undefined && !known?.isOneModel)
    parts.push(`${ofModel} = ${bindings.bind(model)}`)
  if (reference?.version !== undefined && table.own.model_version !== undefined)
    parts.push(`${versionOf(source)} ${window === reference ? '=' : '<>'} ${bindings.bind(reference.version)}`)
  for (const { name, value } of where) parts.push(`${textOf(source, name, bindings)} = ${bindings.bind(value)}`)
  const condition = parts.join(' and ')
  return (join = '') => `${source.name} p${join} where ${condition}`
}
