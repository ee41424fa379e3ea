import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createCapture, silentLogger, type PredictionSchema } from 'capture-predictions'
import { frameworks, type Framework } from '../integrations/frameworks.ts'
import { cleanup, temporaryFolder } from '../setup/captures.ts'
import { azureForms } from './azure-ml.ts'
import { columnsOf, schemaOf, type Form, type Row } from './form.ts'
import { labelForms, labelFormsBySchema } from './labels.ts'
import { openaiForms } from './openai.ts'
import { otherForms } from './other.ts'
import { pandasForms } from './pandas.ts'
import { seldonForms } from './seldon.ts'
import { streamForms } from './streams.ts'

const forms: readonly Form[] = [
  ...[...azureForms, ...seldonForms, ...pandasForms, ...otherForms],
  ...[...labelForms, ...labelFormsBySchema, ...openaiForms, ...streamForms],
]
const newest = frameworks.filter(({ name }) => ['Express 5', 'Koa 3', 'Fastify 5'].includes(name))

const ofJson = (text: unknown): unknown => (typeof text === 'string' && /^[[{"]/.test(text) ? JSON.parse(text) : text)

/** The rows of one exchange, as a real server and SQLite make them. */
const rowsIn = async (framework: Framework, form: Form, schema: PredictionSchema | undefined) => {
  const folder = temporaryFolder()
  const file = join(folder, 'predictions.db')
  const capture = createCapture({
    ...form.options,
    sink: `sqlite:${file}`,
    outboxDir: join(folder, 'outbox'),
    model: 'ours',
    flushIntervalMs: 1,
    logger: silentLogger,
    ...(schema && { schema }),
  })
  const { reply, status = 200, headers = {} } = form
  const handler = () => ({ status, headers, body: typeof reply === 'function' ? (reply as () => unknown)() : reply })
  const app = await framework.start({ capture, handler })
  cleanup(() => app.close())
  cleanup(() => capture.close())
  const answer = await fetch(`${app.url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(form.request),
  })
  expect(answer.status).toBe(status)
  await answer.arrayBuffer()
  expect(await capture.flush({ timeout: 10_000 })).toBe(true)
  expect(capture.stats()).toMatchObject({ faults: 0, formats: { [form.format]: 1 } })
  const database = new DatabaseSync(file)
  const rows = database.prepare('select * from predictions order by instance').all() as Row[]
  database.close()
  return rows
}

const expectBeside = (rows: readonly Row[], form: Form, extra: Form['extra'] = {}): void => {
  const { requestId = null, model = 'ours', tags = {}, error = null } = form
  for (const row of rows) {
    expect(row).toMatchObject({ model, request_id: requestId, error })
    const kept = { ...(ofJson(row['tags']) as Row) }
    delete kept['time_to_first_byte_ms']
    expect(kept).toEqual(tags)
    const notes = (ofJson(row['extra']) ?? {}) as Record<string, { reason: string }>
    expect(Object.fromEntries(Object.entries(notes).map(([path, { reason }]) => [path, reason]))).toEqual(
      Object.fromEntries(Object.entries(extra).map(([path, reason]) => [path, expect.stringContaining(reason)])),
    )
  }
}

describe.each(newest)('$name', (framework) => {
  it.each(forms)('$name, without a schema', async (form) => {
    const rows = await rowsIn(framework, form, undefined)
    const n = Math.max(form.features.length, form.outputs.length)
    const sides = rows.map(({ features, outputs }) => ({
      features: ofJson(features) ?? {},
      outputs: ofJson(outputs) ?? {},
    }))
    expect(sides).toEqual(
      Array.from({ length: n }, (_, i) => ({ features: form.features[i] ?? {}, outputs: form.outputs[i] ?? {} })),
    )
    expectBeside(rows, form, form.extra)
  })

  it.each(forms.filter(({ extra }) => extra === undefined))('$name, with a schema', async (form) => {
    const rows = await rowsIn(framework, form, schemaOf(form))
    const expected = columnsOf(form)
    const named = rows.map((row, i) =>
      Object.fromEntries(
        Object.keys(expected[i] ?? {}).map((name) => {
          const value = row[name]
          return [name, typeof expected[i]![name] === 'object' ? ofJson(value) : value]
        }),
      ),
    )
    expect(named).toEqual(expected)
    expectBeside(rows, form)
  })
})
