import type { IncomingMessage, Server } from 'node:http'
import { connect } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import express5 from 'express'
import express4 from 'express4'
import fastify5 from 'fastify'
import fastify4 from 'fastify4'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { describe, expect, it } from 'vitest'
import type { Capture, CaptureOptions } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'
import { capturePredictions as forKoa } from 'capture-predictions/koa'
import { keepingSink, testCapture } from '../setup/captures.ts'
import { listening, serve } from './raw-frameworks.ts'
import { comparable } from './raw.ts'

/** A model's answer; those of the even come later than those of the odd that follow them. */
const answer = async (n: number): Promise<object> => {
  if (n % 2 === 0) for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  return { prediction: n }
}

/** Told when a reply was handed over, and when what came after it was refused. */
interface Meeting {
  readonly replied: PromiseWithResolvers<void>
  readonly refused: PromiseWithResolvers<void>
}

/** The framework replies as soon as its handler has returned: before the next turn. */
const tell = (meeting: Meeting | undefined): void => void setImmediate(() => meeting?.replied.resolve())

/** Refuses garbage as Fastify does: the connection alone knows of it. */
const refuse = (req: IncomingMessage, meeting: Meeting | undefined): void => {
  if (meeting === undefined) return
  const { server } = req.socket as unknown as { server: Server }
  server.on('clientError', (_error, socket) => {
    socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
    meeting.refused.resolve()
  })
}

type Start = (capture: Capture | undefined, meeting?: Meeting) => Promise<number>

const onExpress =
  (express: typeof express5): Start =>
  (capture, meeting) => {
    const app = express().disable('x-powered-by').use(express.json())
    if (capture) app.use(forExpress(capture))
    app.post('/predict', (req, res, next) => {
      refuse(req, meeting)
      const reply = (body: object) => {
        res.json(body)
        tell(meeting)
      }
      answer(req.body.n).then(reply).catch(next)
    })
    return serve(app)
  }

const onKoa =
  (Koa: typeof Koa3): Start =>
  (capture, meeting) => {
    const app = new Koa().use(bodyParser())
    if (capture) app.use(forKoa(capture))
    app.use(async (ctx) => {
      refuse(ctx.req, meeting)
      ctx.body = await answer((ctx.request.body as { n: number }).n)
      tell(meeting)
    })
    return serve(app.callback())
  }

const onFastify =
  (fastify: typeof fastify5): Start =>
  async (capture, meeting) => {
    const app = fastify()
    app.server.prependListener('clientError', () => meeting?.refused.resolve())
    if (capture) await app.register(forFastify, { capture })
    app.post('/predict', async (request) => {
      const body = await answer((request.body as { n: number }).n)
      tell(meeting)
      return body
    })
    return listening(app)
  }

const frameworks: Record<string, Start> = {
  'Express 4': onExpress(express4 as unknown as typeof express5),
  'Express 5': onExpress(express5),
  'Koa 2': onKoa(Koa2),
  'Koa 3': onKoa(Koa3),
  'Fastify 4': onFastify(fastify4 as unknown as typeof fastify5),
  'Fastify 5': onFastify(fastify5),
}

const durabilities: Record<string, CaptureOptions> = {
  memory: { durability: 'memory' },
  outbox: { durability: 'outbox' },
  'outbox with fsync': { durability: 'outbox', outboxFsync: true },
  sink: { durability: 'sink' },
}

const COUNT = 6
const good = (n: number): string =>
  `POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"n":${n}}`

/** All that a client receives on one connection until it is closed, whatever it sends. */
const converse = (port: number, pieces: () => Iterable<string> | AsyncIterable<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1')
    socket.setEncoding('latin1').on('data', (text: string) => (received += text))
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
    const send = async () => {
      for await (const piece of pieces()) socket.write(piece)
    }
    send().catch(reject)
  })

/** Replies that are ready before earlier ones; the last closes the connection. */
const REQUESTS = [
  Array.from({ length: COUNT - 1 }, (_, n) => good(n)).join('') +
    good(5).replace('host: x', 'host: x\r\nconnection: close'),
]

/** A sink whose writes take until they are let go: the replies that wait for them are held as long. */
const heldCapture = (options: CaptureOptions) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const sink = keepingSink()
  const write: typeof sink.write = async (batch, signal) => {
    await promise
    return sink.write(batch, signal)
  }
  return { ...testCapture({ sink: { ...sink, write }, ...options }), sink, release: resolve }
}

describe.each(Object.entries(frameworks))('a pipelined connection of %s', (_, start) => {
  it.each(Object.entries(durabilities))(
    'has its replies in order, as without capture: %s',
    async (_durability, options) => {
      const { capture, sink, release } = heldCapture(options)
      const [bare, captured] = [await start(undefined), await start(capture)]
      const expected = comparable(await converse(bare, () => REQUESTS))
      expect(expected.match(/"prediction":\d/g)).toEqual(Array.from({ length: COUNT }, (_, n) => `"prediction":${n}`))
      setImmediate(release)
      expect(comparable(await converse(captured, () => REQUESTS))).toBe(expected)
      await capture.flush()
      expect(sink.records).toHaveLength(COUNT)
    },
  )

  it.each(Object.entries(durabilities))(
    'has what is said of garbage after the reply before it: %s',
    async (_durability, options) => {
      const { capture, release } = heldCapture(options)
      /** Garbage comes when a good request was answered; a held reply goes when the garbage was. */
      const talk = async (given: Capture | undefined): Promise<string> => {
        const meeting = { replied: Promise.withResolvers<void>(), refused: Promise.withResolvers<void>() }
        const port = await start(given, meeting)
        if (given !== undefined) void meeting.refused.promise.then(release)
        return comparable(
          await converse(port, async function* () {
            yield good(1)
            await meeting.replied.promise
            yield 'GARBAGE\r\n\r\n'
          }),
        )
      }
      const expected = await talk(undefined)
      expect(expected.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400'])
      expect(await talk(capture)).toBe(expected)
    },
  )
})
