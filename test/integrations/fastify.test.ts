import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import compress from '@fastify/compress'
import fastify4 from 'fastify4'
import fastify5, { type FastifyInstance, type RouteShorthandOptions } from 'fastify'
import { describe, expect, it, vi } from 'vitest'
import { silentLogger, type Column } from 'capture-predictions'
import capturePredictions, { receiveActuals } from 'capture-predictions/fastify'
import { comparable, rawReply } from '../http/raw.ts'
import { cleanup, keepingSink, temporaryFolder, testCapture } from '../setup/captures.ts'

const post = (app: FastifyInstance, url: string, payload: unknown = { a: 1 }) =>
  app.inject({ method: 'POST', url, payload: payload as object })

describe.each([
  ['Fastify 4', fastify4 as unknown as typeof fastify5],
  ['Fastify 5', fastify5],
])('%s', (_name, fastify) => {
  const newApp = () => {
    const app = fastify()
    cleanup(() => app.close())
    return app
  }

  describe('a route of actuals', () => {
    const ID = '0199b1f2-6a3c-7a41-9d2e-5b7c10f30000'
    const start = async (options: RouteShorthandOptions = {}, captures = 1) => {
      const sink = { ...keepingSink(), actuals: true as const }
      const { capture } = testCapture({ sink })
      const app = newApp()
      await app.register(capturePredictions, { capture })
      for (let more = 1; more < captures; more++) await app.register(capturePredictions, testCapture())
      app.post('/actuals', options, receiveActuals(capture))
      const report = async (payload: string) => {
        const { statusCode, body } = await app.inject({ method: 'POST', url: '/actuals', payload, headers: { 'content-type': 'application/json' } }) // prettier-ignore
        return [statusCode, JSON.parse(body) as unknown]
      }
      const records = async () => {
        await capture.flush()
        return sink.records
      }
      return { report, records }
    }
    const accepted = [202, { accepted: 1, rejected: [] }]

    it('keeps the digits of JSON, also where two captures are registered', async () => {
      for (const captures of [1, 2]) {
        const { report, records } = await start({}, captures)
        expect(await report(`{"id":"${ID}","actual":12345678901234567890}`)).toEqual(accepted)
        expect((await records())[0]).toMatchObject({ actuals: { actual: 12345678901234567890n } })
      }
    })

    it('may have a schema of its own for the body', async () => {
      const { report } = await start({ schema: { body: { type: 'object', required: ['source'] } } })
      expect(await report(`{"id":"${ID}","actual":1}`)).toEqual([400, expect.objectContaining({ code: 'FST_ERR_VALIDATION' })]) // prettier-ignore
      expect(await report(`{"id":"${ID}","actual":1,"source":"lab"}`)).toEqual(accepted)
    })
  })

  it("takes its columns from the route's schemas, TypeBox included, and what the reply's schema strips", async () => {
    const sink = {
      ...keepingSink(),
      columns: [] as readonly Column[],
      open: async (columns: readonly Column[]) => void (sink.columns = columns),
    }
    const { capture, records } = testCapture({
      sink,
      schema: { outputs: { type: 'object', properties: { confidence: { type: 'number' } } } },
    })
    const app = newApp()
    await app.register(capturePredictions, { capture })
    const size = Type.Object({ length: Type.Number(), width: Type.Number() })
    const body = Type.Object({ sepal: size, when: Type.Optional(Type.String({ format: 'date-time' })) })
    const response = { 200: Type.Object({ prediction: Type.Integer() }) }
    app.post('/predict', { schema: { body, response } }, async () => ({ prediction: 1, confidence: 0.5 }))
    const reply = await post(app, '/predict', { sepal: { length: 1, width: '2' } })
    expect(reply.json()).toEqual({ prediction: 1 })
    // The body as the handler received it: after validation, which made a number of "2".
    await records()
    expect(sink.records[0]).toMatchObject({
      features: { sepal: { length: 1, width: 2 } },
      outputs: { prediction: 1, confidence: 0.5 },
    })
    expect(sink.columns.map(({ name, type }) => `${name} ${type}`)).toEqual(
      expect.arrayContaining([
        'sepal_length double',
        'sepal_width double',
        'when timestamp',
        'prediction bigint',
        'confidence double',
      ]),
    )
  })

  it('takes no columns from a route that is not to be captured', async () => {
    const sink = {
      ...keepingSink(),
      columns: [] as readonly Column[],
      open: async (columns: readonly Column[]) => void (sink.columns = columns),
    }
    const { capture, records } = testCapture({ sink, route: 'POST /*' })
    const app = newApp()
    await app.register(capturePredictions, { capture })
    const schema = (name: string) => ({ body: Type.Object({ [name]: Type.Number() }) })
    app.post('/a', { schema: schema('mine') }, async () => ({ prediction: 1 }))
    app.post('/b', { schema: schema('other'), config: { predictions: false } }, async () => ({ prediction: 2 }))
    await post(app, '/a', { mine: 1 })
    await records()
    const names = sink.columns.map(({ name }) => name)
    expect(names).toContain('mine')
    expect(names).not.toContain('other')
  })

  it('stores what its validation refuses', async () => {
    const { capture, records } = testCapture()
    const app = newApp()
    await app.register(capturePredictions, { capture })
    app.post('/predict', { schema: { body: Type.Object({ a: Type.Number() }) } }, async () => ({ prediction: 1 }))
    expect((await post(app, '/predict', { a: 'five' })).statusCode).toBe(400)
    const [record] = await records()
    expect(record).toMatchObject({ status: 400, features: { a: 'five' }, outputs: {} })
    expect(record!.error).toMatch(/must be number/)
  })

  it('reads its options, and closes with the app', async () => {
    const sink = keepingSink()
    const app = newApp()
    await app.register(capturePredictions, {
      sink,
      outboxDir: temporaryFolder(),
      flushIntervalMs: 60_000,
      prefix: '/ignored',
    } as object)
    app.post('/predict', async () => ({ prediction: 1 }))
    await post(app, '/predict')
    expect(app.predictions.stats().requests.captured).toBe(1)
    expect(sink.records).toHaveLength(0)
    await app.close()
    expect(sink.records).toHaveLength(1)
  })

  it('says by ready what is wrong with the options', async () => {
    const app = newApp()
    void app.register(capturePredictions, { batchSize: -1, outboxDir: temporaryFolder() })
    await expect(app.ready()).rejects.toMatchObject({ code: 'PREDICTIONS_BAD_CONFIGURATION' })
  })

  it('captures routes of encapsulated plugins and their prefixes, and routes that ask for it', async () => {
    const { capture, records } = testCapture({ route: 'POST /api/:model/predict' })
    const app = newApp()
    await app.register(capturePredictions, { capture })
    await app.register(
      async (scope) => {
        scope.post('/iris/predict', async () => ({ prediction: 'prefix' }))
        scope.post('/quiet/predict', { config: { predictions: false } }, async () => ({ prediction: 'quiet' }))
      },
      { prefix: '/api' },
    )
    app.put('/guess', { config: { predictions: true } }, async () => ({ prediction: 'asked' }))
    app.post('/other', async () => ({ prediction: 'other' }))
    await post(app, '/api/iris/predict')
    await post(app, '/api/quiet/predict')
    await app.inject({ method: 'PUT', url: '/guess' })
    await post(app, '/other')
    expect((await records()).map(({ outputs }) => outputs['prediction'])).toEqual(['prefix', 'asked'])
  })

  it('keeps two captures for two models apart', async () => {
    const first = testCapture({ route: 'POST /a', model: 'a' })
    const second = testCapture({ route: 'POST /b', model: 'b' })
    const app = newApp()
    await app.register(capturePredictions, { capture: first.capture })
    await app.register(capturePredictions, { capture: second.capture })
    for (const path of ['/a', '/b']) {
      app.post(path, async (request) => {
        request.prediction!.set({ confidence: 1 })
        return { prediction: path }
      })
    }
    await post(app, '/a')
    await post(app, '/b')
    expect((await first.records()).map(({ model, outputs }) => [model, outputs['prediction']])).toEqual([['a', '/a']])
    expect((await second.records()).map(({ model, outputs }) => [model, outputs['prediction']])).toEqual([['b', '/b']])
  })

  it('gives each of two captures of one route its own header', async () => {
    const first = testCapture({ idHeader: 'X-First-Id' })
    const second = testCapture({ idHeader: 'X-Second-Id' })
    const app = newApp()
    await app.register(capturePredictions, { capture: first.capture })
    await app.register(capturePredictions, { capture: second.capture })
    app.post('/predict', async () => ({ prediction: 1 }))
    const { headers } = await post(app, '/predict')
    expect((await first.records()).map(({ id }) => id)).toEqual([headers['x-first-id']])
    expect((await second.records()).map(({ id }) => id)).toEqual([headers['x-second-id']])
  })

  it('stores an error with the words that the handler threw, also where an error handler replies others', async () => {
    const { capture, records } = testCapture({ route: ['POST /a', 'POST /b'] })
    const app = newApp()
    await app.register(capturePredictions, { capture })
    app.post('/a', async () => {
      throw Object.assign(new Error('no such flower'), { statusCode: 422 })
    })
    await app.register(async (scope) => {
      scope.setErrorHandler((_error, _request, reply) => reply.code(409).send({ message: 'told differently' }))
      scope.post('/b', async () => {
        throw new Error('the model broke')
      })
    })
    await post(app, '/a')
    await post(app, '/b')
    await post(app, '/missing')
    expect((await records()).map(({ status, error, outputs }) => [status, error, outputs])).toEqual([
      [422, 'no such flower', {}],
      [409, 'the model broke', {}],
    ])
  })

  it('captures a route that is not there, a reply by hand, a hijacked and a streamed one', async () => {
    const { capture, records } = testCapture({ route: 'POST /*' })
    const app = newApp()
    await app.register(capturePredictions, { capture })
    app.post('/raw', (_request, reply) => {
      reply.hijack()
      reply.raw.setHeader('content-type', 'application/json')
      reply.raw.end('{"prediction":"raw"}')
    })
    app.post('/stream', (_request, reply) => {
      void reply.type('application/json').send(Readable.from(['{"prediction":', '"stream"}']))
    })
    app.post('/text', async () => 'setosa')
    const missing = await post(app, '/missing')
    expect(missing.headers['x-prediction-id']).toBeTruthy()
    await post(app, '/raw')
    await post(app, '/stream')
    await post(app, '/text')
    expect((await records()).map(({ status, outputs }) => [status, outputs['prediction']])).toEqual([
      [404, undefined],
      [200, 'raw'],
      [200, 'stream'],
      [200, 'setosa'],
    ])
  })

  it('knows what a handler writes to the raw response, and gives it the id', async () => {
    const { capture, records } = testCapture({ route: 'POST /*' })
    const app = newApp()
    await app.register(capturePredictions, { capture })
    let captured: number | undefined
    app.post('/full', (_request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'application/json', 'content-length': 16 })
      reply.raw.write('{"prediction":1}')
      captured = capture.stats().requests.captured
      reply.raw.end()
    })
    app.post('/events', (request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.raw.write(': waiting\n\n')
      request.prediction!.set({ tokens: 1 })
      reply.raw.end()
    })
    const full = await post(app, '/full')
    expect(captured).toBe(1)
    const events = await post(app, '/events')
    expect((await records()).map(({ id, outputs, error }) => [id, outputs, error])).toEqual([
      [full.headers['x-prediction-id'], { prediction: 1 }, null],
      [events.headers['x-prediction-id'], { tokens: 1 }, null],
    ])
  })

  it('says with the logger of the app where predictions go', async () => {
    const lines: string[] = []
    const app = fastify({ logger: { level: 'info', stream: { write: (line: string) => void lines.push(line) } } })
    cleanup(() => app.close())
    await app.register(capturePredictions, { sink: keepingSink('kept'), outboxDir: temporaryFolder() })
    await app.ready()
    expect(lines.join('')).toMatch(/capturing POST \/predict -> kept/)
  })
})

