import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { CaptureOptions } from 'capture-predictions'
import { frameworks, type Handling } from '../integrations/frameworks.ts'
import { cleanup, testCapture } from '../setup/captures.ts'

const EMAIL = 'Ada.Lovelace@engine.example'
const ACCOUNT = 481516.2342
const NUMBER = 1234567890123456
const RULES: CaptureOptions = { redact: ['email', 'account:hash', 'number', 'outputs.note:mask'], redactKey: 'k' }
const REQUEST = `{"email":"${EMAIL}","account":${ACCOUNT},"number":${NUMBER},"age":41,"text":"write to ${EMAIL}!"}`

const type = (contentType: string) => ({ headers: { 'content-type': contentType } })
const tensor = (name: string, datatype: string, data: unknown[]) => ({ name, datatype, shape: [data.length], data })

/** What a reply says of the request, in another form than the request had. */
const echoes: Record<string, Handling> = {
  'a sentence': { body: { prediction: `no fraud by ${EMAIL}, of account ${ACCOUNT} (${NUMBER})` } },
  'other letters': { body: { prediction: EMAIL.toUpperCase() } },
  'a URL': { body: { link: `https://x.example/?to=${encodeURIComponent(EMAIL)}` } },
  'a name of a member': { body: { scores: { [EMAIL]: 0.9, other: 0.1 } } },
  'another name': { body: { user: { contact: [EMAIL], id: ACCOUNT } } },
  'numbers as text': { body: { id: String(ACCOUNT), n: String(NUMBER) } },
  'a number for a text': { body: `{"n":${NUMBER}}`, ...type('application/json') },
  'a V2 tensor': { body: { model_name: 'm', outputs: [tensor('who', 'BYTES', [EMAIL]), tensor('id', 'FP32', [Math.fround(ACCOUNT)])] } },
  'dataframe_split': { body: { predictions: { columns: ['who', 'id'], data: [[EMAIL, ACCOUNT]] } } },
  CSV: { body: `who,id\n${EMAIL},${ACCOUNT}\n`, ...type('text/csv') },
  'JSON in a text': { body: { raw: JSON.stringify({ who: EMAIL, id: ACCOUNT }) } },
  'a plain text': { body: `dear ${EMAIL}`, ...type('text/plain') },
  'a page': { body: `<p>${EMAIL}</p>`, ...type('text/html') },
} // prettier-ignore

describe.each(frameworks.filter(({ name }) => /5|3/.test(name)))('$name', (framework) => {
  it.each(Object.keys(echoes))('a reply that echoes a redacted value as %s brings nothing back', async (name) => {
    const { capture, records } = testCapture(RULES)
    const app = await framework.start({
      capture,
      handler({ prediction }) {
        prediction?.tag({ who: EMAIL, list: [`<${EMAIL}>`] })
        prediction?.set({ told: `to ${EMAIL}`, note: 'nobody is to know' })
        return echoes[name]!
      },
    })
    cleanup(() => app.close())
    const reply = await fetch(`${app.url}/predict`, { method: 'POST', body: REQUEST, headers: { 'content-type': 'application/json', 'x-request-id': `for ${EMAIL}` } }) // prettier-ignore
    await reply.text()
    const [{ json, features, outputs, tags, request_id: requestId } = {} as never, ...more] = await records()
    expect(more).toEqual([])
    for (const secret of [EMAIL, encodeURIComponent(EMAIL), 'nobody is', '481516.2', '1234567890123456'])
      expect(json.toLowerCase()).not.toContain(secret.toLowerCase())
    expect(features).toEqual({ account: expect.any(String) as string, age: 41, text: 'write to [redacted]!' })
    expect(tags).toMatchObject({ who: '[redacted]', list: ['<[redacted]>'] })
    expect(outputs).toMatchObject({ told: 'to [redacted]', note: '****know' })
    expect(requestId).toBe('for [redacted]')
    expect(capture.stats().faults).toBe(0)
  })
})

it('what a rule takes out of the reply stands in the request no more', async () => {
  const { capture, records } = testCapture({ redact: ['outputs.name'] })
  const exchange = capture.begin({ route: 'POST /predict', headers: {} })
  exchange.request({ text: 'it was Ada Byron', list: ['Ada Byron', 'ada byron', 7] })
  exchange.reply({ name: 'Ada Byron' }, 200, () => undefined)
  await exchange.end(200)
  expect((await records())[0]!.features).toEqual({ text: 'it was [redacted]', list: ['[redacted]', '[redacted]', 7] })
})

