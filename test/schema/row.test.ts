import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { recordFrom, recordFromJson, type PredictionRecord, type RecordMembers } from '../../src/records/record.ts'
import type { Column } from '../../src/schema/column.ts'
import { columnsOf } from '../../src/schema/columns.ts'
import { createRowMapper, type RowOptions } from '../../src/schema/row.ts'

const id = '0199d3a0-1234-7000-8000-abcdef000000'
const timestamp = '2026-11-23T12:00:00.000Z'

const number = { type: 'number' }
const types = {
  text: { type: 'string' },
  double: number,
  bigint: { type: 'integer' },
  boolean: { type: 'boolean' },
  timestamp: { type: 'string', format: 'date-time' },
  uuid: { type: 'string', format: 'uuid' },
  json: { type: 'array' },
}

const object = (properties: Record<string, unknown>) => ({ type: 'object', properties })

const typed = columnsOf({ features: object({ ...types, deep: object({ er: object(types) }) }), outputs: object(types) })

/** A record's row by column name, without its nulls. */
const rowOf = (record: PredictionRecord, columns: readonly Column[] = typed, options?: RowOptions) => {
  const values = createRowMapper(columns, options)(record)
  expect(values).toHaveLength(columns.length)
  return Object.fromEntries(columns.map(({ name }, i) => [name, values[i]]).filter(([, value]) => value !== null))
}

const row = (members: Partial<RecordMembers>, columns?: readonly Column[], options?: RowOptions) =>
  rowOf(recordFrom({ id, timestamp, ...members }), columns, options)

/** What becomes of one value in a feature's column: stored, and noted. */
const store = (type: keyof typeof types, value: unknown) => {
  const columns = columnsOf({ features: object({ x: types[type] }) })
  const { x, extra } = row({ features: { x: value } }, columns)
  return { stored: x ?? null, extra: extra as unknown }
}

describe('a row', () => {
  it('has the values of a record in the order of the columns', () => {
    const flower = object({ length: number, width: number })
    const columns = columnsOf({
      features: object({ sepal: flower, petal: flower }),
      outputs: object({ prediction: { type: 'integer' }, confidence: number }),
    })
    const record = recordFrom({
      id,
      timestamp,
      model: 'iris',
      model_version: '1',
      request_id: 'r-1',
      instance: 3,
      status: 200,
      duration_ms: 0.25,
      error: null,
      sample_weight: 10,
      tags: { region: 'eu' },
      features: { sepal: { length: 5.1, width: 3.5 }, petal: { length: 1.4, width: 0.2 } },
      outputs: { prediction: 0, confidence: 0.97 },
    })
    const mapper = createRowMapper(columns)
    const expected = [id, timestamp, 5.1, 3.5, 1.4, 0.2, 0, 0.97, 'iris', '1', 'r-1', 3, 200, 0.25, null, 10]
    expect(mapper(record)).toEqual([...expected, { region: 'eu' }, null])
    expect(mapper(recordFrom({ id, timestamp }))).toEqual([
      id,
      timestamp,
      ...[null, null, null, null, null, null],
      ...['', '', null, 0, 0, 0, null, 1, null, null],
    ])
    expect(mapper(record), 'nothing is left of the record before').toEqual([...expected, { region: 'eu' }, null])
  })

  it('holds JSON without a schema, and null for what is empty', () => {
    const columns = columnsOf(undefined)
    const features = { a: [1, { b: 2n ** 60n }], c: null }
    const { features: stored, outputs, extra } = row({ features, outputs: {} }, columns)
    expect({ stored, outputs, extra }).toEqual({ stored: features, outputs: undefined, extra: undefined })
  })

  it('takes null, absent and empty alike', () => {
    const {
      extra,
      tags,
      feature_text: text,
    } = row({ features: { text: null, deep: null, unknown: null }, extra: {}, tags: {} })
    expect({ extra, tags, text }).toEqual({ extra: undefined, tags: undefined, text: undefined })
  })

  it('keeps the columns of a part of the table, in its order', () => {
    const some = [typed.find(({ name }) => name === 'status'), typed[0]].filter((column) => column !== undefined)
    expect(createRowMapper(some)(recordFrom({ id, timestamp, status: 500, features: { a: 1 } }))).toEqual([500, id])
  })
})

