import { describe, expect, it, vi } from 'vitest'
import { PredictionsError } from '../../src/errors.ts'
import { deliver, lines, memorySink } from './support.ts'

const away = () => new PredictionsError('PREDICTIONS_SINK_UNAVAILABLE', 'ECONNREFUSED 127.0.0.1:5432')

describe('batches', () => {
  it('go out when batchSize records are queued', async () => {
    const { sink, batches } = memorySink()
    const { delivery } = deliver(sink, { batchSize: 3, flushIntervalMs: 60_000 })
    delivery.append(lines(2))
    delivery.append(lines(5))
    await vi.waitFor(() => expect(batches.map((batch) => batch.length)).toEqual([3, 3]))
    await delivery.close()
  })
})

describe('an outage', () => {
  it('is waited out', async () => {
    let failures = 3
    const { sink, stored, opened } = memorySink({
      async write() {
        if (failures-- > 0) throw away()
      },
    })
    const { delivery, said } = deliver(sink)
    delivery.append(lines(10))
    expect(await delivery.flush()).toBe(true)
    expect(stored.size).toBe(10)
    expect(opened.length).toBe(4)
    expect(delivery.stats()).toMatchObject({ captured: 10, written: 10, queued: 0, retries: 3 })
    expect(said).toHaveLength(2)
    await delivery.close()
  })
})
