import { describe, expect, it } from 'vitest'
import { encode } from '../../src/records/json.ts'
import { chooseFormat } from '../../src/formats/index.ts'
import { readBoth, replyOf, requestOf } from './messages.ts'

const read = (body: unknown, contentType?: string) => readBoth(requestOf(body, { contentType }), replyOf({}))

describe('bodies', () => {
  it.each([
    ['UTF-8', Buffer.from('{"city":"Zürich"}'), 'application/json; charset=UTF-8'],
    ['UTF-8 with a byte order mark', Buffer.from('\ufeff{"city":"Zürich"}'), 'application/json'],
    ['UTF-16LE', Buffer.from('{"city":"Zürich"}', 'utf16le'), 'application/json; charset="utf-16le"'],
    ['Latin-1', Buffer.from('{"city":"Zürich"}', 'latin1'), 'application/json;charset=iso-8859-1'],
    ['a string', '{"city":"Zürich"}', 'application/json'],
    ['a view', new Uint8Array(Buffer.from('{"city":"Zürich"}')), 'application/vnd.model+json'],
    ['JSON that curl calls a form', Buffer.from(' {"city":"Zürich"}'), 'application/x-www-form-urlencoded'],
    ['parsed', { city: 'Zürich' }, 'application/json'],
  ])('reads %s', (_, body, contentType) => {
    expect(read(body, contentType)).toMatchObject({ features: [{ city: 'Zürich' }], extra: {} })
  })

  it('keeps the digits of 64-bit integers where it sees the bytes', () => {
    const text = '{"id":9007199254740993,"ids":[18446744073709551615],"x":0.30000000000000004}'
    expect(encode(read(Buffer.from(text)).features[0])).toBe(text)
  })

  it('says where a parser before has rounded an integer', () => {
    const { features, extra } = read(
      JSON.parse('[{"a":1,"b":{"id":9007199254740993}},{"list":[1,-9007199254740993],"x":1e300}]'),
    )
    expect(features).toHaveLength(2)
    const reason = 'an integer past 2^53, rounded before capture'
    expect(extra).toEqual({ 'features.b.id': { reason }, 'features.list': { reason } })
  })

  it.each([
    [
      'bad JSON',
      Buffer.from('{"a":'),
      'application/json',
      { value: '{"a":', reason: expect.stringContaining('no JSON') as string },
    ],
    [
      'an empty body',
      Buffer.alloc(0),
      'application/json',
      { value: '', reason: expect.stringContaining('no JSON') as string },
    ],
    ['no body', undefined, '', { reason: 'no body' }],
    [
      'multipart',
      Buffer.from('--x\r\n'),
      'multipart/form-data; boundary=x',
      { value: { bytes: 5 }, reason: 'multipart/form-data is not read' },
    ],
    [
      'an unknown type',
      Buffer.from('hello'),
      'application/x-recordio-protobuf',
      { value: 'hello', reason: 'application/x-recordio-protobuf is not read' },
    ],
    [
      'binary of an unknown type',
      Buffer.from([0xff, 0xfe]),
      'application/x-npy',
      { value: { bytes: 2 }, reason: expect.stringContaining('invalid UTF-8') as string },
    ],
    ['text', 'hello', 'text/plain', { value: 'hello', reason: 'a text is no features' }],
    [
      'an unknown charset',
      Buffer.from('{}'),
      'application/json; charset=klingon',
      { value: { bytes: 2 }, reason: 'unknown charset' },
    ],
  ])('keeps a row for %s', (_, body, contentType, note) => {
    expect(read(body, contentType)).toMatchObject({ features: [{}], extra: { body: note } })
  })

  it('reads a body once, however many formats look at it', () => {
    const asked: string[] = []
    const request = { ...requestOf(Buffer.from('{"a":1}')), header: (name: string) => void asked.push(name) }
    chooseFormat('auto', request).readRequest(request)
    expect(asked).toEqual(['inference-header-content-length'])
  })

  it('keeps 64 Ki characters of what it cannot read', () => {
    const { extra } = read(`{${'x'.repeat(5_000)}`)
    expect(extra['body']?.value).toHaveLength(5_001)
    const long = read(`{${'x'.repeat(64 * 1024)}`)
    expect(long.extra['body']?.value).toMatchObject({ shape: [64 * 1024 + 1], start: `{${'x'.repeat(64 * 1024 - 1)}` })
  })

  it('takes a string that is no JSON, as a parser makes it of `"great film"`, for a value', () => {
    expect(read('great film')).toMatchObject({ features: [{ f0: 'great film' }], extra: {} })
    expect(read('"great film"')).toMatchObject({ features: [{ f0: 'great film' }], extra: {} })
    expect(read(Buffer.from('great film')).extra['body']?.reason).toMatch(/^no JSON: /)
  })

  it('reads invalid UTF-8 with replacement characters, and says so', () => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')])
    expect(read(body)).toMatchObject({
      features: [{ a: '\ufffd' }],
      extra: { body: { reason: expect.stringContaining('invalid UTF-8') as string } },
    })
  })

  it('takes the last of duplicate keys', () => {
    expect(read(Buffer.from('{"a":1,"a":2}')).features).toEqual([{ a: 2 }])
  })

  it('keeps __proto__ as data and pollutes nothing', () => {
    const hostile = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
    const texts = [
      hostile,
      `{"instances":[${hostile}],"parameters":${hostile},"__proto__":[1]}`,
      `{"inputs":{"__proto__":[1,2],"b":[3,4]}}`,
      `{"inputs":[{"name":"__proto__","shape":[1],"datatype":"FP32","data":[1],"parameters":{"__proto__":1}}],"parameters":${hostile}}`,
      `{"dataframe_split":{"columns":["__proto__"],"data":[[{"polluted":1}]]},"params":${hostile}}`,
      `{"signature_name":"s","context":${hostile},"examples":[${hostile}]}`,
    ]
    for (const text of texts) {
      const request = requestOf(Buffer.from(text))
      const reading = chooseFormat('auto', request).readRequest(request)
      for (const row of [...reading.features, reading.tags ?? {}])
        expect(Object.getPrototypeOf(row), text).toBe(Object.prototype)
      expect(encode([reading.features, reading.tags]), text).toContain('"__proto__')
    }
    const beside = requestOf({ instances: [1], ...(JSON.parse('{"__proto__":[1]}') as object) })
    expect(encode(chooseFormat('auto', beside).readRequest(beside).tags)).toBe('{"__proto__":[1]}')
    expect(
      readBoth(requestOf(Buffer.from('__proto__,b\n1,2'), { contentType: 'text/csv' }), replyOf({})).features.map(
        encode,
      ),
    ).toEqual(['{"__proto__":1,"b":2}'])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it.each([
    ['arrays', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['objects', '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)],
    ['with long digits', '['.repeat(10_000) + '12345678901234567890' + ']'.repeat(10_000)],
    ['below instances', '{"instances":' + '['.repeat(10_000) + ']'.repeat(10_000) + '}'],
    ['below parameters', '{"instances":[1],"parameters":' + '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000) + '}'],
    ['below columns', '{"inputs":{"a":' + '['.repeat(10_000) + ']'.repeat(10_000) + '}}'],
    [
      'below a tensor',
      '{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":' +
        '['.repeat(10_000) +
        ']'.repeat(10_000) +
        '}]}',
    ],
    [
      'in names of columns',
      '{"dataframe_split":{"columns":[' + '['.repeat(10_000) + ']'.repeat(10_000) + '],"data":[[1]]}}',
    ],
  ])('keeps a row for 10,000 levels of nesting: %s', (_, text) => {
    for (const body of [Buffer.from(text), JSON.parse(text) as unknown]) {
      const { features, outputs, tags, extra } = readBoth(requestOf(body), replyOf(body))
      expect(features).toHaveLength(1)
      for (const part of [...features, ...outputs, tags, extra]) expect(encode(part).length).toBeGreaterThan(0)
    }
  })
})
