import { randomBytes } from 'node:crypto'
import { postgres } from 'capture-predictions/sinks/postgres'
import pg from 'pg'
import { afterAll, beforeAll, describe } from 'vitest'
import { service } from '../../setup/services.ts'
import { testStore } from './contract.ts'

const servers = [
  { server: 'Postgres', url: await service('postgres') },
  { server: 'Postgres 18', url: await service('postgres18') },
]

describe.each(servers.filter(({ url }) => url))('$server', ({ server, url }) => {
  const schema = `report_test_${randomBytes(6).toString('hex')}`
  const run = async (sql: string) => {
    const client = new pg.Client({ connectionString: url! })
    await client.connect()
    const { rows } = await client.query<Readonly<Record<string, unknown>>>(sql)
    await client.end()
    return rows
  }
  beforeAll(() => run(`create schema "${schema}"`))
  afterAll(() => run(`drop schema "${schema}" cascade`))

  testStore(server, () => ({
    url: url!,
    table: `${schema}.predictions`,
    createSink: (table) => postgres({ url: url!, table }),
    copy: (table, to) => [
      `create table ${to} as select * from ${table}`,
      `alter table ${to} alter column id type text`,
    ],
    quote: (name) => `"${name}"`,
    hasInfinities: true,
    idType: 'uuid',
    timeType: 'timestamptz',
    types: {
      timestamptz: ["'infinity'", "'-infinity'", 'now()', 'null'],
      date: ["'infinity'", "'2026-01-01'"],
      time: ["'10:00'"],
      interval: ["'1 day'", "'-1 month'"],
      money: ['1::money'],
      bytea: ["'\\x00ff'"],
      'double precision[]': ["'{1,2}'", 'null'],
      'integer[]': ["'{1}'"],
      'timestamptz[]': ["'{now}'"],
      'jsonb[]': ["array['1'::jsonb]"],
      'text[]': ["'{a}'"],
      inet: ["'10.0.0.1'"],
      numeric: ["'NaN'", '1e300', '1', '0.5'],
      real: ["'Infinity'", "'NaN'", '1.5'],
      'char(3)': ["'ab'"],
      text: ["repeat('x', 100000)", "'a'"],
      boolean: ['true', 'false'],
      jsonb: ["'1'", "'{}'", "'null'"],
      int4range: ["'[1,5)'"],
      point: ["'(1,2)'"],
      xml: ["'<a/>'"],
      tsvector: ["'a b'"],
      'bit(3)': ["B'101'"],
    },
    run,
  }))
})
