import type { Column } from '../../src/schema/column.ts'
import { fitNames, foldName } from '../../src/schema/names.ts'
import { Misfit } from '../../src/schema/misfit.ts'
import { createRowMapper } from '../../src/schema/row.ts'
import type { Plan } from '../../src/sink.ts'
import type { ValueCheck } from '../../src/schema/fit.ts'
import { addColumns, createSchema, createTable, qualified } from './ddl.ts'
import type { Dialect, ExistingColumn, ExistingTable, StoredColumn, TableName, Target, UniqueKey } from './dialect.ts'
import { isOneOf, isOwn, type TableKind } from './kinds.ts'
import { makeRoom, nothing, type Occupied, type Room } from './room.ts'
import type { Session } from './session.ts'

/** What stands between a table and our columns, and the table as it will be without that. */
export interface Draft extends Plan {
  readonly target: Target
}

const mayBeNull = (column: Column, { optional }: TableKind): boolean =>
  column.source !== 'record' || isOneOf(column, optional)

/**
 * Compares the table with the columns. Nothing is changed: the statements say what is missing, the problems what is in the
 * way, with the SQL that a person may run.
 */
export const draftTable = async <Connection>(
  dialect: Dialect<Connection>,
  session: Session<Connection>,
  name: TableName,
  columns: readonly Column[],
  kind: TableKind,
): Promise<Draft> => {
  await dialect.learnNames?.(
    session,
    columns.map((column) => column.name),
  )
  const existing = await dialect.inspect(session, name)
  if (existing === undefined) return draftNew(dialect, session, name, columns, kind)
  const draft = draftExisting(dialect, session, name, columns, existing, kind)
  const rights = existing.isView ? [] : ((await dialect.missingRights?.(session, name, existing)) ?? [])
  return { ...draft, problems: [...draft.problems, ...rights] }
}

const fitAll = <Connection>(dialect: Dialect<Connection>, columns: readonly Column[], occupied: Occupied): Room => {
  const { kept, shared } = makeRoom(columns, dialect.limits, occupied)
  const fitted = fitNames([...kept, ...shared.map(({ column }) => column)], dialect.names.max, dialect.names)
  return {
    kept: fitted.slice(0, kept.length),
    shared: shared.map(({ members }, index) => ({ members, column: fitted[kept.length + index]! })),
  }
}

const draftNew = async <Connection>(
  dialect: Dialect<Connection>,
  session: Session<Connection>,
  name: TableName,
  columns: readonly Column[],
  kind: TableKind,
): Promise<Draft> => {
  const room = fitAll(dialect, columns, nothing)
  const stored = [...room.kept, ...room.shared.map(({ column }) => column)].map((column) => newColumn(dialect, column))
  const missesSchema =
    name.schema !== undefined && dialect.hasSchema && !(await dialect.hasSchema(session, name.schema))
  return {
    statements: [
      ...(missesSchema ? [createSchema(session, name.schema!)] : []),
      ...createTable(session, dialect, name, stored, kind),
    ],
    problems: [],
    notes: [],
    isNew: true,
    target: targetOf(qualified(session, name), stored, room, {
      name,
      key: stored.filter((column) => isOwn(column, 'id')).map((column) => column.name),
      keyIndex: undefined,
      otherKeys: false,
      transactional: true,
    }),
  }
}

const draftExisting = <Connection>(
  dialect: Dialect<Connection>,
  session: Session<Connection>,
  name: TableName,
  columns: readonly Column[],
  existing: ExistingTable,
  kind: TableKind,
): Draft => {
  const find = finder(dialect, existing)
  const room = fitAll(
    dialect,
    columns,
    occupiedBy(existing, dialect, (column) => find(column) !== undefined),
  )
  const wanted = [...room.kept, ...room.shared.map(({ column }) => column)]
  const stored: StoredColumn[] = []
  const missing: StoredColumn[] = []
  const problems: string[] = []
  const notes: string[] = []
  const leftOut = new Set<string>()
  const table = qualified(session, name)
  for (const column of wanted) {
    const there = find(column)
    const storedColumn = there ? asIs(dialect, there, column) : newColumn(dialect, column)
    stored.push(storedColumn)
    if (!there) missing.push(storedColumn)
    else if (isOneOf(column, kind.needed))
      problems.push(...problemsOf(dialect, session, table, existing, there, column, kind))
    else {
      notes.push(...notesOf(dialect, session, there, column, kind))
      // It is left out of what is written, as if it were none of ours.
      if (storedColumn.check === fitsNot) leftOut.add(there.name)
    }
  }
  const ours = new Set(stored.map((column) => column.name).filter((name) => !leftOut.has(name)))
  problems.push(...strangers(dialect, session, table, existing, ours))
  const key = keyOf(existing, stored, kind)
  const id = session.quote(stored.find((column) => isOwn(column, 'id'))?.name ?? 'id')
  const isReplaced = problems.some((problem) => problem.includes(`; ${dialect.remedies.unique(table, id)}`))
  if (!key && !isReplaced) problems.push(noKey(dialect, session, table, id, existing, stored, kind))
  return {
    statements: missing.length > 0 ? addColumns(session, name, missing) : [],
    problems: existing.isView ? [isView(table)] : withOneTable(problems, dialect.remedies.startsAnew),
    notes,
    target: targetOf(table, stored, room, {
      name,
      key: key?.columns ?? [],
      keyIndex: key?.name,
      otherKeys: existing.partlyUnique || existing.uniqueKeys.some((other) => other !== key),
      transactional: existing.transactional,
    }),
  }
}

