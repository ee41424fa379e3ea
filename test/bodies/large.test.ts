import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import compression from 'compression'
import express, { type RequestHandler } from 'express'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { CaptureOptions } from 'capture-predictions'
import { capturePredictions } from 'capture-predictions/express'
import { encode } from '../../src/records/json.ts'
import { createSampler } from '../../src/exchange/sampling.ts'
import { binaryBody } from '../formats/messages.ts'
import { frameworks } from '../integrations/frameworks.ts'
import { cleanup, temporaryFolder, testCapture, type TestCapture } from '../setup/captures.ts'

/** Past what is read at once, and below what body parsers take by default. */
const N = 4500
const each = <T>(make: (i: number) => T, n = N): T[] => Array.from({ length: n }, (_, i) => make(i))

const post = (url: string, body: unknown) =>
  fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** How many records are safe. */
const queuedOf = ({ capture }: TestCapture): number => {
  const { queued, written } = Object.values(capture.stats().sinks)[0]!
  return queued + written
}

describe.each(frameworks)('a large batch on $name', (framework) => {
  it.each(['after parser', 'before parser'] as const)(
    'is a record an instance, all safe before the reply ends (%s)',
    async (mount) => {
      const test = testCapture()
      const app = await framework.start({
        capture: test.capture,
        mount,
        handler({ body, prediction }) {
          const { instances } = body as { instances: number[][] }
          const predictions = instances.map(([a, b]) => a! + b!)
          prediction?.set({ confidence: predictions.map((value) => value / 10) })
          // The middleware stands behind the parser: what the handler does to its objects later changes no record.
          if (mount === 'after parser') instances.length = 0
          return { body: { predictions } }
        },
      })
      cleanup(() => app.close())
      const reply = await post(app.url, { instances: each((i) => [i, 0.5]) })
      expect(await reply.json()).toEqual({ predictions: each((i) => i + 0.5) })
      expect(queuedOf(test)).toBe(N)
      const records = await test.records()
      const id = reply.headers.get('x-prediction-id')!
      expect(
        records.map(({ id, instance, features, outputs, extra }) => ({ id, instance, features, outputs, extra })),
      ).toEqual(
        each((i) => ({
          id: id.slice(0, 32) + i.toString(16).padStart(4, '0'),
          instance: i,
          features: { f0: i, f1: 0.5 },
          outputs: { prediction: i + 0.5, confidence: (i + 0.5) / 10 },
          extra: {},
        })),
      )
      expect(test.capture.stats()).toMatchObject({
        faults: 0,
        requests: { seen: 1, captured: 1 },
        formats: { instances: 1 },
      })
    },
  )
})

