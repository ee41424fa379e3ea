import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import type { CaptureOptions, PredictionRecord } from 'capture-predictions'
import { encode } from '../../src/records/json.ts'
import { testCapture } from '../setup/captures.ts'

/** Every path on which something of an exchange is shortened: what is left says how much there was, with a digest of all of it. */

const LIMIT = 64 * 1024
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')

interface Sent {
  readonly type?: string
  readonly body?: unknown
  readonly reply?: unknown
  readonly replyType?: string
  readonly error?: string
  readonly options?: CaptureOptions
  readonly headers?: Record<string, string>
}

const recordsOf = async ({ type = 'application/json', body = {}, reply = { p: 1 }, ...sent }: Sent) => {
  const { capture, records } = testCapture(sent.options)
  const exchange = capture.begin({ route: 'POST /predict', headers: { 'content-type': type, ...sent.headers } })
  exchange.request(typeof body === 'string' ? Buffer.from(body) : body)
  if (sent.error === undefined) exchange.reply(reply, 200, () => sent.replyType ?? 'application/json')
  else exchange.fail(new Error(sent.error))
  await exchange.end(sent.error === undefined ? 200 : 500)
  expect(capture.stats().faults).toBe(sent.options?.format === undefined ? 0 : 1)
  return records()
}

const long = (n: number, what = 'x'): string => what.repeat(n)
const startOf = (text: string, n = LIMIT) => ({ shape: [text.length], type: 'string', sha256: sha256(text), start: text.slice(0, n) }) // prettier-ignore

const review = long(3_600, 'a very good film ').slice(0, 3_600)
const novel = long(70_000, 'b')
/** It throws for any request, as a format of somebody's own may. */
const failing = {
  name: 'failing',
  readRequest: () => {
    throw new Error('no such rows')
  },
  readReply: () => ({ outputs: [] }),
}

it('stores a text of up to 64 Ki characters whole', async () => {
  const [plain] = await recordsOf({ type: 'text/plain', body: review })
  expect(plain!.extra['body']).toEqual({ value: review, reason: 'a text is no features' })
  const [unknown] = await recordsOf({ type: 'application/x-notes', body: review })
  expect(unknown!.extra['body']?.value).toBe(review)
  const [broken] = await recordsOf({ body: `{${long(LIMIT - 1)}` })
  expect(broken!.extra['body']?.value).toHaveLength(LIMIT)
  const [failed] = await recordsOf({ error: long(LIMIT) })
  expect(failed!.error).toBe(long(LIMIT))
})

it.each<[string, Sent, (record: PredictionRecord) => unknown, unknown]>([
  ['a plain text', { type: 'text/plain', body: novel }, ({ extra }) => extra['body']?.value, startOf(novel)],
  ['a text of an unknown type', { type: 'application/x', body: novel }, ({ extra }) => extra['body']?.value, startOf(novel)],
  ['a body that is no JSON', { body: `{${novel}` }, ({ extra }) => extra['body']?.value, startOf(`{${novel}`)],
  ['a reply that is no JSON', { reply: `{${novel}` }, ({ extra }) => extra['reply']?.value, startOf(`{${novel}`)],
  ['a body whose format fails', { body: { a: novel }, options: { format: failing } }, ({ extra }) => extra['request']?.value, startOf(encode({ a: novel }))],
  ['what is no list of rows', { body: { dataframe_split: { data: novel } } }, ({ extra }) => extra['body']?.value, startOf(encode({ data: novel }))],
  ['bytes that are no text', { type: 'image/png', body: Buffer.alloc(9, 0xff) }, ({ extra }) => extra['body']?.value, { bytes: 9, sha256: sha256(Buffer.alloc(9, 0xff)) }],
  ['a feature’s text', { body: { a: novel } }, ({ features }) => features['a'], { shape: [70_000], type: 'string', sha256: sha256(novel) }],
  ['a reply of text', { reply: novel, replyType: 'text/plain' }, ({ outputs }) => outputs['prediction'], { shape: [70_000], type: 'string', sha256: sha256(novel) }],
  ['a list of texts', { body: { a: Array<string>(5_000).fill('c') } }, ({ features }) => features['a'], { shape: [5_000], type: 'json', sha256: sha256(encode(Array(5_000).fill('c'))) }],
  ['an id', { body: { instances: [[1]], id: long(300) } }, ({ extra }) => extra['request_id'], { value: long(300), reason: 'cut to 255 characters' }],
  ['a model’s name', { body: { inputs: [{ name: 'x', shape: [1], datatype: 'INT8', data: [1] }] }, reply: { model_name: long(70_000), outputs: [{ name: 'y', shape: [1], datatype: 'INT8', data: [1] }] } }, ({ extra }) => extra['model']?.value, startOf(long(70_000))],
  ['an error', { error: novel }, ({ error }) => error, `${novel.slice(0, LIMIT)}… [cut: of 70000 characters the first 65536; SHA-256 of all: ${sha256(novel)}]`],
  ['a pair of surrogates at the cut', { error: `x${long(40_000, '🌼')}` }, ({ error }) => error?.slice(0, LIMIT + 1), `x${long(LIMIT / 2 - 1, '🌼')}… `],
  ['features as text, past the limit', { body: { instances: Array(200).fill(Array(20).fill(1)) }, options: { maxBodyBytes: 1_500 } }, ({ extra }) => Object.keys(extra['features']?.value as object), ['bytes', 'sha256']],
])('says of %s how long it was', async (_what, sent, look, expected) => {
  const [record] = await recordsOf(sent)
  expect(look(record!)).toEqual(expected)
}) // prettier-ignore

