/**
 * Documents a second into Elasticsearch: the sink's write against the official bulk helper, the same documents, in turns.
 *
 *     node bench/elasticsearch.ts
 *
 * TEST_ELASTICSEARCH_URL (else a local server, else one that is started), BENCH_DOCUMENTS (100000), BENCH_ROUNDS (5),
 * BENCH_BATCH (1000: records a write, as delivery gives them). The sink starts from records as the outbox has them, as text; the helper
 * from objects made beforehand, with its own defaults (5 MB a request, 5 at a time). Both use gzip. Each round has an index of its own.
 */
import { Client } from '@elastic/elasticsearch'
import { documentWriter, fitFieldNames } from '../sinks/elasticsearch/documents.ts'
import { elasticsearch } from '../sinks/elasticsearch.ts'
import { createIds } from '../src/id.ts'
import { recordFrom, recordFromJson } from '../src/record.ts'
import { columnsOf } from '../src/schema/columns.ts'
import { service } from '../test/setup/services.ts'

const DOCUMENTS = Number(process.env['BENCH_DOCUMENTS'] ?? 100_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const BATCH = Number(process.env['BENCH_BATCH'] ?? 1000)
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
const writer = documentWriter(fitFieldNames(columns), () => INDEX)
const documents = texts.map((text) => {
  const document = writer.write(recordFromJson(text))
  if ('reason' in document) throw new Error(document.reason)
  return { id: document.id, source: JSON.parse(document.source) as object }
})

const bySink = async () => {
  const sink = elasticsearch({ url: url!, prefix: PREFIX, indexBy: 'none' })
  await sink.open!(columns)
  const { signal } = new AbortController()
  for (let start = 0; start < texts.length; start += BATCH)
    await sink.write(texts.slice(start, start + BATCH).map(recordFromJson), signal)
  await sink.close!()
}

const byHelper = async () => {
  await client.helpers.bulk({
    datasource: documents,
    onDocument: ({ id, source }) => [{ create: { _index: INDEX, _id: id } }, source],
  })
}

const run = async (write: () => Promise<void>) => {
  const start = performance.now()
  await write()
  const seconds = (performance.now() - start) / 1000
  await client.indices.refresh({ index: INDEX })
  const { count } = await client.count({ index: INDEX })
  await client.indices.delete({ index: INDEX })
  return { rate: DOCUMENTS / seconds, count }
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!

const ways = { sink: bySink, helper: byHelper }
const rates: Record<keyof typeof ways, number[]> = { sink: [], helper: [] }
for (let round = -1; round < ROUNDS; round++) {
  for (const way of ['sink', 'helper'] as const) {
    const { rate, count } = await run(ways[way])
    console.log(
      `${round < 0 ? 'warm-up' : `round ${round + 1}`} ${way}: ${Math.round(rate)} documents/s, ${count} of ${DOCUMENTS} stored`,
    )
    if (round >= 0) rates[way].push(rate)
  }
}
await client.indices.deleteIndexTemplate({ name: PREFIX })
await client.close()
const [sink, helper] = [median(rates.sink), median(rates.helper)]
console.log(
  `sink ${Math.round(sink)}, helper ${Math.round(helper)} documents/s, ratio ${(sink / helper).toFixed(2)} (target 1.1)`,
)
