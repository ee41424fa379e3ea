import type { Column } from '../../src/schema/column.ts'
import type { Dialect, ExistingColumn, ExistingTable, StoredColumn } from './dialect.ts'
import { isOneOf, isOwn, type TableKind } from './kinds.ts'
import type { Session } from './session.ts'

/** A table that is there, as its problems are told. */
export interface Seen<Connection> {
  readonly dialect: Dialect<Connection>
  readonly session: Session<Connection>
  /** Its name, quoted. */
  readonly table: string
  readonly existing: ExistingTable
  readonly kind: TableKind
}

const ownTable = 'a table of its own, which PREDICTIONS_TABLE names, and over it a view of yours'

const isView = (table: string): string =>
  `${table} is a view, which can't be written to: name the table that it shows by PREDICTIONS_TABLE, or let capture have ${ownTable}`

const articled = ({ kind }: TableKind): string => (kind === 'actual' ? 'an actual' : 'a prediction')

const mayBeNull = (column: Column, { optional }: TableKind): boolean =>
  column.source !== 'record' || isOneOf(column, optional)

/**
 * What is told of all that stands in the way: a view that it is one; and a new table in the old one's place, where there is no other
 * way, alone, as it is the end of all other problems.
 */
export const toldOf = <Connection>(
  { dialect, table, existing }: Seen<Connection>,
  problems: readonly string[],
): readonly string[] => {
  if (existing.isView) return [isView(table)]
  const { startsAnew } = dialect.remedies
  const anew = startsAnew && problems.find((problem) => startsAnew.test(problem))
  return anew === undefined ? problems : [anew]
}

/** What stands in the way of a column that a row can't do without. */
export const problemsOf = <Connection>(seen: Seen<Connection>, there: ExistingColumn, column: Column): string[] => {
  const { dialect, session, kind } = seen
  const quoted = session.quote(there.name)
  if (there.generated)
    return [`column ${quoted} is generated, so nothing can be written to it: ${replace(seen, there, column)}`]
  if (dialect.fit(there, column) === 'none')
    return [
      `column ${quoted} is ${there.type}, and has to hold ${column.type}, as ${dialect.typeOf(column)} does: ${replace(seen, there, column)}`,
    ]
  if (!there.nullable && mayBeNull(column, kind))
    return [`column ${quoted} can't be null, and ${articled(kind)} may lack it: ${relax(seen, there)}`]
  return []
}

/** What a person should know of a column that holds not all of the values. */
export const notesOf = <Connection>(
  { dialect, session, kind }: Seen<Connection>,
  there: ExistingColumn,
  column: Column,
): string[] => {
  const quoted = session.quote(there.name)
  const notes: string[] = []
  const fitsNone = there.generated || dialect.fit(there, column) === 'none'
  if (there.generated) notes.push(`column ${quoted} is generated: values for it go to extra`)
  else if (fitsNone) notes.push(`column ${quoted} is ${there.type}, which holds no ${column.type}: values go to extra`)
  if (!there.nullable && !fitsNone && mayBeNull(column, kind))
    notes.push(`column ${quoted} can't be null: ${articled(kind)} that has no value for it becomes a dead letter`)
  return notes
}

/** Columns that we know nothing of, and that have to have a value. */
export const strangersOf = <Connection>(seen: Seen<Connection>, ours: ReadonlySet<string>): string[] =>
  seen.existing.columns
    .filter((column) => !column.nullable && !column.filled && !column.generated && !ours.has(column.name))
    .map((column) => {
      const quoted = seen.session.quote(column.name)
      return `column ${quoted} has to have a value, and there is none for it: ${relax(seen, column)}`
    })

/**
 * That there is no key, unless a remedy among `problems` makes one. An index of a partitioned table is unique only together with what
 * it is partitioned by.
 */
export const noKey = <Connection>(
  { dialect, session, table, existing, kind }: Seen<Connection>,
  stored: readonly StoredColumn[],
  problems: readonly string[],
): string[] => {
  const id = session.quote(stored.find((column) => isOwn(column, 'id'))?.name ?? 'id')
  if (problems.some((problem) => problem.includes(`; ${dialect.remedies.unique(table, id)}`))) return []
  const problem = `column ${id} has no unique index, so a batch that is sent again would be there twice`
  const { partitionedBy } = existing
  const keys = new Set(stored.filter((column) => isOneOf(column, kind.key)).map(({ name }) => name))
  if (!partitionedBy.every((name) => keys.has(name)))
    return [
      `${problem}, and as the table is partitioned by ${partitionedBy.join(', ')} it can have none: let capture have ${ownTable}`,
    ]
  const others = partitionedBy.map((name) => session.quote(name)).filter((name) => name !== id)
  return [`${problem}: ${dialect.remedies.unique(table, [id, ...others].join(', '))}`]
}

/** The column keeps its values under another name, as there is no way from most types to ours, and ours stands beside it. */
const replace = <Connection>(seen: Seen<Connection>, there: ExistingColumn, column: Column): string => {
  const { dialect, session, table } = seen
  const quoted = session.quote(there.name)
  const old: ExistingColumn = { ...there, name: `${there.name}_old` }
  const hasToHaveValue = !there.nullable && !there.filled && !there.generated
  const relaxed = hasToHaveValue ? relax(seen, old, there.name) : undefined
  if (relaxed !== undefined && !/^alter table .* (alter|modify) column /.test(relaxed)) return relaxed
  return [
    `alter table ${table} rename column ${quoted} to ${session.quote(old.name)}`,
    ...(relaxed === undefined ? [] : [relaxed]),
    `alter table ${table} add ${quoted} ${dialect.typeOf(column)}`,
    ...(column.path[0] === 'id' ? [dialect.remedies.unique(table, quoted)] : []),
  ].join('; ')
}

/** Lets a column be null. A primary key's can't be. */
const relax = <Connection>(
  { dialect, session, table, existing }: Seen<Connection>,
  column: ExistingColumn,
  name = column.name,
): string =>
  existing.uniqueKeys.some(({ isPrimary, columns }) => isPrimary && columns.includes(name))
    ? `let capture have ${ownTable}`
    : dialect.remedies.relax(table, column, session.quote(column.name))
