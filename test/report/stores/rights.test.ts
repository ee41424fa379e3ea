import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mysql } from 'capture-predictions/sinks/mysql'
import { postgres } from 'capture-predictions/sinks/postgres'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Report } from '../../../src/report/result.ts'
import type { Sink } from '../../../src/sink.ts'
import { main, runHere } from '../../cli/support.ts'
import { service } from '../../setup/services.ts'
import { write } from './contract.ts'
import { makeRows, schema } from './rows.ts'

/** Who may read what, and for how long: each user asks by the command. */

interface Server {
  run(sql: string): Promise<unknown>
  /** The schema or database that holds the tables. */
  readonly place: string
  readonly makePlace: string
  makeUser(name: string): string
  /** A table whose rows take 10 milliseconds each. */
  readonly slow: string
  sink(table: string): Sink
  url(user: string, parameters?: string): string
  close(users: readonly string[]): Promise<void>
}

const unique = (): string => randomBytes(6).toString('hex')

const postgresAt = async (url: string): Promise<Server> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const place = `rights_${unique()}`
  return {
    run: (sql) => client.query(sql),
    place,
    makePlace: `create schema ${place}`,
    makeUser: (name) => `create role ${name} login; grant usage on schema ${place} to ${name}`,
    slow: `select * from ${place}.predictions where pg_sleep(0.01)::text = ''`,
    sink: (table) => postgres({ url, table: `${place}.${table}` }),
    url(user, parameters = '') {
      const address = new URL(url)
      address.username = user
      address.search = parameters
      return address.href
    },
    async close(users) {
      await client.query(`drop schema ${place} cascade`)
      for (const user of users) await client.query(`drop role ${user}`)
      await client.end()
    },
  }
}

const mysqlAt = async (url: string): Promise<Server> => {
  const client = await createConnection({ uri: url, multipleStatements: true })
  const place = `rights_${unique()}`
  return {
    run: (sql) => client.query(sql),
    place,
    makePlace: `create database ${place}`,
    makeUser: (name) => `create user ${name}@'%' identified by '${name}'`,
    slow: `select * from ${place}.predictions where sleep(0.01) = 0`,
    sink: (table) => mysql({ url, table: `${place}.${table}` }),
    url(user, parameters = '') {
      const address = new URL(url)
      address.username = address.password = user
      address.pathname = ''
      address.search = parameters
      return address.href
    },
    async close(users) {
      await client.query(`drop database ${place}`)
      for (const user of users) await client.query(`drop user ${user}@'%'`)
      await client.end()
    },
  }
}

const servers = [
  { name: 'Postgres', url: await service('postgres'), connect: postgresAt },
  { name: 'Postgres 18', url: await service('postgres18'), connect: postgresAt },
  { name: 'MySQL', url: await service('mysql'), connect: mysqlAt },
  { name: 'MariaDB', url: await service('mariadb'), connect: mysqlAt },
]

const folder = mkdtempSync(join(tmpdir(), 'report-rights-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(servers.filter(({ url }) => url))('A report from $name', ({ name, url, connect }) => {
  let server: Server
  const users: string[] = []
  const isPostgres = name.startsWith('Postgres')

  beforeAll(async () => {
    writeFileSync(join(folder, 'schema.json'), JSON.stringify(schema))
    server = await connect(url!)
    await server.run(server.makePlace)
    await write(server.sink('predictions'), schema, makeRows())
    await server.run(`create view ${server.place}.slow as ${server.slow}`)
  })
  afterAll(() => server.close(users))

  /** A user that may read some tables. */
  const reader = async (...tables: readonly string[]): Promise<string> => {
    const user = `reader_${unique()}`
    users.push(user)
    await server.run(server.makeUser(user))
    const grantee = isPostgres ? user : `${user}@'%'`
    for (const table of tables) await server.run(`grant select on ${server.place}.${table} to ${grantee}`)
    return user
  }

  const report = async (user: string, table = 'predictions', parameters = '') => {
    const args = ['report', '--since', '2026-11-03', '--until', '2026-11-05', '--model', 'loans', '--json', '-']
    return runHere([...args, '--table', `${server.place}.${table}`], {
      PREDICTIONS_SINK: server.url(user, parameters),
      PREDICTIONS_SCHEMA: join(folder, 'schema.json'),
    })
  }

  const expectSentence = (outcome: { code: number | null; stdout: string; stderr: string }, words: RegExp): void => {
    expect(outcome).toMatchObject({ code: 2, stdout: '' })
    expect(outcome.stderr).toMatch(words)
    expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1)
  }

  it('takes a user that may only read', async () => {
    const { code, stdout, stderr } = await report(await reader('predictions', 'predictions_actuals'))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const made = JSON.parse(stdout) as Report
    expect(made.performance.labelled).toBeGreaterThan(100)
  })

  it('says in a sentence what a user without rights lacks', async () => {
    const words = isPostgres
      ? /permission denied for table predictions \(grant the user select on \S+\.predictions, and on \S+\.predictions_actuals\)/
      : /has no table "\S+\.predictions" that this user may see/
    expectSentence(await report(await reader()), words)
  })

  it('says in a sentence that a question took longer than the server lets it', async () => {
    const user = await reader('slow')
    expectSentence(
      await report(user, 'slow', '?statement_timeout=200'),
      /ask about a shorter time by --since, or raise it for this user/,
    )
  })

  it.runIf(isPostgres)('leaves no question behind when the command is killed', async () => {
    const [user, { place }] = [await reader(), server]
    await server.run(
      `create view ${place}.stuck as select * from ${place}.predictions where pg_sleep(60)::text = ''; grant select on ${place}.stuck to ${user}`,
    )
    const running = async (): Promise<number> => {
      const { rowCount } = (await server.run(
        `select 1 from pg_stat_activity where usename = '${user}' and state = 'active' and query like '%"stuck" p%'`,
      )) as { readonly rowCount: number }
      return rowCount
    }
    const args = ['report', '--sink', server.url(user), '--table', `${place}.stuck`]
    const child = spawn(process.execPath, [main, ...args, '--since', '2026-11-03', '--until', '2026-11-05'], {
      stdio: 'ignore',
    })
    await vi.waitUntil(async () => (await running()) > 0, { timeout: 20_000, interval: 100 })
    child.kill('SIGKILL')
    await vi.waitUntil(async () => (await running()) === 0, { timeout: 20_000, interval: 100 })
  })
})