const listening = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A service in a process of its own, whose handler ends it right after the reply. */
const endingService = async (outboxDir: string, ending: string) => {
  const script = fileURLToPath(new URL('./children/ending-large.ts', import.meta.url))
  const child = fork(script, [outboxDir, ending, `${N}`], { silent: true })
  cleanup(() => child.kill('SIGKILL'))
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

const serve = async (handler: RequestHandler, options?: CaptureOptions) => {
  const test = testCapture(options)
  const app = express()
  app.set('env', 'test')
  app.use(express.json({ limit: '2mb' }))
  app.use(capturePredictions(test.capture))
  app.post('/predict', handler)
  return { ...test, url: await listening(app) }
}

describe('a large body', () => {
  it('lets other requests go first', async () => {
    let handled: () => void
    const isHandled = new Promise<void>((resolve) => (handled = resolve))
    const { url, records } = await serve((req, res) => {
      res.json({ predictions: req.body as unknown })
      handled()
    })
    const order: string[] = []
    const large = post(
      url,
      each((i) => i, 100_000),
    ).then(async (reply) => {
      await reply.arrayBuffer()
      order.push('large')
    })
    await isHandled
    await post(url, [1])
    order.push('small')
    await large
    expect(order).toEqual(['small', 'large'])
    expect(await records()).toHaveLength(100_001)
  })

  it('is as it was when it came by, whatever becomes of its objects', async () => {
    const { url, records } = await serve((req, res) => {
      const reply = { predictions: each((i) => i) }
      res.json(reply)
      reply.predictions.fill(-1)
      ;(req.body as number[]).fill(-1)
    })
    expect(
      await (
        await post(
          url,
          each((i) => i),
        )
      ).json(),
    ).toEqual({ predictions: each((i) => i) })
    expect((await records()).map(({ features, outputs }) => [features, outputs])).toEqual(
      each((i) => [{ f0: i }, { prediction: i }]),
    )
  })

  it('of the reply alone', async () => {
    const { url, records } = await serve((_req, res) => void res.json({ embedding: each((i) => i, 40_000) }))
    await post(url, { a: 1 })
    expect(await records()).toMatchObject([{ features: { a: 1 }, outputs: { embedding: { shape: [40_000] } } }])
  })

  it('whose handler throws after its reply is replied to all the same', async () => {
    const { url, records } = await serve((_req, res) => {
      res.json({ predictions: each((i) => i) })
      throw new Error('too late')
    })
    const reply = await post(
      url,
      each((i) => i),
    )
    expect(reply.status).toBe(200)
    expect(await reply.json()).toEqual({ predictions: each((i) => i) })
    expect(await records()).toHaveLength(N)
  })

  it('is replied to byte for byte as without, also behind what compresses', async () => {
    const { capture } = testCapture()
    const serveWith = async (middleware: RequestHandler) => {
      const app = express().use(compression(), express.json({ limit: '2mb' }), middleware)
      app.post('/predict', (_req, res) => void res.end('hello'))
      return listening(app)
    }
    const replies = await Promise.all(
      [capturePredictions(capture), ((_req, _res, next) => next()) as RequestHandler].map(async (middleware) => {
        const url = await serveWith(middleware)
        const reply = await post(url, each((i) => i)) // prettier-ignore
        const headers = Object.fromEntries(reply.headers)
        delete headers['x-prediction-id']
        delete headers['date']
        return { headers, body: await reply.text() }
      }),
    )
    expect(replies[0]).toEqual(replies[1])
  })

  it('set for before it is read is merged as a batch', async () => {
    const { capture, records } = testCapture()
    const exchange = capture.begin({ route: 'POST /predict', headers: {} })
    exchange.request({ instances: [Array(40_000).fill(1)] })
    exchange.set([{ label: 'a' }])
    exchange.set({ score: [0.9] })
    await exchange.end(200)
    expect((await records()).map(({ outputs }) => outputs)).toEqual([{ label: 'a', score: 0.9 }])
  })

  it('is not waited for by close for longer than it may take', async () => {
    const { capture } = testCapture()
    const exchange = capture.begin({ route: 'POST /predict', headers: {} })
    exchange.request(each((i) => i, 300_000))
    let isRecorded = false
    const recorded = exchange.end(200)!.then(() => (isRecorded = true))
    await capture.close({ timeout: 1 })
    expect(isRecorded).toBe(false)
    await recorded
  })

  it('for which there is no room makes the next request wait for room, where that is wanted', async () => {
    const sink = { name: 'away', write: () => Promise.reject(new Error('away')) }
    const { capture } = testCapture({ sink, whenFull: 'reject', outboxMaxBytes: 3 * 1024 * 1024 })
    let rejected = false
    for (let i = 0; i < 20 && !rejected; i++) {
      rejected = capture.rejects()
      if (rejected) break
      const exchange = capture.begin({ route: 'POST /predict', headers: {} })
      exchange.request(each((i) => i))
      await exchange.end(200)
    }
    expect(rejected).toBe(true)
    expect(Object.values(capture.stats().sinks)[0]).toMatchObject({ dropped: 0 })
  })

  it('is not read where it is skipped, or sampled out whatever comes', async () => {
    const skipped = await serve((req, res) => {
      req.prediction?.skip()
      res.json({})
    })
    await post(
      skipped.url,
      each((i) => i),
    )
    expect(await skipped.records()).toEqual([])
    expect(skipped.capture.stats()).toMatchObject({ requests: { skipped: 1 }, formats: {} })
    const sampled = await serve((_req, res) => void res.json({}), { sampleRate: 0 })
    await post(
      sampled.url,
      each((i) => i),
    )
    expect(await sampled.records()).toEqual([])
    expect(sampled.capture.stats().requests).toMatchObject({ seen: 1, sampledOut: 1 })
  })

  it('that fails says why in each of its records', async () => {
    const { url, records } = await serve((_req, res) => void res.status(422).json({ error: 'too many' }))
    await post(
      url,
      each((i) => i),
    )
    const all = await records()
    expect(all).toHaveLength(N)
    expect(all.at(-1)).toMatchObject({ features: { f0: N - 1 }, outputs: {}, status: 422, error: 'too many' })
  })

  it('is redacted, also in what could not be read', async () => {
    const { url, records } = await serve(
      (_req, res) =>
        void res.json({ predictions: each(() => ({ score: 1, name: 'Ada Lovelace' })), note: 'Ada Lovelace' }),
      { redact: ['name', 'note'], redactKey: 'k' },
    )
    await post(url, { instances: each((i) => ({ i, name: 'Ada Lovelace' })), note: 'of Ada Lovelace' })
    const all = await records()
    expect(all).toHaveLength(N)
    expect(all[7]).toMatchObject({ features: { i: 7 }, outputs: { score: 1 } })
    expect(encode(all.map(({ json }) => json))).not.toContain('Lovelace')
  })

  it.each(['flush', 'close'] as const)('is waited for by %s', async (wait) => {
    const test = testCapture()
    const exchange = test.capture.begin({ route: 'POST /predict', headers: {} })
    exchange.request(each((i) => i))
    const safe = exchange.end(200)
    expect(queuedOf(test)).toBe(0)
    await test.capture[wait]()
    expect(test.sink.records).toHaveLength(N)
    await safe
  })

  it('is answered when the sink has all of it, where that is what safe means', async () => {
    const { promise: away, resolve: comeBack } = Promise.withResolvers<void>()
    const stored: number[] = []
    const sink = {
      name: 'slow',
      async write(records: readonly { instance: number }[]) {
        if (records.some(({ instance }) => instance === N - 1)) await away
        stored.push(...records.map(({ instance }) => instance))
      },
    }
    const { capture } = testCapture({ sink, durability: 'sink', holdTimeoutMs: 60_000 })
    capture.start()
    const exchange = capture.begin({ route: 'POST /predict', headers: {} })
    exchange.request(each((i) => i))
    let isSafe = false
    const safe = exchange.end(200)!.then(() => (isSafe = true))
    await vi.waitFor(() => expect(stored.length).toBeGreaterThan(0))
    expect(isSafe).toBe(false)
    comeBack()
    await safe
    expect(stored).toHaveLength(N)
  })

  it.each<[string, Buffer, number]>([
    ['scalars', Buffer.from(JSON.stringify(each((i) => i, 60_000))), 60_000],
    ['objects of other members', Buffer.from(JSON.stringify(each((i) => ({ [`k${i % 2}`]: [i] }), 30_000))), 30_000],
    ['CSV', Buffer.from(each((i) => `${i},2\n`, 30_000).join('')), 30_000],
    ['lines', Buffer.from(each((i) => `{"a":${i}}\n`, 30_000).join('')), 30_000],
    ['lines of other members', Buffer.from(each((i) => `{"k${i % 2}":[${i}]}\n`, 30_000).join('')), 30_000],
  ])('is read and written in small steps: %s', (name, body, count) => {
    const { capture } = testCapture()
    const type = name === 'CSV' ? 'text/csv' : name.startsWith('lines') ? 'application/jsonl' : 'application/json'
    const headers = { 'content-type': type }
    const exchange = capture.begin({ route: 'POST /predict', headers })
    exchange.request(body)
    expect(exchange.isLarge).toBe(true)
    let reading = 0
    let lines = 0
    for (const some of exchange.steps()) {
      if (some === undefined) reading++
      else expect(some.length).toBeLessThanOrEqual(256)
      lines += some?.length ?? 0
    }
    expect(lines).toBe(count)
    expect(reading).toBeGreaterThanOrEqual(count / 256 + Math.floor(body.length / 100_000))
  })

  it('of few bytes but many instances is written in steps as well', () => {
    const { capture } = testCapture()
    const exchange = capture.begin({ route: 'POST /predict', headers: {} })
    exchange.request(each(() => 1, 1001))
    expect(exchange.isLarge).toBe(true)
    expect([...exchange.steps()].map((lines) => lines?.length)).toEqual([256, 256, 256, 233])
  })

  it('whose reply has no prediction says so', async () => {
    const rows = await recorded({ body: each((i) => i) }, { predictions: [] })
    expect(rows[0]!.extra).toEqual({ instances: { reason: `the request has ${N} instances, the reply 0` } })
    expect((await recorded({ body: [1, 2] }, [])).map(({ extra }) => Object.keys(extra))).toEqual([
      ['instances'],
      ['instances'],
    ])
  })

  it('of more than 65,536 instances has a new base of ids for each so many', async () => {
    const count = 2 * 65_536 + 1
    const { capture, records } = testCapture({ durability: 'memory' })
    const exchange = capture.begin({ route: 'POST /predict', headers: {} })
    exchange.request(each((i) => i, count))
    await exchange.end(200)
    const all = await records()
    expect(all.map(({ features }) => features['f0'])).toEqual(each((i) => i, count))
    expect(new Set(all.map(({ id }) => id)).size).toBe(count)
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort())
    expect([0, 65_536, 131_072].map((i) => all[i]!.id.slice(32))).toEqual(['0000', '0000', '0000'])
    expect(new Set(all.map(({ id }) => id.slice(0, 32))).size).toBe(3)
  })

  it('whose names would make it many times as long keeps its envelope', async () => {
    const names = each((i) => `a_very_long_name_of_a_feature_${i}`, 8)
    const properties = Object.fromEntries(names.map((name) => [name, { type: 'integer' }]))
    const { capture, records } = testCapture({
      maxBodyBytes: 100_000,
      schema: { features: { type: 'object', properties } },
    })
    const exchange = capture.begin({ route: 'POST /predict', headers: { 'content-type': 'application/json' } })
    exchange.request(Buffer.from(JSON.stringify(each(() => each(() => 1, 8)))))
    await exchange.end(200)
    const all = await records()
    expect(all).toHaveLength(N)
    expect(all[N - 1]).toMatchObject({
      features: {},
      extra: { features: { reason: expect.stringMatching(/^longer than 4 times/) as string } },
    })
  })

  it('is sampled by the id in it', async () => {
    const { capture, records } = testCapture({ sampleRate: 0.5 })
    const ids = each((i) => `request-${i}`, 12)
    for (const id of ids) {
      const exchange = capture.begin({ route: 'POST /predict', headers: {} })
      exchange.request({ instances: each((i) => i), id })
      exchange.reply({ predictions: each((i) => i) }, 200, () => undefined)
      await exchange.end(200)
    }
    const sampler = createSampler({ rate: 0.5, always: { errors: false, slowMs: undefined } })
    const kept = new Set((await records()).map(({ request_id }) => request_id))
    expect([...kept]).toEqual(ids.filter((id) => sampler.keep(id)))
    expect(sampler.keep(ids[0]!) && sampler.keep(ids[1]!)).toBe(false)
  })

  it('goes to a format of the app’s own as the app has it', async () => {
    const seen: unknown[] = []
    const format = {
      name: 'mine',
      readRequest: ({ body }: { body: unknown }) => {
        seen.push(body)
        return { features: (body as number[]).map((x) => ({ x })) }
      },
      readReply: () => ({ outputs: [] }),
    }
    const { url, records } = await serve((req, res) => void res.json({ same: req.body === seen[0] }), { format })
    expect(
      await (
        await post(
          url,
          each((i) => i),
        )
      ).json(),
    ).toEqual({ same: true })
    expect((await records()).at(-1)).toMatchObject({ features: { x: N - 1 }, instance: N - 1 })
  })

  it.each(['exit', 'throw'])('is recorded when the process ends by %s right after the reply', async (ending) => {
    const outboxDir = join(temporaryFolder(), 'outbox')
    const { child, port } = await endingService(outboxDir, ending)
    const exited = once(child, 'exit')
    const reply = await post(
      `http://127.0.0.1:${port}`,
      each((i) => i),
    )
    expect(await reply.json()).toEqual({ predictions: each((i) => i) })
    await exited
    const files = readdirSync(outboxDir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log'))
    const lines = files.flatMap((name) => readFileSync(join(outboxDir, name), 'utf8').split('\n').filter(Boolean))
    expect(lines).toHaveLength(N)
  })
})

it('the reply to a large body is not had by a client when the process is killed before its records are appended', async () => {
  const outboxDir = join(temporaryFolder(), 'outbox')
  const { port } = await endingService(outboxDir, 'kill')
  const body = await post(`http://127.0.0.1:${port}`, each((i) => i)).then((reply) => reply.text()).catch(() => 'none') // prettier-ignore
  expect(body).toBe('none')
})

type Sent = { body: unknown; headers?: Record<string, string> }

/** What is recorded of one exchange. */
const recorded = async (sent: Sent, reply: unknown, options: CaptureOptions = {}) => {
  const { capture, records } = testCapture({ durability: 'memory', ...options })
  const headers = { 'content-type': 'application/json', ...sent.headers }
  const exchange = capture.begin({ route: 'POST /predict', headers })
  exchange.request(sent.body)
  exchange.reply(reply, 200, (name) => (name === 'content-type' ? 'application/json' : undefined))
  await exchange.end(200)
  const all = await records()
  await capture.close()
  return all.map(({ features, outputs, tags, extra }) => ({ features, outputs, tags, extra }))
}

const scalar = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(NaN, -0, 2 ** 53, 1e300),
)
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', 'é', '\n', '__proto__'))
const item = fc.oneof(
  fc.array(scalar, { minLength: 1, maxLength: 4 }),
  scalar,
  fc.dictionary(fc.constantFrom('a', 'b', 'f0', '__proto__', 'ä'), fc.oneof(scalar, text, fc.array(scalar)), {
    minKeys: 1,
  }),
)
const bytes = (value: unknown): Buffer => Buffer.from(encode(value))
/** As a parser leaves it, or null where none takes it. */
const parsed = (value: unknown): unknown => JSON.parse(encode(value))
const csvOf = (items: readonly unknown[]) =>
  'x,y\n' + items.map((_, i) => `${i % 3},"${'ab"'[i % 3]!.replace('"', '""')}"\n`).join('')

