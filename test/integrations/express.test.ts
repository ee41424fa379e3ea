import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import compression from 'compression'
import express4 from 'express4'
import express5, { type Express } from 'express'
import { describe, expect, it, vi } from 'vitest'
import { capturePredictions } from 'capture-predictions/express'
import { comparable, rawReply } from '../http/raw.ts'
import { cleanup, testCapture } from '../setup/captures.ts'

const listen = async (app: Express) => {
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, url: `http://127.0.0.1:${port}` }
}

const post = (url: string, body: unknown = { a: 1 }, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })

/** Holds each reply until `release` is called. */
const heldCapture = () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { ...testCapture({ sink: { name: 'slow', write: () => promise }, durability: 'sink' }), release: resolve }
}

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('%s', (_name, express) => {
  const quietApp = () => express().set('env', 'test')

  it('captures routes below routers, prefixes and sub-apps by their full path', async () => {
    const { capture, records } = testCapture({ route: ['POST /api/v1/predict', 'POST /sub/predict'] })
    const router = express.Router()
    const sub = quietApp()
    const reply = (req: express5.Request, res: express5.Response) => void res.json({ prediction: req.originalUrl })
    router.post('/predict', reply)
    sub.post('/predict', reply)
    const app = quietApp().use(express.json()).use(capturePredictions(capture)).use('/api/v1', router).use('/sub', sub)
    const { url } = await listen(app)
    await post(`${url}/api/v1/predict?x=1`)
    await post(`${url}/sub/predict`)
    await post(`${url}/predict`)
    expect((await records()).map(({ outputs }) => outputs['prediction'])).toEqual([
      '/api/v1/predict?x=1',
      '/sub/predict',
    ])
  })

  it('captures the configured routes on a router, by their full path, and all of it with always: true', async () => {
    const paths = ['/api/predict', '/api/guess', '/predict']
    for (const [options, expected] of [
      [{ route: 'POST /api/predict' }, ['/api/predict']],
      [{}, []],
      [{ always: true }, ['/api/predict', '/api/guess']],
    ] as const) {
      const { capture, records } = testCapture(options)
      const listenWith = async (captured: boolean) => {
        const router = express.Router()
        if (captured) router.use(capturePredictions(capture))
        const reply = (req: express5.Request, res: express5.Response) => void res.json({ prediction: req.originalUrl })
        for (const path of ['/predict', '/guess']) router.post(path, reply)
        return listen(quietApp().use(express.json()).use('/api', router).post('/predict', reply))
      }
      const [bare, captured] = [await listenWith(false), await listenWith(true)]
      for (const path of paths)
        expect(comparable(await rawReply(captured.port, path))).toBe(await rawReply(bare.port, path).then(comparable))
      expect((await records()).map(({ outputs }) => outputs['prediction'])).toEqual(expected)
    }
  })

  it('captures the route that it stands on, whatever its path, and no later one', async () => {
    const { capture, records } = testCapture()
    const app = quietApp().use(express.json())
    app.put('/guess', capturePredictions(capture), (_req, res) => void res.json({ prediction: 'put' }))
    app.post('/guess', (_req, res) => void res.json({ prediction: 'post' }))
    const { url } = await listen(app)
    await fetch(`${url}/guess`, { method: 'PUT' })
    await post(`${url}/guess`)
    expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 'put' }])
  })

  it('makes one record where the same capture is mounted on the app and the route', async () => {
    const { capture, records } = testCapture()
    const middleware = capturePredictions(capture)
    const app = quietApp().use(express.json()).use(middleware)
    app.post('/predict', middleware, (_req, res) => void res.json({ prediction: 1 }))
    const { url } = await listen(app)
    await post(`${url}/predict`)
    expect(await records()).toHaveLength(1)
  })

  it('gives the handle to the capture whose route matches, with two models in one app', async () => {
    const first = testCapture({ route: 'POST /a', model: 'a' })
    const second = testCapture({ route: 'POST /b', model: 'b' })
    const app = quietApp()
      .use(express.json())
      .use(capturePredictions(first.capture), capturePredictions(second.capture))
    app.post(['/a', '/b'], (req, res) => {
      req.prediction!.set({ confidence: 1 })
      res.json({ prediction: req.path })
    })
    const { url } = await listen(app)
    await post(`${url}/a`)
    await post(`${url}/b`)
    expect((await first.records()).map(({ model, outputs }) => [model, outputs])).toEqual([
      ['a', { prediction: '/a', confidence: 1 }],
    ])
    expect((await second.records()).map(({ model, outputs }) => [model, outputs])).toEqual([
      ['b', { prediction: '/b', confidence: 1 }],
    ])
  })

  it('names the first of two captures of one route in the header, also where an error removed all headers', async () => {
    const first = testCapture()
    const second = testCapture()
    const app = quietApp()
      .use(express.json())
      .use(capturePredictions(first.capture), capturePredictions(second.capture))
    app.post('/predict', (req, res) => {
      if (req.body.a === 2) throw new Error('broken model')
      res.json({ prediction: 1 })
    })
    const { url } = await listen(app)
    const ids = [await post(`${url}/predict`), await post(`${url}/predict`, { a: 2 })].map(({ headers }) =>
      headers.get('x-prediction-id'),
    )
    expect((await first.records()).map(({ id }) => id)).toEqual(ids)
    expect(await second.records()).toHaveLength(2)
  })

  it('takes a text that is serialised for a value', async () => {
    const { capture, records } = testCapture()
    const app = quietApp()
      .use(express.json({ strict: false }))
      .use(capturePredictions(capture))
    app.post('/predict', (req, res) => void res.json(req.body))
    const { url } = await listen(app)
    for (const text of ['setosa', '5', '', '{"a":', 'x'.repeat(50_000)]) {
      const reply = await post(`${url}/predict`, text)
      expect(await reply.json()).toBe(text)
    }
    expect((await records()).map(({ outputs, extra }) => [outputs, extra['reply']])).toEqual(
      ['setosa', '5', '', '{"a":', 'x'.repeat(50_000)].map((prediction) => [{ prediction }, undefined]),
    )
  })

  it('leaves a req.prediction of the app alone', async () => {
    const { capture, records } = testCapture()
    const app = quietApp().use(express.json())
    app.use((req, _res, next) => {
      Object.assign(req, { prediction: 'mine' })
      next()
    })
    app.use(capturePredictions(capture))
    app.post('/predict', (req, res) => void res.json({ prediction: req.prediction }))
    const { url } = await listen(app)
    const reply = await post(`${url}/predict`)
    expect(await reply.json()).toEqual({ prediction: 'mine' })
    expect((await records()).map(({ id }) => id)).toEqual([reply.headers.get('x-prediction-id')])
  })

  it("replies by the methods of a sub-app's own response", async () => {
    const { capture, records } = testCapture()
    const sub = quietApp()
    sub.response.json = function (body: unknown) {
      return this.type('json').send(JSON.stringify({ data: body }))
    }
    sub.post('/predict', (_req, res) => void res.json({ prediction: 1 }))
    const { url } = await listen(quietApp().use(express.json()).use(capturePredictions(capture)).use(sub))
    expect(await (await post(`${url}/predict`)).json()).toEqual({ data: { prediction: 1 } })
    expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 1 }])
  })

  it.each(['outside', 'inside'])('stores the object with compression %s', async (where) => {
    const { capture, records } = testCapture()
    const squeeze = compression({ threshold: 0 })
    const middlewares =
      where === 'outside' ? [squeeze, capturePredictions(capture)] : [capturePredictions(capture), squeeze]
    const app = quietApp()
      .use(express.json())
      .use(...middlewares)
    app.post('/predict', (_req, res) => void res.json({ prediction: 'x'.repeat(2000) }))
    const { url } = await listen(app)
    const reply = await post(`${url}/predict`)
    expect(reply.headers.get('content-encoding')).toBeTruthy()
    expect(await reply.json()).toEqual({ prediction: 'x'.repeat(2000) })
    expect((await records())[0]!.outputs).toEqual({ prediction: 'x'.repeat(2000) })
  })

  it('reads what a handler streams or ends by itself, also compressed inside', async () => {
    const { capture, records } = testCapture()
    const app = quietApp()
      .use(express.json())
      .use(capturePredictions(capture))
      .use(compression({ threshold: 0 }))
    app.post('/predict', (req, res) => {
      res.setHeader('content-type', 'application/json')
      if (req.query['how'] === 'write') res.write('{"prediction":')
      res.end(req.query['how'] === 'write' ? '1}' : '{"prediction":2}')
    })
    const { url } = await listen(app)
    expect(await (await post(`${url}/predict?how=write`)).json()).toEqual({ prediction: 1 })
    expect(await (await post(`${url}/predict?how=end`)).json()).toEqual({ prediction: 2 })
    const stored = await records()
    expect(stored.map(({ outputs }) => outputs)).toEqual([{ prediction: 1 }, { prediction: 2 }])
    expect(stored[0]!.tags['time_to_first_byte_ms']).toBeGreaterThan(0)
  })

  it('is safe before a write that fills Content-Length', async () => {
    const { capture, records } = testCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    let isSafe = false
    app.post('/predict', (_req, res) => {
      const body = '{"prediction":3}'
      res.setHeader('content-type', 'application/json').setHeader('content-length', body.length)
      res.write(body)
      // Recorded, or nothing of it has gone yet.
      isSafe = capture.stats().requests.captured === 1 || res.socket!.writableLength > body.length
      res.end()
    })
    const { url } = await listen(app)
    expect(await (await post(`${url}/predict`)).json()).toEqual({ prediction: 3 })
    expect(isSafe).toBe(true)
    // All at once is no stream.
    expect((await records()).map(({ outputs, tags }) => [outputs, tags])).toEqual([[{ prediction: 3 }, {}]])
  })

  it.each([
    [
      'thrown',
      () => {
        throw new Error('broken model')
      },
    ],
    [
      'passed to next',
      (_req: unknown, _res: unknown, next: (error: unknown) => void) => next(new Error('broken model')),
    ],
  ])('stores an error that is %s, by the default error page', async (_how, handler) => {
    const { capture, records } = testCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    app.post('/predict', handler as express5.RequestHandler)
    const { url } = await listen(app)
    const reply = await post(`${url}/predict`)
    expect(reply.status).toBe(500)
    expect(reply.headers.get('x-prediction-id')).toBe((await records())[0]!.id)
    expect((await records())[0]).toMatchObject({ status: 500, error: 'Error: broken model', features: { a: 1 } })
  })

  it("stores an error of the reply's serialisation as it was said", async () => {
    const { capture, records } = testCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    const toJSON = () => {
      throw new Error(`the model's "name" <is> lost & gone`)
    }
    app.post('/predict', (_req, res) => void res.json({ prediction: 1, model: { toJSON } }))
    const { url } = await listen(app)
    await post(`${url}/predict`)
    // Only the app calls its own toJSON.
    expect((await records())[0]).toMatchObject({
      status: 500,
      error: `Error: the model's "name" <is> lost & gone`,
      outputs: {},
    })
  })

  it('stores an object that can not be serialised, with the error', async () => {
    const { capture, records } = testCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    app.post('/predict', (_req, res) => void res.json({ prediction: 1, model: 7n }))
    const { url } = await listen(app)
    await post(`${url}/predict`)
    expect((await records())[0]).toMatchObject({
      status: 500,
      error: expect.stringMatching(/BigInt/) as string,
      outputs: { prediction: 1, model: 7 },
    })
  })

  it('stores what an error handler of the app replies', async () => {
    const { capture, records } = testCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    app.post('/predict', (_req, _res, next) => next(new Error('secret')))
    const handle: express5.ErrorRequestHandler = (_error, _req, res, _next) =>
      void res.status(422).json({ message: 'bad flower' })
    app.use(handle)
    const { url } = await listen(app)
    await post(`${url}/predict`)
    expect((await records())[0]).toMatchObject({ status: 422, error: 'bad flower', outputs: {} })
  })

  it('stores a body that the parser refuses, and a route that is not there', async () => {
    const { capture, records } = testCapture()
    const { url } = await listen(quietApp().use(capturePredictions(capture)).use(express.json()))
    await fetch(`${url}/predict`, { method: 'POST', body: '{"a":', headers: { 'content-type': 'application/json' } })
    await post(`${url}/predict`)
    const [refused, missing] = await records()
    expect(refused!.status).toBe(400)
    expect(JSON.stringify(refused!.extra)).toContain('{\\"a\\":')
    expect(missing).toMatchObject({ status: 404, features: { a: 1 }, error: 'Cannot POST /predict' })
  })

  it('keeps a prediction that was made after its client went away', async () => {
    const { capture, records } = testCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    app.post('/predict', (_req, res) => {
      res.once('close', () => setImmediate(() => res.json({ prediction: 4 })))
    })
    const { port } = await listen(app)
    const socket = connect(port, '127.0.0.1')
    socket.write(
      'POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}',
    )
    await vi.waitFor(() => expect(capture.stats().formats).toEqual({ json: 1 }))
    socket.destroy()
    await vi.waitFor(async () => expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 4 }]))
  })

  it('keeps a stream that its client left in the middle', async () => {
    const { capture, records } = testCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    app.post('/predict', (req, res) => {
      res.setHeader('content-type', 'text/event-stream')
      res.write('data: 1\n\n')
      req.prediction!.set({ tokens: 1 })
    })
    const { url } = await listen(app)
    const reply = await post(`${url}/predict`)
    await reply.body!.cancel()
    await vi.waitFor(async () =>
      expect((await records())[0]).toMatchObject({
        outputs: { tokens: 1 },
        error: 'the connection closed before the reply was complete',
      }),
    )
  })

  it('tells pipelined requests apart', async () => {
    const { capture, records } = testCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    app.post('/predict', (req, res) => void setImmediate(() => res.json({ prediction: req.body.a })))
    const { port } = await listen(app)
    const request = (a: number) =>
      `POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":${a}}`
    const socket = connect(port, '127.0.0.1')
    cleanup(() => socket.destroy())
    socket.write([1, 2, 3].map(request).join(''))
    await vi.waitFor(async () => expect(await records()).toHaveLength(3))
    for (const { features, outputs } of await records()) expect(outputs['prediction']).toBe(features['a'])
  })

  it.each(['HEAD', 'OPTIONS'])('captures %s where its route is configured, and leaves it as it is', async (method) => {
    const { capture, records } = testCapture({ route: `${method} /predict` })
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    app.all('/predict', (_req, res) => void res.json({ prediction: 5 }))
    const { url } = await listen(app)
    const reply = await fetch(`${url}/predict`, { method })
    expect(reply.headers.get('content-length')).toBe('16')
    expect((await records()).map(({ status, outputs }) => [status, outputs])).toEqual([[200, { prediction: 5 }]])
  })

  it('lets a handler throw after its reply while the reply is held', async () => {
    const { capture, release } = heldCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    const seen: unknown[] = []
    app.post('/predict', (_req, res) => {
      res.json({ prediction: 6 })
      seen.push(res.headersSent, res.writableEnded)
      expect(() => res.setHeader('x-late', '1')).toThrow(/after they are sent/)
      throw new Error('too late')
    })
    const { url } = await listen(app)
    const reply = post(`${url}/predict`)
    await vi.waitFor(() => expect(seen).toEqual([true, true]))
    release()
    expect(await (await reply).json()).toEqual({ prediction: 6 })
  })

  it('ends a write that fills Content-Length only when the handler does, while the reply is held', async () => {
    const { capture, release } = heldCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    const seen: unknown[] = []
    app.post('/predict', (_req, res) => {
      res.setHeader('content-length', 2).write('hi')
      seen.push(res.headersSent, res.writableEnded)
      if (!res.writableEnded) res.end()
      seen.push(res.writableEnded)
    })
    const { url } = await listen(app)
    const reply = post(`${url}/predict`)
    await vi.waitFor(() => expect(seen).toEqual([true, false, true]))
    release()
    expect(await (await reply).text()).toBe('hi')
  })

  it('holds one reply for two captures, and lets its socket go after', async () => {
    const first = heldCapture()
    const second = heldCapture()
    const app = quietApp()
      .use(express.json())
      .use(capturePredictions(first.capture), capturePredictions(second.capture))
    let socket: Socket | undefined
    app.post('/predict', (req, res) => {
      socket = req.socket
      res.json({ prediction: 1 })
      throw new Error('too late')
    })
    const { url } = await listen(app)
    const reply = post(`${url}/predict`)
    await vi.waitFor(() => expect(second.capture.stats().requests.captured).toBe(1))
    second.release()
    await vi.waitFor(() => expect(first.capture.stats().requests.captured).toBe(1))
    expect(socket!.destroyed).toBe(false)
    first.release()
    expect(await (await reply).json()).toEqual({ prediction: 1 })
    await vi.waitFor(() => expect(socket!.destroyed).toBe(true))
  })

  it('throws at the handler what Node.js throws, where replies are held too', async () => {
    const { capture, release } = heldCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    app.post('/predict', (_req, res) => void res.end(42))
    const { url } = await listen(app)
    const reply = await post(`${url}/predict`)
    expect([reply.status, await reply.text()]).toEqual([500, expect.stringContaining('must be of type string')])
    release()
  })

  it('throws at the handler what a middleware throws at the end, where replies are held too', async () => {
    const { capture, release } = heldCapture()
    const app = quietApp().use(express.json())
    app.use((_req, res, next) => {
      res.end = () => {
        throw new Error('a broken middleware')
      }
      next()
    })
    app.use(capturePredictions(capture))
    let thrown: unknown
    app.post('/predict', (_req, res) => {
      try {
        res.json({ prediction: 1 })
      } catch (error) {
        thrown = error
        res.socket!.destroy()
      }
    })
    const { url } = await listen(app)
    const reply = post(`${url}/predict`)
    await vi.waitFor(() => expect(thrown).toMatchObject({ message: 'a broken middleware' }))
    release()
    await expect(reply).rejects.toThrow('fetch failed')
  })

  it('keeps the order of replies on a pipelined connection, where they are held too', async () => {
    const { capture, release } = heldCapture()
    const app = quietApp().use(express.json()).use(capturePredictions(capture))
    let refuse: (() => void) | undefined
    const refused = new Promise<void>((resolve) => (refuse = resolve))
    app.post('/predict', (req, res) => {
      // As Fastify and others answer bytes that are no request: to the socket.
      const { server } = req.socket as unknown as { server: Server }
      server.on('clientError', (_error, socket) => {
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
        refuse!()
      })
      res.json({ prediction: 1 })
    })
    const { port } = await listen(app)
    let received = ''
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(
        'POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}',
      ),
    )
    socket.setEncoding('latin1').on('data', (text: string) => (received += text))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await vi.waitFor(() => expect(capture.stats().requests.captured).toBe(1))
    socket.write('GARBAGE\r\n\r\n')
    await refused
    release()
    await closed
    expect(received.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400'])
  })

  it('reads what a later parser makes of the body', async () => {
    const { capture, records } = testCapture()
    const app = quietApp()
      .use(express.json())
      .use(capturePredictions(capture))
      .use(express.urlencoded({ extended: false }))
    app.post('/predict', express.text({ type: 'text/csv' }), (_req, res) => void res.json({ prediction: 1 }))
    const { url } = await listen(app)
    const send = (body: string, type: string) =>
      fetch(`${url}/predict`, { method: 'POST', body, headers: { 'content-type': type } })
    await send('a,b\n1,2\n', 'text/csv')
    await send('card=4111111111111111', 'application/x-www-form-urlencoded')
    await send('{}', 'application/json')
    expect((await records()).map(({ features, extra }) => [features, extra])).toEqual([
      [{ a: 1, b: 2 }, {}],
      [{ card: '4111111111111111' }, {}],
      [{}, {}],
    ])
  })

  it('says of a body that it was not read, where the reply came before', async () => {
    const { capture, records } = testCapture({ maxBodyBytes: 2000 })
    const app = quietApp().use(capturePredictions(capture))
    app.use((_req, res) => void res.status(401).json({ error: 'who are you?' }))
    const { url } = await listen(app)
    await post(`${url}/predict`)
    await post(`${url}/predict`, 'x'.repeat(3000))
    const unread = [401, 'who are you?', { body: { reason: 'not read, or refused by its parser' } }]
    expect((await records()).map(({ status, error, extra }) => [status, error, extra])).toEqual([unread, unread])
  })

  it('keeps 64-bit digits where it sees the bytes', async () => {
    const { capture, records } = testCapture()
    const app = quietApp().use(capturePredictions(capture)).use(express.json())
    app.post('/predict', (_req, res) => void res.json({ prediction: 1 }))
    const { url } = await listen(app)
    const body = '{"n":12345678901234567890}'
    await fetch(`${url}/predict`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    expect((await records())[0]!.features).toEqual({ n: 12345678901234567890n })
  })
})

it('takes the status that Express 4 allows beside the body', async () => {
  const { capture, records } = testCapture()
  const app = express4().set('env', 'test').use(express4.json()).use(capturePredictions(capture))
  type Legacy = Record<'json' | 'send', (...args: unknown[]) => void>
  app.post('/predict', (req, res) => {
    const { json, send } = res as unknown as Legacy
    const replies = [
      () => json.call(res, 201, { prediction: 1 }),
      () => json.call(res, { prediction: 2 }, 201),
      () => send.call(res, 201, { prediction: 3 }),
      () => send.call(res, '{"prediction":4}', 201),
      () => json.call(res, 422, { message: 'no flower' }),
    ]
    replies[req.body.a]!()
  })
  const { url } = await listen(app)
  const statuses: number[] = []
  for (const a of [0, 1, 2, 3, 4]) statuses.push((await post(`${url}/predict`, { a })).status)
  expect(statuses).toEqual([201, 201, 201, 201, 422])
  expect((await records()).map(({ status, outputs, error }) => [status, outputs['prediction'], error])).toEqual([
    [201, 1, null],
    [201, 2, null],
    [201, 3, null],
    [201, 4, null],
    [422, undefined, 'no flower'],
  ])
})
