import type { Client } from 'pg'
import type { Target } from '../dialect.ts'
import { tableChanged } from '../errors.ts'
import type { Session } from '../session.ts'
import { TYPE } from './inspect.ts'

/** How many of the columns that are written to are there as they were when the table was looked at. */
const unchanged = ({ connection }: Session<Client>, { table, columns }: Target): string => {
  const known = columns.map(({ name, storedAs }) => connection.escapeLiteral(`${name} ${storedAs}`))
  return (
    `select count(*)::int as unchanged from pg_attribute a join pg_type t on t.oid = a.atttypid ` +
    `where a.attrelid = ${connection.escapeLiteral(table)}::regclass and a.attnum > 0 and not a.attisdropped ` +
    `and a.attname || ' ' || ${TYPE} = any (array[${known.join(', ')}]::text[])`
  )
}

/**
 * Whether the table is still the one that was looked at. Somebody may change it at any time, and Postgres rounds and cuts what goes into
 * a column of another type, without a word.
 */
export const createGuard = (session: Session<Client>, target: Target) => {
  const count = unchanged(session, target)
  const expected = target.columns.length
  return {
    /**
     * A statement that fails where the table has changed. It goes behind a write, in its transaction: no one can change a table that
     * a transaction has written to, and the failure takes the write back.
     */
    statement: `select 1 / (unchanged = ${expected})::int from (${count}) found`,
    /** Throws where the table has changed. */
    async expect(session: Session<Client>): Promise<void> {
      const [found] = await session.query(count)
      if (found?.['unchanged'] !== expected) throw tableChanged(target.table)
    },
  }
}
