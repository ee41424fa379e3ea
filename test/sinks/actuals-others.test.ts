import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { elasticsearch } from 'capture-predictions/sinks/elasticsearch'
import { consume, kafka } from 'capture-predictions/sinks/kafka'
import { sqlite } from 'capture-predictions/sinks/sqlite'
import { describe, expect, it, vi } from 'vitest'
import { createActuals } from '../../src/actuals/actuals.ts'
import { silentLogger } from '../../src/logger.ts'
import { createIds } from '../../src/records/id.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import { storedFromJson } from '../../src/records/stored.ts'
import { actualColumnsOf, columnsOf } from '../../src/schema/columns.ts'
import type { Sink } from '../../src/sink.ts'
import { topicsOn } from '../services/kafka/topics.ts'
import { cleanup } from '../setup/captures.ts'
import { service } from '../setup/services.ts'
import { talkTo } from './elasticsearch/server.ts'
import { patient, record } from './records.ts'

const [url, brokers] = [await service('elasticsearch'), await service('kafka')]

const schema = { outputs: { type: 'object', properties: { prediction: { type: 'integer' } } } }
const columns = actualColumnsOf(schema)
const read = createActuals({ columns: () => columns })
const recordsOf = (...reports: unknown[]): PredictionRecord[] =>
  read(reports).lines.map((line) => storedFromJson(line) as unknown as PredictionRecord)

const actualsOf = (sink: Sink): Sink =>
  (sink.actuals as Exclude<Sink['actuals'], true | undefined>)({
    table: undefined,
    predictionColumns: columnsOf(schema),
  })

describe.skipIf(!url)('Elasticsearch: actuals', () => {
  it('are documents beside the predictions, once, in the month of their prediction', async () => {
    const es = talkTo(url!)
    const prefix = `actuals-${process.pid}-${Date.now().toString(36)}`
    const predictions = elasticsearch({ url: url!, prefix })
    const actuals = actualsOf(predictions)
    cleanup(() => es.drop(`${prefix}-actuals`))
    cleanup(() => es.drop(prefix))
    cleanup(() => Promise.all([predictions.close!(), actuals.close!()]))
    await predictions.open!(columnsOf(schema))
    expect(await actuals.plan!(columns)).toMatchObject({ isNew: true, problems: [] })
    await actuals.open!(columns)
    await predictions.write([record()], patient)
    const id = createIds(() => Date.UTC(2026, 2, 31))()
    const reports = recordsOf(
      { id, actual: 2, source: 'lab' },
      { id, actual: 'setosa', tags: { by: 'hand' } },
      { request_id: 'r-1', actual: 1 },
    )
    for (const batch of [reports, [...reports].reverse()]) expect(await actuals.write(batch, patient)).toEqual([])
    const found = await es.hits(`${prefix}-actuals`)
    expect(found).toHaveLength(3)
    const of = (test: (source: Record<string, unknown>) => boolean) => found.find(({ _source }) => test(_source as Record<string, unknown>))! // prettier-ignore
    const number = of(({ source }) => source === 'lab')
    expect(number).toMatchObject({
      _index: `${prefix}-actuals-2026.03`,
      _source: { prediction_id: id, retracted: false, actuals: { actual: 2 } },
    })
    expect(of(({ tags }) => tags !== undefined)._source['extra']).toEqual({
      'actuals.actual': { value: 'setosa', reason: 'not an integer' },
    })
    expect(of(({ request_id: request }) => request === 'r-1')._index).toBe(`${prefix}-actuals-all`)
    // The predictions' alias shows predictions alone.
    expect(await es.hits(prefix)).toHaveLength(1)
    expect(await actuals.plan!(columns)).toEqual({ statements: [], problems: [] })
  })
})

describe.skipIf(!brokers)('Kafka: actuals', () => {
  it('are messages of a topic of their own, and are consumed beside the predictions', { timeout: 60_000 }, async () => {
    const topics = topicsOn(brokers!)
    const topic = await topics.create({ partitions: 2 })
    const from = `kafka://${brokers}/${topic}`
    const folder = mkdtempSync(join(tmpdir(), 'actuals-'))
    const producer = kafka({ url: `${from}?partitions=1` })
    const actuals = actualsOf(producer)
    const consumer = consume({
      from,
      to: sqlite({ url: `sqlite:${folder}/p.db` }),
      columns: columnsOf(schema),
      actualColumns: columns,
      group: `test-${randomUUID()}`,
      flushIntervalMs: 50,
      logger: silentLogger,
    })
    cleanup(async () => {
      await consumer.close()
      await Promise.all([producer.close!(), actuals.close!()])
      await topics.close()
      rmSync(folder, { recursive: true })
    })
    expect(await actuals.plan!(columns)).toMatchObject({ isNew: true, problems: [] })
    const prediction = record({ outputs: { prediction: 1 } })
    const id = prediction.id
    await producer.open!(columnsOf(schema))
    await actuals.open!(columns)
    await producer.write([prediction], patient)
    const reports = recordsOf({ id: createIds()(), actual: 0 }, { request_id: 'r', actual: 1 })
    await actuals.write([...reports, ...reports], patient)
    await vi.waitFor(() => expect(consumer.stats()).toMatchObject({ written: 1, actuals: { written: 2, duplicates: 2 } }), {
      timeout: 40_000,
      interval: 100,
    }) // prettier-ignore
    const database = new DatabaseSync(join(folder, 'p.db'), { readOnly: true })
    expect(database.prepare('select count(*) as n from predictions_actuals').get()).toEqual({ n: 2 })
    expect(database.prepare('select id, actual_count from predictions_labelled').all()).toEqual([
      { id, actual_count: 0 },
    ])
    database.close()
  })
})