const bodies: Record<string, (items: readonly unknown[]) => Sent> = {
  'V1 in bytes': (items) => ({ body: bytes({ instances: items, id: 7 }) }),
  'V1, parsed': (items) => ({ body: parsed({ instances: items, note: 'x' }) }),
  'an array in bytes': (items) => ({ body: bytes(items) }),
  'an array, parsed': (items) => ({ body: parsed(items) }),
  'columns, parsed': (items) => ({ body: parsed({ inputs: { a: items, b: [1] } }) }),
  'a split dataframe in bytes': (items) => ({ body: bytes({ dataframe_split: { columns: ['a', 'b'], data: items } }) }),
  'Azure ML in bytes': (items) => ({ body: bytes({ input_data: { columns: ['a', 'b'], data: items } }) }),
  'Seldon in bytes': (items) => ({ body: bytes({ data: { names: ['a', 'b'], ndarray: items } }) }),
  "Seldon's tensor": (items) => ({
    body: parsed({
      data: { names: ['a', 'b'], tensor: { shape: [items.length, 2], values: items.flatMap((_, i) => [i % 3, 0.5]) } },
    }),
  }),
  'a table by columns in bytes': (items) => ({ body: bytes({ a: { ...items }, b: { ...items } }) }),
  'a table by rows, parsed': (items) => ({ body: parsed({ ...items.map((item) => ({ a: item, b: 1 })) }) }),
  'prompts, parsed': (items) => ({
    body: parsed({ model: 'm', prompt: items.map((_, i) => `say ${i % 3}`), max_tokens: 1 }),
  }),
  'a tensor in JSON': (items) => ({
    body: bytes({
      inputs: [{ name: 't', datatype: 'FP64', shape: [items.length, 2], data: items.flatMap((_, i) => [i % 3, 0.5]) }],
    }),
  }),
  'a binary tensor': (items) => {
    const data = Buffer.from(Float32Array.from(items.flatMap((_, i) => [i % 3, 0.1])).buffer)
    const parameters = { binary_data_size: data.length }
    return binaryBody({ inputs: [{ name: 't', datatype: 'FP32', shape: [items.length, 2], parameters }] }, data)
  },
  'JSON Lines in bytes': (items) => ({
    body: Buffer.from(items.map(encode).join('\n')),
    headers: { 'content-type': 'application/jsonlines' },
  }),
  'CSV in bytes': (items) => ({ body: Buffer.from(csvOf(items)), headers: { 'content-type': 'text/csv' } }),
}

