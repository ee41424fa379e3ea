/**
 * Documents a second into Elasticsearch: the sink's write against the official bulk helper, the same documents, in turns.
 *
 *     node bench/elasticsearch.ts
 *
 * TEST_ELASTICSEARCH_URL (else a local server, else one that is started), BENCH_DOCUMENTS (50000 a turn), BENCH_ROUNDS (11),
 * BENCH_FLUSH_BYTES (of the helper; 5000000, as it has by itself). The sink starts from records as the outbox has them, as text, in
 * writes of 1,000, a batch by default, and of 10,000, which delivery gives it of a backlog. `helper` makes the same documents from the same records, and
 * `ready` has them made beforehand; both send 5 requests at a time. All use gzip. Each turn has an index of its own, and counts
 * what it holds in the end. What counts is the ratio within a round: the speed of a machine that others use as well comes and goes.
 */
import { Client } from '@elastic/elasticsearch'
import { elasticsearch } from '../sinks/elasticsearch.ts'
import { createIds } from '../src/records/id.ts'
import { recordFrom, recordFromJson } from '../src/records/record.ts'
import { columnsOf } from '../src/schema/columns.ts'
import type { Refusal } from '../src/sink.ts'
import { service } from '../test/setup/services.ts'
import { median } from './load.ts'

const DOCUMENTS = Number(process.env['BENCH_DOCUMENTS'] ?? 50_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 11)
const flushBytes = Number(process.env['BENCH_FLUSH_BYTES'] ?? 5_000_000)
const PREFIX = 'bench-predictions'
const INDEX = `${PREFIX}-all`

const url = await service('elasticsearch')
if (!url) process.exit(1)
const client = new Client({ node: url, compression: true })

const number = { type: 'number' }
const flower = { type: 'object', properties: { length: number, width: number } }
const columns = columnsOf({
  features: { type: 'object', properties: { sepal: flower, petal: flower } },
  outputs: { type: 'object', properties: { prediction: { type: 'integer' }, confidence: number } },
})

interface Measured {
  readonly id: string
  readonly timestamp: string
  readonly features: Readonly<Record<'sepal' | 'petal', { length: number; width: number }>>
  readonly outputs: object
}

const nextId = createIds()
const tenths = (n: number) => (n % 80) / 10
const texts = Array.from(
  { length: DOCUMENTS },
  (_, n) =>
    recordFrom({
      id: nextId(),
      timestamp: new Date().toISOString(),
      model: 'iris',
      model_version: '1.0.0',
      status: 200,
      duration_ms: 0.1 + (n % 1000) / 1000,
      features: {
        sepal: { length: tenths(n), width: tenths(n * 7) },
        petal: { length: tenths(n * 11), width: tenths(n * 13) },
      },
      outputs: { prediction: n % 3, confidence: (n % 997) / 997 },
    }).json,
)

/** The document as somebody writes it by hand for this schema, without a check of its values. */
const documentOf = (text: string) => {
  const { features, outputs, ...record } = JSON.parse(text) as Measured
  const { sepal, petal } = features
  return {
    '@timestamp': record.timestamp,
    ...{ instance: 0, sample_weight: 1 },
    ...record,
    features: {
      sepal_length: sepal.length,
      sepal_width: sepal.width,
      petal_length: petal.length,
      petal_width: petal.width,
    },
    outputs,
  }
}
const documents = texts.map(documentOf)

const expectNone = (refusals: readonly Refusal[] | void): void => {
  if (refusals && refusals.length > 0) throw new Error(refusals[0]!.reason)
}

const sink = elasticsearch({ url, prefix: PREFIX, indexBy: 'none' })
const { signal } = new AbortController()

const bySink = (batch: number) => async () => {
  for (let start = 0; start < texts.length; start += batch)
    expectNone(await sink.write(texts.slice(start, start + batch).map(recordFromJson), signal))
}

const byHelper = async () => {
  await client.helpers.bulk({
    flushBytes,
    datasource: texts,
    onDocument: (text) => {
      const document = documentOf(text)
      return [{ create: { _index: INDEX, _id: document.id } }, document]
    },
  })
}

const byHelperReady = async () => {
  await client.helpers.bulk({
    flushBytes,
    datasource: documents,
    onDocument: (document) => [{ create: { _index: INDEX, _id: document.id } }, document],
  })
}

interface Turn {
  readonly rate: number
  readonly cpu: number
  readonly lost: number
}

/** A turn in an index of its own, which is there before the clock runs. */
const turn = async (write: () => Promise<void>): Promise<Turn> => {
  await sink.open!(columns)
  await client.indices.create({ index: INDEX })
  const cpu = process.cpuUsage()
  const start = performance.now()
  await write()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  await client.indices.refresh({ index: INDEX })
  const { count } = await client.count({ index: INDEX })
  await client.indices.delete({ index: INDEX })
  return { rate: DOCUMENTS / seconds, cpu: (user + system) / DOCUMENTS, lost: DOCUMENTS - count }
}

const ways = {
  'sink, 1,000 a write': bySink(1000),
  'sink, 10,000 a write (a backlog)': bySink(10_000),
  helper: byHelper,
  ready: byHelperReady,
}
type Way = keyof typeof ways
const names = Object.keys(ways) as Way[]

const rounds: Record<Way, Turn>[] = []
await client.indices.delete({ index: INDEX, ignore_unavailable: true })
// The first two rounds warm up; each round begins with another way.
for (let round = -2; round < ROUNDS; round++) {
  const found: Partial<Record<Way, Turn>> = {}
  for (const place of names.keys()) {
    const name = names[(place + round + 2) % names.length]!
    found[name] = await turn(ways[name])
  }
  if (round < 0) continue
  rounds.push(found as Record<Way, Turn>)
  console.log(`round ${round + 1}: ${names.map((name) => `${name} ${Math.round(found[name]!.rate)}`).join('; ')}`)
}
await client.indices.deleteIndexTemplate({ name: PREFIX })
await client.close()
await sink.close!()

for (const name of names) {
  const of = (read: (round: Record<Way, Turn>) => number): number => median(rounds.map(read))
  const ratio = (other: Way): string => of((round) => round[name].rate / round[other].rate).toFixed(2)
  const lost = rounds.reduce((sum, round) => sum + round[name].lost, 0)
  console.log(
    `${name}: ${Math.round(of((round) => round[name].rate))} documents/s, ${of((round) => round[name].cpu).toFixed(1)} µs of CPU each,`,
    `${ratio('helper')} of helper, ${ratio('ready')} of ready, ${lost} lost`,
  )
}
console.log('target: 1.1 of helper')