const asIs = <Connection>(dialect: Dialect<Connection>, there: ExistingColumn, column: Column): StoredColumn => {
  const fit = dialect.fit(there, column)
  const check = typeof fit === 'function' ? fit : fit === 'none' || there.generated ? fitsNot : undefined
  const nearest = column.type === 'double' ? dialect.nearest?.(there) : undefined
  return { ...column, name: there.name, storedAs: there.type, charset: there.charset, check, nearest }
}

/** A column that a person made for something else: the values go to `extra`. */
const fitsNot: ValueCheck = () => false

const newColumn = <Connection>(dialect: Dialect<Connection>, column: Column): StoredColumn => {
  const type = dialect.typeOf(column)
  return asIs(dialect, { name: column.name, type, nullable: true, filled: false, generated: false }, column)
}

const ownTable = 'a table of its own, which PREDICTIONS_TABLE names, and over it a view of yours'

const isView = (table: string): string =>
  `${table} is a view, which can't be written to: name the table that it shows by PREDICTIONS_TABLE, or let capture have ${ownTable}`

/** An index of a partitioned table is unique only together with what it is partitioned by. */
const noKey = <Connection>(
  dialect: Dialect<Connection>,
  session: Session<Connection>,
  table: string,
  id: string,
  { partitionedBy }: ExistingTable,
  stored: readonly StoredColumn[],
  { key }: TableKind,
): string => {
  const problem = `column ${id} has no unique index, so a batch that is sent again would be there twice`
  const keys = new Set(stored.filter((column) => isOneOf(column, key)).map(({ name }) => name))
  if (!partitionedBy.every((name) => keys.has(name)))
    return `${problem}, and as the table is partitioned by ${partitionedBy.join(', ')} it can have none: let capture have ${ownTable}`
  const others = partitionedBy.map((name) => session.quote(name)).filter((name) => name !== id)
  return `${problem}: ${dialect.remedies.unique(table, [id, ...others].join(', '))}`
}

/** A new table in the old one's place is the end of all other problems: it is told alone. */
const withOneTable = (problems: readonly string[], startsAnew: RegExp | undefined): readonly string[] => {
  const anew = startsAnew && problems.find((problem) => startsAnew.test(problem))
  return anew === undefined ? problems : [anew]
}

