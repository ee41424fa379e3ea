import { randomBytes } from 'node:crypto'
import { postgres, type PostgresOptions } from 'capture-predictions/sinks/postgres'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { decode } from '../../src/records/json.ts'
import { columnsOf } from '../../src/schema/columns.ts'
import type { Sink } from '../../src/sink.ts'
import { service } from '../setup/services.ts'
import { testSink, type Row } from './contract.ts'
import { columnsFor, patient, record, TIMESTAMP } from './records.ts'
import { exits } from './sql/exits.ts'
import { createCertificate, postgresOverTls } from './sql/tls.ts'

const servers = [
  { server: 'Postgres', url: await service('postgres') },
  { server: 'Postgres 18', url: await service('postgres18') },
]

const safe = (text: string): unknown => {
  const value = BigInt(text)
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}
const parsers = new Map<number, (text: string) => unknown>([
  [20, safe],
  [114, decode],
  [3802, decode],
  // Sessions of this test are in UTC.
  [1184, (text) => new Date(text.replace(' ', 'T').replace(/\+00$/, 'Z')).toISOString()],
])

/** A client of the test's own, in a schema of its own. */
const connect = async (url: string, schema: string) => {
  const client = new pg.Client({
    connectionString: url,
    types: { getTypeParser: (oid: number) => parsers.get(oid) ?? pg.types.getTypeParser(oid) } as pg.CustomTypesConfig,
  })
  await client.connect()
  await client.query(`create schema "${schema}"; set search_path to "${schema}"; set timezone to 'UTC'`)
  return client
}

