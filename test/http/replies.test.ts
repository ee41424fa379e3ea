import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import express4 from 'express4'
import express5 from 'express'
import fastify4 from 'fastify4'
import fastify5 from 'fastify'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { createCapture, silentLogger, type Capture, type CaptureOptions } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'
import { capturePredictions as forKoa } from 'capture-predictions/koa'
import { describe, expect, it, vi } from 'vitest'
import { asRunning } from '../../src/capture/running-capture.ts'
import { cleanup, testCapture } from '../setup/captures.ts'
import { listening, rawFrameworks, serve, type RawHandler } from './raw-frameworks.ts'
import { comparable, rawReply } from './raw.ts'

const JSON_TEXT = '{"prediction":1}'
const UPSTREAM = '018f0000-0000-7000-8000-000000000000'

const replies: Record<string, RawHandler> = {
  'pairs given to writeHead': (_req, res) =>
    res
      .writeHead(200, [
        ['content-type', 'application/json'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
        ['x-a', '1'],
      ] as never)
      .end(JSON_TEXT),
  'a flat list': (_req, res) => res.writeHead(200, ['content-type', 'application/json', 'x-a', '1']).end(JSON_TEXT),
  "fetch's headers": (_req, res) =>
    res.writeHead(200, [...new Headers({ 'content-type': 'application/json', 'x-a': '1' })] as never).end(JSON_TEXT),
  'an object, and a reason': (_req, res) =>
    res.writeHead(200, 'Fine', { 'Content-Type': 'application/json' }).end(JSON_TEXT),
  gzip: (_req, res) =>
    res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(gzipSync(JSON_TEXT)),
  pieces: (_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json' })
    res.write('{"predic')
    res.end('tion":1}')
  },
  'a length': (_req, res) =>
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': JSON_TEXT.length }).end(JSON_TEXT),
}

describe.each(rawFrameworks)('what is replied past $name', ({ listen }) => {
  it.each(Object.entries(replies))('goes as without capture, and is read: %s', async (_, handler) => {
    const { capture, records } = testCapture()
    const [bare, captured] = [await listen(handler, undefined), await listen(handler, capture)]
    const reply = await rawReply(captured, '/predict')
    expect(comparable(reply)).toBe(comparable(await rawReply(bare, '/predict')))
    const [record, ...more] = await records()
    expect(more).toEqual([])
    expect(record).toMatchObject({ status: 200, outputs: { prediction: 1 }, error: null, extra: {} })
    expect(reply.toLowerCase()).toContain(`x-prediction-id: ${record!.id}`)
  })

  it.each([
    ['by setHeader', (res: ServerResponse) => res.setHeader('X-Prediction-Id', UPSTREAM).writeHead(200)],
    ['by writeHead', (res: ServerResponse) => res.writeHead(200, { 'X-Prediction-ID': UPSTREAM })],
    ['by pairs', (res: ServerResponse) => res.writeHead(200, [['x-prediction-id', UPSTREAM]] as never)],
  ])('has our id in place of one from a server behind it, which is a tag: %s', async (_, head) => {
    const { capture, records } = testCapture()
    const port = await listen((_req, res) => void head(res).end(JSON_TEXT), capture)
    const reply = await rawReply(port, '/predict')
    const [record] = await records()
    expect(reply.match(/x-prediction-id: .*/gi)).toEqual([expect.stringMatching(record!.id) as string])
    expect(record!.tags).toEqual({ upstream_prediction_id: UPSTREAM })
  })

  it.each([
    ['returns', () => {}],
    ['destroys the response', (res: ServerResponse) => res.destroy()],
  ])('is a record also where the client left first and the handler %s', async (_, then) => {
    const { capture, sink } = testCapture()
    let seen: ServerResponse | undefined
    const port = await listen((_req, res) => {
      seen = res
    }, capture)
    const socket: Socket = connect(port, '127.0.0.1')
    socket.write(
      'POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}',
    )
    await vi.waitFor(() => expect(seen).toBeDefined())
    const closed = new Promise((resolve) => seen!.once('close', resolve))
    socket.destroy()
    await closed
    then(seen!)
    await capture.close()
    expect(sink.records).toMatchObject([
      { status: 499, error: 'the client closed the connection before the reply', outputs: {} },
    ])
    expect(capture.stats().requests).toMatchObject({ seen: 1, captured: 1 })
  })
})

it('counts a fault in what is left of a request whose client went away, and throws it at nobody', async () => {
  const { capture } = testCapture()
  let seen: ServerResponse | undefined
  const app = express5().use(forExpress(capture))
  app.post('/predict', (req, res) => {
    Object.defineProperty(req, 'body', {
      get() {
        throw new Error('a broken getter')
      },
    })
    seen = res
  })
  const socket = connect(await serve(app), '127.0.0.1')
  socket.write('POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n')
  await vi.waitFor(() => expect(seen).toBeDefined())
  const closed = new Promise((resolve) => seen!.once('close', resolve))
  socket.destroy()
  await closed
  await capture.close()
  expect(capture.stats().faults).toBe(1)
})

describe('a reply that says another thing each time it is read', () => {
  const changing = () => {
    let n = 0
    return {
      'a toJSON': { prediction: { toJSON: () => ++n } },
      'a getter': {
        get prediction() {
          return ++n
        },
      },
      'one below': { prediction: 1, list: [{ toJSON: () => ++n }] },
    }
  }
  type Kind = keyof ReturnType<typeof changing>
  type Start = (kind: Kind, capture: Capture | undefined) => Promise<number>
  const onExpress =
    (express: typeof express5): Start =>
    (kind, capture) => {
      const app = express().disable('x-powered-by')
      if (capture) app.use(forExpress(capture))
      app.post('/predict', (_req, res) => void res.json(changing()[kind]))
      return serve(app)
    }
  const onKoa =
    (Koa: typeof Koa3): Start =>
    (kind, capture) => {
      const app = new Koa()
      if (capture) app.use(forKoa(capture))
      app.use((ctx) => void (ctx.body = changing()[kind]))
      return serve(app.callback())
    }
  const onFastify =
    (fastify: typeof fastify5): Start =>
    async (kind, capture) => {
      const app = fastify()
      if (capture) await app.register(forFastify, { capture })
      app.post('/predict', async () => changing()[kind])
      return listening(app)
    }
  const apps: Record<string, Start> = {
    'Express 4': onExpress(express4 as unknown as typeof express5),
    'Express 5': onExpress(express5),
    'Koa 2': onKoa(Koa2),
    'Koa 3': onKoa(Koa3),
    'Fastify 4': onFastify(fastify4 as unknown as typeof fastify5),
    'Fastify 5': onFastify(fastify5),
  }
  it.each(
    Object.keys(apps).flatMap((name) =>
      (['a toJSON', 'a getter', 'one below'] as const).map((kind) => [name, kind] as const),
    ),
  )('is read once: %s, %s', async (name, kind) => {
    const { capture, records } = testCapture()
    const bare = await rawReply(await apps[name]!(kind, undefined), '/predict')
    const reply = await rawReply(await apps[name]!(kind, capture), '/predict')
    expect(comparable(reply)).toBe(comparable(bare))
    expect((await records())[0]!.outputs).toEqual(JSON.parse(bare.slice(bare.indexOf('\r\n\r\n') + 4)))
  })
})

describe('a capture that sees requests and matches none', () => {
  it('says so once, with the nearest path', async () => {
    const said: string[] = []
    const options: CaptureOptions = {
      sink: { name: 'none', write: async () => {} },
      durability: 'memory',
      route: 'POST /predict',
      logger: { ...silentLogger, warn: (message) => void said.push(message) },
    }
    const capture = asRunning(createCapture(options))
    cleanup(() => capture.close())
    for (let i = 0; i < 300; i++) capture.route('POST', i % 2 ? '/v1/predict?x=1' : '/login', false)
    expect(said).toEqual([
      expect.stringMatching(/none of 100 requests .*POST \/v1\/predict.*PREDICTIONS_ROUTE.*always: true/),
    ])
  })

  it('says so at the first request after a minute, however few there were', () => {
    const said: string[] = []
    vi.useFakeTimers({ toFake: ['performance'] })
    cleanup(() => vi.useRealTimers())
    const logger = { ...silentLogger, warn: (message: string) => void said.push(message) }
    const { capture } = testCapture({ logger })
    const route = () => capture.route('POST', '/v1/predict', false)
    route()
    vi.advanceTimersByTime(59_999)
    route()
    expect(said).toEqual([])
    vi.advanceTimersByTime(1)
    route()
    route()
    expect(said).toEqual([expect.stringMatching(/none of 3 requests .*POST \/v1\/predict/)])
  })

  it('captures whatever passes with always: true', () => {
    const { capture } = testCapture({ always: true })
    expect(capture.route('GET', '/anything?x=1', false)).toBe('GET /anything')
  })
})
