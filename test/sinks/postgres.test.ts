import { randomBytes } from 'node:crypto'
import { postgres, type PostgresOptions } from 'capture-predictions/sinks/postgres'
import pg from 'pg'
import { afterAll, beforeAll, describe } from 'vitest'
import { decode } from '../../src/json.ts'
import { service } from '../setup/services.ts'
import { testSink, type Row } from './contract.ts'

const url = await service('postgres')

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
const connect = async (schema: string) => {
  const client = new pg.Client({
    connectionString: url,
    types: { getTypeParser: (oid: number) => parsers.get(oid) ?? pg.types.getTypeParser(oid) } as pg.CustomTypesConfig,
  })
  await client.connect()
  await client.query(`create schema "${schema}"; set search_path to "${schema}"; set timezone to 'UTC'`)
  return client
}

describe.skipIf(!url)('postgres', () => {
  const schema = `predictions_test_${randomBytes(6).toString('hex')}`
  let client: pg.Client

  beforeAll(async () => {
    client = await connect(schema)
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
    name: 'Postgres',
    createSink: (table, { port, ...options } = {}) => create(table, { url: at(port), ...options }),
    readAll,
    drop: async (table) => void (await client.query(`drop table if exists "${table}"`)),
    port: Number(new URL(url ?? 'postgres://x').port || 5432),
    child: (table) => ({ module: 'postgres', name: 'postgres', options: { url: at(), table: `${schema}.${table}` } }),
    supports: { migration: true, spelled: /[\0\p{Surrogate}]/gu },
  })
})
