/**
 * Documents a second into Elasticsearch: the sink's write against the official bulk helper, the same documents, in turns.
 *
 *     node bench/elasticsearch.ts
 *
 * TEST_ELASTICSEARCH_URL (else a local server, else one that is started), BENCH_DOCUMENTS (100000), BENCH_ROUNDS (5),
 * BENCH_BATCH (10000: records a write). The sink starts from records as the outbox has them, as text. The helper has its own
 * defaults (5 MB a request, 5 at a time); `helper` makes the same documents from the same records, `ready` has them made beforehand.
 * All use gzip. Each round has an index of its own, and counts what it holds in the end.
 */
import { Client } from '@elastic/elasticsearch'
import { elasticsearch } from '../sinks/elasticsearch.ts'
import { createIds } from '../src/id.ts'
import { recordFrom, recordFromJson } from '../src/record.ts'
import { columnsOf } from '../src/schema/columns.ts'
import { service } from '../test/setup/services.ts'

const DOCUMENTS = Number(process.env['BENCH_DOCUMENTS'] ?? 100_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const BATCH = Number(process.env['BENCH_BATCH'] ?? 10_000)
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

const sink = elasticsearch({ url, prefix: PREFIX, indexBy: 'none' })
const { signal } = new AbortController()

const bySink = async () => {
  for (let start = 0; start < texts.length; start += BATCH)
    await sink.write(texts.slice(start, start + BATCH).map(recordFromJson), signal)
}

const byHelper = async () => {
  await client.helpers.bulk({
    datasource: texts,
    onDocument: (text) => {
      const document = documentOf(text)
      return [{ create: { _index: INDEX, _id: document.id } }, document]
    },
  })
}

const byHelperReady = async () => {
  await client.helpers.bulk({
    datasource: documents,
    onDocument: (document) => [{ create: { _index: INDEX, _id: document.id } }, document],
  })
}

/** A round in an index of its own, which is there before the clock runs. */
const run = async (write: () => Promise<void>) => {
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
  return { rate: DOCUMENTS / seconds, cpu: (user + system) / DOCUMENTS, count }
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!

const ways = { sink: bySink, helper: byHelper, ready: byHelperReady }
const names = Object.keys(ways) as (keyof typeof ways)[]
const rates = { sink: [] as number[], helper: [] as number[], ready: [] as number[] }
await client.indices.delete({ index: INDEX, ignore_unavailable: true })
for (let round = -1; round < ROUNDS; round++) {
  for (const way of names) {
    const { rate, cpu, count } = await run(ways[way])
    const what = `${Math.round(rate)} documents/s, ${cpu.toFixed(1)} µs of CPU each, ${count} of ${DOCUMENTS} stored`
    console.log(`${round < 0 ? 'warm-up' : `round ${round + 1}`} ${way}: ${what}`)
    if (round >= 0) rates[way].push(rate)
  }
}
await client.indices.deleteIndexTemplate({ name: PREFIX })
await client.close()
await sink.close!()
const medians = { sink: median(rates.sink), helper: median(rates.helper), ready: median(rates.ready) }
for (const way of names)
  console.log(
    `${way}: ${Math.round(medians[way])} documents/s, the sink has ${(medians.sink / medians[way]).toFixed(2)} of it`,
  )
console.log('target: 1.1 of helper')
