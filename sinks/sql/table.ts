import type { Column } from '../../src/schema/column.ts'
import { fitNames, foldName } from '../../src/schema/names.ts'
import type { Plan } from '../../src/sink.ts'
import { addColumns, createSchema, createTable, qualified } from './ddl.ts'
import type { Dialect, ExistingColumn, ExistingTable, StoredColumn, TableName, Target, UniqueKey } from './dialect.ts'
import { isOneOf, isOwn, type TableKind } from './kinds.ts'
import { noKey, notesOf, problemsOf, type Seen, strangersOf, toldOf } from './problems.ts'
import { makeRoom, noneOccupied, type Occupied, type Room } from './room.ts'
import type { Session } from './session.ts'
import { fitsNot, targetOf } from './target.ts'

/** What stands between a table and our columns, and the table as it will be without that. */
export interface Draft extends Plan {
  readonly target: Target
}

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
  const seen = { dialect, session, table: qualified(session, name), existing, kind }
  const draft = draftExisting(seen, name, columns)
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
  const room = fitAll(dialect, columns, noneOccupied)
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

const draftExisting = <Connection>(seen: Seen<Connection>, name: TableName, columns: readonly Column[]): Draft => {
  const { dialect, session, table, existing, kind } = seen
  const find = finder(dialect, existing)
  const room = fitAll(
    dialect,
    columns,
    occupiedBy(existing, dialect, (column) => find(column) !== undefined),
  )
  const stored: StoredColumn[] = []
  const missing: StoredColumn[] = []
  const problems: string[] = []
  const notes: string[] = []
  const leftOut = new Set<string>()
  for (const column of [...room.kept, ...room.shared.map((each) => each.column)]) {
    const there = find(column)
    const storedColumn = there ? asIs(dialect, there, column) : newColumn(dialect, column)
    stored.push(storedColumn)
    if (!there) missing.push(storedColumn)
    else if (isOneOf(column, kind.needed)) problems.push(...problemsOf(seen, there, column))
    else {
      notes.push(...notesOf(seen, there, column))
      // It is left out of what is written, as if it were none of ours.
      if (storedColumn.check === fitsNot) leftOut.add(there.name)
    }
  }
  const ours = new Set(stored.map((column) => column.name).filter((each) => !leftOut.has(each)))
  problems.push(...strangersOf(seen, ours))
  const key = keyOf(existing, stored, kind)
  if (!key) problems.push(...noKey(seen, stored, problems))
  return {
    statements: missing.length > 0 ? addColumns(session, name, missing) : [],
    problems: toldOf(seen, problems),
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

const newColumn = <Connection>(dialect: Dialect<Connection>, column: Column): StoredColumn => {
  const type = dialect.typeOf(column)
  return asIs(dialect, { name: column.name, type, nullable: true, filled: false, generated: false }, column)
}

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
