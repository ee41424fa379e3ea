import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { createCapture, silentLogger, type Capture, type CaptureOptions } from 'capture-predictions'
import { describe, expect, it } from 'vitest'
import { asRunning } from '../../src/capture/running-capture.ts'
import { createBatchSizes } from '../../src/exchange/batch-sizes.ts'
import { cleanup, keepingSink, temporaryFolder } from '../setup/captures.ts'

const ID = '0199b1f2-6a3c-7a41-9d2e-5b7c10f30000'

const start = (options: CaptureOptions = {}): { capture: Capture; folder: string } => {
  const folder = temporaryFolder()
  const capture = createCapture({
    sink: `sqlite:${join(folder, 'predictions.db')}`,
    outboxDir: join(folder, 'outbox'),
    logger: silentLogger,
    flushIntervalMs: 10,
    schema: { outputs: { type: 'object', properties: { prediction: { type: 'integer' } } } },
    ...options,
  })
  cleanup(() => capture.close())
  return { capture, folder }
}

const rows = (
  folder: string,
  sql = 'select * from predictions_actuals order by timestamp, reported_at',
): Record<string, unknown>[] => {
  const database = new DatabaseSync(join(folder, 'predictions.db'), { readOnly: true })
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

describe('capture.actual', () => {
  it('stores what a prediction really was, once', async () => {
    const { capture, folder } = start()
    capture.actual(ID, 2, { timestamp: '2026-11-23T12:00:00Z', source: 'lab' })
    capture.actual(ID.toUpperCase(), { actual: 2 }, { timestamp: new Date('2026-11-23T12:00:00Z'), source: 'lab' })
    expect(await capture.flush({ timeout: 10_000 })).toBe(true)
    capture.actual(ID, 2, { timestamp: '2026-11-23T13:00:00+01:00' })
    expect(await capture.flush({ timeout: 10_000 })).toBe(true)
    expect(rows(folder)).toMatchObject([
      {
        prediction_id: ID,
        request_id: null,
        instance: null,
        timestamp: '2026-11-23T12:00:00.000Z',
        actual: 2,
        retracted: 0,
        source: 'lab',
        extra: null,
      },
    ])
    expect(Object.values(capture.stats().sinks)).toMatchObject([{ captured: 0 }, { captured: 3, written: 3 }])
    expect(Object.keys(capture.stats().sinks)[1]).toMatch(/#predictions_actuals$/)
  })

  it('is in the outbox when the call returns', async () => {
    const { capture, folder } = start({ sink: 'postgres://127.0.0.1:1/nowhere' })
    capture.actual(ID, 2)
    await capture.close({ timeout: 100 })
    const { capture: next } = start({ outboxDir: join(folder, 'outbox'), sink: 'postgres://127.0.0.1:1/nowhere' })
    await next.flush({ timeout: 500 })
    expect(next.stats().sinks).toMatchObject({ 'postgres://127.0.0.1:1/nowhere#predictions_actuals': { queued: 1 } })
  })

  it('says what is wrong with an actual', () => {
    const { capture } = start()
    expect(() => capture.actual('4711', 2)).toThrow(
      expect.objectContaining({ code: 'PREDICTIONS_BAD_ACTUAL', message: expect.stringContaining('"4711"') as string }),
    )
    expect(() => capture.actual(ID, NaN)).toThrow(/actual is NaN/)
    expect(() => capture.actual(ID, undefined)).toThrow(/says nothing/)
    expect(() => capture.actual(ID, 1, { timestamp: 'yesterday' })).toThrow(/ISO 8601/)
  })

  it('puts what fits no column into extra', async () => {
    const { capture, folder } = start()
    capture.actual(ID, 'versicolor')
    await capture.flush({ timeout: 10_000 })
    const [row] = rows(folder)
    expect(row!['actual']).toBeNull()
    expect(JSON.parse(String(row!['extra']))).toEqual({
      'actuals.actual': { value: 'versicolor', reason: 'not an integer' },
    })
  })

  it('redacts labels and tags', async () => {
    const { capture, folder } = start({
      redact: ['actuals.iban', 'ssn:mask'],
      schema: { actuals: { properties: { repaid: { type: 'boolean' }, ssn: { type: 'string' } } } },
    })
    capture.actuals([{ id: ID, repaid: true, actuals: undefined, ssn: '123456789', tags: { ssn: '123456789' } }])
    capture.actuals([{ id: ID, actuals: { repaid: false, iban: 'DE12' } }])
    await capture.flush({ timeout: 10_000 })
    expect(rows(folder)).toMatchObject([
      { repaid: 1, ssn: '****6789', tags: '{"ssn":"****6789"}', extra: null },
      { repaid: 0, extra: null },
    ])
  })
})

describe('a batch that this process has captured', () => {
  /** @returns its id */
  const predict = (capture: Capture, instances: number): string => {
    const exchange = asRunning(capture).begin({
      route: 'POST /predict',
      headers: { 'content-type': 'application/json' },
    })
    const rows = Array.from({ length: instances }, (_, k) => [k])
    exchange.request({ instances: rows })
    exchange.reply({ predictions: rows.map(() => 1) }, 200, () => undefined)
    void exchange.end(200)
    return exchange.id
  }
  const idOf = (base: string, instance: number): string => base.slice(0, 32) + instance.toString(16).padStart(4, '0')

  it('is refused where each of its actuals would repeat a long text', () => {
    const { capture } = start()
    const actuals = Array.from({ length: 1000 }, () => 1)
    const repeated = 'characters would be repeated in 1000 actuals: at most 16777, or fewer elements'
    const reports = [
      { id: ID, actuals, source: 'x'.repeat(16_777), tags: { site: 'x'.repeat(16_000) } },
      { id: ID, actuals, source: 'x'.repeat(16_778) },
      { id: ID, actuals, tags: { site: 'x'.repeat(20_000) } },
      { id: ID, actual: 1, source: 'x'.repeat(70_000) },
    ]
    expect(capture.actuals(reports)).toEqual({
      accepted: 2,
      rejected: [
        { index: 1, reason: `a source of 16778 ${repeated}` },
        { index: 2, reason: `tags of 20011 ${repeated}` },
      ],
    })
  })

  it.each([3, 1500])('is told from one that is longer: of %i instances', async (count) => {
    const { capture } = start()
    const id = predict(capture, count)
    // A large one is recorded in steps.
    await capture.flush({ timeout: 10_000 })
    const known = Array.from({ length: count }, () => 1)
    const { accepted, rejected } = capture.actuals([
      { id, actuals: [...known, 1] },
      { id: id.toUpperCase(), actuals: [...known, null, null] },
      { id: idOf(id, count), actual: 1 },
      { id, actuals: known },
      { id, actuals: [1] },
      { id: idOf(id, count - 1), actual: 1 },
    ])
    expect({ accepted, rejected }).toEqual({
      accepted: 3,
      rejected: [
        { index: 0, reason: `actuals has ${count + 1} elements, and the batch made ${count} predictions` },
        { index: 1, reason: `actuals has ${count + 2} elements, and the batch made ${count} predictions` },
        { index: 2, reason: `id ${idOf(id, count)} is that of instance ${count}, and the batch made ${count} predictions` }, // prettier-ignore
      ],
    })
  })

  it('of more instances than an id can name has one for the rest', async () => {
    const { capture, folder } = start()
    predict(capture, 65_538)
    expect(await capture.flush({ timeout: 30_000 })).toBe(true)
    const [first, rest] = rows(folder, "select id from predictions where id like '%0000' order by id").map(({ id }) => String(id)) // prettier-ignore
    const { rejected } = capture.actuals([
      { id: rest!, actuals: [1, 1, 1] },
      { id: rest!, actuals: [1, 1] },
      { id: idOf(first!, 65_535), actual: 1 },
    ])
    expect(rejected).toEqual([{ index: 0, reason: 'actuals has 3 elements, and the batch made 2 predictions' }])
  })

  it('of a single prediction, of another process or sampled out is not known: what is reported is taken', async () => {
    const { capture } = start({ sampleRate: 0 })
    const out = predict(capture, 3)
    expect(
      capture.actuals([
        { id: out, actuals: [1, 2, 3, 4] },
        { id: ID, actuals: [1, 2] },
      ]).rejected,
    ).toEqual([])
  })
})

it('so many batches are remembered, and no more', () => {
  const sizes = createBatchSizes(2)
  for (const [id, size] of [['a', 2], ['b', 3], ['c', 4]] as const) sizes.add(id, size) // prettier-ignore
  expect(['a', 'b', 'c'].map(sizes.of)).toEqual([undefined, 3, 4])
})

describe('custom sinks', () => {
  it('receive actuals where they say so, told from predictions', async () => {
    const kinds: unknown[] = []
    const sink = {
      ...keepingSink(),
      actuals: true as const,
      async write(records: readonly { readonly json: string }[], _signal: AbortSignal, kind?: string) {
        for (const { json } of records) kinds.push([kind, (JSON.parse(json) as { actuals: unknown }).actuals])
      },
    }
    const { capture } = start({ sink })
    capture.actual(ID, 'yes')
    expect(await capture.flush({ timeout: 10_000 })).toBe(true)
    expect(kinds).toEqual([['actual', { actual: 'yes' }]])
  })

  it('that take none are named', () => {
    const { capture } = start({ sink: keepingSink('mine') })
    expect(() => capture.actual(ID, 1)).toThrow(/no sink takes actuals \(mine\)/)
  })
})
