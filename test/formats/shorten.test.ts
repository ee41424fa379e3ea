import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { encode } from '../../src/records/json.ts'
import type { Row } from '../../src/formats/rows.ts'
import { Shortener } from '../../src/formats/shorten.ts'
import { binaryBody, readBoth, replyOf, requestOf } from './messages.ts'

const image = Array.from({ length: 64 }, (_, y) => Array.from({ length: 65 }, (_, x) => (x * y) % 256))
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const digest = sha256(new Uint8Array(Float64Array.from(image.flat()).buffer))
const shortened = { shape: [64, 65], type: 'number', sha256: digest }
const reason = 'too long: stored by its shape, type and digest'

const shortenAll = (rows: readonly Row[], side: 'features' | 'outputs') => {
  const shortener = new Shortener(side)
  return { rows: rows.map((row) => shortener.shorten(row)), extra: shortener.extra }
}

describe('a shortener', () => {
  it('leaves what is short as it is', () => {
    const rows = [{ a: Array(4_096).fill(1), b: 'x'.repeat(64 * 1024), c: { d: [1, 'x', null] } }]
    expect(shortenAll(rows, 'features')).toEqual({ rows, extra: {} })
    expect(shortenAll(rows, 'features').rows[0]).toBe(rows[0])
  })

  it('keeps the shape, type and digest of what is long, at any depth, and changes nothing in place', () => {
    const row = { id: 7, image, deep: { list: [{ image }] }, text: 'ä'.repeat(70_000), mixed: Array(5_000).fill('x') }
    const before = encode(row)
    const { rows, extra } = shortenAll([{ id: 1 }, row], 'outputs')
    expect(rows).toEqual([
      { id: 1 },
      {
        id: 7,
        image: shortened,
        deep: { list: { shape: [1], type: 'json', sha256: sha256(Buffer.from(encode([{ image }]))) } },
        text: { shape: [70_000], type: 'string', sha256: sha256(Buffer.from(row.text)) },
        mixed: { shape: [5_000], type: 'json', sha256: sha256(Buffer.from(encode(row.mixed))) },
      },
    ])
    expect(Object.keys(extra)).toEqual(['outputs.image', 'outputs.deep.list', 'outputs.text', 'outputs.mixed'])
    expect(extra['outputs.image']).toEqual({ reason })
    expect(encode(row)).toBe(before)
  })

  it('gives the same image the same digest in every format', () => {
    const bytes = new Uint8Array(Float32Array.from(image.flat()).buffer)
    const tensor = { name: 'image', datatype: 'FP32', shape: [1, 64, 65] }
    const binary = binaryBody({ inputs: [{ ...tensor, parameters: { binary_data_size: bytes.length } }] }, bytes)
    const requests = [
      requestOf({ image }),
      requestOf({ instances: [{ image }] }),
      requestOf({ inputs: { image: [image] } }),
      requestOf({ inputs: [{ ...tensor, data: image.flat() }] }),
      requestOf(binary.body, { headers: binary.headers }),
    ]
    for (const request of requests)
      expect(readBoth(request, replyOf({}))).toMatchObject({
        features: [{ image: shortened }],
        extra: { 'features.image': { reason } },
      })
  })

  it('keeps a long vector that nothing names as one feature', () => {
    expect(readBoth(requestOf({ instances: [image.flat()] }), replyOf({ predictions: [image.flat()] }))).toMatchObject({
      features: [{ f0: { shape: [4_160], sha256: digest } }],
      outputs: [{ prediction: { shape: [4_160], sha256: digest } }],
    })
  })

  it('does not take an irregular array for as large as its first items say', () => {
    const irregular = [Array(4_096).fill(1), ...Array.from({ length: 100_000 }, () => [])]
    expect(shortenAll([{ a: irregular }], 'features').rows).toEqual([
      { a: { shape: [100_001, 4_096], type: 'json', sha256: sha256(Buffer.from(encode(irregular))) } },
    ])
  })

  it('takes no offence at objects that throw when they are read', () => {
    const row = {
      get a(): never {
        throw new Error('not now')
      },
    }
    expect(shortenAll([row], 'outputs').rows[0]).toBe(row)
  })
})

describe('what a batch says once', () => {
  const n = 100_000
  const long = 'x'.repeat(500_000)
  const list = JSON.stringify(Array(n).fill(1))
  it.each([
    ['a name of a column', `{"inputs":{"${long}":${list}}}`, 1],
    ['a shared value', `{"inputs":{"a":${list},"b":["${long}"]}}`, 1],
    ['parameters', `{"instances":${list},"parameters":{"p":"${long}"}}`, n],
    ['a context', `{"signature_name":"s","context":{"p":"${long}"},"examples":${list}}`, n],
    ['columns of a data frame', `{"dataframe_split":{"columns":["${long}"],"data":${list}}}`, n],
    ['a name of a tensor', `{"inputs":[{"name":"${long}","datatype":"FP32","shape":[${n}],"data":${list}}]}`, 1],
    [
      'a broken tensor',
      `{"inputs":[{"name":"x","datatype":"FP32","shape":[${n}],"data":${list}},{"name":"y","shape":[2],"data":["${long}"]}]}`,
      n,
    ],
    ['an id', `{"id":"${long}","instances":${list}}`, n],
    [
      'names of parameters',
      `{"instances":[1],"parameters":{"${long}":{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":1`).join()}}}}`,
      1,
    ],
  ])('is not repeated past measure: %s', (_, text, instances) => {
    const { features, tags, extra, requestId } = readBoth(requestOf(Buffer.from(text)), replyOf({}))
    expect(features).toHaveLength(instances)
    let size = encode([tags, extra, requestId]).length * instances
    for (const row of features) size += encode(row).length
    expect(size).toBeLessThan(32 * 1024 * 1024)
  })

  it('such as a header of CSV', () => {
    const { features } = readBoth(requestOf(`${long}\n${'1\n'.repeat(n)}`, { contentType: 'text/csv' }), replyOf({}))
    expect(features).toHaveLength(n)
    expect(features[0]).toEqual({ f0: 1 })
  })
})
