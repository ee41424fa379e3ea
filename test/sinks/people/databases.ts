import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { mysql } from 'capture-predictions/sinks/mysql'
import { postgres } from 'capture-predictions/sinks/postgres'
import { sqlite } from 'capture-predictions/sinks/sqlite'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import type { Sink } from '../../../src/sink.ts'
import { service } from '../../setup/services.ts'

export type Row = Readonly<Record<string, unknown>>

/** A database in which a person makes tables, and what they do there. */
export interface Database {
  readonly kind: 'postgres' | 'mysql' | 'sqlite'
  run(sql: string): Promise<readonly Row[]>
  /** A sink to a table, as the owner or as a user of few rights. */
  sink(table: string, user?: string, parameters?: string): Sink
  /** The same table in variables, for the command. */
  variables(table: string): { readonly PREDICTIONS_SINK: string; readonly PREDICTIONS_TABLE: string }
  /** A user that may only insert into the table. */
  inserter?(table: string): Promise<string>
  /** A user that may store in tables, and make nothing. */
  writer?(tables: readonly string[]): Promise<string>
  close(): Promise<void>
}

const unique = (): string => randomBytes(6).toString('hex')

const postgresAt = async (url: string): Promise<Database> => {
  const schema = `people_${unique()}`
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`create schema ${schema}; set search_path to ${schema}`)
  const roles: string[] = []
  const userWith = async (rights: string, tables: readonly string[]): Promise<string> => {
    const role = `user_${unique()}`
    roles.push(role)
    await client.query(
      `create role ${role} login; grant usage on schema ${schema} to ${role}; grant ${rights} on ${tables.join(', ')} to ${role}`,
    )
    return role
  }
  return {
    kind: 'postgres',
    run: async (sql) => (await client.query<Row>(sql)).rows,
    sink(table, user, parameters = '') {
      const address = new URL(url)
      if (user) address.username = user
      address.search = parameters
      return postgres({ url: address.href, table: `${schema}.${table}` })
    },
    variables: (table) => ({ PREDICTIONS_SINK: url, PREDICTIONS_TABLE: `${schema}.${table}` }),
    inserter: (table) => userWith('insert', [table]),
    writer: (tables) => userWith('insert, select', tables),
    async close() {
      await client.query(`drop schema ${schema} cascade`)
      for (const role of roles) await client.query(`drop role ${role}`)
      await client.end()
    },
  }
}

const mysqlAt = async (url: string): Promise<Database> => {
  const name = `people_${unique()}`
  const client = await createConnection({ uri: url, multipleStatements: true })
  await client.query(`create database ${name}; use ${name}`)
  const users: string[] = []
  const userWith = async (rights: string, tables: readonly string[]): Promise<string> => {
    const user = `u_${unique()}`
    users.push(user)
    await client.query(`create user ${user}@'%' identified by '${user}'`)
    for (const table of tables) await client.query(`grant ${rights} on ${name}.${table} to ${user}@'%'`)
    return user
  }
  return {
    kind: 'mysql',
    run: async (sql) => (await client.query(sql))[0] as Row[],
    sink(table, user) {
      const address = new URL(url)
      if (user) {
        address.username = user
        address.password = user
      }
      address.pathname = `/${name}`
      return mysql({ url: address.href, table })
    },
    variables: (table) => ({ PREDICTIONS_SINK: url, PREDICTIONS_TABLE: `${name}.${table}` }),
    inserter: (table) => userWith('insert', [table]),
    writer: (tables) => userWith('insert, select, update', tables),
    async close() {
      await client.query(`drop database ${name}`)
      for (const user of users) await client.query(`drop user ${user}@'%'`)
      await client.end()
    },
  }
}

const sqliteHere = async (): Promise<Database> => {
  const folder = mkdtempSync(join(tmpdir(), 'people-'))
  const file = join(folder, 'people.db')
  const database = new DatabaseSync(file)
  database.exec('pragma journal_mode = wal; pragma busy_timeout = 5000')
  return {
    kind: 'sqlite',
    async run(sql) {
      if (/^(select|explain)/i.test(sql)) return database.prepare(sql).all() as Row[]
      database.exec(sql)
      return []
    },
    sink: (table) => sqlite({ url: `sqlite:${file}`, table }),
    variables: (table) => ({ PREDICTIONS_SINK: `sqlite:${file}`, PREDICTIONS_TABLE: table }),
    async close() {
      database.close()
      rmSync(folder, { recursive: true })
    },
  }
}

const at = (url: string | undefined, connect: (url: string) => Promise<Database>) =>
  url === undefined ? undefined : () => connect(url)

/** All that tests can have here; the same tests run on each. */
export const databases = (
  [
    { name: 'Postgres', kind: 'postgres', connect: at(await service('postgres'), postgresAt) },
    { name: 'Postgres 18', kind: 'postgres', connect: at(await service('postgres18'), postgresAt) },
    { name: 'MySQL', kind: 'mysql', connect: at(await service('mysql'), mysqlAt) },
    { name: 'MariaDB', kind: 'mysql', connect: at(await service('mariadb'), mysqlAt) },
    { name: 'SQLite', kind: 'sqlite', connect: sqliteHere },
  ] as const
).filter(({ connect }) => connect)
