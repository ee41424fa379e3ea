import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { bodyParser } from '@koa/bodyparser'
import express4 from 'express4'
import express5 from 'express'
import fastify4 from 'fastify4'
import fastify5 from 'fastify'
import Koa2 from 'koa2'
import Koa3 from 'koa'
import type { Capture, Prediction } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'
import { capturePredictions as forKoa } from 'capture-predictions/koa'

/** What a handler does, in no framework's words. */
export interface Handling {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** An object, a string, a Buffer, a stream, or nothing. */
  readonly body?: unknown
}

export interface HandlerContext {
  readonly body: unknown
  readonly prediction: Prediction | undefined
}

export type Handler = (context: HandlerContext) => Handling | Promise<Handling>

export interface AppOptions {
  /** Undefined: the same app without capture. */
  readonly capture?: Capture | undefined
  /** Where the middleware stands. Default: after the body parser. */
  readonly mount?: 'after parser' | 'before parser'
  readonly path?: string
  readonly handler: Handler
}

export interface RunningApp {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

export interface Framework {
  readonly name: string
  start(options: AppOptions): Promise<RunningApp>
}

const listening = async (server: Server, closeApp?: () => Promise<unknown>): Promise<RunningApp> => {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections()
      await (closeApp ? closeApp() : new Promise((resolve) => server.close(resolve)))
    },
  }
}

const isStream = (body: unknown): body is Readable => typeof (body as { pipe?: unknown } | null)?.pipe === 'function'

const expressApp = (name: string, express: typeof express5): Framework => ({
  name,
  async start({ capture, mount = 'after parser', path = '/predict', handler }) {
    const app = express()
    // Express prints every error outside of tests of its own.
    app.set('env', 'test')
    if (capture && mount === 'before parser') app.use(forExpress(capture))
    app.use(express.json())
    if (capture && mount === 'after parser') app.use(forExpress(capture))
    app.post(path, (req, res, next) => {
      const run = async () => {
        const { status = 200, headers = {}, body } = await handler({ body: req.body, prediction: req.prediction })
        res.status(status).set(headers)
        if (isStream(body)) body.pipe(res)
        else if (body === undefined) res.end()
        else if (typeof body === 'object' && !Buffer.isBuffer(body)) res.json(body)
        else res.send(body)
      }
      run().catch(next)
    })
    return listening(createServer(app))
  },
})

const koaApp = (name: string, Koa: typeof Koa3): Framework => ({
  name,
  async start({ capture, mount = 'after parser', path = '/predict', handler }) {
    const app = new Koa()
    app.silent = true
    if (capture && mount === 'before parser') app.use(forKoa(capture))
    app.use(bodyParser())
    if (capture && mount === 'after parser') app.use(forKoa(capture))
    app.use(async (ctx, next) => {
      if (ctx.method !== 'POST' || ctx.path !== path) return next()
      const { status, headers = {}, body } = await handler({ body: ctx.request.body, prediction: ctx.prediction })
      ctx.set(headers)
      ctx.body = body
      ctx.status = status ?? 200
    })
    return listening(createServer(app.callback()))
  },
})

const fastifyApp = (name: string, fastify: typeof fastify5): Framework => ({
  name,
  async start({ capture, path = '/predict', handler }) {
    const app = fastify()
    if (capture) await app.register(forFastify, { capture })
    app.post(path, async (request, reply) => {
      const { status = 200, headers = {}, body } = await handler({ body: request.body, prediction: request.prediction })
      reply.code(status).headers(headers)
      return reply.send(body)
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return listening(app.server, () => app.close())
  },
})

/** Both versions of each: every assertion of the suite holds for all six. */
export const frameworks: readonly Framework[] = [
  expressApp('Express 4', express4),
  expressApp('Express 5', express5),
  koaApp('Koa 2', Koa2),
  koaApp('Koa 3', Koa3),
  fastifyApp('Fastify 4', fastify4 as unknown as typeof fastify5),
  fastifyApp('Fastify 5', fastify5),
]
