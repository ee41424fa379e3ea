import type { Kind, ReportPlan, PlannedColumn, Role, Window } from '../../../src/report/answers.ts'
import type { ReportTable } from './columns.ts'
import type { Bindings, Words } from './words.ts'

/** The rows of a window as expressions: what every question is asked over. */

export interface ReportSource {
  readonly words: Words
  /** The steps of a path that `words.members` gives. */
  readonly stepsOf: (path: unknown) => readonly string[]
  readonly table: ReportTable
  /** Quoted, with its schema. */
  readonly name: string
  /** Undefined: there is none. */
  readonly actuals: ActualsSource | undefined
}

export interface ActualsSource {
  readonly name: string
  /** One of an actual's own columns, quoted. */
  own(name: string): string
  /** Of `prediction_id`. */
  readonly idType: string
  /** Their types, by name. */
  readonly labels: ReadonlyMap<string, string>
}

/** The JSON columns of a table without a schema. */
export const jsonColumns: Readonly<Record<Role, string>> = { feature: 'features', output: 'outputs' }

const own = ({ table, words }: ReportSource, name: keyof ReportTable['own'], fallback: string): string =>
  table.own[name] === undefined ? fallback : `p.${words.quote(table.own[name])}`

export const idOf = (source: ReportSource): string => own(source, 'id', 'null')

/** Of a row and of an actual `a` the prediction's id, each so that it can be compared with the other's. */
export const comparedIds = (source: ReportSource): { readonly ofRow: string; readonly ofActual: string } => {
  const { words, table, actuals } = source
  const [type, typeOfActual] = [table.types.get(table.own.id!) ?? '', actuals?.idType ?? '']
  return {
    ofRow: words.comparable(idOf(source), type, typeOfActual),
    ofActual: words.comparable(`a.${actuals!.own('prediction_id')}`, typeOfActual, type),
  }
}

export const timestampOf = (source: ReportSource): string => own(source, 'timestamp', 'null')
export const versionOf = (source: ReportSource): string => `coalesce(${own(source, 'model_version', "''")}, '')`
export const weightOf = (source: ReportSource): string => `coalesce(${own(source, 'sample_weight', '1')}, 1)`
export const durationOf = (source: ReportSource): string => own(source, 'duration_ms', 'null')

/** An answer of status 400 or more, or an error. */
export const failedOf = (source: ReportSource): string => {
  const { own: names } = source.table
  const parts = [
    ...(names.status === undefined ? [] : [`coalesce(${own(source, 'status', '')}, 0) >= 400`]),
    ...(names.error === undefined ? [] : [`${own(source, 'error', '')} is not null`]),
  ]
  return parts.length === 0 ? '0' : `case when ${parts.join(' or ')} then 1 else 0 end`
}

export type Valued = Pick<PlannedColumn, 'name' | 'role' | 'kind' | 'member'> & { readonly unique?: boolean }

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

export const isFinite = ({ words, table }: ReportSource, { name, member }: Valued, value: string): string | undefined =>
  words.isFinite(value, member ? 'json' : (table.types.get(name) ?? ''))

/** A column's or a tag's value as text; '' where there is none. */
export const textOf = (source: ReportSource, name: string, bindings: Bindings): string => {
  const { words, table } = source
  const type = table.types.get(name)
  if (type === undefined) return `coalesce(${words.tag(own(source, 'tags', 'null'), name, bindings)}, '')`
  const kind = table.columns.find((column) => column.name === name)?.kind ?? words.kindOf(type) ?? 'category'
  return `coalesce(${words.text(`p.${words.quote(name)}`, kind, type)}, '')`
}

/** Which rows are looked at. */
export const conditionOf = (
  source: ReportSource,
  { model, where, reference }: Pick<ReportPlan, 'model' | 'where' | 'reference'>,
  window: Window,
  bindings: Bindings,
): string => {
  const { words, table } = source
  const timestamp = timestampOf(source)
  const parts = [
    `${timestamp} >= ${words.instant(window.since, bindings)}`,
    `${timestamp} < ${words.instant(window.until, bindings)}`,
  ]
  if (model !== undefined && table.own.model !== undefined)
    parts.push(`p.${words.quote(table.own.model)} = ${bindings.bind(model)}`)
  if (reference?.version !== undefined && table.own.model_version !== undefined)
    parts.push(`${versionOf(source)} ${window === reference ? '=' : '<>'} ${bindings.bind(reference.version)}`)
  for (const { name, value } of where) parts.push(`${textOf(source, name, bindings)} = ${bindings.bind(value)}`)
  return parts.join(' and ')
}
