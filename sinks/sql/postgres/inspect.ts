import type { ExistingColumn, ExistingTable, TableName, UniqueKey } from '../dialect.ts'
import type { Session } from '../session.ts'

/** A column's type in Postgres' words. Domains are described by the type below them. */
export const TYPE =
  "case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) else format_type(a.atttypid, a.atttypmod) end"

/** Domains' own checks refuse what they will. */
const COLUMNS = `
  select a.attname as name,
    ${TYPE} as type,
    not a.attnotnull as nullable,
    a.atthasdef or a.attidentity <> '' as filled,
    a.attgenerated <> '' or a.attidentity = 'a' as generated,
    (select array_agg(enumlabel::text order by enumsortorder) from pg_enum
      where enumtypid = case when t.typtype = 'd' then t.typbasetype else t.oid end) as labels
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped
  order by a.attnum`

const UNIQUE_KEYS = `
  select i.indexrelid::regclass::text as name, i.indisprimary as "isPrimary", array_agg(a.attname::text) as columns
  from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey[0:i.indnkeyatts - 1])
  where i.indrelid = $1::oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
  group by i.indexrelid, i.indisprimary`

/**
 * Not `to_regclass`: within a transaction it goes on saying that there is no such table, when another process has made it
 * since the first look.
 */
const TABLE = `
  select c.oid, c.relkind in ('v', 'm') as is_view,
    array(select a.attname::text from pg_partitioned_table p
      join pg_attribute a on a.attrelid = p.partrelid and a.attnum = any (p.partattrs::int2[]) where p.partrelid = c.oid) as partitioned_by
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relname = $1 and c.relkind in ('r', 'p', 'v', 'f', 'm')
    and n.nspname = any (case when $2::text is null then current_schemas(false) else array[$2::name] end)
  order by array_position(current_schemas(false), n.nspname) limit 1`

/** The table, by its schema or on the search path; undefined where there is none. */
export const inspect = async (
  session: Session<unknown>,
  { schema, table }: TableName,
): Promise<ExistingTable | undefined> => {
  const [found] = await session.query(TABLE, [table, schema ?? null])
  if (!found) return undefined
  const columns = await session.query(COLUMNS, [found['oid']])
  const uniqueKeys = await session.query(UNIQUE_KEYS, [found['oid']])
  return {
    columns: columns.map((column) => ({
      ...column,
      labels: column['labels'] ?? undefined,
    })) as unknown as ExistingColumn[],
    uniqueKeys: uniqueKeys as unknown as UniqueKey[],
    isView: Boolean(found['is_view']),
    partitionedBy: found['partitioned_by'] as string[],
    // Conflicts are told apart by the key's own columns.
    partlyUnique: false,
    transactional: true,
  }
}
