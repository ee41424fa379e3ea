import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, request, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startProgram } from './program.ts'

const examples = fileURLToPath(new URL('../../examples/gateway/', import.meta.url))
const LIMIT = 64 * 1024

const stops: (() => Promise<unknown>)[] = []
afterAll(() => Promise.all(stops.map((stop) => stop())))

const run = (program: string, env: Record<string, string> = {}) =>
  startProgram([join(examples, program)], env, (stop) => stops.push(stop))

type Row = Record<string, unknown>

const gatewayTo = async (modelUrl: string) => {
  const gateway = await run('start.ts', {
    MODEL_URL: modelUrl,
    PREDICTIONS_MAX_BODY_BYTES: String(LIMIT),
    PREDICTIONS_FLUSH_INTERVAL_MS: '20',
  })
  const read = (base: string): Row[] => {
    const database = new DatabaseSync(join(gateway.folder, 'predictions.db'), { readOnly: true })
    try {
      const rows = database.prepare('SELECT * FROM predictions WHERE id LIKE ? ORDER BY id').all(`${base}%`)
      return rows.map((row) => ({
        ...row,
        ...Object.fromEntries(
          ['features', 'outputs', 'tags', 'extra'].map((name) => [name, JSON.parse((row[name] as string) ?? '{}')]),
        ),
      }))
    } finally {
      database.close()
    }
  }
  return {
    ...gateway,
    /** The rows of one request, once they are there. */
    rowsOf: (id: string | null | undefined, count = 1): Promise<Row[]> =>
      vi.waitFor(
        () => {
          const rows = read((id ?? 'no id').slice(0, -4))
          expect(rows).toHaveLength(count)
          return rows
        },
        { timeout: 10_000 },
      ),
    /** Those of all requests that have this `request_id`: for clients that never saw a reply. */
    rowOfRequest: (requestId: string): Promise<Row> =>
      vi.waitFor(
        () => {
          const rows = read('').filter((row) => row['request_id'] === requestId)
          expect(rows).toHaveLength(1)
          return rows[0]!
        },
        { timeout: 10_000 },
      ),
  }
}

type Gateway = Awaited<ReturnType<typeof gatewayTo>>

let model: Awaited<ReturnType<typeof run>>
let gateway: Gateway

/** A model server of the test's own, for what the stand-in does not do. */
let custom: Gateway
let listener: RequestListener = () => {}

beforeAll(async () => {
  const server = createServer((req, res) => listener(req, res)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  ;[model, custom] = await Promise.all([run('model-server.ts'), gatewayTo(own)])
  gateway = await gatewayTo(model.url)
})

/** As sent, without a client that unpacks. */
const send = async (
  url: string,
  path: string,
  body: string | Buffer,
  headers: Record<string, string | number> = {},
): Promise<{ status: number | undefined; headers: IncomingMessage['headers']; body: Buffer }> => {
  const req = request(url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } })
  req.end(body)
  const [reply] = (await once(req, 'response')) as [IncomingMessage]
  return { status: reply.statusCode, headers: reply.headers, body: Buffer.concat(await reply.toArray()) }
}

/** The gateway's reply, which is the model server's own but for the id. */
const sendThrough = async (path: string, body: string | Buffer, headers: Record<string, string | number> = {}) => {
  const [direct, through] = await Promise.all([model, gateway].map(({ url }) => send(url, path, body, headers)))
  const { 'x-prediction-id': id, ...rest } = through!.headers
  for (const each of [rest, direct!.headers]) delete each['date']
  expect({ ...through, headers: rest }).toEqual(direct)
  return { ...through!, id: id as string }
}

