import type { ExistingColumn, ExistingTable } from '../dialect.ts'
import type { Session } from '../session.ts'

/** Domains are described by the type below them: their own checks refuse what they will. */
const COLUMNS = `
  select a.attname as name,
    case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) else format_type(a.atttypid, a.atttypmod) end as type,
    not a.attnotnull as nullable,
    a.atthasdef or a.attidentity <> '' as filled,
    a.attgenerated <> '' or a.attidentity = 'a' as generated
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped
  order by a.attnum`

const UNIQUE_KEYS = `
  select array_agg(a.attname::text) as columns
  from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey[0:i.indnkeyatts - 1])
  where i.indrelid = $1::oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
  group by i.indexrelid`

/** What `table`, a quoted name, is on the search path; undefined where there is none. */
export const inspect = async (session: Session<unknown>, table: string): Promise<ExistingTable | undefined> => {
  const [found] = await session.query('select to_regclass($1)::oid as oid', [table])
  if (!found || found['oid'] === null) return undefined
  const columns = await session.query(COLUMNS, [found['oid']])
  const uniqueKeys = await session.query(UNIQUE_KEYS, [found['oid']])
  return {
    columns: columns as unknown as ExistingColumn[],
    uniqueKeys: uniqueKeys.map(({ columns }) => columns as string[]),
    transactional: true,
  }
}
