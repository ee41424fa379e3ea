import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { hasCode } from '../../src/errors/errors.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import type { Column } from '../../src/schema/column.ts'
import type { Sink } from '../../src/sink.ts'
import { freePort } from '../setup/ports.ts'
import { createProxy, type Proxy } from './proxy.ts'
import { columnsFor, everyType, nextId, patient, record, TIMESTAMP } from './records.ts'

/** A row as it was read: integers as number or bigint, timestamps as ISO text in UTC, JSON parsed; absent and null are alike. */
export type Row = Readonly<Record<string, unknown>>

/** What a sink's test gives the contract. */
export interface Harness {
  readonly name: string
  /** A sink that writes to `table`; where the system listens on a port, to another port of this machine when one is given. */
  createSink(table: string, options?: { migrate?: 'auto' | 'off'; port?: number }): Sink
  /** All rows of a table, in the order of their ids: as its reader sees them, so where copies are sorted out by the reader, without them. */
  readAll(table: string): Promise<readonly Row[]>
  drop(table: string): Promise<void>
  /** The system's port on this machine. Absent: it is embedded, and has no connections to break. */
  readonly port?: number
  /** How a child process makes a sink: the module's name below `sinks/`, its function, and that function's options. */
  child(table: string): { module: string; name: string; options: object }
  /** In what stores differ: one that lacks a thing says so here, and the suite leaves it out. */
  readonly supports: {
    /** `plan` says what is missing, and `migrate: 'off'` leaves it at that. */
    readonly migration: boolean
    /** Characters of text that the store can't hold, and that are spelled. */
    readonly spelled?: RegExp
    /** It holds one connection, and ends it when an opening is given up; others end each of their requests by a limit of its own. */
    readonly connection?: true
  }
}

let tables = 0
const newTable = (): string => `contract_${process.pid}_${Date.now().toString(36)}_${tables++}`