describe('each protocol becomes rows', () => {
  it('a V1 batch', async () => {
    const { id, body } = await sendThrough('/v1/models/sum:predict', '{"instances": [[1, 2], [3, 4]]}')
    expect(JSON.parse(body.toString())).toEqual({ predictions: [3, 7] })
    expect(await gateway.rowsOf(id, 2)).toMatchObject([
      { instance: 0, features: { f0: 1, f1: 2 }, outputs: { prediction: 3 }, status: 200 },
      { instance: 1, features: { f0: 3, f1: 4 }, outputs: { prediction: 7 }, status: 200 },
    ])
  })

  it("a gzip'd reply, which stays as it is", async () => {
    const { id, headers } = await sendThrough('/v1/models/sum:predict', '{"instances": [[5, 6]]}', {
      'accept-encoding': 'gzip',
    })
    expect(headers['content-encoding']).toBe('gzip')
    expect(await gateway.rowsOf(id)).toMatchObject([{ features: { f0: 5, f1: 6 }, outputs: { prediction: 11 } }])
  })

  const tensor = { name: 'x', shape: [2, 2], datatype: 'FP32' }
  const RECORDED = [
    { features: { x_0: 1.5, x_1: 2 }, outputs: { sum: 3.5 }, request_id: 'r-1', model: 'sum', model_version: '1' },
    { features: { x_0: 3, x_1: 4 }, outputs: { sum: 7 }, request_id: 'r-1', model: 'sum', model_version: '1' },
  ]

  it('Open Inference V2 as JSON', async () => {
    const body = JSON.stringify({ id: 'r-1', inputs: [{ ...tensor, data: [1.5, 2, 3, 4] }] })
    const { id } = await sendThrough('/v2/models/sum/infer', body)
    expect(await gateway.rowsOf(id, 2)).toMatchObject(RECORDED)
  })

  it('Open Inference V2 with binary tensors in and out', async () => {
    const head = Buffer.from(
      JSON.stringify({
        id: 'r-1',
        inputs: [{ ...tensor, parameters: { binary_data_size: 16 } }],
        parameters: { binary_data_output: true },
      }),
    )
    const body = Buffer.concat([head, Buffer.from(Float32Array.of(1.5, 2, 3, 4).buffer)])
    const { id, headers } = await sendThrough('/v2/models/sum/infer', body, {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': head.length,
    })
    expect(headers['inference-header-content-length']).toBeDefined()
    expect(await gateway.rowsOf(id, 2)).toMatchObject(RECORDED)
  })

  it("the model server's errors", async () => {
    const { id, status } = await sendThrough('/v1/models/sum:predict', '{"instances":')
    expect(status).toBe(400)
    const [row] = await gateway.rowsOf(id)
    expect(row).toMatchObject({ status: 400, features: {}, outputs: {} })
    expect(row!['error']).toMatch(/JSON/)
  })
})

/** The most it has ever taken. */
const memoryOf = ({ pid }: Gateway): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex')

describe('bodies past the limit stream through', () => {
  it('without being buffered: kept with their size and digest', { timeout: 60_000 }, async () => {
    const chunk = Buffer.alloc(256 * 1024, 'x')
    const count = 256
    const reference = createHash('sha256')
    for (let i = 0; i < count; i++) reference.update(chunk)
    const digest = reference.digest('hex')
    const size = count * chunk.length
    listener = (req, res) => {
      const hash = createHash('sha256')
      req.on('data', (data: Buffer) => hash.update(data))
      req.on('end', () => Readable.from(Array.from({ length: count }, () => chunk)).pipe(res))
      req.on('end', () => res.setHeader('x-digest', hash.digest('hex')))
    }
    // Once, so that all code is there and memory is what it takes to run.
    await send(custom.url, '/v1/models/sum:predict', '{}')
    const before = memoryOf(custom)
    const req = request(`${custom.url}/v1/models/sum:predict`, { method: 'POST' })
    Readable.from(Array.from({ length: count }, () => chunk)).pipe(req)
    const [reply] = (await once(req, 'response')) as [IncomingMessage]
    expect(reply.headers['x-digest']).toBe(digest)
    const hash = createHash('sha256')
    for await (const data of reply) hash.update(data as Buffer)
    expect(hash.digest('hex')).toBe(digest)
    const [row] = await custom.rowsOf(reply.headers['x-prediction-id'] as string)
    const said = { value: { bytes: size, sha256: digest }, reason: expect.stringContaining('larger than') as string }
    expect(row).toMatchObject({ status: 200, features: {}, outputs: {}, extra: { body: said, reply: said } })
    // 64 MiB each way.
    expect(memoryOf(custom) - before).toBeLessThan(size / 2)
  })

  it('just past it, and just within', async () => {
    listener = (req, res) => void req.resume().on('end', () => res.end('{"prediction":1}'))
    const bodyOf = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`
    const within = await send(custom.url, '/v1/models/sum:predict', bodyOf(LIMIT))
    expect(await custom.rowsOf(within.headers['x-prediction-id'] as string)).toMatchObject([
      { features: { a: bodyOf(LIMIT).slice(6, -2) }, outputs: { prediction: 1 }, extra: {} },
    ])
    const past = await send(custom.url, '/v1/models/sum:predict', bodyOf(LIMIT + 1))
    expect(await custom.rowsOf(past.headers['x-prediction-id'] as string)).toMatchObject([
      {
        features: {},
        outputs: { prediction: 1 },
        extra: { body: { value: { bytes: LIMIT + 1, sha256: sha256(Buffer.from(bodyOf(LIMIT + 1))) } } },
      },
    ])
  })
})

describe('server-sent events', () => {
  it('pass as they come, and are recorded at their end', async () => {
    let sendEvent: (data: string) => void = () => {}
    let end: () => void = () => {}
    listener = (req, res) => {
      req.resume()
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.flushHeaders()
      sendEvent = (data) => void res.write(`data: ${data}\n\n`)
      end = () => void res.end()
      sendEvent('one')
    }
    const req = request(`${custom.url}/v2/models/sum/generate_stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'events' },
    })
    req.end('{"values":[1]}')
    const [reply] = (await once(req, 'response')) as [IncomingMessage]
    const nextChunk = async () => String((await once(reply, 'data'))[0])
    expect(await nextChunk()).toBe('data: one\n\n')
    // Each is sent only when the one before is there: nothing between could have held it.
    for (const data of ['two', '{"sum":3}']) {
      const next = nextChunk()
      sendEvent(data)
      expect(await next).toBe(`data: ${data}\n\n`)
    }
    end()
    await once(reply, 'end')
    const row = await custom.rowOfRequest('events')
    expect(row).toMatchObject({
      id: reply.headers['x-prediction-id'],
      status: 200,
      features: { values: [1] },
      outputs: { last_event: '{"sum":3}' },
      extra: {},
    })
    const { time_to_first_byte_ms: first } = row['tags'] as { time_to_first_byte_ms: number }
    expect(first).toBeGreaterThan(0)
    expect(row['duration_ms']).toBeGreaterThan(first)
  })

  it("are the stand-in's, too", async () => {
    const { id, body } = await sendThrough('/v2/models/sum/generate_stream', '{"values":[1,2]}')
    expect(body.toString()).toBe('data: {"sum":1}\n\ndata: {"sum":3}\n\n')
    expect(await gateway.rowsOf(id)).toMatchObject([{ outputs: { last_event: '{"sum":3}' } }])
  })
})

