import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import type { Dialect, StoredColumn, TableName } from './dialect.ts'
import { isOwn, type TableKind } from './kinds.ts'
import type { Session } from './session.ts'

/** A table's name with its schema, quoted. */
export const qualified = ({ quote }: { quote(name: string): string }, { schema, table }: TableName): string =>
  schema === undefined ? quote(table) : `${quote(schema)}.${quote(table)}`

/** Schemas are called databases in MySQL, which takes either word. */
export const createSchema = <Connection>({ quote }: Session<Connection>, schema: string): string =>
  `create schema if not exists ${quote(schema)}`

/** Statements of Knex's schema builder, none of which has bindings. */
const statementsOf = (builder: Knex.SchemaBuilder): string[] =>
  (builder.toSQL() as unknown as { sql: string }[]).map(({ sql }) => sql)

const constraintOf = (column: StoredColumn): string => {
  if (isOwn(column, 'id')) return ' not null primary key'
  return isOwn(column, 'timestamp') ? ' not null' : ''
}

/** An index's name within the database's limit, unique to its table. */
const indexName = (table: string, suffix: string, max: number): string => {
  const name = `${table}_${suffix}_index`
  if (Buffer.byteLength(name) <= max) return name
  return `${createHash('sha256').update(table).digest('hex').slice(0, 12)}_${suffix}_index`
}

/**
 * Names reach Knex's builder quoted, as raw SQL: a plain string with a dot, ` as ` or brackets in it would be taken apart.
 */
const builderFor = <Connection>(session: Session<Connection>, name: TableName) => {
  const raw = (quoted: string) => session.knex.raw(quoted) as unknown as string
  return { table: raw(qualified(session, name)), raw: (column: string) => raw(session.quote(column)) }
}

/** Creates the table with its indexes. */
export const createTable = <Connection>(
  session: Session<Connection>,
  dialect: Dialect<Connection>,
  name: TableName,
  columns: readonly StoredColumn[],
  { indexes, viewIndex }: TableKind,
): string[] => {
  const { table, raw } = builderFor(session, name)
  const own = (member: string) => columns.find((column) => isOwn(column, member))!
  const indexed = (suffix: string, members: readonly string[]): readonly StoredColumn[] => {
    const { holds = () => false, columns: most = 0 } = (suffix === viewIndex && dialect.viewIndex) || {}
    return [...members.map(own), ...columns.filter(holds).slice(0, Math.max(0, most - members.length))]
  }
  return statementsOf(
    session.knex.schema.createTable(table, (builder) => {
      for (const column of columns) builder.specificType(raw(column.name), column.storedAs + constraintOf(column))
      dialect.tableOptions?.(builder)
      for (const [suffix, members] of Object.entries(indexes)) {
        const names = indexed(suffix, members).map(({ name }) => name)
        const index = indexName(name.table, suffix, dialect.names.max)
        if (dialect.inlineIndexes)
          builder.specificType(
            session.knex.raw(`index ${session.quote(index)}`) as unknown as string,
            `(${names.map(session.quote).join(', ')})`,
          )
        else builder.index(names.map(raw), index)
      }
    }),
  )
}

/** Adds columns to a table that is there. */
export const addColumns = <Connection>(
  session: Session<Connection>,
  name: TableName,
  columns: readonly StoredColumn[],
): string[] => {
  const { table, raw } = builderFor(session, name)
  return statementsOf(
    session.knex.schema.alterTable(table, (builder) => {
      for (const column of columns) builder.specificType(raw(column.name), column.storedAs)
    }),
  )
}
