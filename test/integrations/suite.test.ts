import { Readable } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import type { Capture } from 'capture-predictions'
import { comparable, rawReply } from '../http/raw.ts'
import { cleanup, testCapture } from '../setup/captures.ts'
import { frameworks, type AppOptions, type Framework, type Handler } from './frameworks.ts'

const FLOWER = { sepal: { length: 5.1, width: 3.5 }, petal: { length: 1.4, width: 0.2 } }

const post = (url: string, body: unknown = FLOWER, init: RequestInit = {}) =>
  fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  })

const start = async (framework: Framework, options: AppOptions) => {
  const app = await framework.start(options)
  cleanup(() => app.close())
  return app
}

const predict: Handler = () => ({ body: { prediction: 0 } })

describe.each(frameworks)('$name', (framework) => {
  it('stores features, outputs and what the handler set', async () => {
    const { capture, records } = testCapture({ modelVersion: '7' })
    const app = await start(framework, {
      capture,
      handler({ prediction }) {
        prediction?.set({ confidence: 0.97 })
        prediction?.tag({ experiment: 'b' })
        return { body: { prediction: 0 } }
      },
    })
    const before = Date.now()
    const reply = await post(`${app.url}/predict?debug=1`, FLOWER, { headers: { 'x-request-id': 'r-1' } })
    expect(await reply.json()).toEqual({ prediction: 0 })
    const [record, ...more] = await records()
    expect(more).toEqual([])
    expect(record).toMatchObject({
      id: reply.headers.get('x-prediction-id'),
      model: 'iris',
      model_version: '7',
      request_id: 'r-1',
      instance: 0,
      status: 200,
      error: null,
      sample_weight: 1,
      tags: { experiment: 'b' },
      features: FLOWER,
      outputs: { prediction: 0, confidence: 0.97 },
    })
    expect(Date.parse(record!.timestamp)).toBeGreaterThanOrEqual(before)
    expect(record!.duration_ms).toBeGreaterThan(0)
    expect(capture.stats().requests).toMatchObject({ seen: 1, captured: 1, sampledOut: 0, skipped: 0 })
  })

  it.each(['after parser', 'before parser'] as const)('is mounted %s', async (mount) => {
    const { capture, records } = testCapture()
    const app = await start(framework, { capture, mount, handler: predict })
    await post(`${app.url}/predict`)
    expect((await records()).map(({ features, outputs }) => ({ features, outputs }))).toEqual([
      { features: FLOWER, outputs: { prediction: 0 } },
    ])
  })

  it('replies byte for byte what it replies without, but for the id', async () => {
    const { capture, records } = testCapture()
    const replies: Handler[] = [
      () => ({ body: { prediction: 'ä' } }),
      () => ({ body: { prediction: 1 }, status: 201, headers: { 'x-model': 'iris' } }),
      () => ({ body: 'plain text' }),
      () => ({ body: Buffer.from([1, 2, 3]) }),
      () => ({ body: Readable.from(['{"predic', 'tion":2}']), headers: { 'content-type': 'application/json' } }),
      () => ({ body: { error: 'no' }, status: 422 }),
      () => {
        throw new Error('the model broke')
      },
    ]
    for (const handler of replies) {
      const [bare, captured] = await Promise.all(
        [undefined, capture].map(async (given) => {
          const app = await start(framework, { capture: given, handler })
          const reply = await post(`${app.url}/predict`)
          const headers = Object.fromEntries(reply.headers)
          return { status: reply.status, headers, body: Buffer.from(await reply.arrayBuffer()).toString('latin1') }
        }),
      )
      expect(captured!.headers['x-prediction-id']).toMatch(/^[0-9a-f-]{32}0000$/)
      delete captured!.headers['x-prediction-id']
      delete captured!.headers['date']
      delete bare!.headers['date']
      expect(captured).toEqual(bare)
    }
    expect((await records()).map(({ status }) => status)).toEqual([200, 201, 200, 200, 200, 422, 500])
    expect((await records()).map(({ outputs }) => outputs['prediction']).slice(0, 2)).toEqual(['ä', 1])
    expect((await records())[4]!.outputs).toEqual({ prediction: 2 })
  })

  it('stores failures with their error', async () => {
    const { capture, records } = testCapture()
    const app = await start(framework, {
      capture,
      handler() {
        throw new Error('the model broke')
      },
    })
    expect((await post(`${app.url}/predict`)).status).toBe(500)
    const [record] = await records()
    expect(record).toMatchObject({ status: 500, features: FLOWER, outputs: {} })
    expect(record!.error).toContain('the model broke')
  })

  /** What the client gets, byte for byte, with and without capture. */
  const replies = async (capture: Capture, path: string, handler: Handler): Promise<string[]> => {
    const got: string[] = []
    for (const given of [undefined, capture]) {
      const { port } = await start(framework, { capture: given, handler, path })
      got.push(comparable(await rawReply(port, path)))
    }
    return got
  }

  it.each([
    [500, { message: 'Internal server error' }],
    [200, { prediction: 0 }],
  ])('is told the error that the app caught, where it replies %i', async (status, body) => {
    const { capture, records } = testCapture()
    const [bare, reply] = await replies(capture, '/predict', ({ prediction }) => {
      prediction?.fail(new Error('the model broke'))
      return { status, body }
    })
    expect(reply).toBe(bare)
    const seen = (await records()).map(({ status, error, outputs }) => ({ status, error, outputs }))
    expect(seen).toEqual([{ status, error: 'the model broke', outputs: status === 200 ? body : {} }])
  })

  it('captures whatever passes with always: true', async () => {
    const { capture, records } = testCapture({ always: true })
    const [bare, reply] = await replies(capture, '/anything/at/all', predict)
    expect(reply).toBe(bare)
    expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 0 }])
  })

  it('stores the messages of a list of errors, and not what kind of error it is', async () => {
    const { capture, records } = testCapture()
    const bodies = [
      { message: ['a must be a number', 'b must not be empty'], error: 'Bad Request', statusCode: 400 },
      {
        errors: [
          { message: 'no such flower', extensions: { stacktrace: ['at model.js:1'] } },
          { message: 'and no leaf' },
        ],
      },
    ]
    for (const body of bodies) {
      const [bare, reply] = await replies(capture, '/predict', () => ({ status: 400, body }))
      expect(reply).toBe(bare)
    }
    const errors = (await records()).map(({ error }) => error)
    expect(errors).toEqual(['a must be a number; b must not be empty', 'no such flower; and no leaf'])
  })

  it('takes objects as they were when the handler got and replied them', async () => {
    const { capture, records } = testCapture()
    const app = await start(framework, {
      capture,
      handler({ body }) {
        const features = body as typeof FLOWER
        const reply = { prediction: 0 }
        features.sepal.length = -1
        setImmediate(() => (reply.prediction = -1))
        return { body: reply }
      },
    })
    await post(`${app.url}/predict`)
    expect((await records())[0]).toMatchObject({ features: FLOWER, outputs: { prediction: 0 } })
  })

  it('leaves out other routes and methods, and what the handler skips', async () => {
    const { capture, records } = testCapture()
    const app = await start(framework, {
      capture,
      handler({ prediction }) {
        prediction?.skip()
        return { body: { prediction: 0 } }
      },
    })
    const skipped = await post(`${app.url}/predict`)
    expect(skipped.headers.get('x-prediction-id')).not.toBeNull()
    expect((await fetch(`${app.url}/predict`)).headers.get('x-prediction-id')).toBeNull()
    expect((await post(`${app.url}/other`)).headers.get('x-prediction-id')).toBeNull()
    expect(await records()).toEqual([])
    expect(capture.stats().requests).toMatchObject({ seen: 1, captured: 0, skipped: 1 })
  })

  it('makes one record an instance of a batch, named by the id', async () => {
    const { capture, records } = testCapture()
    const app = await start(framework, { capture, handler: () => ({ body: { predictions: [0, 1, 2] } }) })
    const reply = await post(`${app.url}/predict`, { instances: [[1], [2], [3]] })
    const id = reply.headers.get('x-prediction-id')!
    expect((await records()).map(({ id, instance, features, outputs }) => [id, instance, features, outputs])).toEqual(
      [0, 1, 2].map((k) => [id.slice(0, -1) + k, k, { f0: k + 1 }, { prediction: k }]),
    )
  })

  it.each([
    ['a batch of one', [[1]], { predictions: [0] }, [{ prediction: 0, confidence: 0.5, top: 'a' }]],
    [
      'a batch whose reply names no instances',
      [[1], [2]],
      { ok: true },
      [
        { ok: true, confidence: 0.5, top: 'a' },
        { confidence: 0.6, top: 'a' },
      ],
    ],
  ])('gives each instance its own of what was set: %s', async (_what, instances, body, outputs) => {
    const { capture, records } = testCapture()
    const app = await start(framework, {
      capture,
      handler({ prediction }) {
        prediction?.set({ confidence: [0.5, 0.6].slice(0, instances.length), top: 'a' })
        return { body }
      },
    })
    await post(`${app.url}/predict`, { instances })
    expect((await records()).map(({ outputs }) => outputs)).toEqual(outputs)
  })

  it('keeps a list that was set for a request of no batch', async () => {
    const { capture, records } = testCapture()
    const app = await start(framework, {
      capture,
      handler({ prediction }) {
        prediction?.set({ scores: [0.9] })
        return { body: { prediction: 0 } }
      },
    })
    await post(`${app.url}/predict`)
    expect((await records()).map(({ outputs }) => outputs)).toEqual([{ prediction: 0, scores: [0.9] }])
  })

  it('holds the end of the reply until the sink has it, with durability sink', async () => {
    let release = () => {}
    const written = new Promise<void>((resolve) => (release = resolve))
    const sink = { name: 'slow', write: () => written }
    const { capture } = testCapture({ sink, durability: 'sink' })
    const app = await start(framework, { capture, handler: predict })
    let replied = false
    const reply = post(`${app.url}/predict`).then(async (response) => {
      replied = true
      return response.json()
    })
    await vi.waitFor(() => expect(capture.stats().sinks['slow']!.captured).toBe(1))
    expect(replied).toBe(false)
    release()
    expect(await reply).toEqual({ prediction: 0 })
  })

  it('refuses requests while it is full, where it is told to', async () => {
    const sink = { name: 'away', write: () => Promise.reject(new Error('away')) }
    const { capture } = testCapture({ sink, whenFull: 'reject', outboxMaxBytes: 1024 * 1024, flushIntervalMs: 60_000 })
    let handled = 0
    const app = await start(framework, {
      capture,
      handler() {
        handled++
        return { body: { prediction: 'x'.repeat(60_000) } }
      },
    })
    let status = 200
    while (status === 200) status = (await post(`${app.url}/predict`)).status
    expect(status).toBe(503)
    expect(handled).toBeGreaterThan(10)
    expect(capture.stats().sinks['away']!.captured).toBe(handled)
  })
})