/** What a person should know of a column that holds not all of the values. */
const notesOf = <Connection>(
  dialect: Dialect<Connection>,
  session: Session<Connection>,
  there: ExistingColumn,
  column: Column,
  kind: TableKind,
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

const articled = ({ kind }: TableKind): string => (kind === 'actual' ? 'an actual' : 'a prediction')

/** Finds a column of the table by its name, else by its name in another case: ours are unique in any. */
const finder = <Connection>(dialect: Dialect<Connection>, { columns }: ExistingTable) => {
  const exact = new Map(columns.map((column) => [column.name, column]))
  const folded = Map.groupBy(columns, ({ name }) => foldName(name))
  return ({ name }: Column): ExistingColumn | undefined => {
    const alike = folded.get(foldName(name)) ?? []
    return exact.get(name) ?? (dialect.foldsNames || alike.length === 1 ? alike[0] : undefined)
  }
}

const occupiedBy = <Connection>(
  { columns }: ExistingTable,
  { limits }: Dialect<Connection>,
  has: (column: Column) => boolean,
): Occupied => {
  // What a stranger's column takes is not known: as much as a text's.
  const width = limits.widthOf({ name: '', type: 'text', source: 'record', path: [] })
  return { columns: columns.length, rowBytes: columns.length * width, has }
}

/** What stands in the way of a column that a row can't do without. */
const problemsOf = <Connection>(
  dialect: Dialect<Connection>,
  session: Session<Connection>,
  table: string,
  existing: ExistingTable,
  there: ExistingColumn,
  column: Column,
  kind: TableKind,
): string[] => {
  const quoted = session.quote(there.name)
  const fix = () => replace(dialect, session, table, existing, there, column)
  if (there.generated) return [`column ${quoted} is generated, so nothing can be written to it: ${fix()}`]
  if (dialect.fit(there, column) === 'none')
    return [
      `column ${quoted} is ${there.type}, and has to hold ${column.type}, as ${dialect.typeOf(column)} does: ${fix()}`,
    ]
  if (!there.nullable && mayBeNull(column, kind))
    return [
      `column ${quoted} can't be null, and ${articled(kind)} may lack it: ${relax(dialect, session, table, existing, there)}`,
    ]
  return []
}

/** The column keeps its values under another name, as there is no way from most types to ours, and ours stands beside it. */
const replace = <Connection>(
  dialect: Dialect<Connection>,
  session: Session<Connection>,
  table: string,
  existing: ExistingTable,
  there: ExistingColumn,
  column: Column,
): string => {
  const quoted = session.quote(there.name)
  const old: ExistingColumn = { ...there, name: `${there.name}_old` }
  const hasToHaveValue = !there.nullable && !there.filled && !there.generated
  const relaxed = hasToHaveValue ? relax(dialect, session, table, existing, old, there.name) : undefined
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
  dialect: Dialect<Connection>,
  session: Session<Connection>,
  table: string,
  { uniqueKeys }: ExistingTable,
  column: ExistingColumn,
  name = column.name,
): string =>
  uniqueKeys.some(({ isPrimary, columns }) => isPrimary && columns.includes(name))
    ? `let capture have ${ownTable}`
    : dialect.remedies.relax(table, column, session.quote(column.name))

/** Columns that we know nothing of, and that have to have a value. */
const strangers = <Connection>(
  dialect: Dialect<Connection>,
  session: Session<Connection>,
  table: string,
  existing: ExistingTable,
  ours: ReadonlySet<string>,
): string[] =>
  existing.columns
    .filter((column) => !column.nullable && !column.filled && !column.generated && !ours.has(column.name))
    .map((column) => {
      const quoted = session.quote(column.name)
      return `column ${quoted} has to have a value, and there is none for it: ${relax(dialect, session, table, existing, column)}`
    })

/**
 * The unique index that a batch which comes again runs into: that of `id`, or one of `id` and `timestamp`, as partitioned tables
 * need it. A prediction's timestamp never changes.
 */
const keyOf = (
  { uniqueKeys }: ExistingTable,
  stored: readonly StoredColumn[],
  { key }: TableKind,
): UniqueKey | undefined => {
  const names = stored.filter((column) => isOneOf(column, key)).map(({ name }) => name)
  const id = stored.find((column) => isOwn(column, 'id'))?.name
  return uniqueKeys
    .filter(({ columns }) => columns.includes(id ?? '') && columns.every((column) => names.includes(column)))
    .sort((a, b) => a.columns.length - b.columns.length)[0]
}

/** Why a value is not stored as it is. */
const refusalOf = ({
  check,
  nearest,
  storedAs,
}: StoredColumn): ((value: unknown) => string | Misfit | undefined) | undefined => {
  if (!check && !nearest) return undefined
  const reason = `does not fit ${storedAs}`
  return (value) => {
    if (check && !check(value)) return reason
    const held = nearest ? nearest(value as number) : value
    return held === value || Number.isNaN(held) ? undefined : new Misfit(`rounded to ${storedAs}`, held)
  }
}

const targetOf = (
  table: string,
  stored: readonly StoredColumn[],
  room: Room,
  rest: Pick<Target, 'name' | 'key' | 'keyIndex' | 'otherKeys' | 'transactional'>,
): Target => {
  const members = room.shared.flatMap(({ members }) => members)
  const storedBy = new Map(room.kept.map((column, index) => [column, stored[index]!]))
  const mapped = [...room.kept, ...members]
  const mapper = createRowMapper(mapped, {
    accepts(column) {
      const stored = storedBy.get(column)
      return stored && refusalOf(stored)
    },
  })
  const kept = room.kept.length
  const full: Target['rowOf'] =
    members.length === 0
      ? mapper
      : (record) => {
          const values = mapper(record)
          const row = values.slice(0, kept)
          let at = kept
          for (const { members } of room.shared) {
            row.push(gather(members, values, at))
            at += members.length
          }
          return row
        }
  // Not even null can be written to a generated column, nor to one that must not be null and has a default.
  const columns = stored.filter(({ check }) => check !== fitsNot)
  if (columns.length === stored.length) return { table, columns, rowOf: full, ...rest }
  const places = columns.map((column) => stored.indexOf(column))
  return {
    table,
    columns,
    rowOf(record) {
      const row = full(record)
      return places.map((place) => row[place])
    },
    ...rest,
  }
}

/** The values of columns that share one, by name; null where there are none. */
const gather = (members: readonly Column[], values: readonly unknown[], at: number): object | null => {
  // Without a prototype: a feature may be called __proto__.
  let gathered: Record<string, unknown> | null = null
  for (let i = 0; i < members.length; i++) {
    const value = values[at + i]
    if (value !== null) (gathered ??= Object.create(null) as Record<string, unknown>)[members[i]!.name] = value
  }
  return gathered
}
