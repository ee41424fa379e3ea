import type { ExistingColumn, ExistingTable, TableName } from '../dialect.ts'
import type { ResultRow, Session } from '../session.ts'

const WHERE = 'where table_schema = coalesce(?, database()) and table_name = ?'

const COLUMNS = `
  select column_name as name, column_type as type, is_nullable = 'YES' as nullable, character_set_name as charset,
    column_default is not null or extra like '%auto_increment%' as filled,
    coalesce(generation_expression, '') <> '' as is_generated
  from information_schema.columns ${WHERE} order by ordinal_position`

/** An index of a column's start, or of an expression, covers no value in full. */
const UNIQUE_KEYS = `
  select index_name as name, column_name as part, sub_part as start
  from information_schema.statistics ${WHERE} and non_unique = 0 order by index_name, seq_in_index`

const TABLE = `select engine as engine, table_type as kind from information_schema.tables ${WHERE}`

/** Empty for a user who may not see it. */
const VIEW = `select view_definition as definition from information_schema.views ${WHERE}`

const PARTITIONS = `
  select distinct partition_expression as expression from information_schema.partitions ${WHERE} and partition_expression is not null`

/** `'it''s'` in an enum's type. */
const labelsOf = (type: string): string[] | undefined =>
  /^enum\(/i.test(type)
    ? [...type.matchAll(/'((?:[^']|'')*)'/g)].map(([, label]) => label!.replaceAll("''", "'"))
    : undefined

/** The columns that an expression names, as far as can be told: `year(`timestamp`)`. */
const namesWithin = (expression: string, columns: readonly ExistingColumn[]): string[] =>
  columns.map(({ name }) => name).filter((name) => expression.includes(`\`${name}\``))

const columnOf = ({ name, type, nullable, charset, filled, is_generated }: ResultRow): ExistingColumn => ({
  name: name as string,
  type: (type as string).toLowerCase(),
  nullable: Boolean(nullable),
  filled: Boolean(filled),
  generated: Boolean(is_generated),
  labels: labelsOf(type as string),
  charset: (charset as string | null) ?? undefined,
})

const hasWholeColumns = (key: readonly ResultRow[]): boolean =>
  key.every(({ part, start }) => part !== null && start === null)

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
  const described = columns.map(columnOf)
  const partitions = await session.query(PARTITIONS, bindings)
  const [found] = await session.query(TABLE, bindings)
  const isView = found?.['kind'] === 'VIEW'
  const [view] = isView ? await session.query(VIEW, bindings) : []
  return {
    columns: described,
    uniqueKeys: keys.filter(hasWholeColumns).map((key) => ({
      name: key[0]!['name'] as string,
      columns: key.map(({ part }) => part as string),
      isPrimary: key[0]!['name'] === 'PRIMARY',
    })),
    isView,
    definition: view?.['definition'] as string | undefined,
    partitionedBy: partitions.flatMap(({ expression }) => namesWithin(expression as string, described)),
    partlyUnique: !keys.every(hasWholeColumns),
    transactional: String(found?.['engine']).toLowerCase() === 'innodb',
  }
}
