import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CaptureOptions } from 'capture-predictions'
import { frameworks, type Framework, type Handler } from '../integrations/frameworks.ts'
import type { RunningCapture } from '../../src/capture/running-capture.ts'
import { cleanup, temporaryFolder, testCapture } from '../setup/captures.ts'

const frameworkOf = (name: string): Framework => frameworks.find((framework) => framework.name === name)!

const handler: Handler = ({ body, prediction }) => {
  const { skip, status, instances } = body as { skip?: boolean; status?: number; instances?: unknown[] }
  if (skip) prediction?.skip()
  if (status) return { status, body: { error: 'no' } }
  return { body: instances ? { predictions: instances } : { prediction: 1 } }
}

const serve = async (name: string, options: CaptureOptions) => {
  const test = testCapture(options)
  const app = await frameworkOf(name).start({ capture: test.capture, handler })
  cleanup(() => app.close())
  return {
    ...test,
    async send(body: unknown, headers: Record<string, string> = {}) {
      const reply = await fetch(`${app.url}/predict`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      })
      await reply.arrayBuffer()
      return reply.headers.get('x-prediction-id')
    },
  }
}

const REQUEST_IDS = Array.from({ length: 100 }, (_, i) => `request-${i}`)

describe('who is kept', () => {
  it('is the same in every service, and at every retry', async () => {
    const services = await Promise.all(
      ['Express 5', 'Koa 3', 'Fastify 5'].map((name) => serve(name, { sampleRate: 0.3 })),
    )
    for (const id of REQUEST_IDS)
      await Promise.all(services.map(({ send }) => send({ a: 1 }, { 'x-request-id': id }).then(() => send({ a: 2 }, { 'x-request-id': id })))) // prettier-ignore
    const kept = await Promise.all(
      services.map(async ({ records }) => (await records()).map(({ request_id }) => request_id)),
    )
    expect(kept[0]!.length).toBeGreaterThan(20)
    expect(kept[0]!.length).toBeLessThan(100)
    for (const id of kept[0]!) expect(kept[0]!.filter((other) => other === id)).toHaveLength(2)
    expect(kept[1]).toEqual(kept[0])
    expect(kept[2]).toEqual(kept[0])
  })

  it('is not decided by the id that a model server gives its reply', async () => {
    const { capture, records } = testCapture({ sampleRate: 0.3, sampleAlways: 'errors' })
    const reply = (id: string) => ({
      model_name: 'm',
      id,
      outputs: [{ name: 'y', datatype: 'INT8', shape: [1], data: [1] }],
    })
    const body = { inputs: [{ name: 'x', datatype: 'INT8', shape: [1], data: [1] }] }
    for (const id of REQUEST_IDS) {
      const exchange = capture.begin({ route: 'POST /predict', headers: { 'x-request-id': id } })
      exchange.request(body)
      exchange.reply(reply(crypto.randomUUID()), 200, () => undefined)
      await exchange.end(200)
    }
    const { send, records: others } = await serve('Koa 3', { sampleRate: 0.3 })
    for (const id of REQUEST_IDS) await send(body, { 'x-request-id': id })
    const idsOf = async (all: typeof records) => (await all()).map(({ request_id }) => request_id).sort()
    expect(await idsOf(records)).toEqual(await idsOf(others))
  })

  it('at a rate is also kept at a higher one', async () => {
    const [low, high] = await Promise.all([0.2, 0.6].map((sampleRate) => serve('Fastify 5', { sampleRate })))
    for (const id of REQUEST_IDS)
      await Promise.all([low!, high!].map(({ send }) => send({ a: 1 }, { 'x-request-id': id })))
    const [few, many] = await Promise.all([low!, high!].map(({ records }) => records()))
    const ids = new Set(many!.map(({ request_id }) => request_id))
    expect(few!.length).toBeGreaterThan(0)
    expect(many!.length).toBeGreaterThan(few!.length)
    expect(few!.every(({ request_id }) => ids.has(request_id))).toBe(true)
    expect(new Set(few!.map(({ sample_weight }) => sample_weight))).toEqual(new Set([5]))
  })

  it("is told by the body's own id as well, and without any by the prediction's", async () => {
    const { send, records, capture } = await serve('Express 5', { sampleRate: 0.5 })
    const byHeader = await serve('Express 5', { sampleRate: 0.5 })
    const tensor = { name: 'x', shape: [1], datatype: 'FP32', data: [1] }
    for (const id of REQUEST_IDS.slice(0, 30)) {
      await send({ id, inputs: [tensor] })
      await byHeader.send({ a: 1 }, { 'x-request-id': id })
    }
    const ids = (await records()).map(({ request_id }) => request_id)
    expect(ids).toEqual((await byHeader.records()).map(({ request_id }) => request_id))
    const before = capture.stats().requests
    const named: (string | null)[] = []
    for (let i = 0; i < 40; i++) named.push(await send({ a: 1 }))
    const rows = (await records()).slice(before.captured)
    // Sampled-out replies carry the id, too.
    expect(new Set(named).size).toBe(40)
    expect(named).not.toContain(null)
    expect(rows.length).toBeGreaterThan(5)
    expect(rows.length).toBeLessThan(35)
    expect(rows.every(({ id, request_id }) => request_id === null && named.includes(id))).toBe(true)
  })

  it('depends on the route', async () => {
    const { send, capture } = await serve('Express 5', { sampleRate: '1, POST /predict=0' })
    await send({ a: 1 })
    expect(capture.stats().requests).toMatchObject({ seen: 1, captured: 0, sampledOut: 1 })
  })

  it('is a whole batch or nothing of it', async () => {
    const { send, records } = await serve('Fastify 5', { sampleRate: 0.5 })
    for (const id of REQUEST_IDS.slice(0, 30)) await send({ instances: [[1], [2], [3]] }, { 'x-request-id': id })
    const rows = await records()
    expect(rows.length % 3).toBe(0)
    expect(rows.map(({ instance }) => instance)).toEqual(rows.map((_, i) => i % 3))
    expect(rows.every(({ sample_weight }) => sample_weight === 2)).toBe(true)
  })
})

