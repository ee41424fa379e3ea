import { elasticsearch } from 'capture-predictions/sinks/elasticsearch'
import { afterEach, describe, expect, it } from 'vitest'
import { columnsOf } from '../../src/schema/columns.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import { service } from '../setup/services.ts'
import { talkTo } from './elasticsearch/server.ts'
import { deliveryTo } from './people/delivery.ts'
import { record } from './records.ts'

const url = await service('elasticsearch')

/** A field of a person's, what it is to hold, values that it can, and others. */
interface Field {
  readonly mapping: object
  readonly schema: object
  readonly held: readonly unknown[]
  readonly not: readonly unknown[]
  /** The query's value by which the first that is held is found. */
  readonly finds?: unknown
}

const number = { type: 'number' }
const integer = { type: 'integer' }
const string = { type: 'string' }
const moment = { type: 'string', format: 'date-time' }
const fields: Readonly<Record<string, Field>> = {
  'a float': { mapping: { type: 'float' }, schema: number, held: [1.5, 0.1234567890123], not: [1e39, 1e-50] },
  'a half_float': { mapping: { type: 'half_float' }, schema: number, held: [1.5, 65504], not: [65520] },
  'a long for numbers': { mapping: { type: 'long' }, schema: number, held: [2, -7], not: [2.5, 1e300] },
  'a byte': { mapping: { type: 'byte' }, schema: integer, held: [127], not: [128] },
  'a double for integers': { mapping: { type: 'double' }, schema: integer, held: [2 ** 40], not: [] },
  'a date for numbers': { mapping: { type: 'date' }, schema: number, held: [], not: [5] },
  'a keyword for numbers': { mapping: { type: 'keyword' }, schema: number, held: [], not: [5] },
  'a text': { mapping: { type: 'text' }, schema: string, held: ['Iris setosa'], not: [], finds: 'setosa' },
  'an ip': { mapping: { type: 'ip' }, schema: string, held: ['10.0.0.1', '::1'], not: ['setosa'], finds: '10.0.0.0/8' },
  'a date for texts': {
    mapping: { type: 'date' },
    schema: string,
    held: ['2026-11-23', '2026-11-23T01:02:03.004Z'],
    not: ['yesterday', '12'],
  },
  'a boolean for texts': { mapping: { type: 'boolean' }, schema: string, held: [], not: ['true'] },
  'a date_nanos': {
    mapping: { type: 'date_nanos' },
    schema: moment,
    held: ['2026-11-23T01:02:03.004Z'],
    not: ['1969-12-31T23:59:59.999Z', '2300-01-01T00:00:00.000Z'],
  },
  'a date in seconds': {
    mapping: { type: 'date', format: 'epoch_second' },
    schema: moment,
    held: [],
    not: ['2026-11-23T01:02:03.004Z'],
  },
  'an object for numbers': { mapping: { properties: { b: { type: 'long' } } }, schema: number, held: [], not: [5] },
  'an alias': { mapping: { type: 'alias', path: 'features.b' }, schema: string, held: [], not: ['x'] },
  'an object that is only kept': {
    mapping: { type: 'object', enabled: false },
    schema: number,
    held: [5],
    not: [],
    finds: null,
  },
}

