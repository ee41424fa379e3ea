import type { Knex } from 'knex'
import type { PredictionRecord } from '../../src/records/record.ts'
import type { Column } from '../../src/schema/column.ts'
import type { NameLimits } from '../../src/schema/names.ts'
import type { Refusal } from '../../src/sink.ts'
import type { Fit, Nearest, ValueCheck } from '../../src/schema/fit.ts'
import type { Driver, Session } from './session.ts'

/** A table by the names that `PREDICTIONS_TABLE` gives: `table` or `schema.table`. */
export interface TableName {
  readonly schema: string | undefined
  readonly table: string
}

export const tableNameOf = (name: string): TableName => {
  const dot = name.indexOf('.')
  return dot < 0 ? { schema: undefined, table: name } : { schema: name.slice(0, dot), table: name.slice(dot + 1) }
}

export const nameText = ({ schema, table }: TableName): string => (schema === undefined ? table : `${schema}.${table}`)

/** A column as the database describes it. */
export interface ExistingColumn {
  readonly name: string
  /** The full type in the database's words, lower case: `character varying(36)`, `int(11) unsigned`. */
  readonly type: string
  readonly nullable: boolean
  /** It fills itself when an insert leaves it out: a default, an identity, or generated. */
  readonly filled: boolean
  /** It can't be written: generated always. */
  readonly generated: boolean
  /** The character set, where that limits what text can hold. */
  readonly charset?: string | undefined
  /** The values of an enum. */
  readonly labels?: readonly string[] | undefined
}

/** A unique index or primary key that covers all rows. */
export interface UniqueKey {
  readonly name: string
  readonly columns: readonly string[]
  readonly isPrimary: boolean
}

export interface ExistingTable {
  readonly columns: readonly ExistingColumn[]
  readonly uniqueKeys: readonly UniqueKey[]
  /** What it is, where that is no table: nothing can be written to it by our ways. */
  readonly isView: boolean
  /** A view's query in the database's words, where this user may see it. */
  readonly definition?: string | undefined
  /** The columns by which it is partitioned: an index is unique only with these. */
  readonly partitionedBy: readonly string[]
  /** Whether there are unique indexes of another kind: of a column's start, of an expression, of some rows. */
  readonly partlyUnique: boolean
  /** Whether a batch that fails in the middle can be rolled back. */
  readonly transactional: boolean
}

/** What a table can have. */
export interface Limits {
  readonly columns: number
  readonly rowBytes: number
  /** What a column takes of a row at most, beside what is stored elsewhere. */
  widthOf(column: Column): number
}

/** A column of the table that is written to. */
export interface StoredColumn extends Column {
  /** Its type in the database's words. */
  readonly storedAs: string
  /** What a value has to pass to be stored there. */
  readonly check: ValueCheck | undefined
  /** What it holds of a value that passes, where that may be another. */
  readonly nearest?: Nearest | undefined
  readonly charset?: string | undefined
}

/** The table that is written to, and what a record's row is there. */
export interface Target {
  /** Quoted, with its schema. */
  readonly table: string
  readonly columns: readonly StoredColumn[]
  readonly name: TableName
  /** Names of the columns whose unique index makes a record's row unique: `id`, or `id` and `timestamp`. */
  readonly key: readonly string[]
  /** The name of that index. */
  readonly keyIndex: string | undefined
  /** Whether other unique indexes than the key's may refuse rows. */
  readonly otherKeys: boolean
  readonly transactional: boolean
  /** The values of a record in the columns' order. */
  rowOf(record: PredictionRecord): readonly unknown[]
}

/**
 * Writes a batch. The connection is dropped when it throws anything but a refusal, and destroyed when the signal aborts: only
 * what would go on without a connection has to look at it.
 */
export type WriteBatch<Connection> = (
  session: Session<Connection>,
  records: readonly PredictionRecord[],
  signal: AbortSignal,
) => Promise<readonly Refusal[] | void>

