import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import Router from '@koa/router'
import { bodyParser } from '@koa/bodyparser'
import compress from 'koa-compress'
import Koa2 from 'koa2'
import Koa3 from 'koa'
import { describe, expect, it, vi } from 'vitest'
import { capturePredictions } from 'capture-predictions/koa'
import { cleanup, testCapture } from '../setup/captures.ts'

const listen = async (app: Pick<Koa3, 'silent' | 'callback'>) => {
  app.silent = true
  const server = createServer(app.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const post = (url: string, init: RequestInit = {}) =>
  fetch(url, { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' }, ...init })

describe.each([
  ['Koa 2', Koa2],
  ['Koa 3', Koa3],
])('%s', (_name, Koa) => {
  it('captures the route that it stands on, and routes below prefixes', async () => {
    const { capture, records } = testCapture({ route: 'POST /api/predict' })
    const middleware = capturePredictions(capture)
    const router = new Router({ prefix: '/api' })
    router.post('/predict', (ctx) => void (ctx.body = { prediction: 'configured' }))
    router.put('/guess', middleware, (ctx) => void (ctx.body = { prediction: 'its own' }))
    router.post('/guess', (ctx) => void (ctx.body = { prediction: 'another' }))
    const url = await listen(new Koa().use(bodyParser()).use(middleware).use(router.routes()))
    await post(`${url}/api/predict`)
    await post(`${url}/api/guess`, { method: 'PUT' })
    await post(`${url}/api/guess`)
    expect((await records()).map(({ outputs }) => outputs['prediction'])).toEqual(['configured', 'its own'])
  })

  it.each(['outside', 'inside'])('stores the object with koa-compress %s', async (where) => {
    const { capture, records } = testCapture()
    const squeeze = compress({ threshold: 0 })
    const app = new Koa().use(bodyParser())
    for (const middleware of where === 'outside'
      ? [squeeze, capturePredictions(capture)]
      : [capturePredictions(capture), squeeze])
      app.use(middleware)
    app.use((ctx) => void (ctx.body = { prediction: 'x'.repeat(2000) }))
    const reply = await post(`${await listen(app)}/predict`)
    expect(reply.headers.get('content-encoding')).toBeTruthy()
    expect(await reply.json()).toEqual({ prediction: 'x'.repeat(2000) })
    expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 'x'.repeat(2000) }])
  })

  it('stores the status that an error asks for, and what an outer error handler makes of it', async () => {
    const { capture, records } = testCapture({ route: ['POST /a', 'POST /b'] })
    const app = new Koa()
    app.use(async (ctx, next) => {
      try {
        await next()
      } catch (error) {
        if (ctx.path === '/a') throw error
        ctx.status = 409
        ctx.body = { message: 'told differently' }
      }
    })
    app.use(bodyParser()).use(capturePredictions(capture))
    app.use((ctx) => ctx.throw(422, 'no such flower'))
    const url = await listen(app)
    const reply = await post(`${url}/a`)
    expect(reply.status).toBe(422)
    await post(`${url}/b`)
    const stored = await records()
    expect(stored.map(({ status, error }) => [status, error])).toEqual([
      [422, 'no such flower'],
      [409, 'no such flower'],
    ])
    // Koa removes all headers before it replies to an error.
    expect(reply.headers.get('x-prediction-id')).toBe(stored[0]!.id)
  })

  it('stores an error whose message is no text', async () => {
    const { capture, records } = testCapture()
    const app = new Koa().use(bodyParser()).use(capturePredictions(capture))
    app.use(() => {
      throw Object.assign(new Error(), { message: 42 })
    })
    expect((await post(`${await listen(app)}/predict`)).status).toBe(500)
    expect((await records()).map(({ status, error }) => [status, error])).toEqual([[500, '42']])
  })

  it('passes server-sent events through as they come, with outputs by set', async () => {
    const { capture, records } = testCapture()
    const events = new PassThrough()
    const app = new Koa().use(bodyParser()).use(capturePredictions(capture))
    app.use((ctx) => {
      ctx.type = 'text/event-stream'
      ctx.body = events
      events.once('end', () => ctx.prediction!.set({ tokens: 2 }))
    })
    // Node.js sends the head with the first event.
    events.write('data: 1\n\n')
    const reply = await post(`${await listen(app)}/predict`)
    const reader = reply.body!.getReader()
    const next = async () => Buffer.from((await reader.read()).value!).toString()
    expect(await next()).toBe('data: 1\n\n')
    events.write('data: 2\n\n')
    expect(await next()).toBe('data: 2\n\n')
    events.end()
    expect((await reader.read()).done).toBe(true)
    const [record] = await records()
    expect(record!.outputs).toEqual({ prediction: '12', tokens: 2 })
    expect(record!.tags['time_to_first_byte_ms']).toBeLessThanOrEqual(record!.duration_ms)
  })

  it('never reads a stream of its own', async () => {
    const { capture, records } = testCapture()
    const app = new Koa().use(bodyParser()).use(capturePredictions(capture))
    app.use((ctx) => {
      ctx.type = 'json'
      ctx.body = Readable.from(['{"prediction":', '3}'])
    })
    expect(await (await post(`${await listen(app)}/predict`)).json()).toEqual({ prediction: 3 })
    expect((await records())[0]!.outputs).toEqual({ prediction: 3 })
  })

  it.each(['replies', 'throws'])('keeps a prediction whose handler %s after its client went away', async (how) => {
    const { capture, records } = testCapture()
    const abort = new AbortController()
    const app = new Koa().use(bodyParser()).use(capturePredictions(capture))
    app.use(async (ctx) => {
      abort.abort()
      await new Promise((resolve) => ctx.res.once('close', resolve))
      if (how === 'throws') ctx.throw(503, 'too late')
      ctx.body = { prediction: 4 }
    })
    await post(`${await listen(app)}/predict`, { signal: abort.signal }).catch(() => undefined)
    const left = 'the client closed the connection before the reply'
    const wanted =
      how === 'throws'
        ? { status: 499, error: `${left}; too late` }
        : { status: 499, error: left, outputs: { prediction: 4 } }
    await vi.waitFor(async () => expect((await records())[0]).toMatchObject(wanted))
    expect(await records()).toHaveLength(1)
  })
})