describe('a value that fits', () => {
  it.each<[keyof typeof types, unknown, unknown]>([
    ['double', 1.5, 1.5],
    ['double', -0, -0],
    ['double', 1e308, 1e308],
    ['double', NaN, NaN],
    ['double', Infinity, Infinity],
    ['double', '-Infinity', -Infinity],
    ['double', 2n ** 60n, 2 ** 60],
    ['double', 2 ** 60, 2 ** 60],
    ['bigint', 42, 42],
    ['bigint', -0, 0],
    ['bigint', 2 ** 53 - 1, 2 ** 53 - 1],
    ['bigint', 2n ** 53n, 2n ** 53n],
    ['bigint', 2n ** 63n - 1n, 2n ** 63n - 1n],
    ['bigint', -(2n ** 63n), -(2n ** 63n)],
    ['bigint', 1e17, 10n ** 17n],
    ['text', '', ''],
    ['text', 'a\0\ud800🌸', 'a\0\ud800🌸'],
    ['boolean', false, false],
    ['uuid', id.toUpperCase(), id],
    ['timestamp', '2026-11-23T14:00:00+02:00', timestamp],
    ['json', [1, { a: null }], [1, { a: null }]],
    ['json', 'open', 'open'],
    ['json', false, false],
  ])('%s: %s', (type, value, stored) => {
    expect(store(type, value)).toEqual({ stored, extra: undefined })
  })
})

describe('a value that does not fit', () => {
  it.each<[keyof typeof types, unknown, string]>([
    ['double', '5cm', 'not a number'],
    ['double', '5,1', 'not a number'],
    ['double', ' 5', 'not a number'],
    ['double', '05', 'not a number'],
    ['double', '0.1234567890123456', 'not a number'],
    ['double', '1e999', 'not a number'],
    ['double', 'toString', 'not a number'],
    ['double', true, 'not a number'],
    ['double', [1, 2], 'not a number'],
    ['double', [], 'not a number'],
    ['double', ['x'], 'not a number'],
    ['double', 10n ** 400n, 'past double precision'],
    ['bigint', 1.5, 'not an integer'],
    ['bigint', '1.5', 'not an integer'],
    ['bigint', '9223372036854775808', 'not an integer'],
    ['bigint', '+1', 'not an integer'],
    ['bigint', 'NaN', 'not an integer'],
    ['bigint', 2n ** 63n, 'past 64 bits'],
    ['bigint', -(2n ** 63n) - 1n, 'past 64 bits'],
    ['bigint', 2 ** 63, 'past 64 bits'],
    ['text', true, 'not a string'],
    ['text', { a: 1 }, 'not a string'],
    ['boolean', 1, 'not a boolean'],
    ['boolean', 'yes', 'not a boolean'],
    ['boolean', 'toString', 'not a boolean'],
    ['uuid', 'x', 'not a UUID'],
    ['uuid', `${id}0`, 'not a UUID'],
    ['uuid', 5, 'not a UUID'],
    ['timestamp', 'today', 'not a date-time'],
    ['timestamp', 86_400, 'not a date-time'],
    ['timestamp', 999_999_999, 'not a date-time'],
    ['timestamp', 1e15, 'not a date-time'],
    ['timestamp', '2026-02-30 10:00:00', 'not a date-time'],
  ])('%s: %s', (type, value, reason) => {
    const { stored, extra } = store(type, value)
    expect(stored).toBeNull()
    expect(extra).toEqual({ 'features.x': { value: expect.anything(), reason } })
    expect(String((extra as Record<string, { value: unknown }>)['features.x']?.value)).toBe(String(value))
  })

  it('is stored as near as can be where that says more than null, and noted', () => {
    expect(store('double', 2n ** 60n + 1n)).toEqual({
      stored: 2 ** 60,
      extra: { 'features.x': { value: 2n ** 60n + 1n, reason: 'past 53 bits: the nearest double is stored' } },
    })
    expect(store('timestamp', '2026-11-23T12:00:00.000001Z')).toEqual({
      stored: timestamp,
      extra: { 'features.x': { value: '2026-11-23T12:00:00.000001Z', reason: 'finer than milliseconds' } },
    })
  })

  it.each([
    [{ instance: 2 ** 31 }, 'instance', 'past 32 bits'],
    [{ instance: -(2 ** 31) - 1 }, 'instance', 'past 32 bits'],
    [{ status: 2 ** 15 }, 'status', 'past 16 bits'],
    [{ status: 1e300 }, 'status', 'past 16 bits'],
    [{ status: 0.5 }, 'status', 'not an integer'],
    [{ model: 7 }, 'model', 'not a string'],
    [{ timestamp: 'now' }, 'timestamp', 'not a date-time'],
  ])('of the record itself: %j', (members, name, reason) => {
    const stored = row(members as unknown as RecordMembers)
    expect(stored[name]).toBeUndefined()
    expect(stored['extra']).toMatchObject({ [name]: { reason } })
  })

  it('is found by its path', () => {
    const { extra } = row({
      features: { deep: { er: { double: 'x', more: { a: { b: 1 } } }, 'dot.ted': 1, 'a"b': 2 }, unknown: [1, 2] },
      outputs: { bigint: 0.5, other: 'y' },
    })
    expect(extra).toEqual({
      'features.deep.er.double': { value: 'x', reason: 'not a number' },
      'features.deep.er.more': { value: { a: { b: 1 } }, reason: 'not in the schema' },
      'features.deep["dot.ted"]': { value: 1, reason: 'not in the schema' },
      'features.deep["a\\"b"]': { value: 2, reason: 'not in the schema' },
      'features.unknown': { value: [1, 2], reason: 'not in the schema' },
      'outputs.bigint': { value: 0.5, reason: 'not an integer' },
      'outputs.other': { value: 'y', reason: 'not in the schema' },
    })
  })

  it('instead of an object is noted whole', () => {
    const { extra } = row({ features: { deep: 5 }, outputs: [1] as never })
    expect(extra).toEqual({
      'features.deep': { value: 5, reason: 'not an object' },
      outputs: { value: [1], reason: 'not an object' },
    })
  })

  it('is noted beside what the record brought', () => {
    const brought = { 'features.double': { value: 7, reason: 'rounded before capture' }, body: { reason: 'too large' } }
    const { extra } = row({ features: { double: 'x' }, extra: brought })
    expect(extra).toEqual({ ...brought, 'features.double (2)': { value: 'x', reason: 'not a number' } })
    expect(row({ extra: brought })['extra']).toEqual(brought)
  })
})

