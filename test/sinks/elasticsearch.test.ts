import { elasticsearch, type ElasticsearchOptions } from 'capture-predictions/sinks/elasticsearch'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { hasCode } from '../../src/errors/errors.ts'
import type { PredictionRecord, RecordMembers } from '../../src/records/record.ts'
import type { Column } from '../../src/schema/column.ts'
import { columnsOf } from '../../src/schema/columns.ts'
import type { Sink } from '../../src/sink.ts'
import { service } from '../setup/services.ts'
import { testSink } from './contract.ts'
import { talkTo } from './elasticsearch/server.ts'
import { columnsFor, patient, record } from './records.ts'

const url = await service('elasticsearch')

const number = { type: 'number' }
const flower = { type: 'object', properties: { length: number, width: number } }
const iris = {
  features: { type: 'object', properties: { sepal: flower, petal: flower } },
  outputs: { type: 'object', properties: { prediction: { type: 'integer' }, species: { type: 'string' } } },
}
const open = columnsOf(undefined)

describe.skipIf(!url)('elasticsearch', () => {
  const es = talkTo(url!)
  const at = (port: number | undefined): string => {
    const address = new URL(url!)
    if (port !== undefined) address.port = String(port)
    return address.href
  }

  testSink({
    name: 'Elasticsearch',
    // Uncompressed: so many bytes into a write are somewhere within it.
    createSink: (table, { port, ...options } = {}) =>
      elasticsearch({ url: at(port), prefix: table, compression: port === undefined, ...options }),
    readAll: es.rows,
    drop: es.drop,
    port: Number(new URL(url ?? 'http://x:9200').port),
    child: (table) => ({ module: 'elasticsearch', name: 'elasticsearch', options: { url, prefix: table } }),
    supports: { migration: true },
  })

  let prefixes = 0
  const used: { prefix: string; sink: Sink }[] = []
  const create = (options: Partial<ElasticsearchOptions> = {}) => {
    const prefix = options.prefix ?? `test-${process.pid}-${Date.now().toString(36)}-${prefixes++}`
    const sink = elasticsearch({ url: url!, prefix, ...options })
    used.push({ prefix, sink })
    return { prefix, sink }
  }
  afterEach(async () => {
    for (const { prefix, sink } of used.splice(0)) {
      await sink.close!()
      await es.drop(prefix)
    }
  })

  /** Opens and writes; everything must be stored. */
  const store = async (
    records: readonly PredictionRecord[],
    columns: readonly Column[] = columnsOf(iris),
    options: Partial<ElasticsearchOptions> = {},
  ): Promise<string> => {
    const { prefix, sink } = create(options)
    await sink.open!(columns)
    expect(await sink.write(records, patient)).toEqual([])
    return prefix
  }
  const messageOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => expect.fail('it was fine'),
      (error: unknown) => {
        expect(hasCode(error, 'PREDICTIONS_SINK_UNAVAILABLE')).toBe(true)
        return (error as Error).message
      },
    )
  const january = '2026-01-31T23:59:59.999Z'
  const february = '2026-02-01T00:00:00.000Z'

  describe('documents', () => {
    it('are the row, with features and outputs nested, and @timestamp', async () => {
      const one = record({
        features: { sepal: { length: 5.1, width: 3.5 } },
        outputs: { prediction: 0 },
        tags: { a: 'b' },
      })
      const [hit] = await es.hits(await store([one]))
      expect(hit!._source).toEqual({
        '@timestamp': one.timestamp,
        id: one.id,
        timestamp: one.timestamp,
        model: 'iris',
        model_version: '1',
        instance: 0,
        status: 200,
        duration_ms: 1.5,
        sample_weight: 1,
        tags: { a: 'b' },
        features: { sepal_length: 5.1, sepal_width: 3.5 },
        outputs: { prediction: 0 },
      })
    })

    it.each([
      ['month', ['2026.01', '2026.02']],
      ['day', ['2026.01.31', '2026.02.01']],
      ['none', ['all']],
    ] as const)('go to an index by %s', async (indexBy, names) => {
      const records = [record({ timestamp: january }), record({ timestamp: february })]
      const prefix = await store(records, columnsOf(iris), { indexBy })
      expect(await es.indices(prefix)).toEqual(names.map((name) => `${prefix}-${name}`))
      expect(await es.count(prefix)).toBe(2)
    })

    it('answer range queries, terms and date histograms on features', async () => {
      const species = ['setosa', 'versicolor', 'virginica']
      const records = Array.from({ length: 300 }, (_, i) =>
        record({
          timestamp: `2026-0${1 + (i % 3)}-15T12:00:00.000Z`,
          features: { sepal: { length: 4 + (i % 40) / 10 } },
          outputs: { prediction: i % 3, species: species[i % 3] },
        }),
      )
      const prefix = await store(records)
      const found = await es.search(prefix, {
        size: 0,
        track_total_hits: true,
        query: { range: { 'features.sepal_length': { gte: 6, lt: 7 } } },
        aggs: {
          species: { terms: { field: 'outputs.species' } },
          months: {
            date_histogram: { field: '@timestamp', calendar_interval: 'month' },
            aggs: { mean: { avg: { field: 'features.sepal_length' } } },
          },
        },
      })
      const expected = records.filter((_, i) => i % 40 >= 20 && i % 40 < 30)
      expect(found).toMatchObject({ hits: { total: { value: expected.length } } })
      const { species: terms, months } = found.aggregations as Record<string, { buckets: Record<string, unknown>[] }>
      expect(terms!.buckets.map(({ key }) => key).sort()).toEqual(species)
      expect(months!.buckets.map(({ key_as_string: key }) => key)).toEqual(
        [1, 2, 3].map((m) => `2026-0${m}-01T00:00:00.000Z`),
      )
      for (const { mean } of months!.buckets) expect((mean as { value: number }).value).toBeCloseTo(6.45, 1)
    })

    it('are stored once, 20,000 of them, over several requests', async () => {
      const records = Array.from({ length: 20_000 }, (_, i) => record({ features: { sepal: { length: i } } }))
      const { prefix, sink } = create()
      await sink.open!(columnsOf(iris))
      for (const start of [0, 5000, 10_000]) await sink.write(records.slice(start, start + 10_000), patient)
      const ids = (await es.hits(prefix)).map(({ _source }) => _source['id'])
      expect(ids).toEqual(records.map(({ id }) => id))
    })

    it('need an id and a timestamp', async () => {
      const { prefix, sink } = create()
      await sink.open!(open)
      const records = [record({ id: '../x' }), record({ timestamp: 'now' }), record()]
      expect(await sink.write(records, patient)).toEqual([
        { index: 0, reason: expect.stringContaining('id') as string },
        { index: 1, reason: expect.stringContaining('timestamp') as string },
      ])
      expect(await es.count(prefix)).toBe(1)
    })
  })

  describe('without a schema', () => {
    // One index for all: each case has names of its own.
    const prefix = `test-${process.pid}-raw`
    const sink = elasticsearch({ url: url ?? 'elasticsearch://none', prefix })
    beforeAll(() => sink.open!(open))
    afterAll(async () => {
      await sink.close!()
      await es.drop(prefix)
    })

    const kept = async (...members: Partial<RecordMembers>[]) => {
      const records = members.map((one) => record(one))
      expect(await sink.write(records, patient)).toEqual([])
      return es.sources(
        `${prefix}-2026.11`,
        records.map(({ id }) => id),
      )
    }
    const keptFeatures = async (...features: object[]) =>
      (await kept(...features.map((one) => ({ features: { ...one } })))).map(({ features }) => features)

    it.each<[string, unknown[]]>([
      ['numbers and text', [1, 'abc', 2.5, '3']],
      ['text and numbers', ['abc', 1, true, 5.5]],
      ['booleans and others', [true, 'hello', 5, { a: 1 }]],
      ['scalars and objects', [1, { a: 2 }, { a: { b: 3 } }, 'x', { a: 'y' }]],
      ['objects and scalars', [{ a: 1 }, 5, [{ a: 'x' }], [1, 'x', { b: 2 }]]],
      ['arrays and scalars', [[1, 2], 3, [[4], 5], [], {}, null]],
      ['integers past 64 bits', [1, 10n ** 30n, 'x', -(10n ** 30n)]],
      ['dates and others', ['2026-11-23T00:00:00Z', 5, 'x', '2026']],
      ['long text', ['x'.repeat(40_000), '\u6f22'.repeat(10_000), '\u{1f600}'.repeat(9000)]],
      ['odd text', ['a\0b', '\ud800', '']],
    ])('a later value of another type is kept: %s', async (name, values) => {
      expect(await keptFeatures(...values.map((value) => ({ [name]: value })))).toEqual(
        values.map((value) => ({ [name]: value })),
      )
    })

    it('numbers are searched and averaged, whatever came before or after them', async () => {
      await keptFeatures({ n: 1 }, { n: 'abc' }, { n: 2.5 }, { n: { y: 9 } }, { n: [4] })
      const found = await es.search(prefix, {
        size: 0,
        track_total_hits: true,
        query: { range: { 'features.n': { gte: 2 } } },
        aggs: { sum: { sum: { field: 'features.n' } } },
      })
      expect(found).toMatchObject({ hits: { total: { value: 2 } }, aggregations: { sum: { value: 6.5 } } })
    })

    it.each<[string, object]>([
      ['dots', { '.': 1, '..': 2, 'a.': 3, '.a': 4, 'a..b': 5, 'a.b': 6, a: 7 }],
      [
        'odd characters',
        { '*': 1, '"': 2, 'a b': 3, 'a\0b': 4, '\ud800': 5, é: 6, '@timestamp': 'x', _id: 8, _source: 9 },
      ],
      [
        'the names of members of objects',
        JSON.parse('{"__proto__":1,"constructor":2,"toString":{"prototype":3}}') as object,
      ],
      ['emptiness below', { e: { '': 1, ' ': 2, '.': 3 } }],
      ['90 levels', { d: JSON.parse('{"a":'.repeat(90) + '1' + '}'.repeat(90)) as object }],
    ])('names may have %s', async (_what, features) => {
      const [first, second] = await keptFeatures(features, features)
      for (const one of [first, second]) expect(JSON.stringify(one)).toBe(JSON.stringify(features))
      // The mapping has these names now, and is read at every opening.
      await sink.open!(open)
    })

    it.each<[string, object]>([
      ['an empty name', { '': 1, x: 2 }],
      ['a blank name', { ' ': 1, x: 2 }],
      ['a very long name', { ['n'.repeat(2000)]: 1, x: 2 }],
      ['a number of 5,000 digits', { '': 1, x: 10n ** 5000n }],
    ])('what Elasticsearch refuses stands in extra with its words: %s', async (_what, features) => {
      const [before, refused, after] = await kept(
        { features: { y: 1 } },
        { features: { ...features } },
        { features: { y: 3 } },
      )
      const spelled =
        'x' in features && typeof features.x === 'bigint' ? { ...features, x: String(features.x) } : features
      expect(refused!['extra']).toEqual({
        features: { value: spelled, reason: expect.stringMatching(/exception/) as string },
      })
      expect(refused).toMatchObject({ model: 'iris', status: 200 })
      expect([before!['features'], after!['features']]).toEqual([{ y: 1 }, { y: 3 }])
    })

    it.each<[string, object]>([
      ['a key of 40,000 letters', { ['k'.repeat(40_000)]: 'v' }],
      ['U+0000 in a key', { 'a\0b': 'v' }],
      ['25 levels', JSON.parse('{"a":'.repeat(25) + '1' + '}'.repeat(25)) as object],
      ['text of 40,000 letters', { a: 'x'.repeat(40_000) }],
    ])('tags are kept with %s', async (_what, tags) => {
      const [source] = await kept({ tags: { ...tags } })
      const { tags: own, extra } = source as { tags?: object; extra?: { tags: { value: object } } }
      expect(own ?? extra!.tags.value).toEqual(tags)
    })

    it('tags are searched', async () => {
      await kept({ tags: { team: 'a', n: 1 } }, { tags: { team: 'b' } })
      const found = await es.search(prefix, { query: { term: { 'tags.team': 'b' } } })
      expect(found.hits!.hits).toHaveLength(1)
    })

    it('the fields of all requests together have a limit, and the rest is kept', async () => {
      const wide = (from: number) => Object.fromEntries(Array.from({ length: 800 }, (_, i) => [`f${from + i}`, i]))
      const features = [wide(0), wide(800), { f0: 7 }]
      expect(await keptFeatures(...features)).toEqual(features)
      const caps = (await es.request('GET', `/${prefix}/_field_caps?fields=features.*`)) as { fields: object }
      expect(Object.keys(caps.fields).length).toBeLessThanOrEqual(1001)
    })
  })

  describe('template and indices', () => {
    const properties = (names: object) => columnsOf({ features: { type: 'object', properties: names } })

    it('are added to when a feature is new, and nothing is taken away', async () => {
      const { prefix, sink } = create()
      await sink.open!(properties({ a: number }))
      await sink.write([record({ features: { a: 1 } })], patient)
      await sink.open!(properties({ b: { type: 'string' } }))
      await sink.write(
        [record({ features: { b: 'x' } }), record({ features: { b: 'y' }, timestamp: january })],
        patient,
      )
      const caps = (await es.request('GET', `/${prefix}/_field_caps?fields=features.*`)) as {
        fields: Record<string, Record<string, object>>
      }
      expect(Object.keys(caps.fields['features.a']!)).toEqual(['double'])
      expect(Object.keys(caps.fields['features.b']!)).toEqual(['keyword'])
      expect(await sink.plan!(properties({ a: number, b: { type: 'string' } }))).toEqual({
        statements: [],
        problems: [],
      })
    })

    it('go from raw to typed features and back', async () => {
      const { prefix, sink } = create()
      for (const columns of [open, properties({ a: number, b: { type: 'string' } }), open]) {
        await sink.open!(columns)
        expect(await sink.write([record({ features: { a: 1, b: 'x' } })], patient)).toEqual([])
      }
      expect(await es.count(prefix)).toBe(3)
    })

    it('keep what a person has set in the template', async () => {
      const { prefix, sink } = create()
      await sink.open!(properties({ a: number }))
      const {
        index_templates: [{ index_template: template }],
      } = (await es.request('GET', `/_index_template/${prefix}`)) as {
        index_templates: [{ index_template: { template: { settings: object } } & Record<string, unknown> }]
      }
      for (const name of Object.keys(template)) if (/_date/.test(name)) delete template[name]
      template.template.settings = { number_of_shards: 2, 'index.mapping.total_fields.limit': 4000 }
      await es.request('PUT', `/_index_template/${prefix}`, template)
      await sink.open!(properties({ b: number }))
      await sink.write([record()], patient)
      const settings = Object.values(
        (await es.request('GET', `/${prefix}/_settings`)) as Record<string, { settings: object }>,
      )
      expect(settings[0]).toMatchObject({
        settings: { index: { number_of_shards: '2', mapping: { total_fields: { limit: '4000' } } } },
      })
    })

    it('make room for more features than an index has', async () => {
      const { prefix, sink } = create()
      const wide = (count: number) =>
        properties(Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, number])))
      await sink.open!(wide(3))
      await sink.write([record({ timestamp: new Date().toISOString() })], patient)
      await sink.open!(wide(2500))
      await sink.write([record({ features: { f2499: 7 } })], patient)
      expect((await es.search(prefix, { query: { term: { 'features.f2499': 7 } } })).hits!.hits).toHaveLength(1)
    })

    it('are made once by processes that start together', async () => {
      const { prefix } = create()
      const sinks = Array.from({ length: 4 }, (_, i) => ({
        sink: create({ prefix }).sink,
        columns: properties({ common: number, [`only${i}`]: number }),
      }))
      await Promise.all(
        sinks.map(async ({ sink, columns }, i) => {
          await sink.open!(columns)
          expect(await sink.write([record({ features: { common: i, [`only${i}`]: i } })], patient)).toEqual([])
        }),
      )
      for (const i of sinks.keys())
        expect((await es.search(prefix, { query: { term: { [`features.only${i}`]: i } } })).hits!.hits).toHaveLength(1)
    })

    it('of a longer prefix are not taken for those of a shorter', async () => {
      const { prefix, sink } = create()
      await sink.open!(properties({ a: number }))
      await sink.write([record()], patient)
      const { sink: other } = create({ prefix: `${prefix}-more` })
      await other.open!(properties({ a: { type: 'string' } }))
      expect(await other.write([record({ features: { a: 'x' } })], patient)).toEqual([])
      expect(await es.count(prefix)).toBe(1)
      expect(await es.count(`${prefix}-more`)).toBe(1)
    })

    it.each<[string, object, string]>([
      [
        'text where the time should be',
        { timestamp: { type: 'keyword' } },
        'timestamp is of type keyword and must be date',
      ],
      [
        'times in seconds',
        { timestamp: { type: 'date', format: 'epoch_second' } },
        'timestamp is of type date (epoch_second) and must be date',
      ],
      ['numbers where the id should be', { id: { type: 'long' } }, 'id is of type long and must be keyword'],
      ['a text for extra', { extra: { type: 'text' } }, 'extra is of type text and must be object'],
    ])('of another shape are named, and records wait: %s', async (_what, fields, problem) => {
      const { prefix, sink } = create({ indexBy: 'none' })
      await es.request('PUT', `/${prefix}-all`, { mappings: { properties: fields } })
      const message = await messageOf(sink.open!(properties({ a: number })))
      expect(message).toContain(`index ${prefix}-all: the field ${problem}`)
      expect((await sink.plan!(properties({ a: number }))).problems).toHaveLength(1)
      await es.request('DELETE', `/${prefix}-all`)
      await sink.open!(properties({ a: number }))
      expect(await sink.write([record({ features: { a: 1 } })], patient)).toEqual([])
    })

    it('of another shape that turn up later are named as well', async () => {
      const { prefix, sink } = create()
      await sink.open!(properties({ a: number }))
      await es.request('PUT', `/${prefix}-2026.01`, { mappings: { properties: { extra: { type: 'keyword' } } } })
      expect(await messageOf(sink.write([record({ timestamp: january })], patient))).toContain(
        'the field extra is of type keyword',
      )
    })

    it.each([
      ['index and template', true],
      ['the index alone', false],
    ])('that were deleted while a service runs are made again as they were: %s', async (_, both) => {
      const { prefix, sink } = create()
      const columns = properties({ a: number })
      const write = async (a: number): Promise<void> => {
        const records = [record({ timestamp: january, features: { a } })]
        // What delivery does: open again, and write again.
        const again = async (error: unknown): Promise<void> => {
          expect(hasCode(error, 'PREDICTIONS_SINK_UNAVAILABLE')).toBe(true)
          expect((error as Error).message).toMatch(/index_not_found_exception.*no such index/)
          await sink.open!(columns)
          expect(await sink.write(records, patient)).toEqual([])
        }
        await sink.write(records, patient).then((refusals) => expect(refusals).toEqual([]), again)
      }
      await sink.open!(columns)
      await write(1)
      await es.request('DELETE', `/${prefix}-2026.01`)
      if (both) await es.request('DELETE', `/_index_template/${prefix}`)
      await write(2)
      await write(2.5)
      // By the alias, and as doubles.
      expect(await es.count(prefix)).toBe(2)
      const found = (await es.request('GET', `/${prefix}-2026.01/_mapping`)) as Record<string, unknown>
      expect(JSON.stringify(found)).toMatch(/"features":\{.*"a":\{"type":"double"\}/)
      expect(await sink.plan!(columns)).toEqual({ statements: [], problems: [] })
    })

    it('an index with the name of the alias is named', async () => {
      const { prefix, sink } = create()
      await es.request('PUT', `/${prefix}`)
      expect(await messageOf(sink.open!(open))).toContain(`there is an index ${prefix}`)
    })

    it('with migrate off are used and not changed', async () => {
      const { prefix, sink: auto } = create()
      await auto.open!(properties({ a: number }))
      const { sink } = create({ prefix, migrate: 'off' })
      await sink.open!(properties({ a: number }))
      expect(await sink.write([record({ features: { a: 1 } })], patient)).toEqual([])
      const message = await messageOf(sink.open!(properties({ a: number, b: number })))
      expect(message).toContain(`PUT /_index_template/${prefix}`)
      expect(message).toContain('"b":{"type":"double"}')
      expect(await es.count(prefix)).toBe(1)
    })
  })

  it('an index that takes no writes gives dead letters with its words, and the others are stored', async () => {
    const { prefix, sink } = create()
    await sink.open!(columnsFor())
    await sink.write([record({ timestamp: january })], patient)
    await es.request('PUT', `/${prefix}-2026.01/_settings`, { 'index.blocks.write': true })
    const refusals = await sink.write([record({ timestamp: january }), record({ timestamp: february })], patient)
    expect(refusals).toEqual([
      { index: 0, reason: expect.stringMatching(/cluster_block_exception.*blocked/) as string },
    ])
    expect(await es.count(prefix)).toBe(2)
  })

  it.each([
    ['is closed', '_close', undefined, '_open', undefined],
    ['takes no writes', '_settings', { 'index.blocks.write': true }, '_settings', { 'index.blocks.write': false }],
    ['is read-only', '_settings', { 'index.blocks.read_only': true }, '_settings', { 'index.blocks.read_only': false }],
    ['names a pipeline that is not there', '_settings', { 'index.default_pipeline': 'nope' }, '_settings', { 'index.default_pipeline': '_none' }],
  ] as const)('waits while the index of now %s', async (_, shut, how, open, back) => {
    const { prefix, sink } = create()
    const now = new Date().toISOString()
    const index = `/${prefix}-${now.slice(0, 7).replace('-', '.')}`
    const send = (path: string, body?: object) => es.request(path === '_settings' ? 'PUT' : 'POST', `${index}/${path}`, body)
    await sink.open!(columnsFor())
    await sink.write([record({ timestamp: now })], patient)
    await send(shut, how)
    const late = [record({ timestamp: now }), record({ timestamp: now })]
    await expect(sink.write(late, patient)).rejects.toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
    await send(open, back)
    await sink.open!(columnsFor())
    await vi.waitFor(async () => expect(await sink.write(late, patient)).toEqual([]), { timeout: 10_000 })
    expect(await es.count(prefix)).toBe(3)
  }) // prettier-ignore

  it('is another node where one is away', async () => {
    const address = new URL(url!)
    const { prefix, sink } = create({ url: `elasticsearch://127.0.0.1:1,${address.host}` })
    const attempt = async (): Promise<void> => {
      await sink.open!(open)
      await sink.write([record()], patient)
    }
    await attempt().catch(attempt).catch(attempt)
    expect(await es.count(prefix)).toBeGreaterThan(0)
  })
})
