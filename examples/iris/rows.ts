import knex, { type Knex } from 'knex'

/** The rows as they are in the database, the latest first; and of the latest 10,000, of how many the truth is known. */
export interface Rows {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly score: { readonly known: number; readonly right: number }
}

/** The page asks twice a second: what it costs must not grow with the table. */
const SCORED = 10_000
const NONE: Rows = { rows: [], score: { known: 0, right: 0 } }

/** Builds statements, and runs them. */
interface Reader {
  readonly build: Knex
  all(query: Knex.QueryBuilder): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

/** Knex knows SQLite by another driver; what it builds runs on Node.js' own as well. */
const openSqlite = async (file: string): Promise<Reader> => {
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(file, { readOnly: true })
  return {
    build: knex({ client: 'better-sqlite3', useNullAsDefault: true }),
    async all(query) {
      const { sql, bindings } = query.toSQL().toNative()
      return database.prepare(sql).all(...(bindings as (string | number)[]))
    },
    async close() {
      database.close()
    },
  }
}

const openServer = (client: string, connection: string): Reader => {
  const build = knex({ client, connection, pool: { min: 0, max: 1 } })
  return { build, all: async (query) => (await query) as Record<string, unknown>[], close: () => build.destroy() }
}

const clients: Readonly<Record<string, string>> = {
  postgres: 'pg',
  postgresql: 'pg',
  mysql: 'mysql2',
  mariadb: 'mysql2',
}

const open = async (sink: string): Promise<Reader | undefined> => {
  if (sink.startsWith('sqlite:')) return openSqlite(sink.slice('sqlite:'.length))
  const client = clients[sink.split(':')[0]!]
  return client === undefined ? undefined : openServer(client, sink)
}

const isMissing = (error: unknown): boolean =>
  /no such table|does not exist|doesn't exist|unable to open/i.test((error as Error).message)

/**
 * A reader of its own, apart from capture.
 * @param table the predictions' table; the view beside it has their actuals
 */
export const createRowReader = (sink: string, table: string, limit = 10) => {
  let opened: Promise<Reader | undefined> | undefined
  const view = `${table}_labelled`

  const newest = ({ build, all }: Reader, source: string) => all(build(source).orderBy('id', 'desc').limit(limit))

  const readView = async (reader: Reader): Promise<Rows> => {
    const { build, all } = reader
    const rows = await newest(reader, view)
    const right = build.raw('sum(case when ?? = ?? then 1 else 0 end) as ??', ['prediction', 'actual', 'hits'])
    const scored = build(view).select('prediction', 'actual').orderBy('id', 'desc').limit(SCORED).as('latest')
    const [counts] = await all(build(scored).count('actual as known').select(right).whereNotNull('actual'))
    return { rows, score: { known: Number(counts!['known']), right: Number(counts!['hits']) } }
  }

  /** A user who may not make views has the predictions alone. */
  const read = (reader: Reader): Promise<Rows> =>
    readView(reader).catch(async (error: unknown) => {
      if (!isMissing(error)) throw error
      return { ...NONE, rows: await newest(reader, table) }
    })

  return {
    /** None before the server has made the table. */
    async latest(): Promise<Rows> {
      try {
        const reader = await (opened ??= open(sink))
        return reader === undefined ? NONE : await read(reader)
      } catch (error) {
        if (!isMissing(error)) throw error
        await this.close().catch(() => {})
        return NONE
      }
    },
    async close(): Promise<void> {
      const closing = opened
      opened = undefined
      await (await closing)?.close()
    },
  }
}
