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
    supports: { migration: true, spelled: /[\0\p{Surrogate}]/gu },
  })

  const opened = async (table: string, options: Partial<PostgresOptions> = {}, columns = columnsFor()) => {
    const sink = create(table, options)
    sinks.push(sink)
    await sink.open!(columns)
    return sink
  }
  const problemsOf = async (table: string) => {
    const sink = create(table)
    const { problems } = await sink.plan!(columnsFor())
    await sink.close!()
    return problems
  }
  /** What a person is told to run. */
  const sqlOf = (problem: string): string => problem.slice(problem.indexOf(': ') + 2)
  const errorOf = (promise: Promise<unknown> | undefined) =>
    promise!.then(
      () => undefined,
      (error: unknown) => error as { code: string; message: string },
    )

  const sinks: Sink[] = []
  afterEach(async () => {
    await Promise.all(sinks.splice(0).map((sink) => sink.close!()))
  })

  describe('a table that a person made', () => {
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
      await client.query(`create table wrong (id integer, "timestamp" timestamptz not null, text integer, double boolean not null default true,
        prediction bigint not null, owner text not null, counted bigint generated always as identity)`)
      const problems = await problemsOf('wrong')
      expect(problems).toHaveLength(7)
      expect(problems.join('\n')).toMatch(/"id" is integer, and has to hold uuid/)
      expect(problems.join('\n')).toMatch(/"text" is integer, and has to hold text/)
      expect(problems.join('\n')).toMatch(/"double" is boolean, and has to hold double/)
      const error = await errorOf(create('wrong').open!(columnsFor()))
      expect(error).toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
      for (const problem of problems) expect(error!.message).toContain(problem)
      await client.query(
        'alter table wrong alter column id type text, alter column double drop default, alter column double type integer using 1',
      )
      for (const problem of await problemsOf('wrong')) await client.query(sqlOf(problem))
      await (await opened('wrong')).write([record({ features: { text: 'fits', double: 0.5 } })], patient)
      expect((await readAll('wrong'))[0]).toMatchObject({ text: 'fits', double: 0.5 })
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
      expect(error).toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
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
      expect(error!.message).toMatch(/self-signed.*certificate in the URL/)
    } finally {
      await Promise.all(sinks.splice(0).map((sink) => sink.close!()))
      await proxy.close()
      certificate.remove()
    }
  })

  it('keeps no process alive', async () => {
    await exits('postgres', { url: at(), table: `${schema}.exits` })
    expect(await readAll('exits')).toHaveLength(1)
  })
})
