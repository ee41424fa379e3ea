import { requirePeer } from '../../../../src/peer.ts'
import type { Store, StoreOptions } from '../../../../src/report/answers.ts'
import type { TableName } from '../../dialect.ts'
import { readingOf } from '../../report/reading.ts'
import { reportStore, type ReportStoreOptions } from '../../report/store.ts'
import type { ReadSession } from '../../report/words.ts'
import { MAX_NAME } from '../types.ts'
import { fixFor, isDenied, isTimeout } from '../errors.ts'
import { TYPE } from '../inspect.ts'
import { POSTGRES_SCHEMES } from '../url.ts'
import { openSession } from './session.ts'
import { words } from './words.ts'

const COLUMNS = `
  select a.attname::text, ${TYPE}
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relname = $1 and c.relkind in ('r', 'p', 'v', 'f', 'm')
      and n.nspname = any (case when $2::text is null then current_schemas(false) else array[$2::name] end)
    order by array_position(current_schemas(false), n.nspname) limit 1)
  and a.attnum > 0 and not a.attisdropped order by a.attnum`

const columnsOf = async (session: ReadSession, { schema, table }: TableName) => {
  const rows = await session.query({ sql: COLUMNS, values: [table, schema ?? null] })
  return rows.map(([name, type]) => ({ name: String(name), type: String(type) }))
}

/** How the tables of a URL are read. */
export const postgresReading = (options: StoreOptions): ReportStoreOptions => {
  const driver = requirePeer('pg')
  return readingOf(options, {
    schemes: POSTGRES_SCHEMES,
    words,
    maxName: MAX_NAME,
    async open() {
      const first = await openSession(driver, options.url)
      if (first.snapshot === '') return { sessions: [first] }
      return { sessions: [first, await openSession(driver, options.url, first.snapshot)] }
    },
    columnsOf,
    limit: "the server's statement_timeout",
    isTimeout,
    isDenied,
    fixFor,
    authorityParameter: 'sslrootcert',
  })
}

/** A PostgreSQL table, asked by SQL: on two connections at once, which see the same state. */
export const postgresStore = (options: StoreOptions): Store => reportStore(postgresReading(options))
