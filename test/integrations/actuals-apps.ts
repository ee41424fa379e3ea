import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import express5 from 'express'
import express4 from 'express4'
import fastify5 from 'fastify'
import fastify4 from 'fastify4'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import type { Capture } from 'capture-predictions'
import { capturePredictions as forExpress, receiveActuals as receiveInExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify, receiveActuals as receiveInFastify } from 'capture-predictions/fastify'
import { capturePredictions as forKoa, receiveActuals as receiveInKoa } from 'capture-predictions/koa'

export interface ActualsApp {
  readonly name: string
  /** Listens, with `POST /actuals`, and tells where. */
  start(capture: Capture, options?: { maxBodyBytes: number }): Promise<{ url: string; close(): Promise<unknown> }>
}

const listen = async (server: Server): Promise<{ url: string; close(): Promise<unknown> }> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/actuals`,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

const inExpress = (name: string, express: typeof express5): ActualsApp => ({
  name,
  start(capture, options) {
    const app = express()
    app.use(express.json({ limit: '1mb' }))
    const predictions = forExpress(capture)
    app.use(predictions)
    app.post('/actuals', receiveInExpress(predictions, options))
    return listen(createServer(app))
  },
})

const inKoa = (name: string, Koa: typeof Koa3): ActualsApp => ({
  name,
  start(capture, options) {
    const app = new Koa()
    app.use(bodyParser())
    const predictions = forKoa(capture)
    app.use(predictions)
    const receive = receiveInKoa(predictions, options)
    app.use((ctx, next) => (ctx.path === '/actuals' ? receive(ctx) : next()))
    return listen(createServer(app.callback()))
  },
})

const inFastify = (name: string, fastify: typeof fastify5): ActualsApp => ({
  name,
  async start(capture, options) {
    const app = fastify()
    await app.register(forFastify, { capture })
    app.post('/actuals', receiveInFastify(app.predictions, options))
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}/actuals`, close: () => app.close() }
  },
})

export const actualsApps: readonly ActualsApp[] = [
  inExpress('Express 4', express4),
  inExpress('Express 5', express5),
  inKoa('Koa 2', Koa2),
  inKoa('Koa 3', Koa3),
  inFastify('Fastify 4', fastify4 as unknown as typeof fastify5),
  inFastify('Fastify 5', fastify5),
]