/** SQL that a person may run, in answer to a problem. */
export interface Remedies {
  /** Lets a column be null. */
  relax(table: string, column: ExistingColumn, quoted: string): string
  /** What a remedy has in it that sets the whole table aside, so that a new one is made. */
  readonly startsAnew?: RegExp
  /** Makes `id` unique. */
  unique(table: string, id: string): string
}

/**
 * How a view finds its counts:
 * - joined: a group of all actuals, which a good planner leaves out where nobody asks for them;
 * - looked up: a subquery in the list of columns.
 */
export type Counts = 'joined' | 'looked up'

/** All that differs between the databases. */
export interface Dialect<Connection> extends Driver<Connection> {
  readonly names: { readonly max: number } & NameLimits
  readonly limits: Limits
  readonly remedies: Remedies
  /** Asks what of some names the database can't hold, as `names` then says. */
  learnNames?(session: Session<Connection>, names: readonly string[]): Promise<unknown>
  typeOf(column: Column): string
  fit(existing: ExistingColumn, column: Column): Fit
  /** What a column of doubles holds of those that fit, where it rounds. */
  nearest?(existing: ExistingColumn): Nearest | undefined
  inspect(session: Session<Connection>, table: TableName): Promise<ExistingTable | undefined>
  /** What the user may not do of what writing needs, each with its fix. */
  missingRights?(session: Session<Connection>, table: TableName, existing: ExistingTable): Promise<string[]>
  /** Whether names that differ by case only are the same. */
  readonly foldsNames: boolean
  /** What else a new table gets. */
  tableOptions?(table: Knex.CreateTableBuilder): void
  /** Indexes stand in the statement that makes the table: of several statements the first ones stay when a later one fails. */
  readonly inlineIndexes?: boolean
  /** What the view reads of an actual, where a new table's index by prediction holds that too; so many columns an index may have. */
  readonly viewIndex?: { readonly holds: (column: StoredColumn) => boolean; readonly columns: number }
  /** Where there are schemas. */
  hasSchema?(session: Session<Connection>, schema: string): Promise<boolean>
  /** Runs `work` while no other process does the same for this table. */
  alone<Result>(session: Session<Connection>, table: TableName, work: () => Promise<Result>): Promise<Result>
  /** Statements that make a view of a query, in place of the one that `isThere`. */
  replaceView(view: string, query: string, isThere: boolean): readonly string[]
  /** Ends what reading began, so that what comes next sees the tables as they are then. */
  endReading?(session: Session<Connection>): Promise<void>
  /** Runs work that must not wait for long until others let go of what it needs. */
  withoutWaiting<Result>(session: Session<Connection>, work: () => Promise<Result>): Promise<Result>
  /** Both as a `ViewDialect` has them. */
  readonly counts?: Counts
  readonly straightJoin?: string
  /** What stands in the query of a view that an earlier version made, and in no other: it is made anew. */
  readonly oldView?: RegExp
  /** A column in a form that no index is chosen for. */
  unindexed?(quoted: string): string
  /** A column in a form that can be compared with another, where the two types can't be compared as they are. */
  alike?(quoted: string, column: Pick<ExistingColumn, 'type'>, as: Pick<ExistingColumn, 'type'>): string
  /** What writes batches to the table, on this connection or a later one. */
  createWrite(session: Session<Connection>, target: Target): WriteBatch<Connection>
  /** What the user may not do of what skipping rows takes that are there already, with its fix. */
  rightsToSkip?(session: Session<Connection>, target: Target): Promise<readonly string[]>
  /** Whether the database refused what it was given, and would again. */
  isRefusal(error: unknown): boolean
  /** Whether a statement took longer than the server lets it. */
  isTimeout(error: unknown): boolean
  /** The URL's parameter that names the certificate of the server's authority; undefined: there is no TLS. */
  readonly authorityParameter?: string | undefined
  /** What helps against an error, in a few words or SQL. */
  fixFor(error: unknown): string | undefined
}
