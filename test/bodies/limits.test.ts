import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import express from 'express'
import { expect, it } from 'vitest'
import { capturePredictions } from 'capture-predictions/express'
import { frameworks } from '../integrations/frameworks.ts'
import { cleanup, testCapture } from '../setup/captures.ts'

const LIMIT = 50_000
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const start = async (name: string, mount: 'after parser' | 'before parser') => {
  const test = testCapture({ maxBodyBytes: LIMIT })
  const framework = frameworks.find((each) => each.name === name)!
  const app = await framework.start({ capture: test.capture, mount, handler: () => ({ body: { prediction: 1 } }) })
  cleanup(() => app.close())
  return {
    ...test,
    /** Without a Content-Length, as a proxy may send it. */
    stream: (body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
      fetch(`${app.url}/predict`, {
        method: 'POST',
        body: new Blob([body]).stream(),
        duplex: 'half',
        headers: { 'content-type': 'application/json', ...headers },
      } as RequestInit),
  }
}

const json = (bytes: number): Buffer<ArrayBuffer> => Buffer.from(`[${'1,'.repeat(bytes / 2)}1]`)

it.each([
  ['Express 5', 'after parser'],
  ['Express 5', 'before parser'],
  ['Koa 3', 'after parser'],
  ['Koa 3', 'before parser'],
  ['Fastify 5', 'after parser'],
] as const)('%s, %s: a body that does not say its length is bounded by it all the same', async (name, mount) => {
  const { stream, records } = await start(name, mount)
  const long = json(LIMIT + 2)
  expect((await stream(long)).status).toBe(200)
  expect(await records()).toMatchObject([
    { instance: 0, features: {}, extra: { body: { value: { bytes: long.length, sha256: sha256(long) } } } },
  ])
  await stream(json(100))
  expect(await records()).toHaveLength(52)
})

it.each(['after parser', 'before parser'] as const)('Express, %s: what a body unpacks to is bounded', async (mount) => {
  const { stream, records } = await start('Express 5', mount)
  const long = json(LIMIT + 2)
  expect((await stream(Buffer.from(gzipSync(long)), { 'content-encoding': 'gzip' })).status).toBe(200)
  expect((await records()).map(({ features, extra }) => ({ features, extra }))).toEqual([
    {
      features: {},
      extra: {
        body: {
          value: { bytes: long.length, sha256: sha256(long) },
          reason: 'larger than PREDICTIONS_MAX_BODY_BYTES, not stored',
        },
      },
    },
  ])
})

it('what bytes unpack to is bounded on both ways, and kept by what came', async () => {
  const { capture, records } = testCapture({ maxBodyBytes: LIMIT })
  const server = createServer((req, res) => {
    req.resume().on('end', () => res.writeHead(200, { 'content-encoding': 'gzip' }).end(packed))
  })
  const app = express().use(capturePredictions(capture))
  app.use((req, res) => void server.emit('request', req, res))
  const packed = gzipSync(json(LIMIT + 2))
  const listening = app.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  cleanup(() => listening.close())
  const reply = await fetch(`http://127.0.0.1:${(listening.address() as AddressInfo).port}/predict`, {
    method: 'POST',
    body: packed,
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  })
  expect(Buffer.from(await reply.arrayBuffer())).toEqual(json(LIMIT + 2))
  const note = {
    value: { bytes: packed.length, sha256: sha256(packed) },
    reason: 'larger than PREDICTIONS_MAX_BODY_BYTES behind its content-encoding gzip',
  }
  const [{ extra } = {}] = await records()
  expect(extra).toEqual({ body: note, reply: note })
})