describe('the reply to a request that could not be read', () => {
  const tensors = {
    model_name: 'm',
    model_version: '3',
    id: 'r-1',
    outputs: [{ name: 'y', datatype: 'INT8', shape: [2], data: [1, 2] }],
  }

  it.each<[string, unknown, unknown[]]>([
    ['tensors', tensors, [{ y: 1 }, { y: 2 }]],
    ['predictions', { predictions: [{ a: 1 }, { a: 2 }] }, [{ a: 1 }, { a: 2 }]],
    ['an object', { prediction: 1 }, [{ prediction: 1 }]],
    ['a list, which may be one prediction', [0.1, 0.9], [{ prediction: [0.1, 0.9] }]],
  ])('is known by its keys: %s', async (_, reply, outputs) => {
    for (const sent of [
      { body: undefined },
      { body: Buffer.from('no JSON') },
      // https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md#raw-binary-request
      { body: Buffer.from([1, 2, 3, 4]), headers: { 'inference-header-content-length': '0' } },
    ]) {
      const rows = await recorded(sent, reply)
      expect(rows.map((row) => row.outputs)).toEqual(outputs)
      expect(Object.keys(rows[0]!.extra)).toEqual(['body'])
    }
  })
})

describe('a large batch is what its instances are in a small one', () => {
  it.each(Object.keys(bodies))(
    '%s',
    async (kind) => {
      const property = fc.asyncProperty(
        fc.array(item, { minLength: 3, maxLength: 3 }),
        fc.array(item, { minLength: 3, maxLength: 3 }),
        fc.constantFrom<CaptureOptions>({}, { redact: ['b:mask', 'f1', 't_1:hash', 'y'], redactKey: 'k' }),
        async (items, replies, options) => {
          const few = await recorded(bodies[kind]!(items), { predictions: replies }, options)
          const repeated = (of: readonly unknown[]) => each((i) => of[i % 3])
          const many = await recorded(bodies[kind]!(repeated(items)), { predictions: repeated(replies) }, options)
          expect(many).toHaveLength(N)
          expect(many).toEqual(each((i) => few[i % 3]))
        },
      )
      await fc.assert(property, { numRuns: 8 })
    },
    120_000,
  )
})
