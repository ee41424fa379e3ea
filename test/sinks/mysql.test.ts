import { mysql, type MysqlOptions } from 'capture-predictions/sinks/mysql'
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { decode } from '../../src/records/json.ts'
import type { Sink } from '../../src/sink.ts'
import { service } from '../setup/services.ts'
import { testSink, type Row } from './contract.ts'
import { columnsFor, nextId, patient, record, TIMESTAMP } from './records.ts'
import { exits } from './sql/exits.ts'
import { createCertificate, mysqlOverTls } from './sql/tls.ts'

const servers = [
  { server: 'MySQL', url: await service('mysql') },
  { server: 'MariaDB', url: await service('mariadb') },
]

const jsonColumns = new Set(['json', 'tags', 'extra', 'features', 'outputs'])
const read = (name: string, value: unknown): unknown => {
  if (value === null || value === undefined) return null
  if (jsonColumns.has(name)) return typeof value === 'string' ? decode(value) : value
  if (name === 'boolean') return value === 1
  if (name === 'timestamp' || name === 'moment') return `${(value as string).slice(0, 23).replace(' ', 'T')}Z`
  if (name !== 'bigint') return value
  const integer = BigInt(value as string)
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer
}

describe.each(servers.filter(({ url }) => url))('$server', ({ server, url }) => {
  let client: Connection
  beforeAll(async () => {
    client = await createConnection({
      multipleStatements: true,
      uri: url!,
      timezone: 'Z',
      dateStrings: true,
      supportBigNumbers: true,
      jsonStrings: true,
      charset: 'utf8mb4',
    })
  })
  afterAll(() => client.end())

  const at = (port?: number): string => {
    const address = new URL(url!)
    if (port !== undefined) address.host = `127.0.0.1:${port}`
    return address.href
  }
  const create = (table: string, options: Partial<MysqlOptions> = {}) => mysql({ url: at(), table, ...options })
  const readAll = async (table: string): Promise<Row[]> => {
    // By aliases: mysql2 breaks on a column that is called __proto__.
    const [columns] = await client.query<RowDataPacket[]>(
      'select column_name as name from information_schema.columns where table_schema = database() and table_name = ? order by ordinal_position',
      [table],
    )
    const names = columns.map(({ name }) => name as string)
    const aliases = names.map((name, i) => `\`${name.replaceAll('`', '``')}\` as c${i}`)
    const [rows] = await client.query<RowDataPacket[]>(`select ${aliases.join()} from \`${table}\` order by id`)
    return rows.map((row) => Object.fromEntries(names.map((name, i) => [name, read(name, row[`c${i}`])])))
  }

  describe.each([
    ['by LOAD DATA', true],
    ['by INSERT', false],
  ])('%s', (how, loadData) => {
    testSink({
      name: `${server} ${how}`,
      createSink: (table, { port, ...options } = {}) => create(table, { url: at(port), loadData, ...options }),
      readAll,
      drop: async (table) => void (await client.query('drop table if exists ??', [table])),
      port: Number(new URL(url ?? 'mysql://x').port || 3306),
      child: (table) => ({ module: 'mysql', name: 'mysql', options: { url: at(), table, loadData } }),
      supports: { migration: true, connection: true, spelled: /\p{Surrogate}/gu },
    })
  })

  const run = process.pid.toString(36) + Date.now().toString(36)
  const name = (table: string): string => `predictions_${table}_${run}`
  const made = new Set<string>()
  const sinks: Sink[] = []
  afterEach(async () => {
    await Promise.all(sinks.splice(0).map((sink) => sink.close!()))
  })
  afterAll(async () => {
    for (const table of made) await client.query('drop table if exists ??', [table])
  })

  const make = (table: string, options: Partial<MysqlOptions> = {}): Sink => {
    made.add(name(table))
    const sink = create(name(table), options)
    sinks.push(sink)
    return sink
  }
  const opened = async (table: string, options: Partial<MysqlOptions> = {}): Promise<Sink> => {
    const sink = make(table, options)
    await sink.open!(columnsFor())
    return sink
  }
  const errorOf = (promise: Promise<unknown> | void) =>
    promise!.then(
      () => undefined,
      (error: unknown) => error as { code: string; message: string },
    )

  it('makes a table with its indexes by one statement: what fails leaves no half of it', async () => {
    const { statements } = await make('whole').plan!(columnsFor())
    expect(statements.filter((statement) => /^(create table|alter)/.test(statement))).toHaveLength(1)
    await opened('whole')
    const [indexes] = await client.query<RowDataPacket[]>('show index from ??', [name('whole')])
    expect(new Set(indexes.map((index) => index['Column_name'] as string))).toEqual(
      new Set(['id', 'timestamp', 'model']),
    )
  })

  it('sees a table as it is when it was changed right after the opening', async () => {
    const sink = await opened('changed')
    await client.query(`alter table ${name('changed')} modify column \`double\` decimal(10, 1)`)
    await sink.write([record({ features: { double: 0.123456789 } })], patient).catch(async () => {
      await sink.open!(columnsFor())
      await sink.write([record({ features: { double: 0.123456789 } })], patient)
    })
    const rows = await readAll(name('changed'))
    for (const row of rows) {
      expect(row['extra']).toMatchObject({ 'features.double': { value: 0.123456789 } })
    }
    expect(rows.length).toBeGreaterThan(0)
  })

  it('does not keep a table from everybody when a change of it has to wait', async () => {
    await opened('shared')
    const reader = await createConnection(url!)
    await reader.query(`begin; select count(*) from ${name('shared')}`.split('; ')[0]!)
    await reader.query(`select count(*) from ${name('shared')}`)
    const more = [...columnsFor(), { ...columnsFor().find((column) => column.name === 'text')!, name: 'more' }]
    const error = await errorOf(make('shared').open!(more))
    expect(error!.message).toMatch(/lock wait timeout/i)
    await reader.query('commit')
    await reader.end()
    await make('shared').open!(more)
  })

  describe('a table that a person made', () => {
    it.each([true, false])(
      'works with narrower types, and what overflows goes to extra (LOAD DATA: %s)',
      async (loadData) => {
        const table = `narrow_${loadData}`
        await client.query(`create table ${name(table)} (id varchar(40) unique not null, \`timestamp\` timestamp(3) not null, text varchar(3) character set latin1,
        \`double\` decimal(5, 2), \`bigint\` int unsigned, \`boolean\` int, moment timestamp(3) null, prediction tinyint, confidence float)`)
        const sink = await opened(table, { loadData })
        await sink.write(
          [
            record({
              features: { text: 'é\\', double: 999.99, bigint: 2 ** 32 - 1, boolean: true, moment: TIMESTAMP },
              outputs: { prediction: 127, confidence: 0.5 },
            }),
            record({
              features: { text: '€', double: 999.999, bigint: -1, moment: '1969-12-31T23:59:59.999Z' },
              outputs: { prediction: 128, confidence: 1e39 },
            }),
          ],
          patient,
        )
        const [first, second] = await readAll(name(table))
        expect(first).toMatchObject({
          timestamp: TIMESTAMP,
          text: 'é\\',
          bigint: 2 ** 32 - 1,
          boolean: true,
          moment: TIMESTAMP,
          extra: null,
        })
        expect(Number(first!['double'])).toBe(999.99)
        expect(Object.keys(second!['extra'] as object).sort()).toEqual(
          ['bigint', 'double', 'moment', 'text']
            .map((feature) => `features.${feature}`)
            .concat('outputs.confidence', 'outputs.prediction'),
        )
      },
    )

    it("is reported with both types and the SQL to run, where it can't hold our values", async () => {
      await client.query(
        `create table ${name('wrong')} (id int not null, \`timestamp\` datetime not null, text int not null, owner varchar(9) not null)`,
      )
      const sink = make('wrong')
      await client.query(`insert into ${name('wrong')} values (1, now(), 2, 'ann')`)
      const { problems, notes } = await sink.plan!(columnsFor())
      expect(problems).toHaveLength(3)
      expect(notes!.join('\n')).toMatch(/`text` is int(\(11\))?, which holds no text: values go to extra/)
      // It takes none of our values, and can't be without one.
      expect(problems.join('\n')).toMatch(/`text` has to have a value, and there is none for it/)
      expect(problems.join('\n')).toMatch(/`id` is int(\(11\))?, and has to hold uuid/)
      const error = await errorOf(sink.open!(columnsFor()))
      for (const problem of problems) expect(error!.message).toContain(problem)
      // Those of one column are told together, and the type is changed first.
      for (let left = problems; left.length > 0; left = (await sink.plan!(columnsFor())).problems)
        await client.query(left[0]!.slice(left[0]!.indexOf(': ') + 2))
      await sink.open!(columnsFor())
      await sink.write([record({ features: { text: 'no integer' } })], patient)
      expect((await readAll(name('wrong'))).at(-1)).toMatchObject({
        text: null,
        owner: null,
        extra: { 'features.text': { value: 'no integer' } },
      })
    })

    it('may have no transactions', async () => {
      await client.query(
        `create table ${name('myisam')} (id char(36) primary key, \`timestamp\` datetime(6)) engine = MyISAM`,
      )
      const sink = await opened('myisam')
      const batch = [record(), record()]
      await sink.write(batch, patient)
      await sink.write(batch, patient)
      expect(await readAll(name('myisam'))).toHaveLength(2)
    })
  })

  describe('a table that somebody changes while the service runs', () => {
    it.each([
      ['narrowed', 'modify `double` int', { double: 1.6 }, 'double', true],
      ['narrowed, by INSERT', 'modify `double` int', { double: 1.6 }, 'double', false],
      ['with less precision', 'modify moment date', { moment: TIMESTAMP }, 'moment', true],
      ['of another character set', 'modify text varchar(20) character set latin1', { text: '東京' }, 'text', false],
    ])(
      '%s: nothing is rounded or cut, and what does not fit goes to extra',
      async (how, change, features, column, loadData) => {
        const table = `changed_${how.length}`
        const sink = await opened(table, { loadData })
        await sink.write([record({ features })], patient)
        await client.query(`update ${name(table)} set \`${column}\` = null; alter table ${name(table)} ${change}`)
        const batch = [record({ features })]
        expect(await errorOf(sink.write(batch, patient) as Promise<unknown>)).toMatchObject({
          code: expect.stringMatching(/SINK_UNAVAILABLE|BATCH_REFUSED/) as string,
        })
        await sink.open!(columnsFor())
        await sink.write(batch, patient)
        const row = (await readAll(name(table))).find(({ id }) => id === batch[0]!.id)
        expect(row).toMatchObject({
          [column]: null,
          extra: { [`features.${column}`]: { value: Object.values(features)[0] } },
        })
      },
    )
  })

  it.each(['latin1', 'utf8mb3'])('adds columns that hold any text to a table in %s', async (charset) => {
    await client.query(
      `create table ${name(charset)} (id char(36) primary key, \`timestamp\` datetime(6)) character set ${charset}`,
    )
    const sink = await opened(charset)
    const text = '東京 😀 é'
    expect((await sink.write([record({ features: { text }, tags: { text } })], patient)) ?? []).toEqual([])
    expect((await readAll(name(charset)))[0]).toMatchObject({ text, tags: { text }, extra: null })
  })

  describe('a user that may only insert', () => {
    const users: string[] = []
    afterAll(async () => {
      for (const user of users) await client.query('drop user ?', [user])
    })
    const asUser = async (table: string, right: string, options: Partial<MysqlOptions> = {}) => {
      const user = `u_${run}_${users.length}`
      users.push(user)
      await client.query(`create user ? identified by 'secret'; grant ${right} on ${name(table)} to ?`, [user, user])
      const address = new URL(at())
      address.username = user
      address.password = 'secret'
      return make(table, { url: address.href, ...options })
    }

    it.each([true, false])(
      'stores good rows beside bad ones, and rows that come again once (LOAD DATA: %s)',
      async (loadData) => {
        const table = `insert_only_${loadData}`
        await opened(table)
        await client.query(`alter table ${name(table)} add check (\`bigint\` > 0), add unique (text(20))`)
        const sink = await asUser(table, 'insert', { loadData })
        await sink.open!(columnsFor())
        const batch = [1, -1, 2, 3].map((bigint) => record({ features: { bigint, text: `t${bigint}` } }))
        expect(await sink.write(batch, patient)).toMatchObject([{ index: 1 }])
        const again = [...batch.filter((_, index) => index !== 1), record({ features: { bigint: 4, text: 't2' } })]
        expect(await sink.write(again, patient)).toMatchObject([
          { index: 3, reason: expect.stringMatching(/Duplicate/) as string },
        ])
        expect((await readAll(name(table))).map(({ bigint }) => bigint)).toEqual([1, 2, 3])
      },
    )

    it('is told which right is missing, and the statement that gives it', async () => {
      await opened('no_right')
      const sink = await asUser('no_right', 'select')
      const { problems } = await sink.plan!(columnsFor())
      expect(problems.join()).toMatch(/may not insert into .*: grant insert, select, update on/)
      await client.query(problems[0]!.slice(problems[0]!.indexOf(': ') + 2))
      await sink.open!(columnsFor())
      await sink.write([record()], patient)
      expect(await readAll(name('no_right'))).toHaveLength(1)
    })
  })

  it('may be partitioned: the unique index that is printed has what it is partitioned by', async () => {
    await client.query(`create table ${name('by_time')} (id char(36), \`timestamp\` datetime(6))
      partition by range columns (\`timestamp\`) (partition p0 values less than ('2027-01-01'));
      insert into ${name('by_time')} values (uuid(), '2026-11-23');
      create table ${name('by_owner')} (id char(36), \`timestamp\` datetime(6), owner int) partition by hash (owner) partitions 2`)
    const { problems } = await make('by_time').plan!(columnsFor())
    expect(problems).toEqual([expect.stringMatching(/add unique \(`id`, `timestamp`\)/)])
    await client.query(problems[0]!.slice(problems[0]!.indexOf(': ') + 2))
    const sink = await opened('by_time')
    const one = record()
    for (const batch of [[one], [one, record()]]) expect(await sink.write(batch, patient)).toEqual([])
    expect(await readAll(name('by_time'))).toHaveLength(3)
    expect((await make('by_owner').plan!(columnsFor())).problems).toEqual([
      expect.stringMatching(/partitioned by owner it can have none: let capture have a table of its own/),
    ])
  })

  it('waits where a partitioned table has no partition for a row', async () => {
    await client.query(`create table ${name('parts')} (id char(36), \`timestamp\` datetime, primary key (id, \`timestamp\`))
      partition by range (year(\`timestamp\`)) (partition p0 values less than (2026))`)
    const sink = await opened('parts')
    expect(await errorOf(sink.write([record()], patient) as Promise<unknown>)).toMatchObject({
      code: 'PREDICTIONS_SINK_UNAVAILABLE',
      message: expect.stringMatching(/no partition .*add a partition/) as string,
    })
    await client.query(`alter table ${name('parts')} add partition (partition p1 values less than (2030))`)
    await sink.open!(columnsFor())
    await sink.write([record()], patient)
    expect(await readAll(name('parts'))).toHaveLength(1)
  })

  it('stores what fits columns of any type, and the rest in extra', async () => {
    await client.query(`create table ${name('odd')} (id char(36) primary key, \`timestamp\` datetime(6), text enum('good', 'it''s bad'),
      \`double\` bigint, moment date, uuid binary(16), json text, prediction char(3), confidence int)`)
    const sink = await opened('odd')
    await sink.write(
      [
        record({
          features: { text: "it's bad", double: 2, moment: '2026-11-23T00:00:00Z' },
          outputs: { confidence: 1 },
        }),
        record({
          features: { text: 'GOOD', double: 2.5, moment: TIMESTAMP, uuid: nextId() },
          outputs: { confidence: 0.5 },
        }),
      ],
      patient,
    )
    const [first, second] = await readAll(name('odd'))
    expect(first).toMatchObject({ text: "it's bad", double: 2, confidence: 1, extra: null })
    expect(Object.keys(second!['extra'] as object).sort()).toEqual(
      ['double', 'moment', 'text', 'uuid'].map((feature) => `features.${feature}`).concat('outputs.confidence'),
    )
  })

  it.each([true, false])('rounds no time into a column that is less exact (LOAD DATA: %s)', async (loadData) => {
    const table = `seconds_${loadData}`
    await client.query(
      `create table ${name(table)} (id char(36) primary key, \`timestamp\` datetime not null, moment datetime(1))`,
    )
    const sink = await opened(table, { loadData })
    const timestamp = '2026-11-23T23:59:59.987Z'
    const moments = ['2026-11-23T23:59:59.900Z', '2026-11-23T23:59:59.987Z']
    const batch = moments.map((moment) => record({ timestamp, features: { moment } }))
    expect((await sink.write(batch, patient)) ?? []).toEqual([])
    const rows = await readAll(name(table))
    // Its own is cut, and never in the next second, or day.
    expect(rows.map((row) => row['timestamp'])).toEqual(Array(2).fill('2026-11-23T23:59:59Z'))
    expect(rows).toMatchObject([
      { moment: '2026-11-23T23:59:59.9Z', extra: null },
      { moment: null, extra: { 'features.moment': { value: moments[1] } } },
    ])
  })

  it('writes beside generated and invisible columns', async () => {
    await client.query(`create table ${name('hidden')} (id char(36) primary key, \`timestamp\` datetime(6), \`double\` double,
      text longtext invisible, twice double generated always as (\`double\` * 2) stored, made datetime not null default current_timestamp)`)
    const sink = await opened('hidden')
    expect((await sink.plan!(columnsFor())).problems).toEqual([])
    await sink.write([record({ features: { double: 1.5, text: 'seen' } })], patient)
    expect((await readAll(name('hidden')))[0]).toMatchObject({ double: 1.5, twice: 3, text: 'seen', extra: null })
  })

  it('takes every reserved word as a feature', async () => {
    const [rows] = await client.query<RowDataPacket[]>('select word as word from information_schema.keywords')
    const ours = new Set([
      'id',
      'timestamp',
      'model',
      'instance',
      'status',
      'error',
      'tags',
      'extra',
      'prediction',
      'confidence',
    ])
    const words = rows.map(({ word }) => (word as string).toLowerCase()).filter((word) => !ours.has(word))
    const columns = columnsFor(Object.fromEntries(words.map((word) => [word, { type: 'integer' }])))
    const sink = make('words')
    await sink.open!(columns)
    await sink.write(
      [record({ features: Object.fromEntries(words.map((word, i) => [word, word === 'boolean' ? 0 : i])) })],
      patient,
    )
    const [row] = await readAll(name('words'))
    expect(words.length).toBeGreaterThan(500)
    const stored = { ...row, ...((row!['features'] as object | null) ?? {}) } as Record<string, unknown>
    for (const [i, word] of words.entries()) expect(Number(stored[word]), word).toBe(word === 'boolean' ? 0 : i)
  })

  describe('errors', () => {
    it.each([true, false])(
      'refuse records for their content: another unique index, a check (LOAD DATA: %s)',
      async (loadData) => {
        const table = `picky_${loadData}`
        await opened(table, { loadData })
        await client.query(`alter table ${name(table)} add unique (text(20)), add check (\`bigint\` > 0)`)
        const sink = await opened(table, { loadData })
        await sink.write([record({ features: { text: 'a' } })], patient)
        const batch = [record({ features: { text: 'b' } }), record({ features: { text: 'a' } })]
        expect(await sink.write(batch, patient)).toMatchObject([
          { index: 1, reason: expect.stringMatching(/Duplicate/) as string },
        ])
        const checked = await errorOf(sink.write([record({ features: { bigint: -1 } })], patient) as Promise<unknown>)
        expect(checked).toMatchObject({ code: 'PREDICTIONS_BATCH_REFUSED' })
        expect(checked!.message).not.toContain('insert into')
        await sink.write([record({ features: { text: 'c' } })], patient)
        expect((await readAll(name(table))).map(({ text }) => text)).toEqual(['a', 'b', 'c'])
      },
    )

    it('let the table be made again when it was dropped', async () => {
      const sink = await opened('dropped')
      await client.query('drop table ??', [name('dropped')])
      expect(await errorOf(sink.write([record()], patient) as Promise<unknown>)).toMatchObject({
        code: 'PREDICTIONS_SINK_UNAVAILABLE',
      })
      await sink.open!(columnsFor())
      await sink.write([record()], patient)
      expect(await readAll(name('dropped'))).toHaveLength(1)
    })

    it('of a statement timeout can be tried again', async () => {
      const sink = await opened('slow', { url: `${at()}?statement_timeout=100` })
      await client.query('lock tables ?? write', [name('slow')])
      const error = await errorOf(sink.write([record()], patient) as Promise<unknown>)
      await client.query('unlock tables')
      expect(error).toMatchObject({ code: expect.stringMatching(/SINK_UNAVAILABLE|WRITE_TIMED_OUT/) as string })
      await sink.open!(columnsFor())
      await sink.write([record()], patient)
      expect(await readAll(name('slow'))).toHaveLength(1)
    })

    it('of a login name the fix, and no password', async () => {
      const address = new URL(at())
      address.password = 'top-secret'
      const error = await errorOf(make('x', { url: address.href }).open!(columnsFor()))
      expect(error).toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
      expect(error!.message).toMatch(/Access denied.*check user and password/)
      expect(error!.message).not.toContain('top-secret')
      address.password = ''
      address.pathname = '/no_such_database'
      const other = await errorOf(make('x', { url: address.href }).open!(columnsFor()))
      expect(other!.message).toMatch(/no_such_database.*create the database/)
    })

    it.each([
      ['postgres://root@localhost/x', /mysql:\/\//],
      ['mysql://root:top-secret@localhost/x?sslmod=required', /unknown parameter sslmod/],
      ['mysql://root@localhost/x?ssl-mode=sometimes', /ssl-mode must be one of/],
      ['mysql://root@localhost/x?ssl={', /ssl must be/],
      ['mysql://root@localhost/x?ssl-ca=/no/such/file', /can't be read/],
      ['mysql://root@localhost/x?connectTimeout=soon', /milliseconds/],
    ])('are told at once for %s', (url, message) => {
      expect(() => mysql({ url })).toThrow(message)
      expect(() => mysql({ url })).not.toThrow(/top-secret/)
    })
  })

  it('speaks TLS as the URL says', async () => {
    const certificate = createCertificate()
    const proxy = await mysqlOverTls(Number(new URL(url!).port || 3306), certificate)
    try {
      const to = (parameters: string) => `${at(proxy.port)}?${parameters}`
      for (const parameters of [
        'ssl-mode=required',
        `ssl-ca=${certificate.cert}`,
        'ssl={"rejectUnauthorized":false}',
      ]) {
        const sink = await opened('encrypted', { url: to(parameters) })
        await sink.write([record()], patient)
      }
      expect(await readAll(name('encrypted'))).toHaveLength(3)
      expect(proxy.encrypted()).toBe(3)
      const error = await errorOf(make('encrypted', { url: to('ssl-mode=verify_identity') }).open!(columnsFor()))
      expect(error!.message).toMatch(/self-signed certificate.*name its certificate in the URL: ssl-ca=FILE/)
    } finally {
      await Promise.all(sinks.splice(0).map((sink) => sink.close!()))
      await proxy.close()
      certificate.remove()
    }
  })

  it('keeps no process alive', async () => {
    made.add(name('exits'))
    await exits('mysql', { url: at(), table: name('exits') })
    expect(await readAll(name('exits'))).toHaveLength(1)
  })
})