describe.each(servers.filter(({ url }) => url))('$server', ({ server, url }) => {
  const schema = `predictions_test_${randomBytes(6).toString('hex')}`
  let client: pg.Client

  beforeAll(async () => {
    client = await connect(url!, schema)
  })
  afterAll(async () => {
    await client.query(`drop schema "${schema}" cascade`)
    await client.end()
  })

  const at = (port?: number): string => {
    const address = new URL(url!)
    if (port !== undefined) address.host = `127.0.0.1:${port}`
    return address.href
  }
  const create = (table: string, options: Partial<PostgresOptions> = {}) =>
    postgres({ url: at(), table: `${schema}.${table}`, ...options })
  const readAll = async (table: string): Promise<Row[]> =>
    (await client.query<Row>(`select * from "${table}" order by id`)).rows

  testSink({
    name: server,
    createSink: (table, { port, ...options } = {}) => create(table, { url: at(port), ...options }),
    readAll,
    drop: async (table) => void (await client.query(`drop table if exists "${table}"`)),
    port: Number(new URL(url ?? 'postgres://x').port || 5432),
    child: (table) => ({ module: 'postgres', name: 'postgres', options: { url: at(), table: `${schema}.${table}` } }),
    supports: { migration: true, connection: true, spelled: /[\0\p{Surrogate}]/gu },
  })

  const opened = async (table: string, options: Partial<PostgresOptions> = {}, columns = columnsFor()) => {
    const sink = create(table, options)
    sinks.push(sink)
    await sink.open!(columns)
    return sink
  }
  const planOf = async (table: string) => {
    const sink = create(table)
    const plan = await sink.plan!(columnsFor())
    await sink.close!()
    return plan
  }
  /** What a person is told to run. */
  const sqlOf = (problem: string): string => problem.slice(problem.indexOf(': ') + 2)
  const users: string[] = []
  afterAll(async () => {
    for (const user of users) await client.query(`drop owned by ${user}; drop user ${user}`)
  })
  /** A sink of a user that may do only so much. */
  const asUser = async (table: string, grants: string) => {
    const user = `u_${randomBytes(6).toString('hex')}`
    users.push(user)
    await client.query(
      `create user ${user} password 'secret'; grant usage on schema ${schema} to ${user}; ${grants} to ${user}`,
    )
    const address = new URL(at())
    address.username = user
    address.password = 'secret'
    const sink = postgres({ url: address.href, table: `${schema}.${table}` })
    sinks.push(sink)
    return sink
  }
  const errorOf = (promise: Promise<unknown> | undefined) =>
    promise!.then(
      () => undefined,
      (error: unknown) => error as { code: string; message: string },
    )

  const sinks: Sink[] = []
  afterEach(async () => {
    await Promise.all(sinks.splice(0).map((sink) => sink.close!()))
  })

  describe('a table that somebody changes while the service runs', () => {
    it.each([
      ['narrowed', 'alter column double type integer', { double: 1.6 }, 'double'],
      ['with less precision', 'alter column moment type date', { moment: TIMESTAMP }, 'moment'],
      ['of another kind', 'alter column text type varchar(2)', { text: 'abc' }, 'text'],
    ])('%s: nothing is rounded or cut, and what does not fit goes to extra', async (_, change, features, name) => {
      const table = `changed_${name}`
      const sink = await opened(table)
      await sink.write([record({ features })], patient)
      await client.query(`update "${table}" set ${name} = null; alter table "${table}" ${change}`)
      const batch = [record({ features })]
      expect(await errorOf(sink.write(batch, patient) as Promise<unknown>)).toMatchObject({
        code: 'PREDICTIONS_SINK_UNAVAILABLE',
        message: expect.stringMatching(/columns of .* were changed/) as string,
      })
      await sink.open!(columnsFor())
      await sink.write(batch, patient)
      const row = (await readAll(table)).find(({ id }) => id === batch[0]!.id)
      expect(row).toMatchObject({
        [name]: null,
        extra: { [`features.${name}`]: { value: Object.values(features)[0] } },
      })
    })

    it.each(['drop column double', 'rename column double to twofold'])('%s: it is made again', async (change) => {
      const table = `gone_${change.slice(0, 4)}`
      const sink = await opened(table)
      await client.query(`alter table "${table}" ${change}`)
      expect(
        await errorOf(sink.write([record({ features: { double: 1.6 } })], patient) as Promise<unknown>),
      ).toMatchObject({
        code: 'PREDICTIONS_SINK_UNAVAILABLE',
      })
      await sink.open!(columnsFor())
      await sink.write([record({ features: { double: 1.6 } })], patient)
      expect((await readAll(table)).at(-1)).toMatchObject({ double: 1.6, extra: null })
    })
  })

  describe('a user that may only insert', () => {
    it('stores good rows beside bad ones, and rows that come again once', async () => {
      await opened('insert_only')
      await client.query('alter table insert_only add check (bigint > 0), add unique (text)')
      const sink = await asUser('insert_only', `grant insert on ${schema}.insert_only`)
      await sink.open!(columnsFor())
      const batch = [1, -1, 2, 3].map((bigint) => record({ features: { bigint, text: `t${bigint}` } }))
      expect(await sink.write(batch, patient)).toMatchObject([
        { index: 1, reason: expect.stringMatching(/check/) as string },
      ])
      // The answer to the first was lost.
      const again = [...batch.filter((_, index) => index !== 1), record({ features: { bigint: 4, text: 't2' } })]
      expect(await sink.write(again, patient)).toMatchObject([
        { index: 3, reason: expect.stringMatching(/duplicate/) as string },
      ])
      expect((await readAll('insert_only')).map(({ bigint }) => bigint)).toEqual([1, 2, 3])
    })

    it('knows a row of a partitioned table again', async () => {
      await client.query(`create table insert_parts (id uuid, "timestamp" timestamptz, primary key (id, "timestamp")) partition by range ("timestamp");
        create table insert_parts_all partition of insert_parts default`)
      await opened('insert_parts')
      const sink = await asUser('insert_parts', `grant insert on ${schema}.insert_parts`)
      await sink.open!(columnsFor())
      const batch = [record(), record()]
      for (let round = 0; round < 2; round++) expect((await sink.write(batch, patient)) ?? []).toEqual([])
      expect(await readAll('insert_parts')).toHaveLength(2)
    })

    it('is told which right is missing, and the statement that gives it', async () => {
      await opened('no_right')
      const sink = await asUser('no_right', `grant select on ${schema}.no_right`)
      const { problems } = await sink.plan!(columnsFor())
      expect(problems.join()).toMatch(/may not insert into .*: grant insert, select on .*no_right" to "u_/)
      await client.query(sqlOf(problems[0]!))
      await sink.open!(columnsFor())
      await sink.write([record()], patient)
      expect(await readAll('no_right')).toHaveLength(1)
    })
  })

  it('tells a timeout of the role from a system that is away, and from the batch', async () => {
    await opened('dawdling')
    await client.query(`create function ${schema}.dawdle() returns trigger language plpgsql as 'begin perform pg_sleep(0.02); return new; end';
      create trigger dawdle before insert on dawdling for each row execute function ${schema}.dawdle()`)
    const sink = await asUser('dawdling', `grant insert, select on ${schema}.dawdling`)
    await client.query(`alter role ${users.at(-1)} set statement_timeout = 300`)
    await sink.open!(columnsFor())
    const batch = Array.from({ length: 40 }, () => record())
    expect(await errorOf(sink.write(batch, patient) as Promise<unknown>)).toMatchObject({
      code: 'PREDICTIONS_WRITE_TIMED_OUT',
      message: expect.stringMatching(/statement timeout/) as string,
    })
    await sink.open!(columnsFor())
    await sink.write(batch.slice(0, 2), patient)
    expect(await readAll('dawdling')).toHaveLength(2)
  })

  it('waits where a partitioned table has no partition for a row', async () => {
    await client.query(
      `create table parts (id uuid, "timestamp" timestamptz, primary key (id, "timestamp")) partition by range ("timestamp")`,
    )
    const sink = await opened('parts')
    expect(await errorOf(sink.write([record()], patient) as Promise<unknown>)).toMatchObject({
      code: 'PREDICTIONS_SINK_UNAVAILABLE',
      message: expect.stringMatching(/no partition .*add a partition for 2026-11-23 /) as string,
    })
    await client.query(`create table parts_2026 partition of parts for values from ('2026-01-01') to ('2027-01-01')`)
    await sink.open!(columnsFor())
    await sink.write([record()], patient)
    expect(await readAll('parts')).toHaveLength(1)
  })

  describe('a table that a person made', () => {
    it('stores what fits columns of any type, and the rest in extra', async () => {
      await client.query(`create type mood as enum ('good', 'it''s bad');
        create table odd (id uuid primary key, "timestamp" timestamptz, text mood, uuid uuid, double bigint, moment date, "boolean" integer, json float8[], bigint boolean, prediction char(3), confidence integer)`)
      const sink = await opened('odd')
      await sink.write(
        [
          record({
            features: { text: "it's bad", double: 2, moment: '2026-11-23T00:00:00Z', json: [1.5, null, -0.1] },
            outputs: { confidence: 1 },
          }),
          record({
            features: { text: 'bad', double: 2.5, moment: TIMESTAMP, boolean: true, json: [1, 'a'], bigint: 1 },
            outputs: { prediction: 7, confidence: 0.5 },
          }),
        ],
        patient,
      )
      const [first, second] = await readAll('odd')
      expect(first).toMatchObject({
        text: "it's bad",
        double: 2,
        json: [1.5, null, -0.1],
        confidence: 1,
        extra: null,
      })
      expect(second).toMatchObject({ text: null, double: null, moment: null, boolean: null, json: null, bigint: null })
      expect(Object.keys(second!['extra'] as object).sort()).toEqual(
        ['bigint', 'boolean', 'double', 'json', 'moment', 'text']
          .map((feature) => `features.${feature}`)
          .concat('outputs.confidence', 'outputs.prediction'),
      )
    })

    it.each(['view', 'materialized view'])('is no %s: that is said, with what to do instead', async (kind) => {
      await opened('below')
      await client.query(`create ${kind} shown_${kind.length} as select * from below`)
      const { problems } = await planOf(`shown_${kind.length}`)
      expect(problems).toEqual([expect.stringMatching(/is a view, .*PREDICTIONS_TABLE/)])
    })

    it('may be partitioned: the unique index has what it is partitioned by', async () => {
      await client.query(`create table by_time (id uuid, "timestamp" timestamptz) partition by range ("timestamp");
        create table by_time_all partition of by_time default; insert into by_time values (gen_random_uuid(), now());
        create table by_owner (id uuid, "timestamp" timestamptz, owner text) partition by list (owner)`)
      const { problems } = await planOf('by_time')
      expect(problems).toEqual([expect.stringMatching(/unique index .*\("id", "timestamp"\)/)])
      await client.query(sqlOf(problems[0]!))
      await (await opened('by_time')).write([record()], patient)
      expect(await readAll('by_time')).toHaveLength(2)
      expect((await planOf('by_owner')).problems.join()).toMatch(
        /partitioned by owner it can have none: let capture have/,
      )
    })

    it.each([
      ['bigserial', 'id bigserial primary key, "timestamp" timestamptz'],
      ['epochs', 'id uuid primary key, "timestamp" bigint not null'],
      ['no key', 'id uuid, "timestamp" timestamptz'],
    ])('is mended by what is said of it as it is printed: %s', async (name, columns) => {
      const table = `mend_${name.replace(' ', '_')}`
      await client.query(
        `create table ${table} (${columns}); insert into ${table} ("timestamp") values (${name === 'epochs' ? 1 : 'now()'})`.replace(
          'insert into mend_epochs ("timestamp") values (1)',
          `insert into mend_epochs values (gen_random_uuid(), 1)`,
        ),
      )
      for (let left = (await planOf(table)).problems; left.length > 0; left = (await planOf(table)).problems)
        await client.query(sqlOf(left[0]!))
      const sink = await opened(table)
      const batch = [record()]
      for (let round = 0; round < 2; round++) await sink.write(batch, patient)
      expect(await readAll(table)).toHaveLength(2)
    })

    const iris = columnsOf({
      features: {
        type: 'object',
        properties: { sepal: { type: 'object', properties: { length: { type: 'number' } } } },
      },
      outputs: { type: 'object', properties: { prediction: { type: 'integer' }, confidence: { type: 'number' } } },
    })

    it("works when it is the recipe's, and what overflows goes to extra", async () => {
      await client.query(`create table recipe (id varchar primary key, "timestamp" timestamp, sepal_length double precision,
        prediction integer, confidence real)`)
      const sink = await opened('recipe', { url: `${at()}?options=-c%20timezone%3DAsia%2FKolkata` }, iris)
      await sink.write(
        [record({ features: { sepal: { length: 5.1 } }, outputs: { prediction: 2 ** 40, confidence: 1e39 } })],
        patient,
      )
      await sink.write([record({ outputs: { prediction: 1, confidence: 0.5 } })], patient)
      const [first, second] = await readAll('recipe')
      const { rows } = await client.query<{ text: string }>('select "timestamp"::text as text from recipe limit 1')
      expect(rows[0]!.text).toBe(TIMESTAMP.replace('T', ' ').replace('Z', ''))
      expect(first).toMatchObject({ sepal_length: 5.1, prediction: null, confidence: null, model: 'iris' })
      expect(first!['extra']).toEqual({
        'outputs.prediction': { value: 2 ** 40, reason: 'does not fit integer' },
        'outputs.confidence': { value: 10n ** 39n, reason: 'does not fit real' },
      })
      expect(second).toMatchObject({ prediction: 1, confidence: 0.5, extra: null })
    })

    it('may have shorter text, decimals and a name in another case', async () => {
      await client.query(`create table narrow (ID uuid primary key, "timestamp" timestamptz(0), "Text" varchar(3), double numeric(5, 2),
        bigint smallint, "json" text, uuid char(36))`)
      const sink = await opened('narrow')
      const uuid = '0199a000-0000-7000-8000-00000000000a'
      await sink.write([record({ features: { text: 'abc', double: 999.99, bigint: 32767, json: [1], uuid } })], patient)
      await sink.write([record({ features: { text: 'a\u0000', double: 999.999, bigint: -32769 } })], patient)
      const [first, second] = await readAll('narrow')
      expect(first).toMatchObject({ Text: 'abc', double: '999.99', bigint: 32767, json: '[1]', uuid })
      expect(second).toMatchObject({ Text: null, double: null, bigint: null })
      expect(Object.keys(second!['extra'] as object).sort()).toEqual([
        'features.bigint',
        'features.double',
        'features.text',
      ])
    })

    it("is reported with both types and the SQL to run, where it can't hold our values", async () => {
      await client.query(`create table wrong (id integer, "timestamp" timestamptz not null, text integer, double boolean default true,
        prediction bigint not null, owner text not null, counted bigint generated always as identity)`)
      await client.query(`insert into wrong values (1, now(), 2, true, 3, 'ann')`)
      const { problems, notes } = await planOf('wrong')
      expect(problems).toHaveLength(2)
      expect(problems.join('\n')).toMatch(/"id" is integer, and has to hold uuid/)
      expect(notes!.join('\n')).toMatch(/"text" is integer, which holds no text: values go to extra/)
      expect(notes!.join('\n')).toMatch(/"double" is boolean, which holds no double/)
      expect(notes!.join('\n')).toMatch(/"prediction" can't be null: .* dead letter/)
      const error = await errorOf(create('wrong').open!(columnsFor()))
      expect(error).toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
      for (const problem of problems) expect(error!.message).toContain(problem)
      for (let left = problems; left.length > 0; left = (await planOf('wrong')).problems)
        await client.query(sqlOf(left[0]!))
      const fits = record({ features: { text: 'no integer', double: 0.5 }, outputs: { prediction: 7 } })
      await (await opened('wrong')).write([fits], patient)
      const rows = await readAll('wrong')
      expect(rows).toHaveLength(2)
      expect(rows.find(({ id }) => id === fits.id)).toMatchObject({
        text: null,
        prediction: 7,
        extra: { 'features.text': { value: 'no integer', reason: 'does not fit integer' } },
      })
    })

    it('may be partitioned by time', async () => {
      await client.query(`create table parted (id uuid, "timestamp" timestamptz, primary key (id, "timestamp")) partition by range ("timestamp");
        create table parted_all partition of parted default`)
      const sink = await opened('parted')
      const batch = [record(), record()]
      await sink.write(batch, patient)
      await sink.write(batch, patient)
      expect(await readAll('parted')).toHaveLength(2)
    })

    it('may have row-level security, which takes no COPY', async () => {
      const role = `${schema}_role`
      await client.query(`create role "${role}" login; grant usage, create on schema "${schema}" to "${role}"`)
      try {
        const address = new URL(at())
        address.username = role
        await opened('secured', { url: address.href })
        await client.query(
          'alter table secured enable row level security; alter table secured force row level security; create policy p on secured using (true)',
        )
        const sink = await opened('secured', { url: address.href })
        const batch = [record({ features: { text: 'x', double: NaN, json: [{ a: 1 }] } }), record()]
        await sink.write(batch, patient)
        await sink.write(batch, patient)
        const rows = await readAll('secured')
        expect(rows).toHaveLength(2)
        expect(rows[0]).toMatchObject({ text: 'x', double: NaN, json: [{ a: 1 }] })
      } finally {
        await Promise.all(sinks.splice(0).map((sink) => sink.close!()))
        await client.query(`drop owned by "${role}"; drop role "${role}"`)
      }
    })
  })

  describe('errors', () => {
    it('refuse a batch for its content: another unique index, a check', async () => {
      await opened('picky')
      await client.query('create unique index on picky (text); alter table picky add check (bigint > 0)')
      const sink = await opened('picky')
      await sink.write([record({ features: { text: 'a' } })], patient)
      const twice = await errorOf(
        sink.write(
          [record({ features: { text: 'b' } }), record({ features: { text: 'a' } })],
          patient,
        ) as Promise<unknown>,
      )
      expect(twice).toMatchObject({ code: 'PREDICTIONS_BATCH_REFUSED' })
      expect(twice!.message).toMatch(/duplicate key/)
      const checked = await errorOf(sink.write([record({ features: { bigint: -1 } })], patient) as Promise<unknown>)
      expect(checked).toMatchObject({ code: 'PREDICTIONS_BATCH_REFUSED' })
      // All or nothing, and the sink needs no opening to go on.
      await sink.write([record({ features: { text: 'c' } })], patient)
      expect((await readAll('picky')).map(({ text }) => text)).toEqual(['a', 'c'])
    })

    it('let the table be made again when it was dropped', async () => {
      const sink = await opened('dropped')
      await client.query('drop table dropped')
      const error = await errorOf(sink.write([record()], patient) as Promise<unknown>)
      expect(error).toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
      await sink.open!(columnsFor())
      await sink.write([record()], patient)
      expect(await readAll('dropped')).toHaveLength(1)
    })

    it('of a statement timeout can be tried again', async () => {
      const sink = await opened('slow', { url: `${at()}?statement_timeout=100` })
      await client.query('begin; lock table slow')
      const error = await errorOf(sink.write([record()], patient) as Promise<unknown>)
      await client.query('commit')
      expect(error).toMatchObject({ code: 'PREDICTIONS_WRITE_TIMED_OUT' })
      expect(error!.message).toMatch(/statement timeout/)
      await sink.open!(columnsFor())
      await sink.write([record()], patient)
      expect(await readAll('slow')).toHaveLength(1)
    })

    it('name the database that is not there, the fix, and no password', async () => {
      const address = new URL(at())
      address.pathname = '/no_such_database'
      address.password = 'top-secret'
      const error = await errorOf(create('x', { url: address.href }).open!(columnsFor()))
      expect(error).toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
      expect(error!.message).toMatch(/no_such_database.*create the database/)
      expect(error!.message).not.toContain('top-secret')
    })

    it('are told at once for a URL of another kind', () => {
      expect(() => postgres({ url: 'mysql://root:top-secret@localhost/x' })).toThrow(/postgres:\/\//)
    })
  })

  it('speaks TLS as the URL says', async () => {
    const certificate = createCertificate()
    const proxy = await postgresOverTls(Number(new URL(url!).port || 5432), certificate)
    try {
      const sink = await opened('encrypted', {
        url: `${at(proxy.port)}?sslmode=verify-full&sslrootcert=${certificate.cert}`,
      })
      await sink.write([record()], patient)
      expect(await readAll('encrypted')).toHaveLength(1)
      expect(proxy.encrypted()).toBe(1)
      const error = await errorOf(
        create('encrypted', { url: `${at(proxy.port)}?sslmode=verify-full` }).open!(columnsFor()),
      )
      expect(error!.message).toMatch(/self-signed.*name its certificate in the URL: sslrootcert=FILE/)
    } finally {
      await Promise.all(sinks.splice(0).map((sink) => sink.close!()))
      await proxy.close()
      certificate.remove()
    }
  })

  it.each(['verify-full&sslrootcert=CERT', 'no-verify'])('warns of nothing with sslmode=%s', async (mode) => {
    const certificate = createCertificate()
    const proxy = await postgresOverTls(Number(new URL(url!).port || 5432), certificate)
    const warnings: string[] = []
    const note = (warning: Error) => void warnings.push(warning.message)
    process.on('warning', note)
    try {
      const sink = await opened('quiet', {
        url: `${at(proxy.port)}?sslmode=${mode.replace('CERT', certificate.cert)}`,
      })
      await sink.write([record()], patient)
      // Warnings come in the next turn.
      await new Promise((resolve) => setImmediate(resolve))
      expect(proxy.encrypted()).toBe(1)
      expect(warnings).toEqual([])
    } finally {
      process.off('warning', note)
      await Promise.all(sinks.splice(0).map((sink) => sink.close!()))
      await proxy.close()
      certificate.remove()
    }
  })

  describe('several hosts', () => {
    const hosts = (list: string, attributes: string) => {
      const { username, password, pathname } = new URL(at())
      const user = `${username}${password ? `:${password}` : ''}`
      return `postgres://${user}@${list}${pathname}?application_name=x&target_session_attrs=${attributes}`
    }
    const { host } = new URL(url ?? 'postgres://x')

    it.each(['any', 'read-write', 'primary'])('are tried one after the other (%s)', async (attributes) => {
      const table = `hosts_${attributes.length}`
      const sink = await opened(table, { url: hosts(`127.0.0.1:1,${host}`, attributes) })
      await sink.write([record()], patient)
      expect(await readAll(table)).toHaveLength(1)
    })

    it('of which none may be written to are told', async () => {
      const role = `${schema}_reader`
      await client.query(`create role "${role}" login; alter role "${role}" set default_transaction_read_only = on`)
      try {
        const readOnly = new URL(hosts(host, 'read-write'))
        readOnly.username = role
        const error = await errorOf(create('x', { url: readOnly.href }).open!(columnsFor()))
        expect(error).toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
        expect(error!.message).toContain('is not read-write, as target_session_attrs asks')
      } finally {
        await client.query(`drop role "${role}"`)
      }
    })

    it('of a kind that is never written to are refused at once', () => {
      expect(() => create('x', { url: hosts(host, 'standby') })).toThrow(
        /target_session_attrs must be one of any, read-write, primary/,
      )
    })
  })

  it('keeps no process alive', async () => {
    await exits('postgres', { url: at(), table: `${schema}.exits` })
    expect(await readAll('exits')).toHaveLength(1)
  })
})
