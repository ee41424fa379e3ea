import { elasticsearch, type ElasticsearchOptions } from 'capture-predictions/sinks/elasticsearch'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { hasCode } from '../../src/errors/errors.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import { columnsOf } from '../../src/schema/columns.ts'
import { service } from '../setup/services.ts'
import { deliver } from './elasticsearch/deliver.ts'
import { startServer, talkTo } from './elasticsearch/server.ts'
import { patient, record } from './records.ts'

const url = await service('elasticsearch')

/** A server that is short of everything. */
const settings = [
  'indexing_pressure.memory.limit: 256kb',
  'http.max_content_length: 1mb',
  'thread_pool.write.size: 1',
  'thread_pool.write.queue_size: 1',
].join('\n')

describe.skipIf(!url)('elasticsearch in trouble', () => {
  let server: Awaited<ReturnType<typeof startServer>>
  let es: ReturnType<typeof talkTo>
  beforeAll(async () => {
    server = await startServer('elasticsearch-faults', settings)
    es = talkTo(server.url)
  }, 300_000)
  afterAll(() => server.stop())

  const columns = columnsOf({
    features: { type: 'object', properties: { text: { type: 'string' }, n: { type: 'integer' } } },
  })
  const records = (count: number, length = 10): PredictionRecord[] =>
    Array.from({ length: count }, (_, n) => record({ features: { text: 'x'.repeat(length), n } }))
  const create = (prefix: string, options: Partial<ElasticsearchOptions> = {}) =>
    elasticsearch({ url: server.url, prefix, ...options })

  const expectOnce = async (prefix: string, written: readonly PredictionRecord[]) => {
    const ids = (await es.hits(prefix)).map(({ _source }) => _source['id'])
    expect(ids).toEqual(written.map(({ id }) => id).sort())
  }

  it('splits a bulk that alone is too much for its memory (429)', async () => {
    const sink = create('whole')
    const { write, errors, refused } = deliver(sink, columns)
    const batch = records(500, 1000)
    await write(batch)
    expect(errors.join('\n')).toMatch(
      /429 es_rejected_execution_exception: rejected execution of coordinating operation/,
    )
    expect(refused).toEqual([])
    await expectOnce('whole', batch)
    await sink.close!()
  })

  it('tries again while others take its memory (429)', async () => {
    const batches = Array.from({ length: 8 }, () => records(100, 1000))
    const errors = await Promise.all(
      batches.map(async (batch) => {
        const sink = create('busy')
        const delivery = deliver(sink, columns)
        await delivery.write(batch)
        await sink.close!()
        expect(delivery.refused).toEqual([])
        return delivery.errors
      }),
    )
    expect(errors.flat().join('\n')).toContain('429 es_rejected_execution_exception')
    await expectOnce('busy', batches.flat())
  })

  it('tries single items again (429), and those alone', async () => {
    const sink = create('items', { indexBy: 'day' })
    const { write, errors, refused } = deliver(sink, columns)
    const batch = Array.from({ length: 120 }, (_, n) =>
      record({ timestamp: `2026-03-${String(10 + (n % 6))}T12:00:00.000Z`, features: { n } }),
    )
    await write(batch)
    expect(errors.join('\n')).toMatch(/429 es_rejected_execution_exception: .*queue capacity = 1/)
    expect(refused).toEqual([])
    await expectOnce('items', batch)
    const stats = (await es.request('GET', '/items/_stats/indexing')) as {
      _all: { total: { indexing: { index_total: number; index_failed: number } } }
    }
    // A document that came again would have failed: it is there already.
    expect(stats._all.total.indexing).toMatchObject({ index_total: batch.length, index_failed: 0 })
    await sink.close!()
  })

  it.each([true, false])('splits a request that is too large (413), compressed: %s', async (compression) => {
    const prefix = `large-${compression}`
    const sink = create(prefix, { compression })
    await sink.open!(columns)
    // Elasticsearch answers and hangs up before it has read the request: now and then its answer is lost with the connection.
    const error = await vi.waitFor(async () => {
      const thrown: unknown = await sink.write(records(900, 8000), patient).catch((error: unknown) => error)
      if (hasCode(thrown, 'PREDICTIONS_SINK_UNAVAILABLE')) throw thrown as Error
      return thrown
    }, 20_000)
    expect((error as Error).message).toMatch(/413 Payload Too Large/)
    expect(hasCode(error, 'PREDICTIONS_BATCH_REFUSED')).toBe(true)
    const { write, refused } = deliver(sink, columns)
    const fits = record({ features: { text: 'fits' } })
    await write([fits, record({ features: { text: 'x'.repeat(2_000_000) } })])
    expect(refused).toEqual([expect.stringContaining('413') as string])
    await expectOnce(prefix, [fits])
    await sink.close!()
  })

  it.each(['auto', 'off'] as const)(
    'waits where the cluster has no room for another index, migrate: %s',
    async (migrate) => {
      const prefix = `full-${migrate}`
      const auto = create(prefix)
      await auto.open!(columns)
      await auto.close!()
      const sink = create(prefix, { migrate })
      await sink.open!(columns)
      const limit = (value: number | null) =>
        es.request('PUT', '/_cluster/settings', { persistent: { 'cluster.max_shards_per_node': value } })
      await limit(1)
      const batch = records(3)
      const error: unknown = await sink.write(batch, patient).catch((error: unknown) => error)
      await limit(null)
      expect(hasCode(error, 'PREDICTIONS_SINK_UNAVAILABLE')).toBe(true)
      expect((error as Error).message).toMatch(
        /shards open.*[^;]; the cluster has no room.*raise cluster.max_shards_per_node/,
      )
      expect(await sink.write(batch, patient)).toEqual([])
      await expectOnce(prefix, batch)
      await sink.close!()
    },
  )

  it('loses and doubles nothing when the server is killed and comes back', async () => {
    const sink = create('killed')
    const { write, errors } = deliver(sink, columns)
    const batches = Array.from({ length: 40 }, () => records(100))
    let restarted: Promise<void> | undefined
    for (const [n, batch] of batches.entries()) {
      if (n === 10) restarted = server.killAndRestart()
      await write(batch)
    }
    await restarted
    expect(errors.length).toBeGreaterThan(0)
    await expectOnce('killed', batches.flat())
    await sink.close!()
  }, 300_000)
})
