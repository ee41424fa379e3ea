import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { chooseFormat } from '../../src/formats/index.ts'
import type { FormatReply, FormatRequest } from '../../src/formats/format.ts'
import { isOrdinaryReply, isOrdinaryRequest, ordinaryReading } from '../../src/formats/ordinary.ts'
import { SIGNED } from '../../src/formats/signed.ts'
import { encode } from '../../src/records/json.ts'

const header = (): undefined => undefined

const requestOf = (body: unknown, outputNames: readonly string[] = []): FormatRequest => ({
  body,
  contentType: 'application/json',
  header,
  featureNames: [],
  outputNames,
})

const replyOf = (body: unknown): FormatReply => ({ body, contentType: 'application/json', status: 200, header })

/** Names that formats look for, among others. */
const name = fc.oneof(
  fc.constantFrom(
    ...SIGNED,
    ...['predictions', 'prediction', 'outputs', 'output', 'results', 'label', 'labels', 'score', 'scores', 'choices'],
    ...[
      'generated_text',
      'done',
      'response',
      'message',
      'usage',
      'model',
      'id',
      'object',
      'columns',
      'index',
      'schema',
    ],
    ...['0', '1', 'a', 'b', '__proto__', 'toJSON'],
  ),
  fc.string(),
)
const scalar = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, 1, -0, 0.25, 0.75, 2 ** 53, 2 ** 63, 1e300),
  fc.string(),
  fc.boolean(),
  fc.constant(null),
  fc.constant('x'.repeat(9000)),
)
const { value } = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  object: fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  value: fc.oneof(
    { maxDepth: 4 },
    { arbitrary: scalar, weight: 4 },
    { arbitrary: tie('object'), weight: 3 },
    { arbitrary: fc.array(tie('value'), { maxLength: 3 }), weight: 1 },
  ),
}))
const body = fc.oneof(fc.dictionary(name, value, { maxKeys: 4 }), value)

/** An object that often has some of the names. */
const withSome = (names: readonly string[]) =>
  fc
    .tuple(fc.dictionary(name, value, { maxKeys: 2 }), fc.subarray([...names]), scalar)
    .map(([members, some, of]) => ({ ...members, ...Object.fromEntries(some.map((each) => [each, of])) }))

describe('an ordinary request', () => {
  it('is read by its format as the text that it is', () => {
    let ordinary = 0
    fc.assert(
      fc.property(body, (each) => {
        if (!isOrdinaryRequest(each)) return
        ordinary++
        const request = requestOf(each)
        const format = chooseFormat('auto', request)
        const { features, ...rest } = format.readRequest(request)
        expect(format.name).toBe('json')
        expect(features.map(encode)).toEqual([JSON.stringify(each)])
        expect(rest).toEqual({ isBatch: false, context: [] })
      }),
      { numRuns: 5000 },
    )
    expect(ordinary).toBeGreaterThan(500)
  })

  it.each([
    ['a list', [1]],
    ['a list in it', { a: [1] }],
    ["a protocol's member", { inputs: 'a text' }],
    ['a table', { a: { 0: 1, 1: 2 } }],
    ['a number that a parser rounded', { a: 2 ** 60 }],
    ['a number that JSON has not', { a: Number.NaN }],
    ['a form of its own in JSON', { a: { toJSON: () => 1 } }],
    ['a date', { a: new Date(0) }],
    ['bytes', Buffer.from('a')],
    ['a long text', { a: 'x'.repeat(10_000) }],
    ['very many members', Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, i]))],
    ['a text', 'a'],
    ['nothing', undefined],
  ])('is not %s', (_what, each) => expect(isOrdinaryRequest(each)).toBe(false))

  it.each([
    ['a list', [1]],
    ['bytes', Buffer.from('a')],
  ])('is not %s, whose names are not listed to tell: there may be millions', (_what, each) => {
    const ownKeys = vi.fn(Reflect.ownKeys)
    const watched = new Proxy(each, { ownKeys })
    expect(isOrdinaryRequest(watched)).toBe(false)
    expect(isOrdinaryReply(watched, [])).toBe(false)
    expect(ownKeys).not.toHaveBeenCalled()
  })
})

describe('the reply to an ordinary request', () => {
  it.each([[[]], [['prediction']], [['prediction', 'confidence']], [['a', 'b']], [['label', 'score']]])(
    'is read by the format as the text that it is, with the outputs %j',
    (outputNames) => {
      let ordinary = 0
      fc.assert(
        fc.property(withSome(outputNames), (each) => {
          if (!isOrdinaryReply(each, outputNames)) return
          ordinary++
          const reading = ordinaryReading(outputNames)
          const { outputs, ...rest } = chooseFormat('json', requestOf({}, outputNames)).readReply(
            replyOf(each),
            reading,
          )
          expect(outputs.map(encode)).toEqual([JSON.stringify(each)])
          expect(rest).toEqual({})
        }),
        { numRuns: 1000 },
      )
      expect(ordinary).toBeGreaterThan(50)
    },
  )

  it('is not a label with its score', () => {
    expect(isOrdinaryReply({ label: 'cat', score: 0.9 }, ['prediction', 'score'])).toBe(false)
  })

  it('is not probabilities by their labels', () => {
    expect(isOrdinaryReply({ cat: 0.9, dog: 0.1 }, ['prediction', 'confidence'])).toBe(false)
    expect(isOrdinaryReply({ prediction: 'cat', confidence: 0.9 }, ['prediction', 'confidence'])).toBe(true)
  })
})