describe.skipIf(!url)('an Elasticsearch index that a person made', () => {
  const es = talkTo(url!)
  let prefixes = 0
  const used: string[] = []
  afterEach(async () => {
    for (const prefix of used.splice(0)) await es.drop(prefix)
  })

  /** An index with some fields, and what delivers to it. */
  const made = async (properties: object, features: object, more: object = {}) => {
    const prefix = `people-${process.pid}-${Date.now().toString(36)}-${prefixes++}`
    used.push(prefix)
    await es.request('PUT', `/${prefix}-all`, { mappings: { ...more, properties } })
    const columns = columnsOf({
      features: { type: 'object', properties: features },
      outputs: { type: 'object', properties: { prediction: integer } },
    })
    const sink = elasticsearch({ url: url!, prefix, indexBy: 'none' })
    const delivery = deliveryTo(sink, () => columns)
    const stored = async (records: readonly PredictionRecord[]) => {
      expect(await delivery.write(records)).toEqual([])
      expect(delivery.failures).toEqual([])
      return (await es.hits(prefix)).map(({ _source }) => _source)
    }
    return { prefix, delivery, stored, plan: () => sink.plan!(columns) }
  }

  it.each(Object.entries(fields))('with %s keeps what fits, and the rest in extra', async (_, field) => {
    const { mapping, schema, held, not, finds } = field
    const { prefix, delivery, stored, plan } = await made(
      { features: { properties: { a: mapping, b: { type: 'long' } } } },
      { a: schema },
    )
    const features = (a: unknown) => record({ features: { a, b: 1 }, outputs: { prediction: 1 } })
    const sources = await stored([...held, ...not].map(features))
    for (const [place, value] of held.entries()) {
      expect(sources[place]!['features']).toEqual({ a: value })
      expect(Object.keys(sources[place]!['extra'] as object)).toEqual(['features.b'])
    }
    for (const [place, value] of not.entries()) {
      const source = sources[held.length + place]!
      expect(source).toMatchObject({ model: 'iris', outputs: { prediction: 1 } })
      expect(source['features']).toEqual({})
      expect(source['extra']).toMatchObject({
        'features.a': { value, reason: expect.stringMatching(/^does not fit/) as string },
      })
    }
    const [notes, problems] = [delivery.noted, (await plan()).problems]
    expect(problems).toEqual([])
    expect(notes).toEqual(
      held.length > 0 ? [] : [expect.stringMatching(/features\.a is of type .*go to extra.*reindex/)],
    )
    expect((await plan()).notes ?? []).toEqual(notes)
    if (held.length === 0 || finds === null) return
    const query = { term: { 'features.a': finds ?? held[0] } }
    expect((await es.search(prefix, { query })).hits!.hits.length).toBeGreaterThan(0)
  })

  it('with integers has sums of what is there', async () => {
    const { prefix, stored } = await made({ features: { properties: { a: { type: 'long' } } } }, { a: number })
    await stored([2, 2.5, 4].map((a) => record({ features: { a } })))
    const { aggregations } = await es.search(prefix, { size: 0, aggs: { sum: { sum: { field: 'features.a' } } } })
    expect(aggregations).toEqual({ sum: { value: 6 } })
  })

  it.each<[string, object]>([
    ['a keyword where features should be', { features: { type: 'keyword' } }],
    ['numbers where outputs should be', { outputs: { type: 'long' } }],
    ['texts where tags should be', { tags: { type: 'text' } }],
    ['other types for what is always there', { '@timestamp': { type: 'long' }, model: { type: 'integer' }, status: { type: 'ip' } }], // prettier-ignore
    ['all of these', { features: { type: 'ip' }, outputs: { type: 'text' }, tags: { type: 'date' }, instance: { type: 'boolean' } }], // prettier-ignore
  ])('with %s keeps it all in extra', async (_what, properties) => {
    const { delivery, stored } = await made(properties, { a: number, list: { type: 'array' } }, { dynamic: 'strict' })
    const members = {
      features: { a: 1, list: [1, 'x'] },
      outputs: { prediction: 7 },
      tags: { team: 'a' },
      error: 'none',
    }
    const one = record(members)
    const [source] = await stored([one])
    expect(source).toMatchObject({ id: one.id, timestamp: one.timestamp, error: 'none' })
    const names = Object.keys(properties)
    for (const name of names) expect(source).not.toHaveProperty([name])
    const extra = (source!['extra'] ?? {}) as Record<string, { value: unknown; reason: string }>
    const whole = {
      'features.a': 1,
      'features.list': [1, 'x'],
      'outputs.prediction': 7,
      tags: { team: 'a' },
      model: 'iris',
      status: 200,
      instance: 0,
    }
    const aside = Object.fromEntries(Object.entries(whole).filter(([path]) => names.includes(path.replace(/\..*/, ''))))
    expect(Object.fromEntries(Object.entries(extra).map(([path, { value }]) => [path, value]))).toEqual(aside)
    expect(delivery.noted).toHaveLength(names.length)
  })

  it.each<[string, object]>([
    ['a flattened object', { features: { type: 'flattened' } }],
    ['nested objects', { features: { type: 'nested' } }],
    ['an object that is only kept', { features: { type: 'object', enabled: false } }],
    ['an extra that is looked into', { extra: { type: 'object', dynamic: true } }],
  ])('with %s is taken', async (_what, properties) => {
    const { prefix, delivery, stored } = await made(properties, { a: number })
    // Values of one name and several types.
    const others = [{ b: 1 }, { b: 'x' }, { b: { c: 1 } }, { b: [true] }]
    const sources = await stored(others.map((other) => record({ features: { a: 1.5, ...other } })))
    for (const [place, { b }] of others.entries())
      expect(sources[place]).toMatchObject({
        features: { a: 1.5 },
        extra: { 'features.b': { value: b, reason: 'not in the schema' } },
      })
    expect(delivery.noted).toEqual([])
    expect(await es.count(prefix)).toBe(4)
  })

  it('and refused a value nevertheless keeps the others of its batch', async () => {
    const { stored } = await made(
      { features: { properties: { a: { type: 'date', format: 'yyyy|HH' } } } },
      { a: moment },
    )
    const sources = await stored([record({ features: { a: '2026-11-23T01:02:03.004Z' } }), record()])
    expect(sources[0]!['extra']).toMatchObject({
      features: { value: { a: '2026-11-23T01:02:03.004Z' }, reason: expect.stringMatching(/exception/) as string },
    })
    expect(sources).toHaveLength(2)
  })

  it('by a template is taken, and its next index as well', async () => {
    const prefix = `people-${process.pid}-template-${prefixes++}`
    used.push(prefix)
    await es.request('PUT', `/_index_template/${prefix}`, {
      index_patterns: [`${prefix}-*`],
      priority: 900,
      template: { mappings: { properties: { features: { properties: { a: { type: 'long' }, b: { type: 'ip' } } } } } },
    })
    const columns = columnsOf({ features: { type: 'object', properties: { a: number, b: number } } })
    const months = ['2026-01-31T23:59:59.999Z', '2026-02-01T00:00:00.000Z']
    for (const migrate of ['auto', 'off'] as const) {
      const sink = elasticsearch({ url: url!, prefix, migrate })
      const delivery = deliveryTo(sink, () => columns)
      // With off the index is made by the first bulk.
      if (migrate === 'off') await es.request('DELETE', `/${(await es.indices(prefix)).join(',')}`)
      expect(
        await delivery.write(months.map((timestamp) => record({ timestamp, features: { a: 2.5, b: 1 } }))),
      ).toEqual([])
      expect(delivery.failures).toEqual([])
      expect(delivery.noted).toEqual([expect.stringMatching(/index template .*features\.b is of type ip/)])
      const hits = await es.hits(`${prefix}-*`)
      expect(hits).toHaveLength(2)
      for (const { _source } of hits)
        expect(_source['extra']).toEqual({
          'features.a': { value: 2.5, reason: 'does not fit long' },
          'features.b': { value: 1, reason: 'does not fit ip' },
        })
    }
  })
})
