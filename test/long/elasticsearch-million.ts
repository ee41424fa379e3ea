import assert from 'node:assert/strict'
import { elasticsearch } from '../../sinks/elasticsearch.ts'
import { createDelivery } from '../../src/delivery/delivery.ts'
import { createMemoryQueue, type MemoryQueue } from '../../src/delivery/memory-queue.ts'
import { messageOf } from '../../src/errors/errors.ts'
import { createIds } from '../../src/records/id.ts'
import { silentLogger } from '../../src/logger.ts'
import { recordFrom } from '../../src/records/record.ts'
import { columnsOf } from '../../src/schema/columns.ts'
import type { Sink } from '../../src/sink.ts'
import { startServer, talkTo } from '../sinks/elasticsearch/server.ts'
import { createProxy } from '../sinks/proxy.ts'

/**
 * 1,000,000 documents by four deliveries, into a server that is short of memory (429 for whole bulks) and of queue (429 for single
 * items), over connections that are cut every 1 MB, with the server killed (`kill -9`) three times and restarted on its data.
 * Every id must be there once.
 *
 * @example node test/long/elasticsearch-million.ts [documents] [kills]
 */
const COUNT = Number(process.argv[2] ?? 1_000_000)
const DELIVERIES = 4
const KILLS = Number(process.argv[3] ?? 3)
const DAYS = 3
const CUT_EVERY = 1_000_000

const settings = [
  'indexing_pressure.memory.limit: 1mb',
  'thread_pool.write.size: 1',
  'thread_pool.write.queue_size: 3',
].join('\n')

const number = { type: 'number' }
const flower = { type: 'object', properties: { length: number, width: number } }
const columns = columnsOf({
  features: { type: 'object', properties: { sepal: flower, petal: flower } },
  outputs: { type: 'object', properties: { prediction: { type: 'integer' } } },
})
const nextId = createIds()
const texts = Array.from(
  { length: COUNT },
  (_, n) =>
    recordFrom({
      id: nextId(),
      timestamp: `2026-03-0${1 + (n % DAYS)}T12:00:00.000Z`,
      model: 'iris',
      status: 200,
      duration_ms: 0.2,
      features: { sepal: { length: n, width: 3.5 }, petal: { length: 1.4, width: 0.2 } },
      outputs: { prediction: n % 3 },
    }).json,
)

const server = await startServer('elasticsearch-million', settings)
const es = talkTo(server.url)
const proxy = await createProxy(server.port)

/** What the sink threw, by kind. */
const faults = new Map<string, number>()
const kindOf = (message: string): string => {
  const text = message.slice(message.indexOf(': ') + 2)
  if (text.startsWith('429'))
    return text.includes('_operation_bytes') ? '429 for want of memory' : '429 for want of queue'
  return text.replace(/\d{3,}|0x\w+/g, '…').slice(0, 60)
}
const observed = (sink: Sink): Sink => {
  const observe = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call
    } catch (error) {
      const kind = kindOf(messageOf(error))
      faults.set(kind, (faults.get(kind) ?? 0) + 1)
      throw error
    }
  }
  return {
    ...sink,
    open: (wanted) => observe(sink.open!(wanted)),
    write: (records, signal) => observe(sink.write(records, signal)),
  }
}

const start = performance.now()
const queues: MemoryQueue[] = []
const deliveries = Array.from({ length: DELIVERIES }, (_, n) => {
  const sink = elasticsearch({ url: `elasticsearch://127.0.0.1:${proxy.port}/million`, indexBy: 'day' })
  const queue = createMemoryQueue({ maxBytes: 2 ** 30 })
  queues.push(queue)
  const delivery = createDelivery({
    sink: observed({ ...sink, name: `${sink.name}#${n}` }),
    queue,
    columns: () => columns,
    settings: { durability: 'memory', batchSize: 1000, flushIntervalMs: 100 },
    logger: silentLogger,
  })
  const share = Math.ceil(COUNT / DELIVERIES)
  for (const text of texts.slice(n * share, (n + 1) * share)) assert.ok(delivery.append([text]))
  delivery.start()
  return delivery
})

const sum = (of: 'written' | 'deadLettered' | 'dropped' | 'retries' | 'queued'): number =>
  deliveries.reduce(
    (total, delivery) => total + (Number((delivery.stats() as unknown as Record<string, number>)[of]) || 0),
    0,
  )

let kills = 0
let cuts = 0
let killing: Promise<void> | undefined
const troubles = setInterval(() => {
  if (proxy.sent() / CUT_EVERY > cuts + 1) {
    cuts++
    proxy.cutAfter(1)
  }
  if (killing || sum('written') < ((kills + 1) * COUNT) / (KILLS + 1)) return
  kills++
  killing = server.killAndRestart().finally(() => (killing = undefined))
}, 50)
const progress = setInterval(() => {
  console.log(
    `${Math.round((performance.now() - start) / 1000)} s: ${sum('written')} written, ${kills} kills, ${cuts} cuts`,
  )
}, 10_000)

try {
  await Promise.all(deliveries.map((delivery) => delivery.flush()))
  clearInterval(troubles)
  await killing
  const seconds = (performance.now() - start) / 1000
  console.log(
    `${COUNT} documents in ${Math.round(seconds)} s: ${Math.round(COUNT / seconds)}/s, ${kills} kills, ${cuts} cuts`,
  )
  console.log(Object.fromEntries(faults))
  const letters = queues.flatMap(({ deadLetters }) => deadLetters)
  console.log(
    `${letters.length} dead letters`,
    [...new Set(letters.map(({ error }) => error.slice(0, 300)))].slice(0, 5),
  )

  const ids: unknown[] = []
  for (;;) {
    const after = ids.length > 0 && { search_after: [ids.at(-1)] }
    const query = { size: 10_000, sort: [{ id: 'asc' }], _source: false, track_total_hits: false, ...after }
    const hits = (await es.search('million', query)).hits!.hits
    for (const { sort } of hits) ids.push(sort[0])
    if (hits.length < 10_000) break
  }
  const expected = texts.map((text) => (JSON.parse(text) as { id: string }).id).sort()
  const found = new Set(ids)
  const missing = expected.filter((id) => !found.has(id)).length
  console.log(
    `${ids.length} documents stored, ${found.size} ids, ${missing} missing, ${ids.length - found.size} double`,
  )
  assert.deepEqual([ids.length, found.size, missing], [COUNT, COUNT, 0])
  assert.equal(letters.length, 0)
  assert.ok(kills === KILLS && cuts > 0)
  for (const kind of ['429 for want of memory', '429 for want of queue']) assert.ok(faults.has(kind), `no ${kind}`)
} finally {
  clearInterval(troubles)
  clearInterval(progress)
  await Promise.all(deliveries.map((delivery) => delivery.close({ timeoutMs: 5000 })))
  await proxy.close()
  await server.stop()
}