it('of a batch the values of each instance are taken out of all', async () => {
  const { capture, records } = testCapture({ redact: ['ssn:hash', 'name'], redactKey: 'k' })
  const exchange = capture.begin({ route: 'POST /predict', headers: {} })
  const people = Array.from({ length: 4_000 }, (_, i) => ({ ssn: `078-05-${10_000 + i}`, name: `Person ${i} of us`, x: i }))
  exchange.request({ instances: people })
  exchange.reply({ predictions: people.map(({ ssn, x }, i) => ({ x, of: `${people[(i + 1) % 4_000]!.name}, ${ssn}` })) }, 200, () => undefined) // prettier-ignore
  await exchange.end(200)
  const all = await records()
  expect(all).toHaveLength(4_000)
  for (const { json, features, outputs } of all) {
    expect(json).not.toMatch(/078-05|of us/)
    expect(outputs).toEqual({ x: features['x'], of: '[redacted], [redacted]' })
    expect(features['ssn']).toMatch(/^[0-9a-f]{64}$/)
  }
}) // prettier-ignore

it('a long integer is found as parsers round it', async () => {
  const { capture, records } = testCapture({ redact: ['number'] })
  const exchange = capture.begin({ route: 'POST /predict', headers: {} })
  exchange.request(Buffer.from('{"number":12345678901234567890}'))
  exchange.reply({ a: [Number(12345678901234567890n)], b: 12345678901234567890n }, 200, () => undefined)
  await exchange.end(200)
  expect((await records())[0]!.outputs).toEqual({ a: ['[redacted]'], b: '[redacted]' })
})

it('of a line that is no JSON nothing is kept, and the good ones are redacted', async () => {
  const { capture, records } = testCapture({ redact: ['email'] })
  const exchange = capture.begin({ route: 'POST /predict', headers: { 'content-type': 'application/jsonlines' } })
  exchange.request(Buffer.from(`{"email":"${EMAIL}","x":1}\n{"email":"other@engine.example",x}\n{"x":"of ${EMAIL}"}`))
  exchange.reply({ predictions: [1, 2, 3] }, 200, () => undefined)
  await exchange.end(200)
  const all = await records()
  expect(all.map(({ features }) => features)).toEqual([{ x: 1 }, {}, { x: 'of [redacted]' }])
  for (const { json, extra } of all) {
    expect(json).not.toContain('engine.example')
    expect(extra['body']).toEqual({
      value: { bytes: expect.any(Number) as number, sha256: expect.any(String) as string },
      reason: expect.stringMatching(/^1 of 3 lines are no JSON: line 2/) as string,
    })
  }
})

it('finds what JSON, URLs and HTML spell in another way', async () => {
  const { capture, records } = testCapture({ redact: ['note'] })
  const secret = 'Münster "A&B" <1\n'
  const exchange = capture.begin({ route: 'POST /predict', headers: {} })
  exchange.request({ note: secret })
  exchange.reply({ a: JSON.stringify({ x: secret }), b: `?q=${encodeURIComponent(secret.trim())}`, c: 'Münster &quot;A&amp;B&quot; &lt;1', d: `<${secret}>` }, 200, () => undefined) // prettier-ignore
  await exchange.end(200)
  expect((await records())[0]!.json).not.toMatch(/nster|A&B|A%26B/)
})

it('leaves alone what is too short or too common to be searched for', async () => {
  const { capture, records } = testCapture({ redact: ['age', 'member', 'code', 'flag'] })
  const exchange = capture.begin({ route: 'POST /predict', headers: {} })
  exchange.request({ age: 41, member: true, code: 'xyz', flag: 'true' })
  exchange.reply({ prediction: 41, member_: true, code_: 'xyz', flag_: 'true' }, 200, () => undefined)
  await exchange.end(200)
  const [{ features, outputs } = {} as never] = await records()
  expect({ features, outputs }).toEqual({
    features: {},
    outputs: { prediction: 41, member_: true, code_: 'xyz', flag_: 'true' },
  })
})

it('says once of a rule that matched nothing in 1,000 requests that a member of its name stands deeper', async () => {
  const warnings: string[] = []
  const logger = { info: () => {}, warn: (line: string) => void warnings.push(line), error: () => {} }
  const { capture } = testCapture({ redact: ['ssn:hash', 'email', 'nowhere', '**.token'], redactKey: 'k', logger })
  for (let i = 0; i < 2_500; i++) {
    const exchange = capture.begin({ route: 'POST /predict', headers: {} })
    exchange.request({ email: EMAIL, user: { ssn: '078-05-1120', email: EMAIL } })
    await exchange.end(200)
    if (i < 1_000) expect(warnings).toEqual([])
  }
  expect(warnings).toEqual([
    'PREDICTIONS_REDACT: the rule "ssn:hash" matched nothing in 1000 requests, but a member "ssn" stands deeper in them, in clear: ' +
      'a path begins at the top. Write "**.ssn:hash" for wherever it stands',
  ])
})

it('README names what is left out of the search', () => {
  expect(readFileSync('README.md', 'utf8')).toMatch(/fewer than four characters.*fewer than five digits/s)
})