it('seen = captured + sampled out + skipped, at any moment', async () => {
  const { send, capture, records } = await serve('Express 5', { sampleRate: 0.4, sampleAlways: 'errors' })
  for (const [i, id] of REQUEST_IDS.slice(0, 60).entries()) {
    await send({ skip: i % 5 === 0, status: i % 7 === 0 ? 422 : undefined }, { 'x-request-id': id })
    const { seen, captured, sampledOut, skipped } = capture.stats().requests
    expect(seen).toBe(i + 1)
    expect(captured + sampledOut + skipped).toBe(seen)
  }
  const { captured, sampledOut, skipped } = capture.stats().requests
  expect(skipped).toBe(12)
  expect(sampledOut).toBeGreaterThan(10)
  const rows = await records()
  expect(rows).toHaveLength(captured)
  // Skipped ones are not stored, errors or not; all other errors are.
  expect(rows.filter(({ status }) => status === 422)).toHaveLength(7)
  expect(rows.every(({ status, sample_weight }) => sample_weight === (status === 422 ? 1 : 2.5))).toBe(true)
})

/** Requests whose outcome hangs together with their value, so that who is kept in any case would bend the mean. */
const REQUESTS = Array.from({ length: 10_000 }, (_, i) => ({
  id: `r-${i}`,
  value: i % 100,
  status: i % 100 >= 95 ? 500 : 200,
  durationMs: i % 100 >= 85 ? 700 : 3,
}))
const COUNT = REQUESTS.length
const MEAN = 49.5

