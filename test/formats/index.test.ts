import { describe, expect, it } from 'vitest'
import type { Format } from '../../src/formats/format.ts'
import { chooseFormat, formatNames } from '../../src/formats/index.ts'
import { readBoth, replyOf, requestOf } from './messages.ts'

const own: Format = {
  name: 'own',
  readRequest: () => ({ features: [{ a: 1 }] }),
  readReply: () => ({ outputs: [{ b: 2 }] }),
}

describe('chooseFormat', () => {
  it.each<[string, unknown, string, string]>([
    ['json', { a: 1 }, '', 'application/json'],
    ['json', [{ a: 1 }], '', 'application/json'],
    ['json', { inputs: 'text', temperature: 1 }, '', 'application/json'],
    ['instances', { inputs: [1, 2], colour: 'red' }, '', 'application/json'],
    ['json', { examples: [1] }, '', 'application/json'],
    ['json', { examples: [{ x: 1 }], colour: 'red' }, '', 'application/json'],
    ['instances', { inputs: [{ name: 'Ada', age: 36 }], truncate: true }, '', 'application/json'],
    ['openai', { messages: [{ role: 'user', content: 'Tell a joke!' }] }, '', 'application/json'],
    ['json', { messages: ['Tell a joke!'] }, '', 'application/json'],
    ['json', { prompt: 'Tell a joke!' }, '', 'application/json'],
    ['openai', { model: 'm', prompt: 'Tell a joke!' }, '', 'application/json'],
    ['openai', { model: 'm', input: ['a', 'b'] }, '', 'application/json'],
    ['json', undefined, '', ''],
    ['json', Buffer.from('not JSON'), '', 'application/json'],
    ['instances', { instances: [] }, '', 'application/json'],
    ['instances', { inputs: [[1, 2]] }, '', 'application/json'],
    ['instances', { inputs: { a: [1] }, signature_name: 's' }, '', 'application/json'],
    ['instances', { inputs: [{ name: 'Ada', age: 36 }] }, '', 'application/json'],
    ['instances', { inputs: [{ data: [1] }] }, '', 'application/json'],
    ['instances', { examples: [{ x: 1 }] }, '', 'application/json'],
    ['mlflow', { instances: [1], params: {} }, '', 'application/json'],
    ['mlflow', { dataframe_records: [] }, '', 'application/json'],
    ['open-inference', { inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }] }, '', 'application/json'],
    ['open-inference', { inputs: [{ name: 'x', data: [1] }] }, '', 'application/json'],
    ['open-inference', Buffer.from('{"inputs":[]}'), '13', 'application/octet-stream'],
    ['csv', '1,2', '', 'text/csv'],
    ['csv', Buffer.from('1,2'), '', 'application/CSV; charset=utf-8'],
  ])('auto picks %s for %j', (name, body, length, contentType) => {
    const headers: Record<string, string> = length === '' ? {} : { 'inference-header-content-length': length }
    expect(chooseFormat('auto', requestOf(body, { contentType, headers })).name).toBe(name)
  })

  it('takes a name, or a format of your own', () => {
    const request = requestOf({ instances: [1] })
    for (const name of formatNames.filter((each) => each !== 'auto'))
      expect(chooseFormat(name, request).name).toBe(name)
    expect(chooseFormat(own, request)).toBe(own)
  })

  it('refuses a name that it does not know', () => {
    for (const name of ['yaml', 'toString', '__proto__'])
      expect(() => chooseFormat(name, requestOf({}))).toThrow(
        expect.objectContaining({ code: 'PREDICTIONS_BAD_CONFIGURATION' }) as Error,
      )
  })

  it('reads with the named format what looks like another', () => {
    expect(readBoth(requestOf({ instances: [1, 2] }), replyOf({ predictions: [3, 4] }), 'json')).toMatchObject({
      features: [{ instances: [1, 2] }],
      outputs: [{ predictions: [3, 4] }],
    })
    for (const name of ['instances', 'mlflow', 'open-inference', 'csv'])
      expect(readBoth(requestOf({ a: 1 }), replyOf({ b: 2 }), name)).toMatchObject({
        features: [{ a: 1 }],
        outputs: [{ b: 2 }],
      })
  })

  it("reads a reply in another format than the request's", () => {
    const reply = replyOf('0.1\n0.9\n', { contentType: 'text/csv' })
    expect(readBoth(requestOf({ instances: [1, 2] }), reply).outputs).toEqual([
      { prediction: 0.1 },
      { prediction: 0.9 },
    ])
  })
})