describe('rows of one mapper', () => {
  it('share nothing, and leave their records as they were', () => {
    const mapper = createRowMapper(typed)
    const brought = { body: { reason: 'too large' } }
    const odd = recordFrom({ id, timestamp, features: { double: 'x' }, extra: brought })
    const first = mapper(odd)
    expect(mapper(odd)).toEqual(first)
    expect(odd.extra).toEqual(brought)
    expect(mapper(recordFrom({ id, timestamp, features: { double: 1 } })).at(-1)).toBeNull()
    mapper(recordFrom({ id, timestamp, features: { double: 'x' } }))
    expect(mapper(recordFrom({ id, timestamp })).at(-1)).toBeNull()
  })
})

describe('a store’s own check', () => {
  const options: RowOptions = {
    accepts: ({ type }) =>
      type === 'bigint' ? (value) => (Number(value) > 99 ? 'past numeric(2)' : undefined) : undefined,
  }

  it('sends what it refuses to extra', () => {
    const { feature_bigint, bigint, extra } = row(
      { features: { bigint: 99 }, outputs: { bigint: 100n } },
      typed,
      options,
    )
    expect({ feature_bigint, bigint }).toEqual({ feature_bigint: 99, bigint: undefined })
    expect(extra).toEqual({ 'outputs.bigint': { value: 100, reason: 'past numeric(2)' } })
  })

  it('sees coerced values, nearest ones too, and never null', () => {
    const seen: unknown[] = []
    const spy: RowOptions = {
      accepts: ({ source }) => (source === 'features' ? (value) => void seen.push(value) : undefined),
    }
    row({ features: { double: 2n ** 60n + 1n, text: null, uuid: id.toUpperCase(), boolean: 'no' } }, typed, spy)
    expect(seen).toEqual([2 ** 60, id])
  })

  it('that takes a nearest value leaves its note', () => {
    const accepts: RowOptions['accepts'] = () => () => undefined
    const { feature_double, extra } = row({ features: { double: 2n ** 60n + 1n } }, typed, { accepts })
    expect(feature_double).toBe(2 ** 60)
    expect(extra).toMatchObject({ 'features.double': { value: 2n ** 60n + 1n } })
  })

  it('of a nearest value leaves null, and the value as it came', () => {
    const columns = columnsOf({ features: object({ x: number }) })
    const { x, extra } = row({ features: { x: 2n ** 60n + 1n } }, columns, {
      accepts: ({ type }) =>
        type === 'double' ? (value) => (Number(value) > 2 ** 24 ? 'past real' : undefined) : undefined,
    })
    expect({ x, extra }).toEqual({
      x: undefined,
      extra: { 'features.x': { value: 2n ** 60n + 1n, reason: 'past real' } },
    })
  })
})

