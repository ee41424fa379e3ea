import type { ExistingColumn, ExistingTable, TableName } from '../dialect.ts'
import type { Row, Session } from '../session.ts'

const WHERE = 'where table_schema = coalesce(?, database()) and table_name = ?'

const COLUMNS = `
  select column_name as name, lower(column_type) as type, is_nullable = 'YES' as nullable, character_set_name as charset,
    column_default is not null or extra like '%auto_increment%' as filled,
    coalesce(generation_expression, '') <> '' as is_generated
  from information_schema.columns ${WHERE} order by ordinal_position`

/** An index of a column's start, or of an expression, covers no value in full. */
const UNIQUE_KEYS = `
  select index_name as name, column_name as part, sub_part as start
  from information_schema.statistics ${WHERE} and non_unique = 0 order by index_name, seq_in_index`

const ENGINE = `select engine as engine from information_schema.tables ${WHERE}`

const columnOf = ({ name, type, nullable, charset, filled, is_generated }: Row): ExistingColumn => ({
  name: name as string,
  type: type as string,
  nullable: Boolean(nullable),
  filled: Boolean(filled),
  generated: Boolean(is_generated),
  charset: (charset as string | null) ?? undefined,
})

const isWhole = (key: readonly Row[]): boolean => key.every(({ part, start }) => part !== null && start === null)

/** The table; undefined where there is none. */
export const inspect = async (
  session: Session<unknown>,
  { schema, table }: TableName,
): Promise<ExistingTable | undefined> => {
  const bindings = [schema ?? null, table]
  // MySQL reads its information_schema as of the transaction's first read, which may be before somebody made the table.
  await session.query('commit')
  const columns = await session.query(COLUMNS, bindings)
  if (columns.length === 0) return undefined
  const parts = await session.query(UNIQUE_KEYS, bindings)
  const keys = [...Map.groupBy(parts, ({ name }) => name).values()]
  const [found] = await session.query(ENGINE, bindings)
  return {
    columns: columns.map(columnOf),
    uniqueKeys: keys.filter(isWhole).map((key) => key.map(({ part }) => part as string)),
    partlyUnique: !keys.every(isWhole),
    transactional: String(found?.['engine']).toLowerCase() === 'innodb',
  }
}