describe('what breaks midway is a row as well', () => {
  const start = (requestId: string, headers: Record<string, string | number> = {}) => {
    const req = request(`${custom.url}/v1/models/sum:predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': requestId, ...headers },
    })
    // That it ends with an error is what the test does.
    req.on('error', () => {})
    return req
  }

  it('a client that goes away while it sends: the model server is told', async () => {
    const upstream = new Promise<void>((resolve) => {
      listener = (req, res) => {
        req.once('data', () => client.destroy())
        req.on('error', () => {})
        res.once('close', resolve)
      }
    })
    const client = start('cut upload', { 'content-length': 1000 })
    client.write('{"a":')
    await upstream
    const row = await custom.rowOfRequest('cut upload')
    expect(row['error']).toBeTruthy()
    expect(row['outputs']).toEqual({})
  })

  it('a client that goes away while it receives', async () => {
    const upstream = new Promise<void>((resolve) => {
      listener = (req, res) => {
        req.resume()
        res.writeHead(200, { 'content-type': 'application/json' })
        res.write('{"predictions":[')
        res.once('close', resolve)
      }
    })
    const client = start('cut reply')
    client.end('{"instances":[[1]]}')
    const [reply] = (await once(client, 'response')) as [IncomingMessage]
    reply.on('error', () => {})
    await once(reply, 'data')
    client.destroy()
    await upstream
    expect(await custom.rowOfRequest('cut reply')).toMatchObject({
      status: 200,
      features: { f0: 1 },
      error: 'the connection closed before the reply was complete',
    })
  })

  it('a model server that breaks off: the client sees it, too', async () => {
    listener = (req, res) => {
      req.resume()
      res.writeHead(200, { 'content-length': 1000 })
      res.write('{"predictions":[')
      req.once('end', () => res.destroy())
    }
    const client = start('broken reply')
    client.end('{"instances":[[1]]}')
    const [reply] = (await once(client, 'response')) as [IncomingMessage]
    await expect(reply.toArray()).rejects.toThrow('aborted')
    expect(await custom.rowOfRequest('broken reply')).toMatchObject({ features: { f0: 1 }, outputs: {} })
  })

  it('a model server that is not there', async () => {
    listener = (req) => req.socket.destroy()
    const { status, headers } = await send(custom.url, '/v1/models/sum:predict', '{"instances":[[1]]}')
    expect(status).toBe(502)
    const [row] = await custom.rowsOf(headers['x-prediction-id'] as string)
    expect(row).toMatchObject({ status: 502 })
    expect(row!['error']).toMatch(/the model server failed/)
  })
})