it('stores the object once under @fastify/compress', async () => {
  const { capture, records } = testCapture()
  const app = fastify5()
  cleanup(() => app.close())
  await app.register(compress, { threshold: 0 })
  await app.register(capturePredictions, { capture })
  app.post('/predict', async () => ({ prediction: 'x'.repeat(3000) }))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const send = (signal?: AbortSignal) =>
    fetch(`${url}/predict`, {
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
      ...(signal && { signal }),
    })
  expect(await (await send()).json()).toEqual({ prediction: 'x'.repeat(3000) })
  expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 'x'.repeat(3000) }])
})

it('keeps a prediction that was made after its client went away', async () => {
  const { capture, records } = testCapture()
  const app = fastify5()
  cleanup(() => app.close())
  await app.register(capturePredictions, { capture })
  const abort = new AbortController()
  app.post('/predict', async (request) => {
    abort.abort()
    await new Promise((resolve) => request.raw.socket.once('close', resolve))
    return { prediction: 4 }
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  await fetch(`${url}/predict`, {
    method: 'POST',
    body: '{"a":1}',
    headers: { 'content-type': 'application/json' },
    signal: abort.signal,
  }).catch(() => undefined)
  await vi.waitFor(async () => expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 4 }]))
})

describe.each([
  ['Fastify 4', fastify4 as unknown as typeof fastify5],
  ['Fastify 5', fastify5],
])('%s', (_, fastify) => {
  it('stores typed columns of a route that stands behind a register without await', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'predictions.db')
    const app = fastify()
    cleanup(() => app.close())
    void app.register(capturePredictions, {
      sink: `sqlite:${file}`,
      outboxDir: join(folder, 'outbox'),
      logger: silentLogger,
    })
    const schema = {
      body: { type: 'object', properties: { n: { type: 'integer' }, ratio: { type: 'number' } } },
      response: { 200: { type: 'object', properties: { label: { type: 'string' } } } },
    }
    app.post('/predict', { schema }, async () => ({ label: 'setosa' }))
    for (let n = 1; n <= 2; n++) await post(app, '/predict', { n, ratio: 0.5 })
    expect(app.predictions.stats().faults).toBe(0)
    await app.close()
    const database = new DatabaseSync(file)
    cleanup(() => database.close())
    const rows = database.prepare('select n, typeof(n) kind, ratio, label from predictions order by id').all()
    expect(rows.map((row) => ({ ...row }))).toEqual(
      [1, 2].map((n) => ({ n, kind: 'integer', ratio: 0.5, label: 'setosa' })),
    )
  })

  it('stores the object of the handler, and not what an onSend hook makes of it', async () => {
    const { capture, records } = testCapture()
    const start = async (captured: boolean) => {
      const app = fastify()
      cleanup(() => app.close())
      if (captured) await app.register(capturePredictions, { capture })
      app.addHook('onSend', async (_request, _reply, payload) => `{"data":${payload as string}}`)
      app.post('/predict', async () => ({ prediction: 1 }))
      await app.listen({ port: 0, host: '127.0.0.1' })
      return (app.server.address() as AddressInfo).port
    }
    const [bare, port] = [await start(false), await start(true)]
    const reply = await rawReply(port, '/predict')
    expect(reply).toContain('{"data":{"prediction":1}}')
    expect(comparable(reply)).toBe(comparable(await rawReply(bare, '/predict')))
    expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 1 }])
  })

  it('names its hooks', async () => {
    const { capture } = testCapture()
    const app = fastify()
    cleanup(() => app.close())
    await app.register(capturePredictions, { capture })
    app.post('/predict', async () => ({ prediction: 1 }))
    await app.ready()
    const routes = app.printRoutes({ includeHooks: true })
    expect(routes).not.toContain('anonymous')
    expect(routes).toContain('predictionsOnRequest()')
  })
})
