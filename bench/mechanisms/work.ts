/** One piece of work on this copy of the sources, at each message: forked by `measures.ts` with its NAME. */
import { mkdtempSync, rmSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCapture, silentLogger, type CaptureOptions, type PredictionRecord, type Sink } from 'capture-predictions'
import { asRunning } from '../../src/capture/running-capture.ts'
import { createDelivery } from '../../src/delivery/delivery.ts'
import { createMemoryQueue } from '../../src/delivery/memory-queue.ts'
import { snapshotOf } from '../../src/formats/snapshot.ts'
import { openOutbox } from '../../src/outbox/outbox.ts'
import type { Queue } from '../../src/outbox/queue.ts'
import { decode, encode } from '../../src/records/json.ts'
import { arrays, type LargeBody, largeBodies, outputs, predictions, tensors, users } from '../bodies.ts'
import { pieces } from '../exchange-pieces.ts'
import { captured, uncaptured } from '../one-request.ts'
import type { Figures } from './measures.ts'

type Work = () => Promise<Figures>

const folder = mkdtempSync(join(tmpdir(), 'capture-bench-work-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const nextTurn = () => new Promise(setImmediate)

/** Microseconds of CPU a call, all threads of the process. */
const cpuOf = async (calls: number, call: (i: number) => void, perTurn = 50): Promise<number> => {
  const before = process.cpuUsage()
  for (let i = 0; i < calls; i++) {
    call(i)
    if (i % perTurn === 0) await nextTurn()
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / calls
}

const captureWith = (options: CaptureOptions = {}) =>
  createCapture({
    sink: { name: 'discard', async write() {} },
    outboxDir: join(folder, 'outbox'),
    model: 'iris',
    logger: { info() {}, warn: console.error, error: console.error },
    ...options,
  })

const ordinaryRequest = (): Work => {
  const request = captured(captureWith())
  return async () => {
    const none = await cpuOf(20_000, uncaptured)
    return { 'µs of CPU': (await cpuOf(20_000, request)) - none }
  }
}

/** How many functions of ours a request calls, and how much it allocates. */
const countedRequest = (): Work => {
  const REQUESTS = 2000
  const request = captured(captureWith())
  const bytesOf = (call: () => void): number => {
    globalThis.gc!()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < REQUESTS; i++) call()
    return (process.memoryUsage().heapUsed - before) / REQUESTS
  }
  const callsOf = async (): Promise<number> => {
    const session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
    for (let i = 0; i < REQUESTS; i++) request()
    const { result } = await session.post('Profiler.takePreciseCoverage')
    session.disconnect()
    const ours = result.filter(({ url }) => /\/(src|integrations)\//.test(url))
    const counts = ours.flatMap(({ functions }) => functions.map(({ ranges }) => ranges[0]!.count))
    return counts.reduce((sum, count) => sum + count, 0) / REQUESTS
  }
  return async () => {
    await cpuOf(50_000, request)
    const bytes = bytesOf(request) - bytesOf(uncaptured)
    return { 'calls of functions': await callsOf(), 'bytes of the heap': bytes }
  }
}

/** An instance of a batch, from the bodies to the text of its record. */
const batch = (n: number, body: LargeBody) => (): Work => async () => {
  const calls = Math.ceil(20_000 / n)
  const cost = await cpuOf(
    calls,
    () => {
      const all = pieces(body)
      while (all.next().done !== true);
    },
    1,
  )
  return { 'µs of CPU an instance': cost / n }
}

const bytesOf = (value: unknown) => Buffer.from(encode(value))
const linesOf = (values: readonly unknown[]) => Buffer.from(values.map(encode).join('\n'))
const asLines = { 'content-type': 'application/jsonlines' }

const snapshot = (name: string) => (): Work => {
  const { request } = largeBodies[name]!
  return async () => {
    const start = performance.now()
    for (let i = 0; i < 10; i++) snapshotOf(request)
    return { ms: (performance.now() - start) / 10 }
  }
}

/** One request, whose records a sink measures. */
const measured = async (body: unknown, reply: unknown, error?: Error): Promise<Figures> => {
  let bytes = 0
  const sink: Sink = {
    name: 'measuring',
    async write(records) {
      for (const { json } of records as readonly PredictionRecord[]) bytes += json.length
    },
  }
  const capture = captureWith({ sink, maxBodyBytes: 64 * 1024 * 1024, outboxMaxBytes: 2 ** 31 })
  const start = performance.now()
  const exchange = asRunning(capture).begin({ route: 'POST /predict', headers: { 'content-type': 'application/json' } })
  exchange.request(body)
  exchange.reply(reply, 200, (name) => (name === 'content-type' ? 'application/json' : undefined))
  if (error) exchange.fail(error)
  await exchange.end(200)
  const ms = performance.now() - start
  await capture.close()
  return { 'bytes of its records': bytes, 'ms until they are safe': ms }
}

const record = '{"id":"0199d3a0-0000-7000-8000-000000000000","timestamp":"2026-11-23T12:00:00.000Z","model":"iris","status":200,"duration_ms":0.25,"features":{"sepal":{"length":5.1,"width":3.5},"petal":{"length":1.4,"width":0.2}},"outputs":{"prediction":0,"confidence":0.97}}' // prettier-ignore

const outboxQueue = (): Queue => {
  const directory = mkdtempSync(join(folder, 'outbox-'))
  return openOutbox({ directory, maxBytes: 2 ** 31, logger: silentLogger, sinks: ['bench'] }).queue('bench')
}

const deliveryOf = (queue: Queue) => {
  const sink: Sink = {
    name: 'bench',
    async write(records) {
      for (const { json } of records as readonly PredictionRecord[]) if (json === '') throw new Error('no text')
    },
  }
  const settings = { durability: 'outbox', batchSize: 1000, flushIntervalMs: 1000 } as const
  const delivery = createDelivery({ sink, queue, columns: () => [], settings, logger: silentLogger })
  delivery.start()
  return delivery
}

/** Records from their append to the end of their batch. */
const delivered = (): Work => {
  const delivery = deliveryOf(outboxQueue())
  return async () => {
    const RECORDS = 50_000
    const before = process.cpuUsage()
    await cpuOf(RECORDS, () => delivery.append([record]))
    await delivery.flush()
    const { user, system } = process.cpuUsage(before)
    return { 'µs of CPU a record': (user + system) / RECORDS }
  }
}

/** Records of fifty requests that ended in one turn. */
const groupedAppends = (): Work => {
  const delivery = deliveryOf(outboxQueue())
  const requests = Array.from({ length: 50 }, () => [record])
  return async () => {
    const cost = await cpuOf(1000, () => delivery.appendAll(requests), 1)
    await delivery.flush()
    return { 'µs of CPU a record': cost / requests.length }
  }
}

/** Records that come one in a turn of the event loop. */
const loneAppends = (): Work => {
  const delivery = deliveryOf(createMemoryQueue())
  return async () => {
    const none = await cpuOf(20_000, () => {}, 1)
    const cost = await cpuOf(20_000, () => delivery.append([record]), 1)
    await delivery.flush()
    return { 'µs of CPU a record': cost - none }
  }
}

const exact = encode(users(1000))
const V1 = { request: arrays(1000, 30), reply: predictions(1000) }

const works: Readonly<Record<string, () => Work>> = {
  'an ordinary request': ordinaryRequest,
  'an ordinary request, counted': countedRequest,
  'V1, 1,000 arrays of 30, bytes': batch(1000, { request: bytesOf(V1.request), reply: bytesOf(V1.reply) }),
  'V1, 1,000 arrays of 30, parsed': batch(1000, V1),
  'V1, 100 arrays of 4, bytes': batch(100, { request: bytesOf(arrays(100, 4)), reply: bytesOf(predictions(100)) }),
  'V2, 1,000 x 30 FP32, parsed': batch(1000, { request: tensors(1000, 30), reply: outputs(1000) }),
  'JSON Lines, 1,000 arrays of 30': batch(1000, {
    request: linesOf(V1.request.instances),
    reply: linesOf(V1.reply.predictions.map((score) => ({ score }))),
    headers: asLines,
    replyHeaders: asLines,
  }),
  'JSON of 1,000 objects with 64-bit integers': () => async () => ({
    'µs of CPU': await cpuOf(100, () => decode(exact), 1),
  }),
  'a snapshot of 5,000 arrays of 30': snapshot('V1, 5,000 arrays of 30'),
  'a snapshot of 10,000 objects': snapshot('V1, 10,000 objects'),
  'a text of 10 million characters': () => () => measured({ text: 'x'.repeat(10_000_000) }, { prediction: 1 }),
  'an error of 60,000 characters in a batch of 5,000': () => () =>
    measured(arrays(5000, 4), predictions(5000), new Error('x'.repeat(60_000))),
  'records through the outbox': delivered,
  'records one a turn': loneAppends,
  'records fifty at once': groupedAppends,
}

const run = works[process.argv[2]!]!()
process.on('message', () => void run().then((figures) => process.send!(figures)))
process.on('disconnect', () => process.exit())