it('says of what is nested too deep how long its JSON is', async () => {
  const deep = '['.repeat(400) + '7' + ']'.repeat(400)
  const [record] = await recordsOf({ body: `{"a":${deep}}` })
  const [, bytes, digest] = /\[nested too deep: (\d+) bytes of JSON, SHA-256 (\w+)\]/.exec(record!.json)!
  const below = '['.repeat((Number(bytes) - 1) / 2) + '7' + ']'.repeat((Number(bytes) - 1) / 2)
  expect(digest).toBe(sha256(below))
  expect(record!.json.split('[nested')[0]!.length).toBeGreaterThan(200)
})

it('says of tags that are too large for a batch how long they are', async () => {
  const tags = { note: long(20_000) }
  const records = await recordsOf({ body: { instances: Array(1_000).fill([1]), parameters: tags } })
  expect(records[999]!.extra['tags']?.value).toEqual({
    shape: [encode(tags).length],
    type: 'json',
    sha256: sha256(encode(tags)),
  })
})

it('says that names were too many for rows, in requests and replies', async () => {
  const names = Array.from({ length: 300 }, (_, i) => `${i}${long(1_000)}`)
  const row = names.map((_, i) => i).join()
  const csv = `${names.join()}\n${Array(100).fill(row).join('\n')}`
  const [record] = await recordsOf({
    type: 'text/csv; header=present',
    body: csv,
    options: { maxBodyBytes: 64 * 1024 ** 2 },
  })
  const note = { value: { shape: [encode(names).length], type: 'json', sha256: sha256(encode(names)) } }
  expect(record!.extra['columns']).toMatchObject(note)
  const [split] = await recordsOf({
    body: { dataframe_split: { columns: names, data: Array(100).fill(names.map((_, i) => i)) } },
    reply: csv,
    replyType: 'text/csv; header=present',
    options: { maxBodyBytes: 64 * 1024 ** 2 },
  })
  expect(split!.extra['columns']).toMatchObject(note)
})

it('counts the notes that it leaves out, and cuts no path without a word', async () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`a${i}`, novel]))
  const [record] = await recordsOf({ body: many })
  expect(record!.extra['more']).toEqual({ value: 12, reason: 'so many more values are shortened or rounded' })
  const name = long(1_000, 'n')
  const [named] = await recordsOf({ body: { [name]: novel } })
  expect(Object.keys(named!.extra)[0]).toContain(`of 1009 characters the first 400; SHA-256 of all: ${sha256(`features.${name}`)}`)
}) // prettier-ignore

it('keeps less of a text that stands in each of many rows, and says so in each', async () => {
  const records = await recordsOf({ body: { instances: Array(4_000).fill([1]) }, error: novel })
  expect(records).toHaveLength(4_000)
  expect(records[3_999]!.error).toContain(`of 70000 characters the first 4194; SHA-256 of all: ${sha256(novel)}`)
  const replied = await recordsOf({ body: { instances: Array(4_000).fill([1]) }, reply: `{${novel}` })
  expect(replied[3_999]!.extra['reply']?.value).toMatchObject({ shape: [70_001], start: `{${novel}`.slice(0, 2_097) })
})

it('keeps nothing of it under redaction but size and digest', async () => {
  const [record] = await recordsOf({ type: 'text/plain', body: novel, options: { redact: ['email'] } })
  expect(record!.extra['body']?.value).toEqual({ bytes: 70_000, sha256: sha256(novel) })
})
