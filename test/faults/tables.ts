import knex, { type Knex } from 'knex'
import { service } from '../setup/services.ts'
import { storedAs } from './reports.ts'
import type { Defer } from '../setup/scope.ts'

export type Database = 'postgres' | 'mysql' | 'mariadb'

export interface StoredRow {
  readonly id: string
  /** The number that the request carried. */
  readonly n: number
}

/** A table of a scenario's own in a real database, dropped with its actuals and their view when the scope ends. */
export interface Table {
  readonly name: string
  /** The database's URL. */
  readonly url: string
  readonly knex: Knex
  count(): Promise<number>
  rows(): Promise<readonly StoredRow[]>
  /** The actuals' rows, by `storedAs`. */
  actuals(): Promise<readonly StoredRow[]>
}

const clients = { postgres: 'pg', mysql: 'mysql2', mariadb: 'mysql2' } as const
const urls = { postgres: await service('postgres'), mysql: await service('mysql'), mariadb: await service('mariadb') }

export const has = (database: Database): boolean => urls[database] !== undefined

/** A URL with another port: the proxy's. */
export const through = (url: string, port: number): string => url.replace(/@[^/]*/, `@127.0.0.1:${port}`)

/** The port that a database listens on. */
export const portOf = (url: string): number => Number(new URL(url).port)

let tables = 0

/** Names a table; the service makes it, unless the scenario does. */
export const openTable = (defer: Defer, database: Database): Table => {
  const url = urls[database]
  if (url === undefined) throw new Error(`no ${database}`)
  const name = `faults_${process.pid}_${++tables}`
  const connection = knex({ client: clients[database], connection: url, pool: { min: 0, max: 2 } })
  const actuals = `${name}_actuals`
  defer(async () => {
    await connection.schema.dropViewIfExists(`${name}_labelled`)
    for (const table of [actuals, name]) await connection.schema.dropTableIfExists(table)
    await connection.destroy()
  })
  const exists = (table = name) => connection.schema.hasTable(table)
  return {
    name,
    url,
    knex: connection,
    async count() {
      if (!(await exists())) return 0
      const [row] = (await connection(name).count({ count: '*' })) as { count: number | string }[]
      return Number(row?.count)
    },
    async rows() {
      if (!(await exists())) return []
      const rows = (await connection(name).select('id', 'n')) as { id: string; n: number | string }[]
      return rows.map(({ id, n }) => ({ id, n: Number(n) }))
    },
    async actuals() {
      if (!(await exists(actuals))) return []
      const rows = (await connection(actuals).select('prediction_id', 'actual')) as {
        prediction_id: string
        actual: number | string
      }[]
      return rows.map(({ prediction_id: id, actual }) => ({ id: storedAs(id, Number(actual)), n: Number(actual) }))
    },
  }
}
