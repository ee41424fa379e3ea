import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createActuals } from '../../src/actuals/actuals.ts'
import { fractionOf } from '../../src/exchange/sampling.ts'
import { writeDeadLetters } from '../../src/outbox/dead-letters.ts'
import { openOutbox } from '../../src/outbox/outbox.ts'
import { createIds, instanceId } from '../../src/records/id.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import { storedFromJson } from '../../src/records/stored.ts'
import { actualColumnsOf, columnsOf } from '../../src/schema/columns.ts'
import type { Sink } from '../../src/sink.ts'
import { temporaryFolder } from '../setup/captures.ts'
import { databases, type Database } from '../sinks/people/databases.ts'
import { deliveryTo } from '../sinks/people/delivery.ts'
import { record } from '../sinks/records.ts'
import { runHere, schema, type Variables } from './support.ts'

const START = Date.UTC(2026, 10, 23, 12)
const at = (minute: number): string => new Date(START + minute * 60_000).toISOString()

/** Ids made at a time of the test's. */
let clock = START
const nextId = createIds(() => clock)
const idAt = (minute: number, isFit: (id: string) => boolean = () => true): string => {
  for (;;) {
    clock = START + minute * 60_000
    const id = createIds(() => clock)()
    if (isFit(id)) return id
  }
}

const RATE = 0.5
const isKept = (id: string): boolean => fractionOf(id) < RATE

