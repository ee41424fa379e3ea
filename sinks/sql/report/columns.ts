import { PredictionsError } from '../../../src/errors/errors.ts'
import { didYouMean } from '../../../src/config/nearest.ts'
import type { Kind, Role } from '../../../src/report/answers.ts'
import type { Column, ColumnType } from '../../../src/schema/column.ts'

/** A column as the database describes it. */
export interface TableColumn {
  readonly name: string
  /** In the database's words, lower case. */
  readonly type: string
}

/** The record's own columns that a report reads; a table that somebody made may lack most. */
const OWN = [
  'id',
  'timestamp',
  'model',
  'model_version',
  'request_id',
  'instance',
  'status',
  'duration_ms',
  'error',
  'sample_weight',
  'tags',
  'extra',
] as const

export type OwnName = (typeof OWN)[number]

/** A column of features or outputs, before anything is known of its values. */
export interface ReportColumn {
  readonly name: string
  readonly role: Role
  /** Undefined: only its values can tell. */
  readonly kind: Kind | undefined
  readonly type: string
}

export interface ReportTable {
  /** The names of the record's own columns as the table has them. */
  readonly own: Readonly<Partial<Record<OwnName, string>>>
  /** Their types, by name. */
  readonly types: ReadonlyMap<string, string>
  readonly columns: readonly ReportColumn[]
  /** All names, for what a person may mean. */
  readonly names: readonly string[]
}

export const kindOfType: Readonly<Record<ColumnType, Kind>> = {
  text: 'category',
  uuid: 'category',
  double: 'number',
  bigint: 'number',
  integer: 'number',
  smallint: 'number',
  boolean: 'boolean',
  timestamp: 'time',
  json: 'json',
}

/** Outputs by their name, in a table that no schema explains. */
const OUTPUT = /^(output_.*|outputs|prediction|predicted|confidence|probability|proba|score|certainty)$/

/** From the first output on all are outputs: capture writes them in that order. */
const rolesOf = (columns: readonly TableColumn[], schema: ReadonlyMap<string, Column>): Role[] => {
  let role: Role = 'feature'
  return columns.map(({ name }) => {
    const known = schema.get(name)
    if (known) return known.source === 'outputs' ? 'output' : 'feature'
    if (OUTPUT.test(name)) role = 'output'
    return role
  })
}

export const noTimes = (table: string, type: string, remedy: string): PredictionsError =>
  new PredictionsError(
    'PREDICTIONS_BAD_CONFIGURATION',
    `the column "timestamp" of ${table} is ${type}, and a report needs times: ${remedy}`,
  )

/**
 * What a table has that a report reads.
 * @param kindOf what a type of the database's holds; undefined: only the values can tell
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: it is no table of predictions
 */
export const reportTable = (
  table: string,
  existing: readonly TableColumn[],
  schema: readonly Column[],
  kindOf: (type: string) => Kind | undefined,
): ReportTable => {
  const byName = new Map(existing.map((column) => [column.name.toLowerCase(), column.name]))
  const own = Object.fromEntries(OWN.flatMap((name) => (byName.has(name) ? [[name, byName.get(name)!]] : [])))
  const missing = (['id', 'timestamp'] as const).find((name) => !(name in own))
  if (missing)
    throw new PredictionsError(
      'PREDICTIONS_BAD_CONFIGURATION',
      `${table} is no table of predictions: it has no column ${JSON.stringify(missing)}; name the table by --table or PREDICTIONS_TABLE`,
    )
  if (byName.has('prediction_id') && byName.has('reported_at'))
    throw new PredictionsError(
      'PREDICTIONS_BAD_CONFIGURATION',
      `${table} is a table of actuals: name that of the predictions by --table or PREDICTIONS_TABLE`,
    )
  const known = new Map(schema.filter(({ source }) => source !== 'record').map((column) => [column.name, column]))
  const rest = existing.filter(({ name }) => !(OWN as readonly string[]).includes(name.toLowerCase()))
  const roles = rolesOf(rest, known)
  const types = new Map(existing.map(({ name, type }) => [name, type]))
  const columns = rest.map(({ name, type }, index) => {
    const planned = known.get(name)
    const stored = kindOf(type)
    // What a boolean or a time is stored as says less than the schema.
    const kind = planned && (stored === undefined || stored === 'number') ? kindOfType[planned.type] : stored
    return { name, role: roles[index]!, type, kind }
  })
  return { own, types, columns, names: existing.map(({ name }) => name) }
}

/** @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: what `--by` or `--where` names is neither a column nor a tag */
export const expectNames = (
  option: string,
  given: readonly string[],
  columns: readonly string[],
  tags: readonly string[],
): void => {
  const names = [...columns, ...tags]
  for (const name of given) {
    if (names.includes(name)) continue
    const hint = didYouMean(name, names) || `; there are ${names.join(', ')}`
    throw new PredictionsError(
      'PREDICTIONS_BAD_CONFIGURATION',
      `${option} names ${JSON.stringify(name)}, which is neither a column nor a tag${hint}`,
    )
  }
}
