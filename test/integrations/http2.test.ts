import { once } from 'node:events'
import { connect, createServer, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import fastify4 from 'fastify4'
import fastify5 from 'fastify'
import Koa2 from 'koa2'
import Koa3 from 'koa'
import { describe, expect, it, vi } from 'vitest'
import fastifyPredictions from 'capture-predictions/fastify'
import koaPredictions from 'capture-predictions/koa'
import { cleanup, testCapture } from '../setup/captures.ts'

const session = (port: number) => {
  const client = connect(`http://127.0.0.1:${port}`)
  cleanup(() => client.destroy())
  return client
}

const listen = async (app: Koa3) => {
  app.silent = true
  const server = createServer(app.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => server.close())
  return session((server.address() as AddressInfo).port)
}

/** Without a Content-Length, as streaming clients send it. */
const POST = { ':method': 'POST', ':path': '/predict', 'content-type': 'application/json' }

const replyOf = async (stream: ClientHttp2Stream) => {
  let headers: IncomingHttpHeaders = {}
  stream.once('response', (given) => (headers = given))
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return { id: headers['x-prediction-id'], body: JSON.parse(text) as unknown }
}

describe.each([
  ['Fastify 4', fastify4 as unknown as typeof fastify5],
  ['Fastify 5', fastify5],
])('%s over HTTP/2', (_name, fastify) => {
  it.each(['outbox', 'sink'] as const)('captures, with durability %s', async (durability) => {
    const { capture, records } = testCapture({ durability })
    const app = fastify({ http2: true })
    cleanup(() => app.close())
    await app.register(fastifyPredictions, { capture })
    app.post('/predict', async () => ({ prediction: 1 }))
    await app.listen({ port: 0, host: '127.0.0.1' })
    const client = session((app.server.address() as AddressInfo).port)
    const { id, body } = await replyOf(client.request(POST).end('{"a":1}'))
    client.close()
    expect(body).toEqual({ prediction: 1 })
    expect((await records()).map(({ id, features, outputs }) => [id, features, outputs])).toEqual([
      [id, { a: 1 }, { prediction: 1 }],
    ])
  })
})

describe.each([
  ['Koa 2', Koa2],
  ['Koa 3', Koa3],
])('%s over HTTP/2', (_name, Koa) => {
  it.each(['outbox', 'sink'] as const)('captures, with durability %s', async (durability) => {
    const { capture, records } = testCapture({ durability })
    const app = new Koa().use(koaPredictions(capture))
    app.use(async (ctx) => {
      ctx.req.resume()
      await once(ctx.req, 'end')
      ctx.body = { prediction: 1 }
    })
    const client = await listen(app)
    const { id, body } = await replyOf(client.request(POST).end('{"a":1}'))
    expect(body).toEqual({ prediction: 1 })
    expect((await records()).map(({ id, features, outputs }) => [id, features, outputs])).toEqual([
      [id, { a: 1 }, { prediction: 1 }],
    ])
  })

  it('holds a reply whose client went away', async () => {
    const { capture, records } = testCapture({ durability: 'sink' })
    const app = new Koa().use(koaPredictions(capture))
    let failure: unknown
    app.on('error', (error) => (failure = error))
    const abort = new AbortController()
    app.use(async (ctx) => {
      ctx.respond = false
      ctx.status = 200
      abort.abort()
      await new Promise((resolve) => ctx.res.once('close', resolve))
      ctx.res.end('{"prediction":4}')
    })
    const client = await listen(app)
    client
      .request(POST, { signal: abort.signal })
      .on('error', () => {})
      .end('{"a":1}')
    await vi.waitFor(async () => expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 4 }]))
    expect(failure).toBeUndefined()
  })
})
