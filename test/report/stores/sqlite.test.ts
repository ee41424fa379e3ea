import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqlite } from 'capture-predictions/sinks/sqlite'
import { afterAll, expect, it } from 'vitest'
import { report } from '../../../src/report/report.ts'
import { planOf } from '../../../src/report/plan.ts'
import { storeOf } from '../../../src/stores.ts'
import { testStore } from './contract.ts'
import { windows } from './rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'report-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = join(folder, 'predictions.db')
const url = `sqlite:${file}`

const run = async (sql: string) => {
  const database = new DatabaseSync(file)
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

it('knows versions and values that a sample of the rows does not have, and numbers among tags', async () => {
  const rows = 40_000
  await run(
    `create table rare (id text primary key, timestamp text, x real, model text, model_version integer, tags text)`,
  )
  await run(`insert into rare with recursive n(i) as (select 0 union all select i + 1 from n where i < ${rows - 1})
    select i, '2026-11-03T00:00:00.000Z', i % 1000, 'm', iif(i = 777, 2, 1), iif(i = 777, '{"shop":8}', '{"shop":7}') from n`)
  const question = { ...windows, where: [], by: ['shop', 'id'], model: undefined, columns: [] }
  const store = await storeOf({ url, table: 'rare', actualsTable: undefined })
  const survey = await store.survey(question, () => {})
  expect(survey).toMatchObject({ models: ['m'], versions: ['1', '2'], current: rows, reference: 0 })
  const [shop, id] = survey.by
  expect(shop).toEqual({ name: 'shop', values: ['7', '8'] })
  expect(id!.values).toHaveLength(20)
  expect(survey.columns).toMatchObject([{ name: 'x', min: 0, max: 999 }])
  const options = { model: undefined, bucket: undefined, timeZone: 'UTC', referenceColumns: undefined }
  const { current } = await store.answer(planOf(question, survey, options), () => {})
  expect(Object.entries(current.versions).map(([name, { traffic }]) => [name, traffic.instances.n])).toEqual([
    ['1', rows - 1],
    ['2', 1],
  ])
  const shops = current.slices.filter(({ name }) => name === 'shop')
  expect(shops.map(({ value, group }) => [value, group.traffic.instances.n])).toEqual([
    ['7', rows - 1],
    ['8', 1],
  ])
  await store.close()
})

it('samples rows that have no number of their own', async () => {
  await run('create table numberless (id text primary key, timestamp text, n real, tags text) without rowid')
  await run('create view seen as select * from numberless')
  await run(`insert into numberless with recursive i(i) as (select 0 union all select i + 1 from i where i < 49999)
    select printf('%08x-0000', i), strftime('%Y-%m-%dT%H:%M:%fZ', '2026-11-03', '+' || i || ' seconds'), i % 7, '{"shop": "a"}' from i`)
  for (const table of ['numberless', 'seen']) {
    const { traffic, columns, slices } = await report({
      sink: url,
      table,
      since: '2026-11-03',
      until: '2026-11-05',
      by: ['shop'],
    })
    expect(traffic.instances).toBe(50_000)
    expect(slices.map(({ value, instances }) => [value, instances])).toEqual([['a', 50_000]])
    expect(columns['n']!.histogram).toMatchObject({ of: 'values', values: ['0', '1', '2', '3', '4', '5', '6'] })
    expect(columns['n']!.current).toMatchObject({ min: 0, max: 6, missing: 0 })
  }
})

it('knows the range of numbers beside infinities, texts, and integers past 2^53', async () => {
  const time = '2026-11-03T00:00:00.000Z'
  await run('create table odd (id text primary key, timestamp text, infinite real, mixed real, large integer)')
  await run(`insert into odd values (1, '${time}', 1.5, 'none', 9007199254740996), (2, '${time}', 9e999, 3, 2),
    (3, '${time}', -9e999, 4, 3), (4, '${time}', 2.5, null, 4)`)
  const question = { ...windows, where: [], by: [], model: undefined, columns: [] }
  const store = await storeOf({ url, table: 'odd', actualsTable: undefined })
  expect((await store.survey(question, () => {})).columns).toMatchObject([
    { name: 'infinite', min: 1.5, max: 2.5 },
    { name: 'mixed', min: 3, max: 4 },
    { name: 'large', min: 2, max: 9007199254740996 },
  ])
  await store.close()
})

testStore('SQLite', () => ({
  url,
  table: 'predictions',
  createSink: (table) => sqlite({ url, table }),
  timeType: 'text',
  types: {
    real: ['1.5', '9e999', '-9e999', '1e308', "'none'"],
    integer: ['9223372036854775807', '1'],
    'double precision': ['1.5', 'null'],
    numeric: ['1', "'a'"],
    blob: ["x'00ff'"],
    text: ["'2026-11-01T00:00:00Z'", "'a'", "printf('%.100000c', 'x')"],
    boolean: ['0', '1'],
    '': ['1', "'a'", '1.5'],
  },
  copy: (table, to) => [`create table ${to} as select * from ${table}`],
  quote: (name) => `"${name}"`,
  run,
}))
