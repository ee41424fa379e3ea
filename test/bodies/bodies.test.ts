import { createHash } from 'node:crypto'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyBody } from './arbitrary.ts'
import { bodyServers, startBoth, type BodyServer, type SentBody } from './servers.ts'
import { cleanup, testCapture } from '../setup/captures.ts'

const LIMIT = 1024 * 1024

const start = async (server: BodyServer) => {
  const { capture, sink } = testCapture({ maxBodyBytes: LIMIT })
  const both = await startBoth(server, capture)
  cleanup(() => both.close())
  return { capture, sink, send: both.send }
}

/** The one record of each body, by name. */
const recordsOf = async (server: BodyServer, names: readonly string[] = Object.keys(bodies)) => {
  const { capture, sink, send } = await start(server)
  const sent: { name: string; id: string; status: number | undefined }[] = []
  for (const name of names) {
    const { id, status } = await send(bodies[name]!)
    if (id !== undefined) sent.push({ name, id, status })
  }
  expect(await capture.flush({ timeout: 10_000 })).toBe(true)
  expect(sink.records.map(({ id, status }) => ({ id, status }))).toEqual(sent.map(({ id, status }) => ({ id, status })))
  expect(capture.stats()).toMatchObject({ faults: 0, requests: { captured: sent.length } })
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  return Object.fromEntries(sent.map(({ name }, i) => [name, sink.records[i]!]))
}

const JSON_TYPE = { 'content-type': 'application/json' }
const flower = '{"sepal":5.1,"name":"Zürich"}'
const compressed = (encoding: string, body: Buffer): SentBody => ({
  body,
  headers: { ...JSON_TYPE, 'content-encoding': encoding },
})
const typed = (type: string, body: string | Buffer): SentBody => ({
  body: Buffer.from(body),
  headers: { 'content-type': type },
})
const ofJson = (body: string): SentBody => typed('application/json', body)

const bodies: Record<string, SentBody> = {
  plain: ofJson(flower),
  gzip: compressed('gzip', gzipSync(flower)),
  deflate: compressed('deflate', deflateSync(flower)),
  brotli: compressed('br', brotliCompressSync(flower)),
  zstd: compressed('zstd', zstdCompressSync(flower)),
  'gzip in name alone': compressed('gzip', Buffer.from(flower)),
  'gzip cut short': compressed('gzip', gzipSync(flower.repeat(20)).subarray(0, 40)),
  'a bomb of 64 MiB': compressed('gzip', gzipSync(Buffer.alloc(64 * 1024 * 1024))),
  'two codings': compressed('gzip, gzip', gzipSync(gzipSync(flower))),
  'an unknown coding': compressed('lzma', Buffer.from(flower)),
  'a coding called __proto__': compressed('__proto__', Buffer.from(flower)),
  'UTF-16': typed('application/json; charset=utf-16le', Buffer.from(flower, 'utf16le')),
  'ISO-8859-1': typed('text/plain; charset=iso-8859-1', Buffer.from(flower, 'latin1')),
  'an unknown charset': typed('application/json; charset=klingon', flower),
  'a byte order mark': ofJson(`\ufeff${flower}`),
  'invalid UTF-8': typed('application/json', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])), // prettier-ignore
  'invalid UTF-8 alone': typed('text/plain', Buffer.from([0xff, 0xfe, 0x00, 0xc3])),
  'duplicate keys': ofJson('{"a":1,"a":2}'),
  __proto__: ofJson('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":1}'),
  '__proto__ as a feature': ofJson('{"instances":[{"__proto__":{"polluted":1}}]}'),
  '__proto__ as a tensor': ofJson('{"inputs":[{"name":"__proto__","shape":[1],"datatype":"FP32","data":[1]}]}'),
  '10,000 levels of arrays': ofJson('['.repeat(10_000) + ']'.repeat(10_000)),
  '10,000 levels of objects': ofJson('{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)),
  '10,000 levels below a feature': ofJson(`{"a":1,"b":${'['.repeat(10_000)}${']'.repeat(10_000)}}`),
  '10,000 levels that never end': ofJson('['.repeat(10_000)),
  multipart: typed(
    'multipart/form-data; boundary=x',
    '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--',
  ),
  'a form': typed('application/x-www-form-urlencoded', 'a=1&b=2'),
  'JSON as a form, as curl sends it': typed('application/x-www-form-urlencoded', flower),
  'an unknown type': typed('application/vnd.unknown', Buffer.from([0, 1, 2, 3])),
  'a broken type': typed(';;;==', flower),
  'no type': { body: Buffer.from(flower) },
  empty: ofJson(''),
  'nothing at all': { body: Buffer.alloc(0) },
  text: typed('text/plain', 'five point one'),
  CSV: typed('text/csv', 'a,b\n1,2'),
  'a scalar': ofJson('7'),
  null: ofJson('null'),
  'just past the limit': ofJson(`{"a":"${'x'.repeat(LIMIT - 7)}"}`),
  'far past the limit': ofJson(`{"a":"${'x'.repeat(3 * LIMIT)}"}`),
  'a header length that lies': { body: Buffer.from(flower), headers: { ...JSON_TYPE, 'inference-header-content-length': '99999' } }, // prettier-ignore
}

