import { randomUUID } from 'node:crypto'
import { consume, type ConsumeOptions, type Consumer, kafka } from 'capture-predictions/sinks/kafka'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { PredictionsError } from '../../src/errors/errors.ts'
import { silentLogger } from '../../src/logger.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import type { Sink } from '../../src/sink.ts'
import { service } from '../setup/services.ts'
import { type Topics, topicsOn } from '../services/kafka/topics.ts'
import { idOf, never, recordOf, recordsOf } from './kafka/records.ts'

const brokers = await service('kafka')

/** A sink in memory, by id as sinks are; `write` may be made to fail. */
const memory = () => {
  const rows = new Map<string, PredictionRecord>()
  const batches: number[] = []
  let open = true
  let fault: ((records: readonly PredictionRecord[]) => void) | undefined
  const sink: Sink = {
    name: 'memory',
    async write(records) {
      batches.push(records.length)
      if (fault) fault(records)
      for (const record of records) rows.set(record.id, record)
    },
    async close() {
      open = false
    },
  }
  return {
    sink,
    rows,
    batches,
    isOpen: () => open,
    fail: (by: typeof fault) => {
      fault = by
    },
  }
}

describe.skipIf(!brokers)('consume', () => {
  let topics: Topics
  const consumers: Consumer[] = []
  beforeAll(() => {
    topics = topicsOn(brokers!)
  })
  afterEach(() => Promise.all(consumers.splice(0).map((consumer) => consumer.close())))
  afterAll(() => topics.close())

  const from = (topic: string) => `kafka://${brokers}/${topic}`
  const start = (topic: string, to: Sink, options: Partial<ConsumeOptions> = {}): Consumer => {
    const consumer = consume({
      from: from(topic),
      to,
      group: `test-${randomUUID()}`,
      logger: silentLogger,
      flushIntervalMs: 50,
      sessionTimeoutMs: 6000,
      ...options,
    })
    consumers.push(consumer)
    return consumer
  }

  const produce = async (topic: string, records: readonly PredictionRecord[]) => {
    const sink = kafka({ url: from(topic) })
    await sink.write(records, never)
    await sink.close!()
  }
  const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 20 })

  it('moves every record from the earliest on, and a group goes on where it stopped', async () => {
    const topic = await topics.create({ partitions: 3 })
    const group = `test-${randomUUID()}`
    await produce(topic, recordsOf(2500))
    const first = memory()
    const seen: number[] = []
    const consumer = start(topic, first.sink, { group, onProgress: ({ written }) => seen.push(written) })
    await until(() => expect(first.rows.size).toBe(2500))
    expect(first.rows.get(idOf(7))?.json).toBe(recordOf(7).json)
    expect(Math.max(...first.batches)).toBeLessThanOrEqual(1000)
    await until(() => expect(consumer.stats().lag).toBe(0))
    const { read, written, rate, partitions } = consumer.stats()
    expect({ read, written, partitions }).toEqual({ read: 2500, written: 2500, partitions: [0, 1, 2] })
    expect(rate).toBeGreaterThan(0)
    expect(seen.at(-1)).toBe(2500)
    await consumer.close()
    expect(first.isOpen()).toBe(false)

    await produce(topic, recordsOf(10, 2500))
    const second = memory()
    start(topic, second.sink, { group })
    await until(() => expect(second.rows.size).toBe(10))
    expect([...second.rows.keys()].sort()).toEqual(recordsOf(10, 2500).map(({ id }) => id))
  })

  it('commits nothing that is not written', async () => {
    const topic = await topics.create()
    const group = `test-${randomUUID()}`
    await produce(topic, recordsOf(300))
    const away = memory()
    away.fail(() => {
      throw new Error('the database is away')
    })
    const consumer = start(topic, away.sink, { group, batchSize: 100 })
    await until(() => expect(consumer.stats().retries).toBeGreaterThan(1))
    expect(consumer.stats().lastError).toBe('the database is away')
    await consumer.close()

    const there = memory()
    start(topic, there.sink, { group })
    await until(() => expect(there.rows.size).toBe(300))
  })

  it('reads only so far ahead of a sink that is away, and goes on when it is back', async () => {
    const topic = await topics.create({ partitions: 2 })
    const { sink, rows, fail } = memory()
    fail(() => {
      throw new Error('away')
    })
    const padding = 'x'.repeat(2000)
    for (let i = 0; i < 5; i++)
      await produce(
        topic,
        Array.from({ length: 2000 }, (_, k) => recordOf(i * 2000 + k, { padding })),
      )
    const warnings: string[] = []
    const logger = { ...silentLogger, warn: (message: string) => warnings.push(message) }
    const consumer = start(topic, sink, { batchSize: 500, batchBytes: 512 * 1024, logger })
    await until(() => expect(consumer.stats().retries).toBeGreaterThan(3))
    const { ahead, partitions } = consumer.stats()
    // 2 x 512 KiB of 2,300 bytes each, and no less than half of it: then more is fetched.
    expect(ahead).toBeGreaterThan(200)
    expect(ahead).toBeLessThan(600)
    expect(partitions).toEqual([0, 1])
    expect(warnings).toEqual([expect.stringMatching(/^sink memory \(write\): away\. \d+ records wait/)])

    fail(undefined)
    await until(() => expect(rows.size).toBe(10_000))
  })

  it('writes what it has read when it is closed, and commits it', async () => {
    const topic = await topics.create()
    const group = `test-${randomUUID()}`
    await produce(topic, recordsOf(1000))
    const { sink, rows } = memory()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let writes = 0
    const slow: Sink = {
      ...sink,
      async write(records, signal) {
        writes++
        await held
        return sink.write(records, signal)
      },
    }
    const consumer = start(topic, slow, { group, batchSize: 100 })
    await until(() => expect(consumer.stats().ahead).toBeGreaterThanOrEqual(200))
    const closed = consumer.close()
    release()
    await closed
    const { read, written, ahead } = consumer.stats()
    expect({ ahead, written }).toEqual({ ahead: 0, written: read })
    expect(rows.size).toBe(read)
    expect(writes).toBeGreaterThan(1)

    const next = memory()
    start(topic, next.sink, { group })
    await until(() => expect(rows.size + next.rows.size).toBe(1000))
    expect([...next.rows.keys()].some((id) => rows.has(id))).toBe(false)
  })

  it('ends although the sink hangs', async () => {
    const topic = await topics.create()
    await produce(topic, recordsOf(1))
    const { sink, isOpen } = memory()
    let aborted = false
    const hanging: Sink = {
      ...sink,
      write: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true
            reject(signal.reason as Error)
          })
        }),
    }
    const consumer = start(topic, hanging)
    await until(() => expect(consumer.stats().read).toBe(1))
    await consumer.close({ timeoutMs: 400 })
    expect({ aborted, open: isOpen(), written: consumer.stats().written }).toEqual({
      aborted: true,
      open: false,
      written: 0,
    })
  })

  it('writes an id once that comes twice in a batch', async () => {
    const topic = await topics.create()
    await produce(topic, [recordOf(1), recordOf(2), recordOf(1)])
    const { sink, rows, batches } = memory()
    const consumer = start(topic, sink)
    await until(() => expect(consumer.stats()).toMatchObject({ read: 3, written: 2, duplicates: 1 }))
    expect([rows.size, ...batches]).toEqual([2, 2])
  })

  describe('dead letters', () => {
    const lettersOf = async (topic: string, count: number) =>
      topics.read(`${topic}.dead-letters`, (messages) => messages.length >= count)

    it('are the records that the sink refuses, each alone, and the others are written', async () => {
      const topic = await topics.create()
      await produce(topic, recordsOf(100))
      const { sink, rows, fail } = memory()
      // One is refused by itself; another spoils every batch it is in.
      fail((records) => {
        if (records.some(({ id }) => id === idOf(42)))
          throw new PredictionsError('PREDICTIONS_BATCH_REFUSED', 'value out of range')
      })
      const picky: Sink = {
        ...sink,
        async write(records, signal) {
          await sink.write(records, signal)
          return records.flatMap(({ id }, index) => (id === idOf(7) ? [{ index, reason: 'no sevens' }] : []))
        },
      }
      const consumer = start(topic, picky)
      await until(() => expect(consumer.stats()).toMatchObject({ read: 100, written: 98, deadLettered: 2 }))
      expect(rows.has(idOf(42))).toBe(false)
      const letters = await lettersOf(topic, 2)
      const byId = new Map(letters.map((letter) => [letter.value, letter]))
      expect(byId.get(recordOf(42).json)).toMatchObject({
        key: `iris:${idOf(42).slice(0, 32)}`,
        headers: {
          'content-type': 'application/json',
          'dead-letter-error': 'value out of range',
          'dead-letter-topic': topic,
          'dead-letter-partition': '0',
          'dead-letter-offset': '42',
        },
      })
      expect(byId.get(recordOf(7).json)?.headers['dead-letter-error']).toBe('no sevens')
    })

    it('are the messages that are no records, and no sink sees them', async () => {
      const topic = await topics.create()
      const texts = ['no JSON', '[]', '{"id":"7","timestamp":"2026-11-23T00:00:00.000Z"}', '']
      await topics.produce(topic, [...texts, recordOf(1).json])
      const { sink, rows, batches } = memory()
      const errors: string[] = []
      const consumer = start(topic, sink, { logger: { ...silentLogger, error: (line) => errors.push(line) } })
      await until(() => expect(consumer.stats()).toMatchObject({ read: 5, written: 1, deadLettered: 4 }))
      expect([...rows.keys()]).toEqual([idOf(1)])
      expect(batches).toEqual([1])
      const letters = await lettersOf(topic, 4)
      expect(letters.map(({ value }) => value)).toEqual(texts)
      for (const { headers } of letters) expect(headers['dead-letter-error']).toMatch(/^not a record: /)
      expect(errors[0]).toContain(`went to topic ${topic}.dead-letters`)
      await until(() => expect(consumer.stats().lag).toBe(0))
    })

    it('that are too large with their headers are kept by their place in the topic', async () => {
      const topic = await topics.create()
      const limited = await topics.create({ configs: { 'max.message.bytes': '1000' } })
      await topics.produce(topic, ['x'.repeat(2000)])
      const consumer = start(topic, memory().sink, { deadLetterTopic: limited })
      await until(() => expect(consumer.stats().deadLettered).toBe(1))
      const [letter] = await topics.read(limited, (messages) => messages.length >= 1)
      expect(letter).toMatchObject({ value: '', headers: { 'dead-letter-topic': topic, 'dead-letter-offset': '0' } })
    })
  })

  it('waits for a topic that is not there yet', async () => {
    const topic = topics.name()
    const warnings: string[] = []
    const { sink, rows } = memory()
    const consumer = start(topic, sink, { logger: { ...silentLogger, warn: (line) => warnings.push(line) } })
    await until(() => expect(consumer.stats().lastError).toMatch(`topic ${topic} does not exist`))
    await topics.admin.createTopics({ topics: [{ topic, partitions: 1, replicas: 1 }] })
    await produce(topic, recordsOf(3))
    await until(() => expect(rows.size).toBe(3))
  })
})
