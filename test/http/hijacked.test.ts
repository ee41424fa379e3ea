import { gzipSync } from 'node:zlib'
import fastify5, { type FastifyReply, type FastifyRequest } from 'fastify'
import fastify4 from 'fastify4'
import { describe, expect, it } from 'vitest'
import type { Capture } from 'capture-predictions'
import { capturePredictions } from 'capture-predictions/fastify'
import { testCapture } from '../setup/captures.ts'
import { listening } from './raw-frameworks.ts'
import { comparable, rawReplyTo } from './raw.ts'

const TEXT = '{"prediction":1}'

/** What apps write past Fastify, with the headers that its plugins have set (CORS). */
type Head = Record<string, string | number>
interface Kind {
  readonly head: Head
  reply(request: FastifyRequest, res: FastifyReply['raw']): void
  readonly expected: object
}
const once = (body: string | Buffer) => (_: FastifyRequest, res: FastifyReply['raw']) => void res.end(body)

const kinds: Record<string, Kind> = {
  'an event stream': {
    head: { 'content-type': 'text/event-stream' },
    reply(request, res) {
      res.write('data: {"token":"a"}\n\n')
      request.prediction?.set({ tokens: 2 })
      res.write('data: {"token":"b"}\n\n')
      res.end()
    },
    expected: { outputs: { tokens: 2 } },
  },
  'JSON in pieces': {
    head: { 'content-type': 'application/json' },
    reply(_, res) {
      res.write('{"predic')
      res.end('tion":1}')
    },
    expected: { outputs: { prediction: 1 } },
  },
  CSV: {
    head: { 'content-type': 'text/csv' },
    reply: once('prediction\n1\n'),
    expected: { outputs: { prediction: 1 } },
  },
  gzip: {
    head: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    reply: once(gzipSync(TEXT)),
    expected: { outputs: { prediction: 1 } },
  },
  'a Content-Length': {
    head: { 'content-type': 'application/json', 'content-length': TEXT.length },
    reply: once(TEXT),
    expected: { outputs: { prediction: 1 } },
  },
  'a Content-Length that a write fills': {
    head: { 'content-type': 'application/json', 'Content-Length': TEXT.length },
    reply(_, res) {
      res.write(TEXT)
      res.end()
    },
    expected: { outputs: { prediction: 1 } },
  },
}

/** Ways to give the head: an object with all that Fastify has so far, and its entries. */
const ways: Record<string, (reply: FastifyReply, head: Head) => unknown> = {
  'a spread': (reply, head) => ({ ...reply.getHeaders(), ...head }),
  pairs: (reply, head) => Object.entries({ ...reply.getHeaders(), ...head }),
  'a flat list': (reply, head) => Object.entries({ ...reply.getHeaders(), ...head }).flat(),
}

const REQUEST =
  'POST /predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: text/csv\r\ncontent-length: 4\r\n\r\na\n1\n'

describe.each([
  ['Fastify 4', fastify4 as unknown as typeof fastify5],
  ['Fastify 5', fastify5],
])('a hijacked reply with the headers that %s has', (_, fastify) => {
  const start = async (way: string, kind: Kind, capture: Capture | undefined, written: (captured: number) => void) => {
    const app = fastify()
    app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    if (capture) await app.register(capturePredictions, { capture })
    app.post('/predict', (request, reply) => {
      reply.header('access-control-allow-origin', 'https://example.org')
      reply.hijack()
      reply.raw.writeHead(200, ways[way]!(reply, kind.head) as never)
      kind.reply(request, reply.raw)
      written(capture?.stats().requests.captured ?? 0)
    })
    return listening(app)
  }

  it.each(Object.keys(ways).flatMap((way) => Object.keys(kinds).map((kind) => [way, kind] as const)))(
    'by %s is as without capture, and is read: %s',
    async (way, name) => {
      const kind = kinds[name]!
      const { capture, records } = testCapture()
      let captured: number | undefined
      const ports = [
        await start(way, kind, undefined, () => {}),
        await start(way, kind, capture, (count) => (captured = count)),
      ]
      const [bare, reply] = [await rawReplyTo(ports[0]!, REQUEST), await rawReplyTo(ports[1]!, REQUEST)]
      expect(comparable(reply)).toBe(comparable(bare))
      expect(reply).toMatch(/access-control-allow-origin: https:\/\/example.org/i)
      // Before its last byte has gone.
      expect(captured).toBe(1)
      const [record, ...more] = await records()
      expect(more).toEqual([])
      expect(record).toMatchObject({ status: 200, error: null, features: { a: 1 }, extra: {}, ...kind.expected })
      expect(reply.match(/x-prediction-id: .*/gi)).toEqual([expect.stringContaining(record!.id) as string])
    },
  )
})