it.each([
  ['nobody reads who is sampled out', {}, 0],
  ['who may be kept for the outcome is read', { sampleAlways: 'errors' }, 1],
])('%s', (_what, options, reads) => {
  const { capture } = testCapture({ sampleRate: 0, ...options })
  let read = 0
  const counted = { toJSON: () => (read++, 1) }
  const exchange = capture.begin({ route: 'POST /predict', headers: {} })
  exchange.request({ counted })
  exchange.reply({ prediction: 1 }, 200, () => undefined)
  void exchange.end(200)
  expect(read).toBe(reads)
  expect(capture.stats().requests).toMatchObject({ seen: 1, sampledOut: 1 })
})

describe('estimates from the rows are unbiased', () => {
  afterEach(() => void vi.useRealTimers())

  /** As an integration tells it, with a clock that stands still between. */
  const runRequests = (capture: RunningCapture) => {
    vi.useFakeTimers({ toFake: ['performance'] })
    for (const { id, value, status, durationMs } of REQUESTS) {
      const exchange = capture.begin({ route: 'POST /predict', headers: { 'x-request-id': id } })
      exchange.request({ value })
      vi.advanceTimersByTime(durationMs)
      exchange.reply(status === 200 ? { prediction: value * 2 } : { error: 'no' }, status, () => undefined)
      void exchange.end(status)
    }
    vi.useRealTimers()
  }

  const estimate = async (options: CaptureOptions) => {
    const file = join(temporaryFolder(), 'predictions.db')
    const schema = { features: { type: 'object', properties: { value: { type: 'number' } } } }
    const { capture } = testCapture({ sink: `sqlite:${file}`, schema, ...options })
    capture.start()
    runRequests(capture)
    await capture.flush()
    const database = new DatabaseSync(file)
    const row = database
      .prepare(
        `SELECT count(*) AS rows, sum(sample_weight) AS count, sum(sample_weight * value) / sum(sample_weight) AS mean,
          sum(sample_weight * (status = 500)) AS errors, sum(sample_weight * (duration_ms >= 500)) AS slow, avg(value) AS naive
        FROM predictions`,
      )
      .get() as Record<'rows' | 'count' | 'mean' | 'errors' | 'slow' | 'naive', number>
    database.close()
    expect(row.rows).toBe(capture.stats().requests.captured)
    return row
  }

  // The ids are fixed, and so is who is kept: these are three standard deviations of the estimate, not a matter of luck.
  const deviation = (rate: number, sampled = COUNT) => 3 * Math.sqrt((sampled * (1 - rate)) / rate)

  it.each([0.1, 0.25, 0.5])('count and mean at the rate %d', async (rate) => {
    const { rows, count, mean, errors } = await estimate({ sampleRate: rate })
    expect(Math.abs(count - COUNT)).toBeLessThan(deviation(rate))
    expect(Math.abs(mean - MEAN)).toBeLessThan((3 * 28.9) / Math.sqrt(rows))
    expect(Math.abs(errors - 500)).toBeLessThan(deviation(rate, 500))
  })

  it.each([0.1, 0.25])('with errors and slow ones kept in any case, at the rate %d', async (rate) => {
    const { rows, count, mean, errors, slow, naive } = await estimate({
      sampleRate: rate,
      sampleAlways: 'errors, slow:500ms',
    })
    // Those are all there, and each stands for itself.
    expect(errors).toBe(500)
    expect(slow).toBe(1500)
    expect(Math.abs(count - COUNT)).toBeLessThan(deviation(rate, COUNT - 1500))
    expect(Math.abs(mean - MEAN)).toBeLessThan((3 * 28.9) / Math.sqrt(rows))
    // Without the weights it would be far off.
    expect(naive - MEAN).toBeGreaterThan(10)
  })

  it('nothing is estimated where all are kept', async () => {
    expect(await estimate({})).toMatchObject({ rows: COUNT, count: COUNT, mean: MEAN, errors: 500, slow: 1500 })
  })
})