const spell = (text: string, spelled: RegExp | undefined): string =>
  spelled ? text.replace(spelled, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`) : text

/** Whether a store gave a value back: a -0 as 0, a large number as an integer of its digits, such an integer as their text. */
const isSame = (stored: unknown, value: unknown, spelled: RegExp | undefined): boolean => {
  if (typeof stored === 'string' && typeof value === 'string') return spell(stored, spelled) === spell(value, spelled)
  if (typeof stored === 'string') return typeof value === 'bigint' && stored === String(value)
  if (typeof stored === 'bigint' || typeof value === 'bigint')
    return typeof stored === typeof value ? stored === value : Number(stored) === Number(value)
  if (Array.isArray(stored) && Array.isArray(value))
    return stored.length === value.length && stored.every((item, i) => isSame(item, value[i], spelled))
  if (!isObject(stored) || !isObject(value)) return stored === value
  const members = new Map(Object.entries(stored).map(([name, member]) => [spell(name, spelled), member]))
  const expected = new Map(Object.entries(value).map(([name, member]) => [spell(name, spelled), member]))
  return (
    members.size === expected.size &&
    [...expected].every(([name, member]) => isSame(members.get(name), member, spelled))
  )
}

/** An array of one is stored as its element, in columns of other types. */
const elementOf = (value: unknown): unknown =>
  Array.isArray(value) && value.length === 1 ? elementOf(value[0]) : value

/** Whether a store has a value in its column's type, without loss: a text as the number that it is, a number as its text. */
const isConverted = (stored: unknown, value: unknown): boolean => {
  if (typeof value === 'boolean') return Number(stored) === Number(value)
  if (typeof value === 'string')
    return String(stored) === value || Date.parse(String(stored)) === Date.parse(`${value}Z`)
  if (typeof value !== 'number' && typeof value !== 'bigint') return false
  // Epoch seconds or milliseconds.
  const time = typeof stored === 'string' ? Date.parse(stored) : NaN
  return stored === String(value) || time === Number(value) || time === Math.floor(Number(value) * 1000)
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const json = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) => (member === undefined ? null : member))

/** Runs the promises that every sink makes: on a real system, without mocks. */
export const testSink = (harness: Harness): void => {
  const { spelled } = harness.supports
  const sinks: Sink[] = []
  const proxies: Proxy[] = []
  const used: string[] = []

  const table = (): string => {
    const name = newTable()
    used.push(name)
    return name
  }
  const create = (name: string, options?: Parameters<Harness['createSink']>[1]): Sink => {
    const sink = harness.createSink(name, options)
    sinks.push(sink)
    return sink
  }
  const open = async (name: string, columns: readonly Column[] = columnsFor()): Promise<Sink> => {
    const sink = create(name)
    await sink.open?.(columns)
    return sink
  }
  /** Writes, and reads all rows. */
  const store = async (records: readonly PredictionRecord[], columns = columnsFor()): Promise<readonly Row[]> => {
    const name = table()
    const sink = await open(name, columns)
    expect((await sink.write(records, patient)) ?? []).toEqual([])
    return harness.readAll(name)
  }
  const same = (stored: unknown, value: unknown): boolean => isSame(stored, value, spelled)

  /** What a row has of a feature: in its column, or in `extra`. */
  const extraOf = (row: Row, feature: string): unknown =>
    (row['extra'] as Record<string, { value?: unknown }> | null)?.[spell(`features.${feature}`, spelled)]?.value
  const expectFeature = (row: Row, feature: string, value: unknown): void => {
    const stored = row[feature] ?? null
    const one = feature === 'json' ? value : elementOf(value)
    const isThere =
      same(stored, value) ||
      same(stored, one) ||
      same(extraOf(row, feature), value) ||
      (feature !== 'json' && isConverted(stored, one)) ||
      // Doubles and moments have more than one spelling.
      (typeof stored === 'number' && String(stored) === one) ||
      (typeof one === 'string' && typeof stored === 'string' && Date.parse(stored) === Date.parse(one)) ||
      (feature === 'uuid' && typeof one === 'string' && stored === one.toLowerCase())
    if (!isThere)
      expect({ column: stored, extra: extraOf(row, feature) }, feature).toEqual({ column: value, extra: undefined })
  }

  afterEach(async () => {
    await Promise.all(sinks.splice(0).map((sink) => sink.close?.()))
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
  })
  afterAll(async () => {
    for (const name of used) await harness.drop(name)
  })

  describe(`${harness.name} keeps the sinks' contract`, () => {
    it('has a name without a password', () => {
      expect(create(table()).name).not.toMatch(/secret|password/)
    })

    it('stores all members of a record', async () => {
      const [row] = await store([
        record({
          request_id: 'r-1',
          instance: 7,
          error: 'too bad',
          sample_weight: 20,
          tags: { team: 'a' },
          features: {
            text: 'x',
            double: 0.1,
            bigint: 42,
            boolean: true,
            moment: TIMESTAMP,
            uuid: nextId(),
            json: [1, 'a', null],
          },
          outputs: { prediction: 2, confidence: 0.97 },
          extra: { body: { reason: 'too large' } },
        }),
      ])
      expect(row).toMatchObject({
        timestamp: TIMESTAMP,
        model: 'iris',
        model_version: '1',
        request_id: 'r-1',
        instance: 7,
        status: 200,
        duration_ms: 1.5,
        error: 'too bad',
        sample_weight: 20,
        tags: { team: 'a' },
        text: 'x',
        double: 0.1,
        bigint: 42,
        boolean: true,
        moment: TIMESTAMP,
        json: [1, 'a', null],
        prediction: 2,
        confidence: 0.97,
        extra: { body: { reason: 'too large' } },
      })
    })

    it('stores features and outputs as JSON without a schema', async () => {
      const columns = columnsFor().filter(({ source }) => source === 'record')
      const whole = (source: 'features' | 'outputs'): Column => ({ name: source, type: 'json', source, path: [] })
      const features = { a: { b: [1, 2n ** 60n, 'x'] } }
      const [row] = await store(
        [record({ features, outputs: { prediction: 1 } })],
        [...columns, whole('features'), whole('outputs')],
      )
      expect(same(row!['features'], features)).toBe(true)
      expect(row!['outputs']).toEqual({ prediction: 1 })
    })

    it('takes an empty batch', async () => {
      expect(await store([])).toEqual([])
    })

    it.each<[string, keyof typeof everyType, readonly unknown[]]>([
      [
        'integers past 2^53 and past 64 bits',
        'bigint',
        [2 ** 53, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 10n ** 30n, 0, -1],
      ],
      [
        'doubles at their limits',
        'double',
        [1e308, 5e-324, -1.7976931348623157e308, -0, 0.1, 1e21, 123456789.12345679],
      ],
      ['NaN and infinities, as records spell them', 'double', ['NaN', 'Infinity', '-Infinity']],
      [
        'empty and odd strings',
        'text',
        ['', ' ', 'null', '\\N', '\\', "'", '"', '`', 'a\tb\r\nc\bd\fe\vf', '\u001a', '%s ? $1 :a'],
      ],
      [
        'every plane of Unicode and U+0000',
        'text',
        [0x41, 0xe9, 0x20ac, 0xffff, 0x1f600, 0x2f800, 0xe0100, 0x10ffff].map((c) => String.fromCodePoint(c, 0, c)),
      ],
      ['halves of surrogate pairs', 'text', ['\ud800', 'a\udc00b', '\udc00\ud800']],
      [
        'dates before 1970, far ahead, and with zones',
        'moment',
        [
          '0001-01-01T00:00:00.000Z',
          '1969-12-31T23:59:59.999Z',
          '9999-12-31T23:59:59.999Z',
          '2024-02-29T23:59:59.999+05:30',
          '2024-03-31T02:30:00Z',
          '1883-11-18T12:03:57.000-08:00',
        ],
      ],
      ['booleans, texts that are one, and what is none', 'boolean', [true, false, 'true', 'no', 1]],
      [
        'uuids, and what is none',
        'uuid',
        ['0199a000-0000-7000-8000-00000000000a', '0199A000-0000-7000-8000-00000000000B', 'x'],
      ],
      [
        'JSON of any kind',
        'json',
        [
          [],
          [[]],
          [{}],
          [{ a: { '': [null, false, 1e308, -0, 2n ** 70n, 'é\u0000\ud800'] }, __proto__x: 1 }],
          { not: 'an array' },
          'text',
          5,
          true,
        ],
      ],
      ['a wrong type for its column', 'double', ['5cm', true, { a: 1 }, [1, 2]]],
      ['what is a number without loss', 'double', ['5.1', '42', [1], ['2.5']]],
      ['what is an integer without loss', 'bigint', [true, false, '42', '9007199254740993', [7]]],
      ['numbers as text', 'text', [5, 0.1, 2n ** 60n]],
      ['moments without a zone, and epochs', 'moment', ['2024-03-01T10:00:00', 1_709_287_200, 1_709_287_200_500]],
    ])('stores %s', async (_what, feature, values) => {
      const rows = await store(values.map((value) => record({ features: { [feature]: value } })))
      expect(rows).toHaveLength(values.length)
      values.forEach((value, index) => expectFeature(rows[index]!, feature, value))
    })

    it('stores 1 MB of text, in ASCII and beyond', async () => {
      const texts = ['x'.repeat(1_000_000), '\u20ac\n\\'.repeat(200_000)]
      const rows = await store(texts.map((text) => record({ features: { text, json: [text] }, error: text })))
      texts.forEach((text, index) => {
        expect(rows[index]!['text'] === text).toBe(true)
        expect((rows[index]!['json'] as string[])[0] === text).toBe(true)
        expect(rows[index]!['error'] === text).toBe(true)
      })
    })

    it('stores deep JSON, and loses none of it', async () => {
      const deep = (levels: number): unknown => (levels === 0 ? ['the core'] : [{ a: deep(levels - 1) }])
      const rows = await store([
        record({ features: { json: deep(90) }, tags: { deep: deep(90) as object } }),
        record({ features: { text: deep(90) } }),
      ])
      expect(rows).toHaveLength(2)
      for (const row of rows) expect(json(row)).toContain('the core')
    })

    it('stores an open model name of any length', async () => {
      const [row] = await store([record({ model: 'm'.repeat(5000) })])
      expect(json(row)).toContain('m'.repeat(5000))
    })

    it('tells nothing apart of null and absent, where columns are typed', async () => {
      const [absent, given] = await store([record(), record({ features: { text: null, double: null, json: null } })])
      for (const feature of ['text', 'double', 'json']) {
        expect(absent![feature] ?? null).toBeNull()
        expect(given![feature] ?? null).toBeNull()
      }
    })

    it('keeps null inside of JSON', async () => {
      const [row] = await store([record({ features: { json: [null, { a: null }] } })])
      expect(row!['json']).toEqual([null, { a: null }])
    })

    it('takes any feature name', async () => {
      const names = [
        'select',
        'a b',
        "it's",
        '"',
        '`',
        'a.b',
        'a as b',
        'x[0]',
        '*',
        '?',
        '??',
        ':a',
        '$1',
        '\\',
        '',
        '\u{1f600}',
        'n'.repeat(100),
        `${'n'.repeat(100)}2`,
        'Case',
        'case',
        'CASE',
        'id',
        'timestamp',
        'prediction',
        'extra',
        'status',
        '__proto__',
        'constructor',
        'end ',
        'é',
        'e',
      ]
      const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
      Object.defineProperty(properties, '__proto__', { value: { type: 'string' }, enumerable: true })
      const features = JSON.parse(
        `{${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(`of ${name}`)}`).join()}}`,
      ) as object
      const [row] = await store(
        [record({ features: { ...features }, outputs: { prediction: 1 } })],
        columnsFor(properties),
      )
      const text = json(row)
      for (const name of names) expect(text).toContain(JSON.stringify(`of ${name}`))
      expect(row!['prediction']).toBe(1)
    })

    it('takes 2,000 features', async () => {
      const types = ['number', 'string', 'integer', 'boolean']
      const valueOf = [
        (i: number) => i + 0.5,
        (i: number) => `text ${i} ${'x'.repeat(40)}`,
        (i: number) => i,
        (i: number) => i % 8 > 3,
      ]
      const names = Array.from({ length: 2000 }, (_, i) => `f${i}`)
      const columns = columnsFor(Object.fromEntries(names.map((name, i) => [name, { type: types[i % 4] }])))
      const features = Object.fromEntries(names.map((name, i) => [name, valueOf[i % 4]!(i)]))
      const name = table()
      const sink = await open(name, columns)
      await sink.write([record({ features, outputs: { prediction: 3 } }), record({ features: {} })], patient)
      // A second opening finds what the first has made.
      await (await open(name, columns)).write([record({ features })], patient)
      const [first, second, third] = await harness.readAll(name)
      const found = (row: Row, feature: string): unknown => row[feature] ?? (row['features'] as Row | null)?.[feature]
      for (const row of [first!, third!])
        for (const feature of names) {
          const [value, expected] = [found(row, feature), features[feature]]
          // A store without booleans has 0 and 1.
          expect(typeof expected === 'boolean' ? Boolean(value) : value, feature).toBe(expected)
        }
      expect(found(second!, 'f0') ?? null).toBeNull()
      expect(first).toMatchObject({ prediction: 3 })
    })

    it('stores a batch that comes twice once', async () => {
      const name = table()
      const sink = await open(name)
      const [a, b, c] = [record({ features: { text: 'a' } }), record(), record()]
      await sink.write([a, b], patient)
      expect((await sink.write([a, b], patient)) ?? []).toEqual([])
      // Some of it new, and some twice in itself.
      expect((await sink.write([b, c, c, a], patient)) ?? []).toEqual([])
      const rows = await harness.readAll(name)
      expect(rows.map(({ id }) => id)).toEqual([a.id, b.id, c.id])
      expect(rows[0]!['text']).toBe('a')
    })

    it('stores 10,000 records of one write', async () => {
      const records = Array.from({ length: 10_000 }, (_, i) => record({ features: { double: i, text: `text ${i}` } }))
      const rows = await store(records)
      expect(rows).toHaveLength(10_000)
      expect(rows.every((row, i) => row['double'] === i && row['id'] === records[i]!.id)).toBe(true)
    })

    it('stores a batch larger than one packet of the server', async () => {
      const text = 'y'.repeat(1_000_000)
      const rows = await store(Array.from({ length: 20 }, () => record({ features: { text } })))
      expect(rows).toHaveLength(20)
      expect(rows.every((row) => row['text'] === text)).toBe(true)
    })

    it('lets several processes start at the same moment', async () => {
      const name = table()
      const started = Array.from({ length: 5 }, () => create(name))
      await Promise.all(started.map((sink) => sink.open?.(columnsFor())))
      await Promise.all(started.map((sink) => sink.write([record()], patient)))
      expect(await harness.readAll(name)).toHaveLength(5)
    })

    it('adds columns when the schema grows', async () => {
      const name = table()
      await (
        await open(name, columnsFor({ text: { type: 'string' } }))
      ).write([record({ features: { text: 'a' } })], patient)
      const sink = await open(name, columnsFor({ more: { type: 'number' }, text: { type: 'string' } }))
      await sink.write([record({ features: { text: 'b', more: 2 } })], patient)
      const [first, second] = await harness.readAll(name)
      expect(first).toMatchObject({ text: 'a' })
      expect(second).toMatchObject({ text: 'b', more: 2 })
    })

    it('goes on after a write was aborted', async () => {
      const name = table()
      const sink = await open(name)
      const aborted = new AbortController()
      const records = Array.from({ length: 2000 }, () => record({ features: { text: 'z'.repeat(500) } }))
      const write = sink.write(records, aborted.signal)
      aborted.abort()
      await expect(write).rejects.toThrow()
      await sink.open?.(columnsFor())
      await sink.write(records, patient)
      expect(await harness.readAll(name)).toHaveLength(2000)
    })

    it('closes more than once, and before it was opened', async () => {
      const sink = create(table())
      await sink.close?.()
      await sink.open?.(columnsFor())
      await sink.close?.()
      await sink.close?.()
    })

    it('stores whatever fits no column in extra (fuzz)', async () => {
      const name = table()
      const sink = await open(name)
      const unit = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string(),
        fc.constantFrom('\0', '\ud83d', '\\', '\t', '"'),
      )
      // Node.js 24: JSON.parse reads the key `"` as a backslash where an object of the same shape before it had that one.
      const memberName = unit.filter((text) => text !== '\\')
      const scalar = fc.oneof(
        unit,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
      )
      const { value } = fc.letrec((tie) => ({
        value: fc.oneof(
          { depthSize: 'small', maxDepth: 5 },
          scalar,
          fc.array(tie('value'), { maxLength: 4 }),
          fc.dictionary(memberName, tie('value'), { maxKeys: 4 }),
        ),
      }))
      const features = fc.record(Object.fromEntries(Object.keys(everyType).map((feature) => [feature, value])), {
        requiredKeys: [],
      })
      await fc.assert(
        fc.asyncProperty(fc.array(features, { minLength: 1, maxLength: 25 }), async (given) => {
          // What a handler may hold that JSON can't is changed at capture: records are read as they are stored there.
          const records = given.map((features) => record({ features: features as Row }))
          expect((await sink.write(records, patient)) ?? []).toEqual([])
          const rows = new Map((await harness.readAll(name)).map((row) => [row['id'], row]))
          for (const { id, features } of records)
            for (const [feature, value] of Object.entries(features)) expectFeature(rows.get(id)!, feature, value)
        }),
        { numRuns: 8, endOnFailure: true },
      )
    })

    it('reads back the same times from a process in any time zone', async () => {
      const name = table()
      const zones = ['America/St_Johns', 'Asia/Kolkata', 'Pacific/Apia']
      const moments = ['1969-07-20T20:17:40.001Z', '2024-03-10T07:30:00.999Z', '2024-11-03T05:30:00.123Z']
      const { module, name: exported, options } = harness.child(name)
      const script = fileURLToPath(new URL('./write.ts', import.meta.url))
      const input = JSON.stringify({ module, name: exported, options, zones, moments })
      await promisify(execFile)(process.execPath, ['--experimental-strip-types', '--no-warnings', script, input])
      const rows = await harness.readAll(name)
      const times = zones.flatMap(() => moments)
      expect(rows.map(({ timestamp }) => timestamp)).toEqual(times)
      expect(rows.map(({ moment }) => moment)).toEqual(times)
    })

    if (harness.supports.migration) describe('migration', () => testMigration({ create, open, table, harness }))
    const { port } = harness
    if (port !== undefined) describe('connections', () => testConnections({ create, table, harness, port, proxies }))
  })
}

