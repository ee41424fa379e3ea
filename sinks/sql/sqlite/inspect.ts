import type { ExistingColumn, ExistingTable, TableName } from '../dialect.ts'
import type { ResultRow, Session } from '../session.ts'

/** `hidden` is 2 and 3 for generated columns; an integer primary key is the row's own number. */
const columnOf = ({ name, type, notnull, dflt_value, pk, hidden }: ResultRow): ExistingColumn => ({
  name: name as string,
  type: (type as string).toLowerCase(),
  nullable: notnull === 0,
  filled: dflt_value !== null || (pk !== 0 && type === 'INTEGER'),
  generated: hidden === 2 || hidden === 3,
})

/** What a table's columns are, as text: it changes with them. */
export const COLUMNS = 'select * from pragma_table_xinfo(?)'

const UNIQUE_KEYS = `
  select list.name as name, list.origin as origin, info.name as part from pragma_index_list(?) list, pragma_index_info(list.name) info
  where list."unique" = 1 and list.partial = 0 order by list.seq, info.seqno`

/** The table; undefined where there is none. https://www.sqlite.org/pragma.html */
export const inspect = async (session: Session<unknown>, { table }: TableName): Promise<ExistingTable | undefined> => {
  const columns = await session.query(COLUMNS, [table])
  if (columns.length === 0) return undefined
  const parts = await session.query(UNIQUE_KEYS, [table])
  const [kind] = await session.query('select type, sql from sqlite_schema where lower(name) = lower(?)', [table])
  const keys = [...Map.groupBy(parts, ({ name }) => name).values()]
  return {
    columns: columns.map(columnOf),
    uniqueKeys: keys
      .filter((key) => key.every(({ part }) => part !== null))
      .map((key) => ({
        name: key[0]!['name'] as string,
        columns: key.map(({ part }) => part as string),
        isPrimary: key[0]!['origin'] === 'pk',
      })),
    isView: kind?.['type'] === 'view',
    definition: kind?.['type'] === 'view' ? (kind['sql'] as string) : undefined,
    partitionedBy: [],
    // Conflicts are told apart by the key's own columns.
    partlyUnique: false,
    transactional: true,
  }
}
