import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import fastifyCompress from '@fastify/compress'
import compression from 'compression'
import express5 from 'express'
import express4 from 'express4'
import fastify5 from 'fastify'
import fastifyCompress7 from 'fastify-compress7'
import fastify4 from 'fastify4'
import Koa3 from 'koa'
import koaCompress from 'koa-compress'
import Koa2 from 'koa2'
import { describe, expect, it } from 'vitest'
import type { Capture } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'
import { capturePredictions as forKoa } from 'capture-predictions/koa'
import { testCapture } from '../setup/captures.ts'
import { listening, serve } from './raw-frameworks.ts'
import { comparable, rawReply } from './raw.ts'

const OUTPUTS = { prediction: 'setosa '.repeat(300) }
const TEXT = JSON.stringify(OUTPUTS)
const [HEAD, TAIL] = [TEXT.slice(0, 500), TEXT.slice(500)]

/** Past the framework, by Node.js' own response. */
const raw: Record<string, (res: ServerResponse) => void> = {
  'write and end': (res) => {
    res.setHeader('content-type', 'application/json')
    res.write(HEAD)
    res.end(TAIL)
  },
  'end alone': (res) => void res.setHeader('content-type', 'application/json').end(TEXT),
  'writeHead and end': (res) => void res.writeHead(200, { 'content-type': 'application/json' }).end(TEXT),
  'writeHead with a length': (res) =>
    void res.writeHead(200, { 'content-type': 'application/json', 'content-length': TEXT.length }).end(TEXT),
  'a piped stream': (res) => {
    res.setHeader('content-type', 'application/json')
    Readable.from([HEAD, TAIL]).pipe(res)
  },
}

const bodies: Record<string, () => unknown> = {
  'an object': () => OUTPUTS,
  'a string': () => TEXT,
  'a Buffer': () => Buffer.from(TEXT),
  'a stream': () => Readable.from([Buffer.from(HEAD), Buffer.from(TAIL)]),
}

type Order = 'compression first' | 'capture first'
type Start = (order: Order, how: string, capture: Capture | undefined) => Promise<number>
interface Stack {
  readonly name: string
  readonly ways: readonly string[]
  readonly start: Start
}

const inOrder = <Layer>(order: Order, squeeze: Layer, capture: Layer | undefined): Layer[] => {
  const both = capture === undefined ? [squeeze] : [squeeze, capture]
  return order === 'compression first' ? both : both.reverse()
}

const onExpress = (name: string, express: typeof express5): Stack => ({
  name,
  ways: [...Object.keys(raw), 'an object', 'a string', 'a Buffer'],
  start(order, how, capture) {
    const app = express().disable('x-powered-by')
    for (const layer of inOrder(order, compression({ threshold: 0 }), capture && forExpress(capture))) app.use(layer)
    app.post('/predict', (_req, res) => {
      if (how in raw) raw[how]!(res)
      else res.type('json').send(bodies[how]!())
    })
    return serve(app)
  },
})

const onKoa = (name: string, Koa: typeof Koa3): Stack => ({
  name,
  ways: [...Object.keys(raw), ...Object.keys(bodies)],
  start(order, how, capture) {
    const app = new Koa()
    for (const layer of inOrder<Koa3.Middleware>(order, koaCompress({ threshold: 0 }), capture && forKoa(capture)))
      app.use(layer)
    app.use((ctx) => {
      if (how in raw) {
        ctx.respond = false
        ctx.status = 200
        raw[how]!(ctx.res)
      } else {
        ctx.type = 'json'
        ctx.body = bodies[how]!()
      }
    })
    return serve(app.callback())
  },
})

const onFastify = (name: string, fastify: typeof fastify5, compress: typeof fastifyCompress): Stack => ({
  name,
  ways: [...Object.keys(raw), ...Object.keys(bodies), 'reply.compress'],
  async start(order, how, capture) {
    const app = fastify()
    const squeeze = () => app.register(compress, { threshold: 0 })
    const layers = inOrder(order, squeeze, capture && (() => app.register(forFastify, { capture })))
    for (const layer of layers) await layer()
    app.post('/predict', (_request, reply) => {
      if (how in raw) {
        reply.hijack()
        raw[how]!(reply.raw)
      } else if (how === 'reply.compress')
        void reply.type('application/json').compress(bodies['a stream']!() as Readable)
      else void reply.type('application/json').send(bodies[how]!())
    })
    return listening(app)
  },
})

const stacks = [
  onExpress('compression on Express 4', express4 as unknown as typeof express5),
  onExpress('compression on Express 5', express5),
  onKoa('koa-compress on Koa 2', Koa2),
  onKoa('koa-compress on Koa 3', Koa3),
  onFastify('@fastify/compress on Fastify 4', fastify4 as unknown as typeof fastify5, fastifyCompress7 as never),
  onFastify('@fastify/compress on Fastify 5', fastify5, fastifyCompress),
]

describe.each(stacks)('$name', ({ ways, start }) => {
  it.each(
    (['compression first', 'capture first'] as const).flatMap((order) => ways.map((how) => [order, how] as const)),
  )('%s, %s: the outputs are read, and the reply is as without', async (order, how) => {
    const { capture, records } = testCapture()
    const ports = [await start(order, how, undefined), await start(order, how, capture)]
    const [bare, reply] = await Promise.all(
      ports.map(async (port) => comparable(await rawReply(port, '/predict', 'accept-encoding: gzip\r\n'))),
    )
    expect(reply).toBe(bare)
    const seen = (await records()).map(({ status, outputs, error, extra }) => [status, outputs, error, extra['reply']])
    expect(seen).toEqual([[200, OUTPUTS, null, undefined]])
    expect(capture.stats().requests).toMatchObject({ seen: 1, captured: 1 })
  })
})
