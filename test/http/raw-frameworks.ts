import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import express5 from 'express'
import express4 from 'express4'
import fastify5 from 'fastify'
import fastify4 from 'fastify4'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import type { Capture, Prediction } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'
import { capturePredictions as forKoa } from 'capture-predictions/koa'
import { cleanup } from '../setup/captures.ts'

/** A handler over Node.js' own response: as proxies and streams use it, past the framework. */
export type RawHandler = (req: IncomingMessage, res: ServerResponse, prediction: Prediction | undefined) => void

export interface RawFramework {
  readonly name: string
  listen(handler: RawHandler, capture: Capture | undefined): Promise<number>
}

export const serve = async (listener: RequestListener): Promise<number> => {
  const server = createServer(listener)
  cleanup(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const onExpress = (name: string, express: typeof express5): RawFramework => ({
  name,
  listen(handler, capture) {
    const app = express().disable('x-powered-by').use(express.json())
    if (capture) app.use(forExpress(capture))
    app.post('/predict', (req, res) => handler(req, res, req.prediction))
    return serve(app)
  },
})

const onKoa = (name: string, Koa: typeof Koa3): RawFramework => ({
  name,
  listen(handler, capture) {
    const app = new Koa().use(bodyParser())
    if (capture) app.use(forKoa(capture))
    app.use((ctx) => {
      ctx.respond = false
      handler(ctx.req, ctx.res, ctx.prediction)
    })
    return serve(app.callback())
  },
})

const onFastify = (name: string, fastify: typeof fastify5): RawFramework => ({
  name,
  async listen(handler, capture) {
    const app = fastify()
    cleanup(() => app.close())
    if (capture) await app.register(forFastify, { capture })
    app.post('/predict', (request, reply) => {
      reply.hijack()
      handler(request.raw, reply.raw, request.prediction)
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (app.server.address() as AddressInfo).port
  },
})

/** Both versions of each, with a handler that goes past the framework. */
export const rawFrameworks = [
  onExpress('Express 4', express4),
  onExpress('Express 5', express5),
  onKoa('Koa 2', Koa2),
  onKoa('Koa 3', Koa3),
  onFastify('Fastify 4', fastify4 as unknown as typeof fastify5),
  onFastify('Fastify 5', fastify5),
]

/** Runs a Fastify app. @returns its port */
export const listening = async (app: ReturnType<typeof fastify5>): Promise<number> => {
  cleanup(() => app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}
