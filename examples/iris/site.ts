import { readFile } from 'node:fs/promises'
import knex, { type Knex } from 'knex'
import { flowers, species } from './model.ts'

/** The page, read once. */
export const page = await readFile(new URL('page.html', import.meta.url), 'utf8')

/** What the page draws. */
export const dataset = { species, flowers }

const sink = process.env['PREDICTIONS_SINK'] ?? 'sqlite:./predictions.db'
const table = process.env['PREDICTIONS_TABLE'] ?? 'predictions'

/** A reader of its own, apart from capture: the rows as they are in the database. */
const openReader = async (): Promise<(limit: number) => Promise<unknown[]>> => {
  if (sink.startsWith('sqlite:')) {
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(sink.slice('sqlite:'.length), { readOnly: true })
    const latest = database.prepare(`SELECT * FROM "${table.replaceAll('"', '""')}" ORDER BY id DESC LIMIT ?`)
    return async (limit) => latest.all(limit)
  }
  const client = { postgres: 'pg', postgresql: 'pg', mysql: 'mysql2', mariadb: 'mysql2' }[sink.split(':')[0]!]
  if (client === undefined) return async () => []
  const database: Knex = knex({ client, connection: sink, pool: { min: 0, max: 1 } })
  closers.push(() => database.destroy())
  return async (limit) => database(table).orderBy('id', 'desc').limit(limit)
}

const closers: (() => Promise<void>)[] = []
let reader: ReturnType<typeof openReader> | undefined

/** The latest rows; none before the first prediction has made the table. */
export const latestRows = async (limit = 10): Promise<unknown[]> => {
  try {
    return await (
      await (reader ??= openReader())
    )(limit)
  } catch (error) {
    reader = undefined
    if (/no such table|does not exist|doesn't exist|unable to open/i.test((error as Error).message)) return []
    throw error
  }
}

export const closeSite = async (): Promise<void> => {
  for (const close of closers) await close()
}
