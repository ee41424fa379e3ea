import { randomUUID } from 'node:crypto'
import { Admin, compatibilityPartitioner, Producer } from '@platformatic/kafka'
import { kafka } from '../sinks/kafka.ts'
import { recordFrom, recordFromJson } from '../src/records/record.ts'
import { service } from '../test/setup/services.ts'

/**
 * The Kafka sink against the bare client that sends the same messages: same keys, values, headers, requests and options. Both
 * take their turns within one run; the medians count.
 *
 * @example node bench/kafka.ts [records a turn] [turns]
 */
const [count = 20_000, turns = 25] = process.argv.slice(2).map(Number)
const BATCH = 1000
const PARTITIONS = 4

const brokers = await service('kafka')
if (!brokers) throw new Error('no Kafka')
const topic = `bench-${randomUUID()}`
const client = { clientId: 'bench', bootstrapBrokers: [brokers] }
const admin = new Admin(client)
await admin.createTopics({ topics: [{ topic, partitions: PARTITIONS, replicas: 1 }] })

const idOf = (i: number) => `019a0000-0000-7000-8000-${i.toString(16).padStart(8, '0')}0000`
const texts = Array.from(
  { length: count },
  (_, i) =>
    recordFrom({
      id: idOf(i),
      timestamp: new Date(1_790_000_000_000 + i).toISOString(),
      model: 'iris',
      model_version: '1',
      status: 200,
      duration_ms: 1.25,
      features: { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 },
      outputs: { prediction: 'setosa', confidence: 0.97 },
    }).json,
)
// As a queue hands them over.
const records = texts.map(recordFromJson)
const { signal } = new AbortController()

const sink = kafka({ url: `kafka://${brokers}/${topic}` })
await sink.open!([])

const runSink = async () => {
  for (let i = 0; i < count; i += BATCH) {
    await sink.write(records.slice(i, i + BATCH), signal)
  }
}

const producer = new Producer({ ...client, idempotent: true, retries: 5, partitioner: compatibilityPartitioner })
const headers = new Map([
  [Buffer.from('content-type'), Buffer.from('application/json')],
  [Buffer.from('schema-id'), Buffer.from('0123456789abcdef')],
])

const runBare = async () => {
  for (let i = 0; i < count; i += BATCH) {
    const messages = texts.slice(i, i + BATCH).map((text) => ({
      topic,
      key: Buffer.from(`iris:${text.slice(7, 39)}`),
      value: Buffer.from(text),
      headers,
    }))
    await producer.send({ messages })
  }
}

interface Turn {
  readonly perSecond: number
  /** CPU time of this process. */
  readonly microseconds: number
}

const timed = async (run: () => Promise<void>): Promise<Turn> => {
  const start = performance.now()
  const cpu = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: count / ((performance.now() - start) / 1000), microseconds: (user + system) / count }
}
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

const turnsOf = { sink: [] as Turn[], bare: [] as Turn[] }
try {
  await runSink()
  await runBare()
  for (let turn = 0; turn < turns; turn++) {
    // Who goes first changes, for the second finds the caches warm.
    const order = turn % 2 === 0 ? (['sink', 'bare'] as const) : (['bare', 'sink'] as const)
    for (const who of order) turnsOf[who].push(await timed(who === 'sink' ? runSink : runBare))
  }
} finally {
  await sink.close!()
  await producer.close(true)
  await admin.deleteTopics({ topics: [topic] })
  await admin.close()
}

const rate = (of: Turn[]) => median(of.map(({ perSecond }) => perSecond))
const cost = (of: Turn[]) => median(of.map(({ microseconds }) => microseconds))
const { sink: ours, bare } = turnsOf
console.log(`${texts[0]!.length} bytes a record, ${BATCH} a batch, ${PARTITIONS} partitions, medians of ${turns} turns`)
console.log(`sink    ${Math.round(rate(ours))} records/s, ${cost(ours).toFixed(2)} µs of CPU a record`)
console.log(`client  ${Math.round(rate(bare))} records/s, ${cost(bare).toFixed(2)} µs of CPU a record`)
// Turn by turn: neighbours see the same machine, whatever else it does.
const ratios = ours.map(({ perSecond }, i) => perSecond / bare[i]!.perSecond)
console.log(`sink / client = ${median(ratios).toFixed(2)} (median of the turns' ratios)`)