interface Tools {
  create(table: string, options?: Parameters<Harness['createSink']>[1]): Sink
  table(): string
  harness: Harness
}

const testMigration = ({ create, open, table, harness }: Tools & { open(table: string): Promise<Sink> }): void => {
  it('plans what opening does, and changes nothing', async () => {
    const name = table()
    const plan = await create(name).plan!(columnsFor())
    expect(plan.statements.join('\n')).toContain(name)
    expect(plan.problems).toEqual([])
    expect((await create(name).plan!(columnsFor())).statements).toEqual(plan.statements)
    await open(name)
    expect(await create(name).plan!(columnsFor())).toEqual({ statements: [], problems: [] })
  })

  it('with migrate off, says what to run and leaves it at that', async () => {
    const name = table()
    const sink = create(name, { migrate: 'off' })
    const { statements } = await create(name).plan!(columnsFor())
    const error = await sink.open!(columnsFor()).catch((error: unknown) => error)
    expect(hasCode(error, 'PREDICTIONS_SINK_UNAVAILABLE')).toBe(true)
    for (const statement of statements) expect((error as Error).message).toContain(statement)
    expect((await create(name).plan!(columnsFor())).statements).toEqual(statements)
    await open(name)
    await sink.open!(columnsFor())
    await sink.write([record()], patient)
    expect(await harness.readAll(name)).toHaveLength(1)
  })
}

