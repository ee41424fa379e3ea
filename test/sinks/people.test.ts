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
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createBatchLimit } from '../../src/delivery/batch-limit.ts'
import { settleBatch } from '../../src/delivery/settle.ts'
import { createSinkWriter } from '../../src/delivery/writer.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import type { Column } from '../../src/schema/column.ts'
import type { Sink } from '../../src/sink.ts'
import { service } from '../setup/services.ts'
import { columnsFor, record } from './records.ts'

type Row = Readonly<Record<string, unknown>>

/** A database in which a person makes tables, and what they do there. */
interface Database {
  readonly kind: 'postgres' | 'mysql' | 'sqlite'
  run(sql: string): Promise<readonly Row[]>
  /** A sink to a table, as the owner or as a user of few rights. */
  sink(table: string, user?: string, parameters?: string): Sink
  /** A user that may only insert into the table. */
  inserter?(table: string): Promise<string>
  close(): Promise<void>
}

const unique = (): string => randomBytes(6).toString('hex')

const postgresAt = async (url: string): Promise<Database> => {
  const schema = `people_${unique()}`
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`create schema ${schema}; set search_path to ${schema}`)
  const roles: string[] = []
  return {
    kind: 'postgres',
    run: async (sql) => (await client.query<Row>(sql)).rows,
    sink(table, user, parameters = '') {
      const address = new URL(url)
      if (user) address.username = user
      address.search = parameters
      return postgres({ url: address.href, table: `${schema}.${table}` })
    },
    async inserter(table) {
      const role = `inserter_${unique()}`
      roles.push(role)
      await client.query(
        `create role ${role} login; grant usage on schema ${schema} to ${role}; grant insert on ${table} to ${role}`,
      )
      return role
    },
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
    async inserter(table) {
      const user = `u_${unique()}`
      users.push(user)
      await client.query(
        `create user ${user}@'%' identified by '${user}'; grant insert on ${name}.${table} to ${user}@'%'`,
      )
      return user
    },
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
      if (/^select/i.test(sql)) return database.prepare(sql).all() as Row[]
      database.exec(sql)
      return []
    },
    sink: (table) => sqlite({ url: `sqlite:${file}`, table }),
    async close() {
      database.close()
      rmSync(folder, { recursive: true })
    },
  }
}

const at = (url: string | undefined, connect: (url: string) => Promise<Database>) =>
  url === undefined ? undefined : () => connect(url)

const databases = [
  { name: 'Postgres', connect: at(await service('postgres'), postgresAt) },
  { name: 'Postgres 18', connect: at(await service('postgres18'), postgresAt) },
  { name: 'MySQL', connect: at(await service('mysql'), mysqlAt) },
  { name: 'MariaDB', connect: at(await service('mariadb'), mysqlAt) },
  { name: 'SQLite', connect: sqliteHere },
].filter(({ connect }) => connect)

const opened: Sink[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((sink) => sink.close!()))
})

/** What delivery does with a sink: opens it when that is needed, tries again, splits. */
const deliveryTo = (sink: Sink, columns: () => readonly Column[]) => {
  opened.push(sink)
  const noted: string[] = []
  const failures: string[] = []
  const writer = createSinkWriter({
    sink,
    columns,
    writeTimeoutMs: 30_000,
    openTimeoutMs: 30_000,
    abortGraceMs: 5000,
    noted: (note) => noted.push(note),
  })
  const limit = createBatchLimit(1000)
  return {
    noted,
    failures,
    open: writer.open,
    /** Resolves with why records were refused; fails where it would try for ever. */
    async write(records: readonly PredictionRecord[]): Promise<string[]> {
      let tries = 0
      const letters = await settleBatch(records, {
        writer,
        limit,
        answered: () => {},
        async backOff(_, error) {
          failures.push((error as Error).message)
          return ++tries < 3
        },
      })
      if (!letters) throw new Error(failures.join('\n'))
      return letters.map(({ error }) => error)
    },
  }
}

