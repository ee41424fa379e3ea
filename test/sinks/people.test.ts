import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databases, type Database, type Row } from './people/databases.ts'
import { deliveryTo } from './people/delivery.ts'
import { columnsFor, record } from './records.ts'

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
      const planned = () => database.sink(table).plan!(numeric)
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

  describe('has, and that capture can not write to', () => {
    const id = () => `id ${is('postgres') ? 'uuid' : is('mysql') ? 'char(36)' : 'text'} primary key`
    const time = () =>
      `${q('timestamp')} ${is('sqlite') ? 'text' : is('postgres') ? 'timestamptz' : 'datetime(6)'} not null`
    const problemsOf = async (table: string) => (await database.sink(table).plan!(numeric)).problems

    it('is a view: the table that it shows is taken, or one of its own under a view of theirs', async () => {
      await database.run(`create table shown (${id()}, ${time()}, x double precision)`)
      await database.run('create view showing as select * from shown')
      expect(await problemsOf('showing')).toEqual([
        expect.stringMatching(
          /showing.? is a view, which can't be written to: name the table that it shows by PREDICTIONS_TABLE, or let capture have a table of its own, which PREDICTIONS_TABLE names, and over it a view of yours$/,
        ),
      ])
      // Nothing is written to it, and nothing is lost: it is tried again.
      const delivery = deliveryTo(database.sink('showing'), () => numeric)
      await expect(delivery.write([x(1)])).rejects.toThrow(/is a view, which can't be written to/)

      expect(await deliveryTo(database.sink('shown'), () => numeric).write([x(1)])).toEqual([])
      expect((await database.run('select x from showing')).map((row) => row['x'])).toEqual([1])

      expect(await deliveryTo(database.sink('own'), () => numeric).write([x(2)])).toEqual([])
      await database.run(`create view both_of_them as select id, x from shown union all select id, x from own`)
      const both = await database.run('select x from both_of_them order by x')
      expect(both.map((row) => row['x'])).toEqual([1, 2])
    })

    it('has rows of other ids, which no statement mends: a table of its own, and a view over both', async () => {
      if (is('sqlite')) return
      await database.run(`create table numbered (id integer primary key, ${time()}, x double precision)`)
      await database.run(`insert into numbered values (7, '2026-11-23', 1)`)
      expect(await problemsOf('numbered')).toEqual([
        expect.stringMatching(
          /id.? is int(eger|\(11\))?, and has to hold uuid, .*: let capture have a table of its own, which PREDICTIONS_TABLE names/,
        ),
      ])
      expect(await deliveryTo(database.sink('apart'), () => numeric).write([x(2)])).toEqual([])
      const text = is('postgres') ? 'text' : 'char'
      await database.run(
        `create view together as select cast(id as ${text}) as id, x from numbered union all select cast(id as ${text}), x from apart`,
      )
      expect(await database.run('select id, x from together order by x')).toEqual([
        { id: '7', x: 1 },
        { id: expect.stringMatching(/^0199/) as string, x: 2 },
      ])
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
