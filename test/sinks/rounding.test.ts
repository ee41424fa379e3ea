import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databases, type Database } from './people/databases.ts'
import { deliveryTo } from './people/delivery.ts'
import { columnsFor, record } from './records.ts'

interface Case {
  /** Numbers that the column holds as they are. */
  readonly held: readonly number[]
  /** Others, and what the column holds of them. */
  readonly not: readonly (readonly [value: number, held: number | null])[]
}

const single: Case = {
  held: [5.1, -0.5, 123456, 2 ** -30, Math.fround(0.1)],
  not: [
    [0.1234567, Math.fround(0.1234567)],
    [16777217, 16777216],
    [1e39, null],
  ],
}
const decimal: Case = {
  held: [0.07, -999.99, 12],
  not: [
    [1.005, 1],
    [0.126, 0.13],
    [-0.001, 0],
    [999.996, null],
    [1e300, null],
  ],
}
const long: Case = {
  held: [0.1, 5e-20, 1e9],
  not: [
    [1e-21, 0],
    [1e10, null],
  ],
}

const types: Readonly<Record<Database['kind'], Readonly<Record<string, Case>>>> = {
  postgres: {
    real: single,
    'numeric(5,2)': decimal,
    'numeric(30,20)': long,
    'numeric(2,4)': {
      held: [0.0099],
      not: [
        [0.00123, 0.0012],
        [0.5, null],
      ],
    },
    'numeric(3,-2)': {
      held: [1200, -99900],
      not: [
        [1250.5, 1300],
        [99960, null],
      ],
    },
    'numeric(400,200)': { held: [1.5e-90], not: [[1.25e-100, 1e-100]] },
    numeric: { held: [0.1, 1e300, 5e-324], not: [[Infinity, null]] },
  },
  mysql: {
    float: single,
    'numeric(5,2)': decimal,
    'numeric(30,20)': long,
    'float(7,3)': { held: [1.5, 999.999], not: [[1234.5678, Math.fround(1234.568)]] },
    'double(7,3)': {
      held: [1.5, 1234.567],
      not: [
        [1234.5678, 1234.568],
        [123456, null],
      ],
    },
    'decimal(5,2) unsigned': {
      held: [1.25],
      not: [
        [1.257, 1.26],
        [-1, null],
      ],
    },
  },
  // It rounds nothing, whatever a type is called.
  sqlite: { 'numeric(5,2)': { held: [0.126, 1e300], not: [] }, float: { held: [0.1234567, 1e39], not: [] } },
}

describe.each(databases)('$name: what a column holds of a number', ({ kind, connect }) => {
  let database: Database
  beforeAll(async () => {
    database = await connect!()
  })
  afterAll(() => database.close())

  const own = {
    postgres: 'id uuid primary key, "timestamp" timestamptz not null',
    mysql: 'id char(36) primary key, `timestamp` datetime(6) not null',
    sqlite: 'id text primary key, timestamp text not null',
  }[kind]
  const extraOf = (extra: unknown): unknown => (typeof extra === 'string' ? JSON.parse(extra) : (extra ?? {}))

  it.each(Object.entries(types[kind]))(
    'that is %s is known, and the rest is in extra, exactly',
    async (type, { held, not }) => {
      const table = `rounding_${type.replace(/\W/g, '_')}`
      await database.run(`create table ${table} (${own}, x ${type})`)
      const delivery = deliveryTo(database.sink(table), () => columnsFor({ x: { type: 'number' } }))
      const all = [...held.map((value) => [value, value] as const), ...not]
      const records = all.map(([x]) => record({ features: { x } }))
      // By both ways of writing: the second time some of the batch is there already.
      for (const some of [records.slice(1), records]) expect(await delivery.write(some)).toEqual([])

      const rows = await database.run(
        `select ${kind === 'postgres' ? 'x::float8' : 'x + 0e0'} as x, extra from ${table} order by id`,
      )
      const asType = /real|float/.test(type) ? Math.fround : Number
      for (const [place, [, value]] of all.entries()) {
        const x = rows[place]!['x']
        expect(kind !== 'sqlite' && value !== null ? asType(x as number) : x).toBe(
          kind !== 'sqlite' && value !== null ? asType(value) : value,
        )
      }
      expect(rows.map(({ extra }) => extraOf(extra))).toEqual(
        all.map(([value, held]) =>
          value === held
            ? {}
            : {
                'features.x': {
                  value: Number.isFinite(value) ? value : String(value),
                  reason: expect.stringMatching(held === null ? /^does not fit/ : /^rounded to/) as string,
                },
              },
        ),
      )
      expect(delivery.noted).toEqual([])
    },
  )

  it('that became narrower while a service runs is known as well', async () => {
    if (kind === 'sqlite') return
    const delivery = deliveryTo(database.sink('narrowed'), () => columnsFor({ x: { type: 'number' } }))
    const write = async (x: number) => expect(await delivery.write([record({ features: { x } })])).toEqual([])
    await write(0.125)
    await database.run(
      `alter table narrowed ${kind === 'postgres' ? 'alter column x type numeric(5,2)' : 'modify column x decimal(5,2)'}`,
    )
    await write(0.126)
    const [, second] = await database.run('select x, extra from narrowed order by id')
    expect(Number(second!['x'])).toBe(0.13)
    expect(extraOf(second!['extra'])).toEqual({
      'features.x': { value: 0.126, reason: expect.stringMatching(/^rounded to (numeric|decimal)\(5,2\)/) as string },
    })
  })
})
