import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createCapture, silentLogger, type CaptureOptions } from 'capture-predictions'
import { cleanup, temporaryFolder } from '../setup/captures.ts'
import { apps, type PeoplesApp } from './apps.ts'

/** Bodies that people send, and the rows of a real table that they are to be. */
interface Fixture {
  readonly type: string
  readonly body: string | FormData
  /** Default: `{"prediction": 1}` as JSON. */
  readonly reply?: string | readonly string[]
  readonly replyType?: string
  readonly schema?: CaptureOptions['schema']
  readonly rows: readonly Record<string, unknown>[]
}

const number = { type: 'number' } as const
const object = (properties: Record<string, unknown>) => ({ type: 'object', properties })
const scored = object({ prediction: number, confidence: number })

const typed = {
  features: object({
    length: number,
    count: { type: 'integer' },
    member: { type: 'boolean' },
    code: { type: 'string' },
    at: { type: 'string', format: 'date-time' },
  }),
  outputs: scored,
}

const form = (fields: Record<string, string>): FormData => {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.append(name, value)
  return data
}

const fields = { length: '5.1', count: '42', member: 'true', code: '007' }
const row = { length: 5.1, count: 42, member: 1, code: '007', extra: null }
const lines = Array.from({ length: 200 }, (_, i) => `{"length":${i / 10},"code":"${i}"}`)
const review = 'a very good film '.repeat(212).slice(0, 3_600)

const fixtures: Record<string, Fixture> = {
  // https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
  '200 JSON Lines, as SageMaker’s containers take them': {
    type: 'application/jsonlines',
    body: lines.join('\n'),
    reply: lines.map((_, i) => `{"prediction":${i},"confidence":0.5}`).join('\n'),
    replyType: 'application/jsonlines',
    schema: typed,
    rows: lines.map((_, i) => ({ instance: i, length: i / 10, code: String(i), prediction: i, confidence: 0.5, extra: null })),
  },
  'JSON Lines with a bad one': {
    type: 'application/x-ndjson',
    body: '{"length":1}\n{"length":\n{"length":3}',
    reply: '0.1\n0.2\n0.3',
    replyType: 'application/x-ndjson',
    schema: typed,
    rows: [1, null, 3].map((length, i) => ({ length, prediction: (i + 1) / 10, extra: expect.stringContaining('1 of 3 lines are no JSON: line 2') as unknown })),
  },
  // https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-completion
  'a stream of Ollama’s': {
    type: 'application/json',
    body: '{"model":"llama3.2","prompt":"Why is the sky blue?"}',
    reply: ['{"model":"llama3.2","response":"The","done":false}\n{"model":"llama3.2","resp', 'onse":" sky","done":false}\n', '{"model":"llama3.2","response":"","done":true,"eval_count":259}\n'],
    replyType: 'application/x-ndjson',
    schema: { outputs: object({ prediction: { type: 'string' }, eval_count: { type: 'integer' } }) },
    rows: [{ prediction: 'The sky', eval_count: 259, model: 'llama3.2' }],
  },
  'a review of 3,600 characters': {
    type: 'text/plain',
    body: review,
    rows: [{ extra: JSON.stringify({ body: { value: review, reason: 'a text is no features' } }) }],
  },
  'numpy’s tolist() of one prediction': {
    type: 'application/json',
    body: '{"length":5.1}',
    reply: '{"prediction": [2], "confidence": [0.9]}',
    schema: typed,
    rows: [{ length: 5.1, prediction: 2, confidence: 0.9, extra: null }],
  },
  'predictions in lists of one': {
    type: 'application/json',
    body: '{"instances":[{"length":1},{"length":2}]}',
    reply: '{"predictions": [[6.13], [7.5]]}',
    schema: typed,
    rows: [6.13, 7.5].map((prediction, i) => ({ length: i + 1, prediction, confidence: null, extra: null })),
  },
  'a form': {
    type: 'application/x-www-form-urlencoded',
    body: new URLSearchParams(fields).toString(),
    schema: typed,
    rows: [row],
  },
  'a multipart form': { type: 'multipart', body: form(fields), schema: typed, rows: [row] },
  'JSON with numbers as texts': {
    type: 'application/json',
    body: JSON.stringify({ ...fields, member: true }),
    schema: typed,
    rows: [row],
  },
  'texts that are not exactly numbers': {
    type: 'application/json',
    body: '{"length":"05.1","count":"4 2"}',
    schema: typed,
    rows: [{ length: null, count: null, extra: expect.stringContaining('"features.length":{"value":"05.1","reason":"not a number"}') as unknown }],
  },
  'a date-time without a zone': {
    type: 'application/json',
    body: '[{"at":"2024-03-01 10:00:00"},{"at":1709287200},{"at":1709287200500}]',
    reply: '[1,2,3]',
    schema: typed,
    rows: ['2024-03-01T10:00:00.000Z', '2024-03-01T10:00:00.000Z', '2024-03-01T10:00:00.500Z'].map((at) => ({ at })),
  },
  'a boolean for an integer, a number for a text': {
    type: 'application/json',
    body: '{"count":true,"code":8050}',
    schema: typed,
    rows: [{ count: 1, code: '8050', extra: null }],
  },
} // prettier-ignore

const rowsOf = async (app: PeoplesApp, fixture: Fixture) => {
  const { type, body, reply = '{"prediction":1}', replyType = 'application/json', schema } = fixture
  const file = join(temporaryFolder(), 'predictions.db')
  const capture = createCapture({
    sink: `sqlite:${file}`,
    outboxDir: join(temporaryFolder(), 'outbox'),
    logger: silentLogger,
    ...(schema && { schema }),
  })
  cleanup(() => capture.close())
  const { url, close } = await app.start(capture, () => ({ type: replyType, parts: [reply].flat() }))
  cleanup(close)
  const headers: Record<string, string> = typeof body === 'string' ? { 'content-type': type } : {}
  const response = await fetch(url, { method: 'POST', body, headers })
  expect(await response.text()).toBe([reply].flat().join(''))
  await capture.flush()
  expect(capture.stats().faults).toBe(0)
  const database = new DatabaseSync(file, { readOnly: true })
  cleanup(() => database.close())
  return { rows: database.prepare('select * from predictions order by id').all(), converted: capture.stats().converted }
}

describe.each(apps)('$name', (app) => {
  it.each(Object.keys(fixtures))('%s', async (name) => {
    const { rows } = await rowsOf(app, fixtures[name]!)
    expect(rows).toHaveLength(fixtures[name]!.rows.length)
    expect(rows).toMatchObject(fixtures[name]!.rows)
  })

  it('what is stored in another type is counted', async () => {
    const before = (await rowsOf(app, fixtures['a form']!)).converted
    const { converted } = await rowsOf(app, fixtures['a form']!)
    for (const key of ['features.length: text as number', 'features.count: text as integer', 'features.member: text as boolean'])
      expect(converted[key]).toBe(before[key]! + 1)
  }) // prettier-ignore
})
