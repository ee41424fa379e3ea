import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler } from 'express'
import Fastify from 'fastify'
import type { Capture } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'

/** What a body may be sent to: parsers of all kinds, and a handler that replies with what it got. */
export interface BodyServer {
  readonly name: string
  /** Mounted behind parsers that may refuse a body before. */
  readonly isLate: boolean
  start(capture: Capture | undefined): Promise<{ readonly port: number; close(): Promise<unknown> }>
}

/** The reply says what the handler saw, so that a parser that was disturbed is noticed. */
const echo = (body: unknown) => {
  if (Buffer.isBuffer(body)) return { prediction: 1, bytes: body.toString('base64') }
  if (typeof body === 'string') return { prediction: 1, text: body }
  return { prediction: 1, type: body === null ? 'null' : typeof body, size: textOf(body)?.length }
}

const textOf = (body: unknown): string | undefined => {
  try {
    return JSON.stringify(body)
  } catch {
    return 'nested too deep'
  }
}

const onExpress = (name: string, mount: 'before' | 'after', parsers: () => express.RequestHandler[]): BodyServer => ({
  name: `Express, ${name}, mounted ${mount}`,
  isLate: mount === 'after',
  async start(capture) {
    const app = express()
    const add = (when: string) => mount === when && capture !== undefined && app.use(forExpress(capture))
    add('before')
    for (const parser of parsers()) app.use(parser)
    add('after')
    app.post('/predict', (req, res) => {
      const body: unknown = req.body
      const type = req.headers['x-echo']
      if (typeof type !== 'string' || !Buffer.isBuffer(body)) return void res.json(echo(body))
      // In two parts, as a stream comes.
      res.setHeader('content-type', type)
      res.write(body.subarray(0, body.length >> 1))
      res.end(body.subarray(body.length >> 1))
    })
    const replyError: ErrorRequestHandler = (error, _req, res, _next) => {
      const { status = 500, message } = error as { status?: number; message: string }
      res.status(status).json({ error: message })
    }
    app.use(replyError)
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
      port: (server.address() as AddressInfo).port,
      close: () => {
        server.closeAllConnections()
        return new Promise((resolve) => server.close(resolve))
      },
    }
  },
})

const LIMIT = '4mb'
const raw = () => express.raw({ type: () => true, limit: LIMIT })
const text = () => express.text({ type: () => true, limit: LIMIT })
const json = () => express.json({ limit: LIMIT })

const onFastify: BodyServer = {
  name: 'Fastify',
  isLate: false,
  async start(capture) {
    const app = Fastify({ bodyLimit: 4 * 1024 * 1024, forceCloseConnections: true, onProtoPoisoning: 'ignore' })
    if (capture !== undefined) await app.register(forFastify, { capture })
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    app.post('/predict', async (request, reply) => {
      const type = request.headers['x-echo']
      if (typeof type !== 'string' || !Buffer.isBuffer(request.body)) return echo(request.body)
      return reply.header('content-type', type).send(request.body)
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
  },
}

export const bodyServers: readonly BodyServer[] = [
  onExpress('json', 'before', () => [json()]),
  onExpress('raw', 'before', () => [raw()]),
  onExpress('raw', 'after', () => [raw()]),
  onExpress('text', 'after', () => [text()]),
  onFastify,
]

export interface SentBody {
  readonly body: Buffer
  readonly headers?: Readonly<Record<string, string>>
}

interface Reply {
  readonly id: string | undefined
  readonly reply: {
    readonly status: number | undefined
    readonly headers: IncomingMessage['headers']
    readonly body: string
  }
}

/** The reply, without what differs from one to the next. */
const post = async (port: number, agent: Agent, sent: SentBody): Promise<Reply> => {
  const req = request({ port, host: '127.0.0.1', method: 'POST', path: '/predict', agent, headers: sent.headers ?? {} })
  req.end(sent.body)
  const [reply] = (await once(req, 'response')) as [IncomingMessage]
  const received = Buffer.concat(await reply.toArray()).toString('latin1')
  const { 'x-prediction-id': id, ...headers } = reply.headers
  delete headers['date']
  return { id: id as string | undefined, reply: { status: reply.statusCode, headers, body: received } }
}

/** The same server with and without capture. */
export const startBoth = async (server: BodyServer, capture: Capture) => {
  const [captured, bare] = await Promise.all([server.start(capture), server.start(undefined)])
  const agent = new Agent({ keepAlive: true })
  return {
    /**
     * Sends a body to both.
     * @returns id and status of the prediction; no id where a parser refused the body before the middleware came
     * @throws AssertionError when the replies differ
     */
    async send(body: SentBody): Promise<{ id: string | undefined; status: number | undefined }> {
      const [{ id, reply }, expected] = await Promise.all([
        post(captured.port, agent, body),
        post(bare.port, agent, body),
      ])
      assert.deepEqual(reply, expected.reply)
      assert.ok(id !== undefined || (server.isLate && reply.status! >= 400))
      return { id, status: reply.status }
    },
    async close(): Promise<void> {
      agent.destroy()
      await Promise.all([captured.close(), bare.close()])
    },
  }
}
