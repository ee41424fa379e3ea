import { describe, expect, it } from 'vitest'
import type { CaptureOptions } from 'capture-predictions'
import { frameworks, type Handler } from '../integrations/frameworks.ts'
import { cleanup, testCapture } from '../setup/captures.ts'

const EMAIL = 'alice@engine.example'
const RULES: CaptureOptions = { redact: ['email', '**.email'], redactKey: 'k' }

const fail = (): never => {
  throw new Error(`no account for ${EMAIL}, of Alice Ada  Byron`)
}

describe.each(frameworks.filter(({ name }) => /5|3/.test(name)))(
  '$name: an error tells nothing that redaction takes out',
  (framework) => {
    const record = async (sent: string, handler: Handler, options: CaptureOptions = {}, type = 'application/json') => {
      const { capture, records } = testCapture({ ...RULES, ...options })
      const app = await framework.start({ capture, mount: 'before parser', handler })
      cleanup(() => app.close())
      await (
        await fetch(`${app.url}/predict`, { method: 'POST', body: sent, headers: { 'content-type': type } })
      ).text()
      const [first] = await records()
      expect(first!.json).not.toContain('alice')
      return first!
    }

    it('of a reply without a message', async () => {
      const body = { code: 7, email: EMAIL, errors: [{ email: EMAIL, name: 'x' }] }
      const { error } = await record('{"a":1}', () => ({ status: 422, body }))
      expect(error).toBe('{"code":7,"errors":[{"name":"x"}]}')
      const list = await record('{"a":1}', () => ({ status: 422, body: JSON.stringify([{ email: EMAIL }, 7]) }))
      expect(list.error).toBe('[{},7]')
    })

    it('of a body past the limit', async () => {
      const { error, extra } = await record(JSON.stringify({ email: EMAIL, pad: 'x'.repeat(2000) }), fail, {
        maxBodyBytes: 1000,
      })
      expect(error).toBe('status 500')
      expect(extra).toHaveProperty('body')
    })

    it('while the error of a body that was read is kept', async () => {
      const { error } = await record(JSON.stringify({ email: EMAIL }), fail)
      // Express tells it in a page of its own.
      expect(error).toMatch(/^(Error: )?no account for \[redacted\], of Alice Ada {2}Byron$/)
    })

    it('of a tensor that is taken apart', async () => {
      const tensor = { name: 'email', datatype: 'BYTES', shape: [1, 2], data: [EMAIL, `b.${EMAIL}`] }
      const { features } = await record(
        JSON.stringify({ inputs: [tensor, { name: 'n', datatype: 'INT8', shape: [1], data: [7] }] }),
        fail,
      )
      expect(features).toEqual({ n: 7 })
    })

    it('of the model’s name', async () => {
      const outputs = [{ name: 'y', datatype: 'INT8', shape: [1], data: [1] }]
      const { model } = await record(
        JSON.stringify({ email: EMAIL }),
        () => ({ body: { model_name: `for ${EMAIL}`, outputs } }),
        { format: 'open-inference' },
      )
      expect(model).toBe('for [redacted]')
    })
  },
)

it('items of a list too long to be stored are known all the same', async () => {
  const { capture, records } = testCapture(RULES)
  const exchange = capture.begin({ route: 'POST /predict', headers: {} })
  exchange.request({ email: Array.from({ length: 5000 }, (_, i) => `${i}.${EMAIL}`), long: Array(5000).fill(1) })
  exchange.fail(new Error(`no account for 17.${EMAIL}`))
  await exchange.end(500)
  const [{ error, features, extra } = {}] = await records()
  expect(error).toBe('no account for [redacted]')
  expect(features).toEqual({ long: { shape: [5000], type: 'number', sha256: expect.any(String) as string } })
  expect(Object.keys(extra!)).toEqual(['features.long'])
})

it('the words of a form that nobody reads are known as they were meant', async () => {
  const { capture, records } = testCapture(RULES)
  const exchange = capture.begin({ route: 'POST /predict', headers: { 'content-type': 'text/plain' } })
  exchange.request(Buffer.from(`email=${encodeURIComponent(EMAIL)}`))
  exchange.fail(new Error(`no account for ${EMAIL}`))
  await exchange.end(500)
  expect((await records())[0]!.error).toBe('no account for [redacted]')
})

it('each body that could not be read is told of by its own digest', async () => {
  const { capture, records } = testCapture(RULES)
  const exchange = capture.begin({ route: 'POST /predict', headers: { 'content-type': 'text/plain' } })
  exchange.request(Buffer.from('five point one'))
  exchange.reply(Buffer.from('{"p":'), 200, () => 'application/json')
  await exchange.end(200)
  const { extra } = (await records())[0]!
  expect(extra).toMatchObject({ body: { value: { bytes: 14 } }, reply: { value: { bytes: 5 } } })
})
