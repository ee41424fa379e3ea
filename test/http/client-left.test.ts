import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import express5 from 'express'
import express4 from 'express4'
import fastify5 from 'fastify'
import fastify4 from 'fastify4'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { bodyParser } from '@koa/bodyparser'
import { describe, expect, it } from 'vitest'
import type { Capture, Prediction } from 'capture-predictions'
import { capturePredictions as forExpress } from 'capture-predictions/express'
import { capturePredictions as forFastify } from 'capture-predictions/fastify'
import { capturePredictions as forKoa } from 'capture-predictions/koa'
import { testCapture } from '../setup/captures.ts'
import { listening, rawFrameworks, serve } from './raw-frameworks.ts'

const LEFT = 'the client closed the connection before the reply'

interface Handled {
  readonly res: ServerResponse
  readonly prediction: Prediction
  /** Aborted when the client has gone, as apps make one of the response's end. */
  readonly signal: AbortSignal
}

/** What a test waits for: the handler runs, and what it does after its client went has been done. */
const createMeeting = () => {
  const running = Promise.withResolvers<ServerResponse>()
  const done = Promise.withResolvers<void>()
  return {
    running: running.promise,
    done: done.promise,
    /** Wraps a handler. */
    async run<Result>(res: ServerResponse, prediction: Prediction, handle: (handled: Handled) => Promise<Result>) {
      const controller = new AbortController()
      res.once('close', () => controller.abort())
      running.resolve(res)
      try {
        return await handle({ res, prediction, signal: controller.signal })
      } finally {
        setImmediate(done.resolve)
      }
    },
  }
}
type Meeting = ReturnType<typeof createMeeting>

const REQUEST =
  'POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}'

/** Leaves while the handler runs, before any byte of a reply. What is recorded is all there is at the end. */
const leave = async (meeting: Meeting, start: (capture: Capture) => Promise<number>) => {
  const { capture, sink } = testCapture()
  const socket = connect(await start(capture), '127.0.0.1')
  socket.write(REQUEST)
  const res = await meeting.running
  const closed = once(res, 'close')
  socket.destroy()
  await closed
  await meeting.done
  await capture.close()
  const { requests, formats } = capture.stats()
  const rows = sink.records.map(({ status, error, features, outputs }) => ({ status, error, features, outputs }))
  return { rows, requests, formats }
}

/** One record, and counts that agree with it. */
const recorded = (outputs: object, error: string | RegExp = LEFT) => ({
  rows: [
    {
      status: 499,
      error: typeof error === 'string' ? error : (expect.stringMatching(error) as string),
      features: { a: 1 },
      outputs,
    },
  ],
  requests: { seen: 1, captured: 1, sampledOut: 0, skipped: 0, rejected: 0 },
  formats: { json: 1 },
})

/** A model that never says a token. */
const noTokens = () => new PassThrough()
const left = (signal: AbortSignal): Promise<unknown> => (signal.aborted ? Promise.resolve() : once(signal, 'abort'))

const handlers: Record<string, { handle(handled: Handled): Promise<void>; outputs: object }> = {
  'sees it and returns': {
    async handle({ res, signal }) {
      await left(signal)
      if (!res.destroyed) res.end('{"prediction":1}')
    },
    outputs: {},
  },
  'has set outputs before, and returns': {
    async handle({ res, prediction, signal }) {
      prediction.set({ prediction: 1 })
      await left(signal)
      if (!res.destroyed) res.end('{}')
    },
    outputs: { prediction: 1 },
  },
  'sets outputs after it': {
    async handle({ prediction, signal }) {
      await left(signal)
      prediction.set({ prediction: 1 })
    },
    outputs: { prediction: 1 },
  },
  'hands an AbortSignal to its model, and catches': {
    async handle({ signal }) {
      await wait(600_000, undefined, { signal }).catch(() => {})
    },
    outputs: {},
  },
  'pipes tokens by pipeline': {
    async handle({ res, prediction }) {
      prediction.set({ tokens: 0 })
      await pipeline(noTokens(), res).catch(() => {})
    },
    outputs: { tokens: 0 },
  },
  'destroys the response': {
    async handle({ res, signal }) {
      await left(signal)
      res.destroy()
    },
    outputs: {},
  },
  'replies all the same': {
    async handle({ res, signal }) {
      await left(signal)
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"prediction":1}')
    },
    outputs: { prediction: 1 },
  },
}

