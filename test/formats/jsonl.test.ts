import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { partsOf } from '../../src/formats/instance-parts.ts'
import { parseJsonLines } from '../../src/formats/json-lines.ts'
import { jsonl } from '../../src/formats/jsonl.ts'
import { decode } from '../../src/records/json.ts'
import { finish } from '../../src/steps/time-slices.ts'
import { readBoth, replyOf, requestOf } from './messages.ts'

interface Options {
  type?: string
  replyType?: string
  setting?: string
  featureNames?: string[]
  outputNames?: string[]
}

const TYPE = 'application/jsonlines'
const read = (
  request: unknown,
  reply: unknown = '{"p":1}',
  { type = TYPE, replyType = TYPE, setting, ...names }: Options = {},
) =>
  readBoth(
    requestOf(typeof request === 'string' ? Buffer.from(request) : request, { contentType: type, ...names }),
    replyOf(typeof reply === 'string' ? Buffer.from(reply) : reply, { contentType: replyType }),
    setting,
  )

const two = '{"sepal":5.1,"name":"é"}\n{"sepal":6.2,"name":"b"}\n'
const features = [
  { sepal: 5.1, name: 'é' },
  { sepal: 6.2, name: 'b' },
]

describe('JSON Lines', () => {
  it.each([
    'application/jsonlines',
    'application/jsonl',
    'application/x-ndjson',
    'application/ndjson',
    'text/x-ndjson; charset=utf-8',
    'Application/X-JSONLines',
  ])('%s: an instance a line, and an output a line', (type) => {
    const reply = '{"label":"setosa","score":0.9}\n{"label":"virginica","score":0.7}\n'
    expect(read(two, reply, { type, replyType: type })).toMatchObject({
      format: 'jsonl',
      features,
      outputs: [
        { label: 'setosa', score: 0.9 },
        { label: 'virginica', score: 0.7 },
      ],
      isBatch: true,
      extra: {},
    })
  })

  // https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
  it("SageMaker's example: lines of features, and scores", () => {
    const request = '{"features":[1.5,16.0,14.0,23.0]}\n{"features":[-2.0,100.2,15.2,9.2]}'
    expect(read(request, '{"score":0.4}\n{"score":0.9}', { featureNames: ['a', 'b', 'c', 'd'] })).toMatchObject({
      features: [
        { a: 1.5, b: 16, c: 14, d: 23 },
        { a: -2, b: 100.2, c: 15.2, d: 9.2 },
      ],
      outputs: [{ score: 0.4 }, { score: 0.9 }],
    })
    expect(read('{"features":[1],"weight":2}').features).toEqual([{ features: [1], weight: 2 }])
  })

  it.each([
    ['Windows’ line breaks', '{"a":1}\r\n{"a":2}\r\n', [{ a: 1 }, { a: 2 }]],
    ['no break at the end', '{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
    ['arrays over several lines', '[1,\n2]\n[3,4]', [{}, {}, { f0: 3, f1: 4 }]],
    ['values between blanks', ' {"a":1} \t\r\n\t{"a":2} ', [{ a: 1 }, { a: 2 }]],
    ['two values on a line', '{"a":1} {"a":2}\n{"a":3}', [{}, { a: 3 }]],
    ['lists and objects below', '{"a":[1]}\n{"a":{"b":2}}', [{ a: [1] }, { a: { b: 2 } }]],
    ['blank lines', '\n{"a":1}\n\n  \n{"a":2}\n\n', [{ a: 1 }, { a: 2 }]],
    ['one line', '{"a":1}\n', [{ a: 1 }]],
    ['arrays', '[1,2]\n[3,4]', [{ f0: 1, f1: 2 }, { f0: 3, f1: 4 }]],
    ['scalars', '1\n"x"\nnull', [{ f0: 1 }, { f0: 'x' }, { f0: null }]],
    ['lines that are JSON only together', '1,2\n[3\n4]\n{"a":1}', [{}, {}, {}, { a: 1 }]],
    ['a break within a text', '{"a":"x\\ny\u2028z"}\n{"a":2}', [{ a: 'x\ny\u2028z' }, { a: 2 }]],
    ['64-bit integers', '{"a":9007199254740993}\n{"a":1}', [{ a: 9007199254740993n }, { a: 1 }]],
    ['words that JSON lacks', '{"a":NaN}\n{"a":-Infinity}', [{ a: 'NaN' }, { a: '-Infinity' }]],
    ['a byte order mark', '\ufeff{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
  ])('%s', (_what, body, expected) => {
    expect(read(body).features).toEqual(expected)
  }) // prettier-ignore

  it('names lines that are no JSON, and keeps their places', () => {
    const { features, outputs, extra } = read('{"a":1}\n{"a":\n\n{"a":3}\noops', '0.1\n0.2\nnone\n0.4')
    expect(features).toEqual([{ a: 1 }, {}, { a: 3 }, {}])
    expect(outputs).toEqual([{ prediction: 0.1 }, { prediction: 0.2 }, {}, { prediction: 0.4 }])
    expect(extra['body']).toEqual({
      value: { 'line 2': '{"a":', 'line 5': 'oops' },
      reason: expect.stringMatching(/^2 of 4 lines are no JSON: line 2, 5; the first: /) as string,
    })
    expect(extra['reply']?.reason).toMatch(/^1 of 4 lines are no JSON: line 3; /)
  })

  it('names no more than a hundred, and says how many there are', () => {
    const { extra, features } = read(`{"a":1}\n${'oops\n'.repeat(150)}`)
    expect(features).toHaveLength(151)
    expect(extra['body']?.reason).toMatch(/^150 of 151 lines are no JSON: line 2, 3, .*, 101 and 50 more; /)
    expect(Object.keys(extra['body']?.value as object)).toHaveLength(8)
  })

  it('is a text that cannot be read where no line is JSON', () => {
    expect(read('oops\noops')).toMatchObject({
      features: [{}],
      extra: { body: { value: 'oops\noops', reason: 'no line of it is JSON' } },
    })
  })

  it.each(['application/json', '', 'application/x-www-form-urlencoded', 'text/plain'])(
    'is found behind the content type "%s" where every line is JSON',
    (type) => {
      expect(read(two, two, { type })).toMatchObject({ format: 'jsonl', features, outputs: features })
      expect(read('{"a":1}\n{"a":', '', { type })).toMatchObject({ features: [{}], extra: { body: { value: '{"a":1}\n{"a":' } } }) // prettier-ignore
    },
  )

  it('is read by the configuration, whatever the content type', () => {
    const body = '1\noops\n3'
    expect(read(body, body, { type: 'text/plain', setting: 'jsonl' })).toMatchObject({
      features: [{ f0: 1 }, {}, { f0: 3 }],
      outputs: [{ prediction: 1 }, {}, { prediction: 3 }],
    })
    expect(read({ a: 1 }, '{"p":1}', { setting: 'jsonl' })).toMatchObject({ features: [{ a: 1 }], outputs: [{ p: 1 }] })
    expect(read([{ a: 1 }, { a: 2 }], two, { setting: 'jsonl' }).features).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('is the reply to JSON and to CSV as well', () => {
    expect(read('[[1],[2]]', '0.1\n0.2', { type: 'application/json' }).outputs).toEqual([{ prediction: 0.1 }, { prediction: 0.2 }]) // prettier-ignore
    expect(read('1,2\n3,4', '{"p":1}\n{"p":2}', { type: 'text/csv' }).outputs).toEqual([{ p: 1 }, { p: 2 }])
    expect(read('{"a":1}', '{"p":1}\n', { type: 'application/json' }).outputs).toEqual([{ p: 1 }])
    expect(read('{"a":1}', '{"p":1}\n{"p":2}', { type: 'application/json' }).outputs).toEqual([{ prediction: [{ p: 1 }, { p: 2 }] }]) // prettier-ignore
  })

  // https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-completion
  it("Ollama's stream is one answer", () => {
    const request = '{"a":"Why is the sky blue?"}'
    const line = { model: 'llama3.2', created_at: '2023-08-04T08:52:19.385406455-07:00' }
    const last = {
      ...line,
      response: '',
      done: true,
      done_reason: 'stop',
      context: [1, 2, 3],
      total_duration: 10706818083,
      eval_count: 259,
    }
    const lines = [{ ...line, response: 'The', done: false }, { ...line, response: ' sky', done: false }, last]
    const reply = lines.map((each) => JSON.stringify(each)).join('\n')
    expect(read(request, reply, { type: 'application/json', replyType: 'application/x-ndjson' })).toMatchObject({
      model: 'llama3.2',
      outputs: [
        {
          prediction: 'The sky',
          done: true,
          done_reason: 'stop',
          total_duration: 10706818083,
          eval_count: 259,
          chunks: 3,
        },
      ],
    })
    const chat = [
      { ...line, message: { role: 'assistant', content: 'Hi', thinking: 'a' }, done: false },
      { ...line, message: { role: 'assistant', content: '!', thinking: 'b' }, done: true },
    ]
    const { outputs } = read(request, chat.map((each) => JSON.stringify(each)).join('\n'), { type: 'application/json' })
    expect(outputs).toEqual([{ prediction: 'Hi!', thinking: 'ab', done: true, chunks: 2 }])
  })

  it('is cut out of its bytes where all lines are alike, as it would be parsed', () => {
    const scalar = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    )
    const text = fc.oneof(scalar, fc.string(), fc.string({ unit: 'binary' }))
    const alike = fc.oneof(
      fc.array(fc.record({ a: text, 'b"é': text })),
      fc.array(fc.tuple(scalar, scalar, scalar)),
      fc.array(scalar),
      fc.array(fc.oneof(fc.record({ a: text }), fc.tuple(scalar, text), text)),
    )
    const join = fc.constantFrom('\n', '\r\n', '\n\n', ' \n\t')
    let cuts = 0
    fc.assert(
      fc.property(alike, join, fc.constantFrom('', '\n'), (items, separator, end) => {
        const body = Buffer.from(items.map((item) => JSON.stringify(item)).join(separator) + end)
        const reading = () => jsonl.readRequest(requestOf(body, { contentType: TYPE, featureNames: ['x', 'y'] }))
        const { texts, count } = partsOf(reading(), 'features')
        if (texts === undefined) return
        cuts++
        const { features } = reading()
        expect(texts(0, count).map((each) => decode(each))).toEqual(features)
        expect(features).toHaveLength(items.length)
      }),
      { numRuns: 500 },
    )
    expect(cuts).toBeGreaterThan(100)
  })

  it('is parsed in steps, a long line as well', () => {
    const text = Array.from({ length: 20_000 }, (_, i) => `{"a":${i},"b":"${'x'.repeat(20)}"}`).join('\n')
    for (const body of [text, `[${Array(200_000).fill(1.5).join()}]\n1`]) {
      const work = parseJsonLines(body, JSON.parse, false)
      let steps = 0
      while (work.next().done !== true) steps++
      expect(steps).toBeGreaterThan(5)
    }
    expect(finish(parseJsonLines(text, JSON.parse, true))?.items).toHaveLength(20_000)
  })
})
