import { kafka } from 'capture-predictions/sinks/kafka'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { recordFromJson } from '../../src/records/record.ts'
import type { Column } from '../../src/schema/column.ts'
import { service } from '../setup/services.ts'
import { type Topics, topicsOn } from '../services/kafka/topics.ts'
import { idOf, never, recordOf, recordsOf } from './kafka/records.ts'

const brokers = await service('kafka')

const atLeast = (count: number) => (messages: readonly unknown[]) => messages.length >= count

describe.skipIf(!brokers)('Kafka', () => {
  let topics: Topics
  beforeAll(() => {
    topics = topicsOn(brokers!)
  })
  afterAll(() => topics.close())

  const sinkTo = (topic: string, query = '') => kafka({ url: `kafka://${brokers}/${topic}${query}` })

  /** An open sink, for one use. */
  const using = async (
    topic: string,
    use: (sink: ReturnType<typeof kafka>) => Promise<unknown>,
    columns: Column[] = [],
  ) => {
    const sink = sinkTo(topic)
    try {
      await sink.open!(columns)
      await use(sink)
    } finally {
      await sink.close!()
    }
  }

  it("stores each record's text as it stands, with key and headers", async () => {
    const topic = await topics.create()
    const columns: Column[] = [{ name: 'sepal_length', type: 'double', source: 'features', path: ['sepal_length'] }]
    // The last record's text is no JSON: nothing on this path may look into it.
    const records = [recordOf(1), recordOf(2, { model: 'wine "é"' }), recordFromJson(recordOf(3).json.slice(0, -1))]
    await using(topic, (sink) => sink.write(records, never), columns)

    const messages = await topics.read(topic, atLeast(3))
    expect(messages.map(({ value }) => value)).toEqual(records.map(({ json }) => json))
    expect(messages.map(({ key }) => key)).toEqual([
      `iris:${idOf(1).slice(0, 32)}`,
      `wine "é":${idOf(2).slice(0, 32)}`,
      `iris:${idOf(3).slice(0, 32)}`,
    ])
    expect(messages[0]!.headers).toEqual({
      'content-type': 'application/json',
      'schema-id': expect.stringMatching(/^[\da-f]{16}$/) as string,
    })
  })

  it('spreads requests over the partitions, and keeps the instances of one together and in order', async () => {
    const topic = await topics.create({ partitions: 4 })
    const records = Array.from({ length: 40 }, (_, request) =>
      [0, 1, 2].map((instance) => recordOf(request, { instance })),
    )
    await using(topic, (sink) => sink.write(records.flat(), never))

    const messages = await topics.read(topic, atLeast(120))
    const partitions = new Map<string, Set<number>>()
    for (const { key, partition } of messages) partitions.set(key, (partitions.get(key) ?? new Set()).add(partition))
    expect(partitions.size).toBe(40)
    expect([...partitions.values()].every(({ size }) => size === 1)).toBe(true)
    expect(new Set(messages.map(({ partition }) => partition)).size).toBe(4)
    const ids = messages
      .filter(({ key }) => key.endsWith(idOf(7).slice(0, 32)))
      .map(({ value }) => recordFromJson(value).id)
    expect(ids).toEqual([idOf(7, 0), idOf(7, 1), idOf(7, 2)])
  })

  it.each(['gzip', 'snappy', 'zstd'])('compresses with %s', async (compression) => {
    const topic = await topics.create()
    const sink = sinkTo(topic, `?compression=${compression}`)
    await sink.write(recordsOf(50), never)
    await sink.close!()
    expect(await topics.read(topic, atLeast(50))).toHaveLength(50)
  })

  describe('a topic that is missing', () => {
    it('is an error with the fix, and nothing is created or lost', async () => {
      const topic = topics.name()
      const sink = sinkTo(topic)
      const missing = {
        code: 'PREDICTIONS_SINK_UNAVAILABLE',
        message: expect.stringMatching(
          `topic ${topic} does not exist: create it \\(kafka-topics.sh .*\\), or .*CREATE_TOPIC=true`,
        ) as string,
      }
      await expect(sink.open!([])).rejects.toMatchObject(missing)
      await expect(sink.write([recordOf(1)], never)).rejects.toMatchObject(missing)
      expect(await topics.admin.listTopics()).not.toContain(topic)
      expect((await sink.plan!([])).problems).toEqual([expect.stringContaining(`topic ${topic} does not exist`)])

      await topics.admin.createTopics({ topics: [{ topic, partitions: 1, replicas: 1 }] })
      await sink.open!([])
      expect(await sink.write([recordOf(1)], never)).toEqual([])
      await sink.close!()
      expect(await topics.read(topic, atLeast(1))).toHaveLength(1)
    })

    it('is not created with migrate off, whatever was asked for', async () => {
      const topic = topics.name()
      const sink = kafka({ url: `kafka://${brokers}/${topic}?partitions=3`, migrate: 'off' })
      const command = `kafka-topics.sh --bootstrap-server ${brokers} --create --topic ${topic} --partitions 3`
      await expect(sink.open!([])).rejects.toMatchObject({
        code: 'PREDICTIONS_SINK_UNAVAILABLE',
        message: expect.stringContaining(`PREDICTIONS_MIGRATE is off, run: ${command}`) as string,
      })
      expect(await sink.plan!([])).toEqual({ isNew: true, problems: [], statements: [command] })
      await sink.close!()
      expect(await topics.admin.listTopics()).not.toContain(topic)
    })

    it('is created where that was asked for', async () => {
      const topic = topics.name()
      const sink = sinkTo(topic, '?partitions=3&replicas=1')
      expect(await sink.plan!([])).toEqual({
        isNew: true,
        problems: [],
        statements: [
          `kafka-topics.sh --bootstrap-server ${brokers} --create --topic ${topic} --partitions 3 --replication-factor 1`,
        ],
      })
      await sink.open!([])
      await sink.open!([])
      expect(await sink.plan!([])).toEqual({ statements: [], problems: [] })
      await sink.close!()
      const { topics: found } = await topics.admin.metadata({ topics: [topic] })
      expect(found.get(topic)?.partitionsCount).toBe(3)
    })
  })

  it.each(['compact', 'compact,delete'])('does not write to a topic that would lose instances: %s', async (policy) => {
    const topic = await topics.create({ configs: { 'cleanup.policy': policy } })
    const sink = sinkTo(topic)
    const problem = `topic ${topic} has cleanup.policy ${policy}`
    await expect(sink.open!([])).rejects.toMatchObject({
      code: 'PREDICTIONS_SINK_UNAVAILABLE',
      message: expect.stringContaining(problem) as string,
    })
    expect(await sink.plan!([])).toEqual({ statements: [], problems: [expect.stringContaining(problem)] })
    await topics.configure(topic, 'cleanup.policy', 'delete')
    await vi.waitFor(() => sink.open!([]))
    expect(await sink.write([recordOf(1)], never)).toEqual([])
    await sink.close!()
  })

  describe('a message too large', () => {
    const large = recordOf(2, { padding: 'x'.repeat(30_000) })

    it('is refused in the words of Kafka with its size and the limit, and the others are written', async () => {
      const topic = await topics.create({ configs: { 'max.message.bytes': '20000' } })
      await using(topic, async (sink) => {
        expect(await sink.write([recordOf(1), large, recordOf(3)], never)).toEqual([
          {
            index: 1,
            reason: expect.stringMatching(
              new RegExp(
                `^MESSAGE_TOO_LARGE: .*: its key and value have ${37 + large.json.length} bytes; max.message.bytes of topic ${topic} is 20000$`,
              ),
            ) as string,
          },
        ])
      })
      const messages = await topics.read(topic, atLeast(2))
      expect(messages.map(({ value }) => recordFromJson(value).id)).toEqual([idOf(1), idOf(3)])
    })

    it('does not refuse a batch that is too large only as a whole', async () => {
      const topic = await topics.create({ configs: { 'max.message.bytes': '20000' } })
      await using(topic, async (sink) => expect(await sink.write(recordsOf(500), never)).toEqual([]))
      expect(await topics.read(topic, atLeast(500))).toHaveLength(500)
    })

    it('refuses the batch where the topic came to take less since it was opened', async () => {
      const topic = await topics.create()
      await using(topic, async (sink) => {
        await sink.write(recordsOf(10), never)
        await topics.configure(topic, 'max.message.bytes', '1000')
        // The broker takes the new setting when it comes to it: what is written until then is there twice.
        await vi.waitFor(() =>
          expect(sink.write(recordsOf(100, 10), never)).rejects.toMatchObject({
            code: 'PREDICTIONS_BATCH_REFUSED',
            message: expect.stringContaining('MESSAGE_TOO_LARGE') as string,
          }),
        )
        await sink.open!([])
        expect(await sink.write(recordsOf(100, 10), never)).toEqual([])
      })
      const idsOf = (messages: readonly { value: string }[]) =>
        new Set(messages.map(({ value }) => recordFromJson(value).id))
      expect(idsOf(await topics.read(topic, (messages) => idsOf(messages).size >= 110)).size).toBe(110)
    })
  })

  it('says where a broker is that is away', async () => {
    const sink = kafka({ url: 'kafka://user:s%65cret@127.0.0.1:1/predictions' })
    expect(sink.name).toBe('kafka://127.0.0.1:1/predictions')
    const error: unknown = await sink.write([recordOf(1)], never).then(undefined, (error: unknown) => error)
    expect(error).toMatchObject({
      code: 'PREDICTIONS_SINK_UNAVAILABLE',
      message: expect.stringMatching(
        /^kafka:\/\/127\.0\.0\.1:1\/predictions: .*ECONNREFUSED.*is the server running/,
      ) as string,
    })
    await sink.close!()
  })
})