describe.each(rawFrameworks)('past $name, a client that leaves before the first byte is one record', ({ listen }) => {
  it.each(Object.entries(handlers))('where the handler %s', async (_, { handle, outputs }) => {
    const meeting = createMeeting()
    const outcome = await leave(meeting, (capture) =>
      listen((_req, res, prediction) => void meeting.run(res, prediction!, handle), capture),
    )
    expect(outcome).toEqual(recorded(outputs))
  })
})

describe.each([
  ['Express 4', express4 as unknown as typeof express5],
  ['Express 5', express5],
])('in %s', (_, express) => {
  const start = (meeting: Meeting, handle: (handled: Handled) => Promise<void>) => (capture: Capture) => {
    const app = express().set('env', 'test').use(express.json()).use(forExpress(capture))
    app.post('/predict', (req, res, next) => void meeting.run(res, req.prediction!, handle).catch(next))
    return serve(app)
  }

  // Express hands its errors to error handlers alone.
  it('a handler whose model an AbortSignal ended is a record', async () => {
    const meeting = createMeeting()
    const outcome = await leave(
      meeting,
      start(meeting, ({ signal }) => wait(600_000, undefined, { signal })),
    )
    expect(outcome).toEqual(recorded({}))
  })
})

describe.each([
  ['Koa 2', Koa2],
  ['Koa 3', Koa3],
])('in %s', (_, Koa) => {
  const start = (meeting: Meeting, handle: (handled: Handled) => Promise<unknown>) => (capture: Capture) => {
    const app = new Koa()
    app.silent = true
    app.use(bodyParser()).use(forKoa(capture))
    app.use(async (ctx) => {
      const body = await meeting.run(ctx.res, ctx.prediction!, handle)
      if (body !== undefined) ctx.body = body
    })
    return serve(app.callback())
  }

  it.each<[string, (handled: Handled) => Promise<unknown>, object, (string | RegExp)?]>([
    ['without a body', async ({ signal }) => void (await left(signal)), {}],
    ['with outputs set and no body', async ({ prediction }) => void prediction.set({ a: 2 }), { a: 2 }],
    ['with a stream', async () => noTokens(), {}],
    [
      'with a stream after it',
      async ({ signal }) => {
        await left(signal)
        return noTokens()
      },
      {},
    ],
    [
      'by an AbortSignal',
      ({ signal }) => wait(600_000, undefined, { signal }),
      {},
      new RegExp(`^${LEFT}; .*abort`, 'i'),
    ],
  ])('a handler that ends %s is a record, and never a 404', async (_how, handle, outputs, error = LEFT) => {
    const meeting = createMeeting()
    const gone = async (handled: Handled) => {
      const body = await handle(handled)
      // What it returns is there before the client goes, or after: never a reply.
      if (!(body instanceof PassThrough)) await left(handled.signal)
      return body
    }
    expect(await leave(meeting, start(meeting, gone))).toEqual(recorded(outputs, error))
  })
})

describe.each([
  ['Fastify 4', fastify4 as unknown as typeof fastify5],
  ['Fastify 5', fastify5],
])('in %s', (_, fastify) => {
  const start = (meeting: Meeting, handle: (handled: Handled) => Promise<unknown>) => async (capture: Capture) => {
    const app = fastify()
    await app.register(forFastify, { capture })
    app.post('/predict', (request, reply) => meeting.run(reply.raw, request.prediction!, handle))
    return listening(app)
  }

  it.each<[string, (handled: Handled) => Promise<unknown>, object, (string | RegExp)?]>([
    ['a stream', async () => noTokens(), {}, `${LEFT}; Premature close`],
    [
      'a stream after outputs were set',
      async ({ prediction }) => {
        prediction.set({ tokens: 0 })
        return noTokens()
      },
      { tokens: 0 },
      `${LEFT}; Premature close`,
    ],
    [
      'an object after it',
      async ({ signal }) => {
        await left(signal)
        return { prediction: 1 }
      },
      { prediction: 1 },
    ],
    [
      'by an AbortSignal',
      ({ signal }) => wait(600_000, undefined, { signal }),
      {},
      new RegExp(`^${LEFT}; .*abort`, 'i'),
    ],
  ])('a handler that replies %s is a record with its own status', async (_how, handle, outputs, error = LEFT) => {
    const meeting = createMeeting()
    expect(await leave(meeting, start(meeting, handle))).toEqual(recorded(outputs, error))
  })
})