describe.each(databases)('actuals check: $name', ({ connect }) => {
  let database: Database
  beforeAll(async () => {
    database = await connect!()
  })
  afterAll(() => database.close())

  const start = () => {
    const table = `check_${randomUUID().slice(0, 8)}`
    const sink = database.sink(table)
    const predictionColumns = columnsOf(schema)
    const columns = actualColumnsOf(schema)
    const make = sink.actuals as Exclude<Sink['actuals'], true | undefined>
    const predictions = deliveryTo(sink, () => predictionColumns)
    const actuals = deliveryTo(make({ table: undefined, predictionColumns }), () => columns)
    const read = createActuals({ columns: () => columns })
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'schema.json'), JSON.stringify(schema))
    const outboxDir = join(folder, 'outbox')
    const variables: Variables = {
      ...database.variables(table),
      PREDICTIONS_OUTBOX_DIR: outboxDir,
      PREDICTIONS_SCHEMA: join(folder, 'schema.json'),
    }
    const check = (args: readonly string[] = [], more: Variables = {}) =>
      runHere(['actuals', 'check', '--since', '2026-11-01', ...args], { ...variables, ...more })
    return {
      table,
      outboxDir,
      async predict(...records: PredictionRecord[]) {
        expect(await predictions.write(records)).toEqual([])
      },
      async report(...reports: unknown[]) {
        const { lines, rejected } = read(reports)
        expect(rejected).toEqual([])
        expect(await actuals.write(lines.map((line) => storedFromJson(line) as unknown as PredictionRecord))).toEqual([]) // prettier-ignore
      },
      check,
      json: async (more: Variables = {}) => {
        const { code, stdout, stderr } = await check(['--json'], more)
        expect(stderr).toBe('')
        return { code, checked: JSON.parse(stdout) as Record<string, unknown> }
      },
    }
  }

  const prediction = (minute: number, members: Partial<PredictionRecord> = {}) =>
    record({ id: idAt(minute), timestamp: at(minute), outputs: { prediction: 1 }, features: { n: 1 }, ...members })

  it('counts by day and model version, with the median and the 90th percentile of the lag', async () => {
    const { check, json, predict, report } = start()
    const first = Array.from({ length: 10 }, (_, k) => prediction(k, { model_version: 'a' }))
    const second = [prediction(0, { model_version: 'b' }), prediction(24 * 60, { model_version: 'b' })]
    await predict(...first, ...second)
    // Lags of 1 to 9 minutes; the first is corrected from an hour, the last of them taken back, and reported anew.
    await report(...first.slice(0, 9).map(({ id }, k) => ({ id, actual: 1, timestamp: at(2 * k + 1) })))
    await report({ id: first[0]!.id, actual: 2, timestamp: at(0.5) }, { id: second[1]!.id, actual: 1, timestamp: at(1441) })
    await report({ id: second[1]!.id, retracted: true, timestamp: at(1442) })
    const { code, checked } = await json()
    expect(checked).toMatchObject({ hasActuals: true, predictions: 12, labelled: 9, unmatched: {}, examples: [] })
    expect(checked['days']).toEqual([
      { day: '2026-11-23', modelVersion: 'a', predictions: 10, labelled: 9, medianLag: 300, lag90: 540 },
      { day: '2026-11-23', modelVersion: 'b', predictions: 1, labelled: 0, medianLag: null, lag90: null },
      { day: '2026-11-24', modelVersion: 'b', predictions: 1, labelled: 0, medianLag: null, lag90: null },
    ])
    expect(code).toBe(0)
    const { stdout } = await check()
    expect(stdout).toMatch(/^2026-11-23 +a +10 +9 \(90\.0 %\) +5 min 0 s +9 min 0 s$/m)
    expect(stdout).toMatch(/^ok {5}every actual has its prediction$/m)
    expect((await check(['--since', '2026-11-24'])).stdout).toMatch(/: 0 of 1 predictions have an actual/)
  }) // prettier-ignore

  it('tells why actuals have no prediction', async () => {
    const { check, json, outboxDir, predict, report, table } = start()
    const batch = idAt(10, isKept)
    await predict(
      ...[0, 1].map((instance) => prediction(10, { id: instanceId(batch, instance), instance, request_id: 'batch' })),
      prediction(10, { request_id: 'single' }),
    )
    const waiting = idAt(11, isKept)
    const outbox = openOutbox({ directory: outboxDir, maxBytes: 1 << 20, logger: { info() {}, warn() {}, error() {} }, sinks: ['any'] })
    await outbox.ready
    outbox.queue('any').append([record({ id: waiting, timestamp: at(11), request_id: 'queued' }).json])
    const refused = idAt(11, isKept)
    await writeDeadLetters(outboxDir, 'any', [
      { record: record({ id: refused, timestamp: at(11) }), error: 'no', attempts: 1, at: at(11) },
    ])
    const other = idAt(12, isKept)
    const sampledOut = idAt(12, (id) => !isKept(id))
    const pruned = idAt(-60 * 24 * 30, isKept)
    const unknown = idAt(12, isKept)
    const future = idAt(60 * 24 * 3650, isKept)
    const takenBack = idAt(12, isKept)
    const kept = ['r-1', 'r-2', 'r-3', 'r-4', 'r-5', 'r-6'].find(isKept)!
    await report(
      { id: batch, actuals: [1, 2, 3] },
      { id: waiting, actual: 1 },
      { id: refused, actual: 1 },
      { id: other, actual: 1 },
      { id: sampledOut, actual: 1 },
      { id: pruned, actual: 1 },
      { id: unknown, actual: 1, timestamp: at(1) },
      { id: unknown, actual: 2, timestamp: at(2) },
      { id: future, actual: 1 },
      { id: takenBack, actual: 1, timestamp: at(1) },
      { id: takenBack, retracted: true, timestamp: at(2) },
      { request_id: 'single', actual: 1 },
      { request_id: 'batch', actual: 1 },
      { request_id: 'batch', instance: 1, actual: 1 },
      { request_id: 'batch', instance: 7, actual: 1 },
      { request_id: 'queued', actual: 1 },
      { request_id: kept, actual: 1 },
    )
    // As somebody may have put it there: a UUID of another kind.
    const foreign = other.replace('-7', '-4')
    await database.run(`update ${table}_actuals set prediction_id = '${foreign}' where prediction_id = '${other}'`)
    const rate = { PREDICTIONS_SAMPLE_RATE: String(RATE) }
    const { code, checked } = await json(rate)
    expect(code).toBe(1)
    expect(checked['unmatched']).toEqual({
      unknown: 2, noSuchId: 2, deadLetter: 1, longerThanBatch: 2, ambiguous: 1, waiting: 2, sampledOut: 1, pruned: 1,
    })
    expect(checked['examples']).toHaveLength(12)
    expect(checked['examples']).toEqual(
      expect.arrayContaining([
        { id: unknown, reports: 2, reason: 'unknown' },
        { requestId: kept, instance: null, reports: 1, reason: 'unknown' },
        { id: refused, reports: 1, reason: 'deadLetter' },
        { id: foreign, reports: 1, reason: 'noSuchId' },
        { id: future, reports: 1, reason: 'noSuchId' },
        { id: instanceId(batch, 2), reports: 1, reason: 'longerThanBatch', batch: 2 },
        { requestId: 'batch', instance: 7, reports: 1, reason: 'longerThanBatch' },
        { requestId: 'batch', instance: null, reports: 1, reason: 'ambiguous' },
        { id: waiting, reports: 1, reason: 'waiting' },
        { requestId: 'queued', instance: null, reports: 1, reason: 'waiting' },
        { id: sampledOut, reports: 1, reason: 'sampledOut' },
        { id: pruned, reports: 1, reason: 'pruned' },
      ]),
    )
    const { stdout } = await check([], rate)
    expect(stdout).toContain(`FOUND  2 unknown`)
    expect(stdout).toContain(`       ${unknown} (2 reports)\n`)
    expect(stdout).toContain(`       ${instanceId(batch, 2)} (its batch made 2)\n`)
    expect(stdout).toMatch(/^note {3}1 sampled out/m)
    // Of a rate of 1 nothing is sampled out; of routes with several rates it may be.
    expect((await json()).checked['unmatched']).toMatchObject({ unknown: 3 })
    const routes = { PREDICTIONS_ROUTE: 'POST /a, POST /b', PREDICTIONS_SAMPLE_RATE: `1, POST /b=${RATE}` }
    expect((await json(routes)).checked['unmatched']).toMatchObject({ unknown: 2, perhapsSampledOut: 1 })
    await outbox.close()
  }) // prettier-ignore

  it('counts all, page by page, and names 20; what was to be expected alone is well', async () => {
    const { json, predict, report } = start()
    await predict(prediction(0))
    clock = START + 60_000
    await report(...Array.from({ length: 5100 }, () => ({ id: nextId(), actual: 1 })))
    const { code, checked } = await json({ PREDICTIONS_SAMPLE_RATE: '0' })
    expect({ code, unmatched: checked['unmatched'] }).toEqual({ code: 0, unmatched: { sampledOut: 5100 } })
    expect(checked['examples']).toHaveLength(20)
  })

  it('says that nothing was reported', async () => {
    const { check, predict } = start()
    await predict(prediction(0))
    expect(await check()).toMatchObject({ code: 0, stdout: expect.stringMatching(/there is no table of actuals yet/) as string }) // prettier-ignore
  })
})

it.each([
  [['--sink', 'elasticsearch://localhost:9200'], /reads SQL databases alone \(.*sqlite.*\), and not elasticsearch:/],
  [['--sink', 'kafka://localhost:9092/predictions'], /reads SQL databases alone/],
  [['--sink', 'sqlite:a.db sqlite:b.db'], /names several databases/],
  [['--sink', 'sqlite:/nowhere/p.db'], /\/nowhere\/p.db does not exist/],
  [['--since', 'soon'], /--since is "soon"/],
  [['more'], /takes no "more"/],
])('actuals check is called wrongly by %j', async (args, reason) => {
  const { code, stderr } = await runHere(['actuals', 'check', ...args])
  expect(stderr).toMatch(reason)
  expect(code).toBe(2)
})