describe('prototypes', () => {
  const named = (name: string) => JSON.parse(`{"${name}":{"polluted":1}}`) as Record<string, unknown>

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s is a name like others', (name) => {
    const schema = JSON.parse(`{"type":"object","properties":{"${name}":{"type":"number"}}}`) as object
    const columns = columnsOf({ features: schema, outputs: object({ a: number }) })
    const mapper = createRowMapper(columns)
    const absent = mapper(recordFrom({ id, timestamp, features: {} }))
    expect(absent[2], 'an inherited member is no value').toBeNull()
    expect(absent.at(-1)).toBeNull()
    const record = recordFrom({
      id,
      timestamp,
      features: named(name),
      outputs: named(name),
      extra: named(name) as never,
    })
    const extra = mapper(record).at(-1) as object
    expect(Object.entries(extra)).toEqual([
      [name, { polluted: 1 }],
      [`features.${name}`, { value: { polluted: 1 }, reason: 'not a number' }],
      [`outputs.${name}`, { value: { polluted: 1 }, reason: 'not in the schema' }],
    ])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('any record', () => {
  // Values that fit, that nearly fit, and that do not, under names of the schema and others.
  const scalar = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'binary' }),
    fc.uuid(),
    fc.constantFrom('NaN', 'Infinity', '', timestamp, '5cm', 10n ** 320n),
  )
  const key = fc.oneof(
    fc.constantFrom(...Object.keys(types), 'deep', 'er', '__proto__', 'constructor', 'deep.er', 'a.b', ''),
    fc.string(),
  )
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
    ),
  }))
  const members = fc.array(fc.tuple(key, value), { maxLength: 10 }).map((entries) => Object.fromEntries(entries))

  /** Every scalar in a value, in one spelling, but for null. */
  const scalarsOf = (of: unknown): string[] => {
    if (of === null || of === undefined) return []
    if (typeof of === 'object') return Object.values(of).flatMap(scalarsOf)
    if (typeof of === 'boolean') return [String(Number(of))]
    const text = String(of).toLowerCase()
    // A text that is a boolean or a number is stored as one, a moment as an ISO 8601 text.
    if (text === 'true' || text === 'false') return [text === 'true' ? '1' : '0']
    const epoch = Number(text) >= 1e12 ? Number(text) : Number(text) * 1000
    if (epoch >= 1e12 && epoch < 1e13) return [String(Math.floor(epoch))]
    if (/^\d{4}-\d\d-\d\d[t ]/.test(text))
      return [String(Date.parse(/z|[+-]\d\d:?\d*$/.test(text) ? text : `${text}z`))]
    if (text.trim() === text && text !== '' && Number.isFinite(Number(text))) return [String(Number(text))]
    return [text]
  }

  it('has each of its scalars in a column or in extra', () => {
    fc.assert(
      fc.property(members, members, members, (features, outputs, tags) => {
        const record = recordFrom({ id, timestamp, features, outputs, tags })
        const there = new Map<string, number>()
        for (const text of scalarsOf(rowOf(record))) there.set(text, (there.get(text) ?? 0) + 1)
        for (const text of [features, outputs, tags].flatMap(scalarsOf)) {
          const left = there.get(text) ?? 0
          if (left === 0) throw new Error(`${text} is lost`)
          there.set(text, left - 1)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('maps without a throw, whatever its members are', () => {
    const names = ['timestamp', 'model', 'request_id', 'instance', 'status', 'tags', 'features', 'outputs', 'extra']
    const anything = fc.array(fc.tuple(fc.constantFrom(...names), value)).map((entries) => Object.fromEntries(entries))
    fc.assert(
      fc.property(anything, (odd) => {
        expect(rowOf(recordFrom({ id, timestamp, ...odd }))['id']).toBe(id)
        expect(createRowMapper(columnsOf(undefined))(recordFrom({ id, timestamp, ...odd }))).toHaveLength(14)
      }),
      { numRuns: 500 },
    )
  })

  it('with an id that is none says so', () => {
    const { id: stored, extra } = rowOf(recordFromJson('{"id":"x","timestamp":"2026-11-23T12:00:00.000Z"}'))
    expect(stored).toBeUndefined()
    expect(extra).toMatchObject({ id: { reason: 'not a UUID' } })
  })
})