describe.each(databases)('$name: a table that a person', ({ connect }) => {
  let database: Database
  beforeAll(async () => {
    database = await connect!()
  })
  afterAll(() => database.close())

  const is = (kind: Database['kind']): boolean => database.kind === kind
  const q = (name: string): string => (is('postgres') ? `"${name}"` : `\`${name}\``)
  const rowsOf = (table: string) => database.run(`select * from ${q(table)} order by id`)
  const extraOf = ({ extra }: Row): Record<string, { value: unknown; reason: string }> =>
    typeof extra === 'string' ? JSON.parse(extra) : ((extra ?? {}) as never)
  const numeric = columnsFor({ x: { type: 'number' }, y: { type: 'number' } })
  const x = (value: number) => record({ features: { x: value } })

  describe('changes while a service runs', () => {
    const started = async (table: string) => {
      const delivery = deliveryTo(database.sink(table), () => numeric)
      expect(await delivery.write([x(0.5)])).toEqual([])
      return delivery
    }

    /** SQLite can't retype a column: people make another table. */
    const retype = (table: string, type: string): Promise<unknown> => {
      if (is('postgres')) return database.run(`alter table ${table} alter column x type ${type} using 7`)
      if (is('mysql')) return database.run(`update ${table} set x = 7; alter table ${table} modify column x ${type}`)
      return database.run(`alter table ${table} drop column x; alter table ${table} add column x ${type}`)
    }

    it.each(['integer', 'smallint'])('a number that became %s takes what fits, and rounds nothing', async (type) => {
      const table = `to_${type}`
      const delivery = await started(table)
      await retype(table, type)
      // Twice, so that the second is not taken for one that was there.
      for (const value of [1.6, 3, 2.5]) expect(await delivery.write([x(value)])).toEqual([])
      const [, first, second, third] = await rowsOf(table)
      expect([first!['x'], second!['x'], third!['x']]).toEqual([null, 3, null])
      expect(extraOf(first!)).toMatchObject({
        'features.x': { value: 1.6, reason: expect.stringMatching(/^does not fit/) },
      })
      expect(extraOf(third!)).toMatchObject({ 'features.x': { value: 2.5 } })
    })

    it('mixed batches come again whole', async () => {
      const delivery = await started('mixed')
      const first = [x(1), x(2)]
      await delivery.write(first)
      await retype('mixed', 'integer')
      expect(await delivery.write([...first, x(2.5)])).toEqual([])
      const rows = await rowsOf('mixed')
      expect(rows).toHaveLength(4)
      expect(extraOf(rows[3]!)).toMatchObject({ 'features.x': { value: 2.5 } })
    })

    it('a column that was dropped or renamed is made again', async () => {
      const delivery = await started('lost')
      await database.run('alter table lost rename column x to z')
      expect(await delivery.write([x(1.25)])).toEqual([])
      expect((await rowsOf('lost')).map((row) => [row['x'], row['z']])).toEqual([
        [null, 0.5],
        [1.25, null],
      ])
      await database.run('alter table lost drop column x')
      expect(await delivery.write([x(2.25)])).toEqual([])
      expect((await rowsOf('lost')).map((row) => row['x'])).toEqual([null, null, 2.25])
    })

    it('text in a column that became shorter goes to extra whole', async () => {
      const columns = columnsFor({ text: { type: 'string' } })
      const delivery = deliveryTo(database.sink('shorter'), () => columns)
      const text = (value: string) => record({ features: { text: value } })
      await delivery.write([text('a')])
      if (is('postgres')) await database.run('alter table shorter alter column text type varchar(3)')
      else if (is('mysql')) await database.run('alter table shorter modify column text varchar(3)')
      else return
      expect(await delivery.write([text('abcdef'), text('ab ')])).toEqual([])
      const [, long, fits] = await rowsOf('shorter')
      expect(long!['text']).toBeNull()
      expect(extraOf(long!)).toMatchObject({ 'features.text': { value: 'abcdef' } })
      expect(fits!['text']).toBe('ab ')
    })
  })

  describe('made', () => {
    const own = (): string => (is('sqlite') ? 'text' : is('postgres') ? 'uuid' : 'char(36)')
    const time = (): string => (is('sqlite') ? 'text' : is('postgres') ? 'timestamptz' : 'datetime(6)')
    const make = (table: string, columns: string) =>
      database.run(`create table ${table} (id ${own()} primary key, ${q('timestamp')} ${time()} not null, ${columns})`)

    it('for an integer feature goes on when it is a number', async () => {
      await make('grew', 'x integer')
      const delivery = deliveryTo(database.sink('grew'), () => numeric)
      expect(await delivery.write([x(5), x(5.5)])).toEqual([])
      const [first, second] = await rowsOf('grew')
      expect([first!['x'], second!['x']]).toEqual([5, null])
      expect(extraOf(second!)).toMatchObject({ 'features.x': { value: 5.5 } })
      expect(delivery.noted).toEqual([])
    })

    it('with columns that must not be null takes what has them, and the rest is dead letters', async () => {
      await make('strict', 'x double precision not null')
      const delivery = deliveryTo(database.sink('strict'), () => numeric)
      expect(await delivery.write([x(1), record({ features: { y: 2 } }), x(3)])).toEqual([
        expect.stringMatching(/null/i),
      ])
      expect((await rowsOf('strict')).map((row) => row['x'])).toEqual([1, 3])
      expect(delivery.noted).toEqual([expect.stringMatching(/can't be null/)])
    })

    it('with columns of other types keeps their values in extra, and says how to change that', async () => {
      await make('odd', is('sqlite') ? 'flag text, day real' : 'flag date, day boolean')
      const columns = columnsFor({ flag: { type: 'number' }, day: { type: 'string' } })
      const delivery = deliveryTo(database.sink('odd'), () => columns)
      expect(await delivery.write([record({ features: { flag: 1.5, day: 'monday' } })])).toEqual([])
      const [row] = await rowsOf('odd')
      expect(row).toMatchObject({ flag: null, day: null })
      expect(extraOf(row!)).toMatchObject({ 'features.flag': { value: 1.5 }, 'features.day': { value: 'monday' } })
      expect(delivery.noted).toHaveLength(2)
    })

    it('with times of whole seconds keeps others in extra, and not rounded', async () => {
      if (is('sqlite')) return
      await make('seconds', `moment ${is('postgres') ? 'timestamptz(0)' : 'datetime(0)'}`)
      const columns = columnsFor({ moment: { type: 'string', format: 'date-time' } })
      const delivery = deliveryTo(database.sink('seconds'), () => columns)
      const at = (moment: string) => record({ features: { moment } })
      const last = '2026-12-31T23:59:59.500Z'
      expect(await delivery.write([at('2026-12-31T23:59:59Z'), at(last)])).toEqual([])
      const [first, second] = await rowsOf('seconds')
      expect(first!['moment']).not.toBeNull()
      expect(second!['moment']).toBeNull()
      expect(extraOf(second!)).toMatchObject({ 'features.moment': { value: last } })
    })

    it('with an enumeration, a day, short text and a list takes what fits', async () => {
      if (is('sqlite')) return
      if (is('postgres')) await database.run(`create type species as enum ('setosa', 'Virginica')`)
      const species = is('postgres') ? 'species' : `enum('setosa', 'Virginica')`
      const list = is('postgres') ? 'float8[]' : 'json'
      await make('fitting', `species ${species}, day date, moment date, currency char(3), list ${list}`)
      const columns = columnsFor({
        species: { type: 'string' },
        day: { type: 'string', format: 'date' },
        moment: { type: 'string', format: 'date-time' },
        currency: { type: 'string' },
        list: { type: 'array' },
      })
      const delivery = deliveryTo(database.sink('fitting'), () => columns)
      const fits = {
        species: 'Virginica',
        day: '2026-11-23',
        moment: '2026-11-23T00:00:00.000Z',
        currency: 'EUR',
        list: [1.5, 2, null],
      }
      const not = {
        species: 'virginica',
        day: '2026-02-30',
        moment: '2026-11-23T10:00:00.000Z',
        currency: 'EURO',
        list: [1, 'two'],
      }
      expect(await delivery.write([record({ features: fits }), record({ features: not })])).toEqual([])
      // As text: drivers make dates of days.
      const day = (column: string) => (is('postgres') ? `${column}::text` : `cast(${column} as char)`)
      const [first, second] = await database.run(
        `select species, ${day('day')} as day, ${day('moment')} as moment, currency, list, extra from fitting order by id`,
      )
      expect(first).toMatchObject({ species: 'Virginica', day: '2026-11-23', moment: '2026-11-23', currency: 'EUR' })
      const stored = first!['list']
      expect(typeof stored === 'string' ? JSON.parse(stored) : stored).toEqual([1.5, 2, null])
      expect(extraOf(first!)).toEqual({})
      expect(second).toMatchObject({ species: null, day: null, moment: null, currency: null })
      const lost = is('postgres') ? ['list'] : []
      expect(Object.keys(extraOf(second!)).sort()).toEqual(
        ['currency', 'day', ...lost, 'moment', 'species'].map((name) => `features.${name}`),
      )
      // The same by the other way of writing, where some of a batch is there already.
      const again = record({ features: fits })
      await delivery.write([again])
      expect(await delivery.write([again, record({ features: fits })])).toEqual([])
      expect((await rowsOf('fitting')).slice(2).map((row) => [row['species'], extraOf(row)])).toEqual([
        ['Virginica', {}],
        ['Virginica', {}],
      ])
    })
  })

  describe('made so that nothing can be stored there', () => {
    const texts = { postgres: 'uuid', mysql: 'char(36)', sqlite: 'text' }
    const times = { postgres: 'timestamptz', mysql: 'datetime(6)', sqlite: 'text' }
    const id = () => `id ${texts[database.kind]}`
    const time = () => `${q('timestamp')} ${times[database.kind]}`
    const serial = () =>
      ({
        postgres: 'id bigserial primary key',
        mysql: 'id bigint auto_increment primary key',
        sqlite: 'id integer primary key',
      })[database.kind]
    const day = () => `'2026-11-23'`
    const extraList = () => (is('postgres') ? 'extra float8[]' : is('mysql') ? 'extra date' : 'extra integer')

    /** The table's columns, and a row that it has. */
    const tables: [what: string, columns: () => string, row: () => string][] = [
      ['numbered rows', () => `${serial()}, ${time()}`, () => `(7, ${day()})`],
      ['integer ids', () => `id integer, ${time()}`, () => `(7, ${day()})`],
      ['short ids', () => `id varchar(20), ${time()}`, () => `('seven', ${day()})`],
      ['ids without an index', () => `${id()}, ${time()}`, () => `(null, ${day()})`],
      [
        'seconds since 1970',
        () => `${id()} primary key, ${q('timestamp')} bigint not null`,
        () => `('${unique36}', 1764000000)`,
      ],
      [
        'days',
        () => `${id()} primary key, ${q('timestamp')} ${is('sqlite') ? 'real' : 'date'} not null`,
        () => `('${unique36}', ${is('sqlite') ? '1.5' : day()})`,
      ],
      [
        'a default',
        () => `${id()} primary key, ${q('timestamp')} integer not null default 3`,
        () => `('${unique36}', 3)`,
      ],
      [
        'a place for extra of another type',
        () => `${id()} primary key, ${time()}, ${extraList()}`,
        () => `('${unique36}', ${day()}, ${is('postgres') ? `'{1.5}'` : is('mysql') ? day() : '5'})`,
      ],
      [
        'a column of its own that must not be null',
        () => `${id()} primary key, ${time()}, owner varchar(9) not null`,
        () => `('${unique36}', ${day()}, 'ann')`,
      ],
      [
        'a feature that can take nothing, and must not be null',
        () => `${id()} primary key, ${time()}, x ${is('sqlite') ? 'text' : 'date'} not null`,
        () => `('${unique36}', ${day()}, ${day()})`,
      ],
      [
        'several of these',
        () => `id integer not null, ${q('timestamp')} bigint not null, owner varchar(9) not null`,
        () => `(7, 1764000000, 'ann')`,
      ],
    ]
    const unique36 = '0199a000-0000-4000-8000-00000000000a'

    it.each(tables)('%s: what is printed is run as printed, and helps', async (what, columns, row) => {
      const table = `wrong_${tables.findIndex(([name]) => name === what)}`
      await database.run(`create table ${table} (${columns()})`)
      await database.run(`insert into ${table} values ${row()}`)
      const planned = async () => {
        const sink = database.sink(table)
        opened.push(sink)
        return sink.plan!(numeric)
      }
      const { problems } = await planned()
      expect(problems).not.toEqual([])
      for (const problem of problems) await database.run(problem.slice(problem.indexOf(': ') + 2))
      expect((await planned()).problems).toEqual([])
      const delivery = deliveryTo(database.sink(table), () => numeric)
      const stored = x(2.5)
      expect(await delivery.write([stored])).toEqual([])
      expect(await delivery.write([stored, x(3.5)])).toEqual([])
      expect(delivery.failures).toEqual([])
      expect(await database.run(`select 1 from ${table} where model = 'iris'`)).toHaveLength(2)
    })
  })

  it('lets a backlog in, though its statements may take little time', async () => {
    if (!is('postgres')) return
    const owner = deliveryTo(database.sink('slow'), () => numeric)
    await owner.open()
    await database.run(`create function slowly() returns trigger language plpgsql as $$ begin perform pg_sleep(0.01); return new; end $$;
      create trigger slowly before insert on slow for each row execute function slowly()`)
    const sink = database.sink('slow', undefined, 'statement_timeout=300')
    const delivery = deliveryTo(sink, () => numeric)
    expect(await delivery.write(Array.from({ length: 64 }, (_, place) => x(place)))).toEqual([])
    expect(delivery.failures[0]).toMatch(/statement timeout/)
    expect(await rowsOf('slow')).toHaveLength(64)
  })

  it('lets a service only insert into takes each row once, and bad ones alone are dead letters', async () => {
    if (!database.inserter) return
    const owner = deliveryTo(database.sink('guarded'), () => numeric)
    await owner.open()
    await database.run(`alter table guarded add constraint guarded_x check (x < 100)`)
    const user = await database.inserter('guarded')
    const guarded = () => database.sink('guarded', user)
    expect((await guarded().plan!(numeric)).notes).toEqual([expect.stringMatching(/may insert.*grant select/)])
    const delivery = deliveryTo(guarded(), () => numeric)
    const first = [x(1), x(2)]
    expect(await delivery.write(first)).toEqual([])
    const second = [...first, x(3), x(1000), x(4)]
    expect(await delivery.write(second)).toEqual([expect.stringMatching(/guarded_x/)])
    expect(delivery.failures).toEqual([])
    expect((await rowsOf('guarded')).map((row) => row['x'])).toEqual([1, 2, 3, 4])
    expect(delivery.noted).toEqual([expect.stringMatching(/may insert.*grant select/)])
    // As `check` says it, and what it says is what helps.
    // What it says is what helps.
    const statement = delivery.noted[0]!.replace(/^.*?: /, '')
    await database.run(statement)
    expect((await guarded().plan!(numeric)).notes).toBeUndefined()
  })
})