const testConnections = ({
  create,
  table,
  harness,
  port,
  proxies,
}: Tools & { port: number; proxies: Proxy[] }): void => {
  const proxy = async (listen?: number): Promise<Proxy> => {
    const made = await createProxy(port, listen)
    proxies.push(made)
    return made
  }

  it('says that the system is not there yet, and writes when it is', async () => {
    const later = await freePort()
    const name = table()
    const sink = create(name, { port: later })
    const error = await sink.open!(columnsFor()).catch((error: unknown) => error)
    expect(hasCode(error, 'PREDICTIONS_SINK_UNAVAILABLE')).toBe(true)
    expect((error as Error).message).toMatch(/refused/i)
    await proxy(later)
    await sink.open!(columnsFor())
    await sink.write([record()], patient)
    expect(await harness.readAll(name)).toHaveLength(1)
  })

  it.each([0, 100, 20_000, 150_000])(
    'loses and doubles nothing when the connection dies %i bytes into a write',
    async (bytes) => {
      const name = table()
      const between = await proxy()
      const sink = create(name, { port: between.port })
      await sink.open!(columnsFor())
      await sink.write([record()], patient)
      const records = Array.from({ length: 1000 }, (_, i) => record({ features: { text: 'c'.repeat(300), double: i } }))
      between.cutAfter(bytes + 1)
      const error = await sink.write(records, patient).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(Error)
      expect(hasCode(error, 'PREDICTIONS_BATCH_REFUSED')).toBe(false)
      await sink.open!(columnsFor())
      await sink.write(records, patient)
      expect(await harness.readAll(name)).toHaveLength(1001)
    },
  )

  it('writes on over a new connection when the server closed the idle one', async () => {
    const name = table()
    const between = await proxy()
    const sink = create(name, { port: between.port })
    await sink.open!(columnsFor())
    await sink.write([record()], patient)
    await between.close()
    await proxy(between.port)
    // Whether the end of the connection was seen in time is the system's affair: delivery opens again after an error.
    await sink.write([record()], patient).catch(async () => {
      await sink.open!(columnsFor())
      await sink.write([record()], patient)
    })
    expect(await harness.readAll(name)).toHaveLength(2)
  })

  /** A sink that is open, and whose server has become silent. */
  const silent = async () => {
    const name = table()
    const between = await proxy()
    const sink = create(name, { port: between.port })
    await sink.open!(columnsFor())
    between.freeze()
    return { name, between, sink, aborting: new AbortController() }
  }

  it.runIf(harness.supports.connection)(
    'begins an opening anew that was given up, over another connection',
    async () => {
      const { name, between, sink, aborting } = await silent()
      const opening = sink.open!([...columnsFor()], undefined, aborting.signal)
      aborting.abort()
      await expect(opening).rejects.toThrow()
      between.thaw()
      await sink.open!(columnsFor())
      await sink.write([record()], patient)
      expect(await harness.readAll(name)).toHaveLength(1)
      await vi.waitFor(() => expect(between.open()).toBe(1), { timeout: 5000 })
    },
  )

  it.runIf(harness.supports.connection)(
    'keeps no connection that comes when nobody waits for it any more',
    async () => {
      const between = await proxy()
      const sink = create(table(), { port: between.port })
      const aborting = new AbortController()
      const opening = sink.open!(columnsFor(), undefined, aborting.signal)
      aborting.abort()
      await expect(opening).rejects.toThrow()
      await vi.waitFor(() => expect(between.open()).toBe(0), { timeout: 5000 })
    },
  )

  it('ends a write at once when it is aborted, though the server is silent', async () => {
    const { sink, aborting } = await silent()
    const write = sink.write([record()], aborting.signal)
    aborting.abort()
    await expect(write).rejects.toThrow()
  })
}