describe.each(bodyServers)('$name: the reply is as without capture, and the row is kept', (server) => {
  it('whatever the body is', async () => {
    const records = await recordsOf(server)
    if (!server.isLate) expect(Object.keys(records)).toEqual(Object.keys(bodies))
    for (const name of ['just past the limit', 'far past the limit'])
      expect(records[name]!.extra['body']).toEqual({
        value: {
          bytes: bodies[name]!.body.length,
          sha256: createHash('sha256').update(bodies[name]!.body).digest('hex'),
        },
        reason: expect.stringContaining('larger than') as string,
      })
    // What could be read is read; what could not be, is said. An empty body is {} to Express' parser.
    for (const [name, { features, extra, error }] of Object.entries(records))
      if (Object.keys(features).length === 0 && name !== 'empty')
        expect([name, error ?? Object.keys(extra)[0]]).toEqual([name, expect.any(String)])
    expect(records['plain']!.features).toEqual(JSON.parse(flower))
  })
})

const [expressJson, expressRaw] = bodyServers as [BodyServer, BodyServer]
const fastify = bodyServers.at(-1)!

it.each([
  ['Express', expressRaw, ['gzip', 'deflate', 'brotli', 'zstd', 'UTF-16', 'a byte order mark', 'no type']],
  ['Express behind its parser', bodyServers[2]!, ['gzip', 'deflate', 'brotli']],
])('%s: compressed bodies and those in other charsets are read', async (_name, server, names) => {
  const records = await recordsOf(server, names)
  for (const name of names) expect([name, records[name]?.features]).toEqual([name, JSON.parse(flower)])
})

it('Fastify leaves bytes as they came: they are unpacked', async () => {
  const sent = ['gzip', 'deflate', 'brotli', 'zstd'].map((name) => ({
    body: bodies[name]!.body,
    headers: { ...bodies[name]!.headers, 'content-type': 'application/x-bytes+json' },
  }))
  const { capture, sink, send } = await start(fastify)
  for (const body of sent) await send(body)
  await capture.flush()
  expect(sink.records.map(({ features }) => features)).toEqual(sent.map(() => JSON.parse(flower) as unknown))
})

it('bodies that could not be read are told of', async () => {
  const names = ['gzip cut short', 'a bomb of 64 MiB', 'multipart', 'an unknown type', 'an unknown charset']
  const records = await recordsOf(expressRaw, names)
  expect(names.map((name) => records[name]!.extra['body']?.reason)).toEqual([
    expect.stringMatching(/^content-encoding gzip: /),
    'larger than PREDICTIONS_MAX_BODY_BYTES behind its content-encoding gzip',
    'multipart/form-data is not read',
    'application/vnd.unknown is not read',
    'unknown charset',
  ])
})

it('of duplicate keys the last counts, as for every parser, and __proto__ is a name like any other', async () => {
  const records = await recordsOf(expressJson, ['duplicate keys', '__proto__', '__proto__ as a feature'])
  expect(records['duplicate keys']!.features).toEqual({ a: 2 })
  expect(Object.keys(records['__proto__']!.features)).toEqual(['__proto__', 'constructor', 'a'])
  expect(Object.keys(records['__proto__ as a feature']!.features)).toEqual(['__proto__'])
})

/** Everyday runs are few: `node test/long/fuzz.ts` is the long one. */
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 200)

it('any bytes and content types: equal replies, and a row each', { timeout: 60_000 + numRuns * 60 }, async () => {
  const servers = await Promise.all([expressJson, expressRaw, fastify].map(start))
  const sent = servers.map(() => new Set<string>())
  await fc.assert(
    fc.asyncProperty(anyBody, fc.nat(servers.length - 1), async (body, index) => {
      sent[index]!.add((await servers[index]!.send(body)).id!)
    }),
    { numRuns },
  )
  for (const [index, { capture, sink }] of servers.entries()) {
    expect(await capture.flush({ timeout: 10_000 })).toBe(true)
    expect(new Set(sink.records.filter(({ instance }) => instance === 0).map(({ id }) => id))).toEqual(sent[index])
    expect(capture.stats()).toMatchObject({
      faults: 0,
      requests: { seen: sent[index]!.size, captured: sent[index]!.size },
    })
  }
})
