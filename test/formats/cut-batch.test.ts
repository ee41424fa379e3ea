import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formats } from '../../src/formats/index.ts'
import { countOf, partsOf } from '../../src/formats/instance-parts.ts'
import type { RequestReading } from '../../src/formats/format.ts'
import { decode, encode } from '../../src/records/json.ts'
import { readBoth, replyOf, requestOf } from './messages.ts'

/** What is read of a request in JSON, and of a reply to it, in a fixed order. */
const said = (body: unknown, featureNames: readonly string[]) => {
  const reply = replyOf({ predictions: [1, 2] })
  const { format, isBatch, requestId, tags, extra, features, outputs } = readBoth(
    requestOf(body, { featureNames }),
    reply,
  )
  return encode({ format, isBatch, requestId, tags, extra, features, outputs })
}

const textsOf = (reading: RequestReading) => {
  const { count, texts } = partsOf(reading, 'features')
  return texts?.(0, count)
}

/** The texts of features that were cut out of bytes; undefined where they were parsed. */
const cut = (text: string, featureNames: readonly string[] = []) =>
  textsOf(formats['instances']!.readRequest(requestOf(Buffer.from(text), { featureNames })))

/** Whatever way it is read, a body says the same. Text that came as a string is always parsed. */
const same = (text: string, featureNames: readonly string[] = []) => {
  const texts = cut(text, featureNames)
  const { features } = formats['instances']!.readRequest(requestOf(text, { featureNames }))
  if (texts !== undefined) expect(encode(texts.map(decode))).toBe(encode(features))
  // A string that cannot be JSON is taken for a value.
  if (/^\s*[[{"]/.test(text)) expect(said(Buffer.from(text), featureNames)).toBe(said(text, featureNames))
}

describe('the features of a batch in bytes are cut out of it', () => {
  it.each([
    ['{"instances":[{"a":1,"b":"x"},{"a":-0,"b":"é\\n\\u00fc"}]}', ['{"a":1,"b":"x"}', '{"a":-0,"b":"é\\n\\u00fc"}']],
    ['{"instances": [ [1.50, 2e-7],\n[true,null] ] }', ['{"f0":1.50,"f1":2e-7}', '{"f0":true,"f1":null}']],
    ['{"id":"r","instances":[1,2],"n":9007199254740993}', ['{"f0":1}', '{"f0":2}']],
    [' [[9007199254740993],[-18446744073709551615]] ', ['{"f0":9007199254740993}', '{"f0":-18446744073709551615}']],
    ['[{"__proto__":1},{"__proto__":2}]', ['{"__proto__":1}', '{"__proto__":2}']],
  ])('%s', (text, texts) => {
    same(text)
    expect(cut(text)).toEqual(texts)
  })

  it('with the names of the schema', () => {
    expect(cut('[[1,2],[3,4]]', ['größe', 'b'])).toEqual(['{"größe":1,"b":2}', '{"größe":3,"b":4}'])
    expect(cut('[[1,2],[3,4]]', ['a', 'b', 'c'])).toEqual(['{"a":1,"b":2}', '{"a":3,"b":4}'])
    expect(cut('[[1,2,3]]', ['a', 'b'])).toEqual(['{"a":1,"b":2,"f2":3}'])
    expect(cut('[1,2]', ['a', 'b'])).toEqual(['{"a":1}', '{"a":2}'])
  })

  it.each([
    ['values that are no scalars', '[{"a":[1]}]'],
    ['other members', '[{"a":1},{"b":1}]'],
    ['fewer members', '[{"a":1,"b":1},{"a":1}]'],
    ['more members', '[{"a":1},{"a":1,"b":1}]'],
    ['a member that stands there twice', '[{"a":1,"a":2}]'],
    ['the same by an escape', '[{"a":1,"\\u0061":2}]'],
    ['other lengths', '[[1],[1,2]]'],
    ['other kinds', '[[1],1]'],
    ['an array that begins with null', '[[null,1]]'],
    ['texts in arrays', '[["a,b"]]'],
    ['past a double', '[[1e400]]'],
    ['many digits', `[[1${'0'.repeat(400)}]]`],
    ['lines in an item', '[{"a":\n1}]'],
    ['empty items', '[{}]'],
    ['empty arrays', '[[]]'],
    ['no items', '[]'],
    ['long strings', `[{"a":"${'x'.repeat(70_000)}"}]`],
    ['long arrays', encode([Array(5_000).fill(1)])],
    ['words of Python', '[[NaN]]'],
    ['no JSON: a number', '[[01]]'],
    ['no JSON: a point', '[[1.]]'],
    ['no JSON: a comma', '[[1,]]'],
    ['no JSON: an escape', '[{"a":"\\x"}]'],
    ['no JSON: a tab', '[{"a":"\t"}]'],
    ['no JSON: after it', '[[1]]]'],
    ['no JSON: before it', 'x[[1]]'],
    ['no JSON: the members beside it', '{"instances":[[1]],}'],
    ['not closed', '{"instances":[[1]'],
    ['two of them', '{"instances":[1],"instances":[2]}'],
    ['deeper', '{"a":{"instances":[[1]]},"instances":[]}'],
    ['in a string', '{"a":"\\"instances\\":[1]","instances":[{}]}'],
  ])('but for %s', (_, text) => {
    expect(cut(text)).toBeUndefined()
    same(text)
  })

  it('but where one name of the schema stands for all values', () => {
    expect(cut('[[1,2]]', ['a'])).toBeUndefined()
    expect(cut('[[1,2]]', ['f1'])).toBeUndefined()
    same('[[1,2]]', ['a'])
  })

  it('where one name of the schema stands at another position', () => {
    expect(cut('[[1,2,3]]', ['f2', 'b'])).toEqual(['{"f2":1,"b":2,"f2.1":3}'])
    same('[[1,2,3]]', ['f2', 'b'])
  })

  it('invalid UTF-8 and other charsets are parsed', () => {
    const bytes = Buffer.from('[{"a":"é"}]')
    bytes[7] = 0xff
    expect(textsOf(formats['json']!.readRequest(requestOf(bytes)))).toBeUndefined()
    const wide = requestOf(Buffer.from('[[1]]', 'utf16le'), { contentType: 'application/json; charset=utf-16le' })
    expect(formats['json']!.readRequest(wide)).toMatchObject({ features: [{ f0: 1 }] })
  })

  it('whoever looks at the features gets objects, and what is done to these counts', () => {
    const reading = formats['instances']!.readRequest(requestOf(Buffer.from('{"instances":[[1],[2]]}')))
    expect(countOf(reading)).toBe(2)
    expect(textsOf(reading)).toHaveLength(2)
    const copy = { ...reading }
    expect(copy.features).toEqual([{ f0: 1 }, { f0: 2 }])
    expect(textsOf(copy)).toBeUndefined()
    expect(textsOf(reading)).toBeUndefined()
    expect(reading.features).toBe(reading.features)
  })

  it('in any text', () => {
    const part = fc.constantFrom(
      ...[
        '[',
        ']',
        '{',
        '}',
        ',',
        ':',
        '"',
        '"a":',
        '"b":',
        '"instances":',
        ' ',
        '\n',
        '\\',
        '[1,2]',
        '[3,4]',
        '{"a":1}',
      ],
      ...[
        '{"a":"é"}',
        '1',
        '-0',
        '-1.5',
        '1e5',
        '1E+400',
        '0',
        '.',
        'null',
        'true',
        '"x"',
        '9007199254740993',
        '"\\u0061"',
      ],
    )
    const scalar = fc.oneof(fc.double(), fc.boolean(), fc.constant(null), fc.string(), fc.bigInt(), fc.integer())
    const items = fc.oneof(
      fc.array(fc.array(scalar, { minLength: 2, maxLength: 2 }), { maxLength: 3 }),
      fc.array(fc.record({ a: scalar, b: scalar }), { maxLength: 3 }),
      fc.array(scalar, { maxLength: 3 }),
      fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }),
    )
    const text = fc.oneof(
      fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.array(part, { maxLength: 8 }).map((parts) => `[${parts.join('')}]`),
      fc.array(part, { maxLength: 8 }).map((parts) => `{"instances":[${parts.join('')}]}`),
      items.map(encode),
      fc.tuple(items, fc.jsonValue({ maxDepth: 1 })).map(([instances, tag]) => encode({ instances, tag })),
    )
    const names = fc.constantFrom([], ['a'], ['a', 'b'], ['f1', 'x', 'y'])
    let cuts = 0
    fc.assert(
      fc.property(text, names, (each, featureNames) => {
        same(each, featureNames)
        if (cut(each, featureNames) !== undefined) cuts++
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 2_000) },
    )
    expect(cuts).toBeGreaterThan(100)
  })
})

describe("the only tensor's features are cut out of its data", () => {
  const tensor = (shape: unknown, data: string, more = '') =>
    `{"id":"r","parameters":{"p":9007199254740993},"inputs":[{"name":"x","datatype":"FP32","shape":${encode(shape)},"data":${data}${more}}]}`

  const cutData = (text: string, featureNames: readonly string[] = []) => {
    const request = requestOf(Buffer.from(text), { featureNames })
    return textsOf(formats['open-inference']!.readRequest(request))
  }

  const sameData = (text: string, featureNames: readonly string[] = []) => {
    const texts = cutData(text, featureNames)
    const { features } = formats['open-inference']!.readRequest(requestOf(text, { featureNames }))
    if (texts !== undefined) expect(encode(texts.map(decode))).toBe(encode(features))
    expect(said(Buffer.from(text), featureNames)).toBe(said(text, featureNames))
  }

  it.each([
    ['flat', tensor([2, 2], '[1,2.50,3,4]'), [], ['{"x_0":1,"x_1":2.50}', '{"x_0":3,"x_1":4}']],
    ['nested', tensor([2, 2], '[[1,2], [3,4]]'), [], ['{"x_0":1,"x_1":2}', '{"x_0":3,"x_1":4}']],
    ['named by the schema', tensor([1, 2], '[1,2]'), ['a', 'b'], ['{"a":1,"b":2}']],
    ['a value each', tensor([2], '[1,9007199254740993]'), ['a'], ['{"x":1}', '{"x":9007199254740993}']],
    ['a column', tensor([2, 1], '[[1],[2]]'), [], ['{"x":1}', '{"x":2}']],
    ['no dimensions', tensor([], '[5]'), [], ['{"x":5}']],
    ['parameters of its own', tensor([1], '[5]', ',"parameters":{"a":1}'), [], ['{"x":5}']],
  ])('%s', (_, text, names, texts) => {
    expect(cutData(text, names)).toEqual(texts)
    sameData(text, names)
  })

  it.each([
    ['data that does not fit the shape', tensor([2, 2], '[1,2,3]')],
    ['data nested unlike the shape', tensor([2, 3], '[[1,2],[3,4],[5,6]]')],
    ['data nested deeper than the shape', tensor([2], '[[1],[2]]')],
    ['three dimensions', tensor([1, 2, 2], '[1,2,3,4]')],
    ['no values', tensor([0, 2], '[]')],
    ['no values in a dimension', tensor([1, 0], '[1]')],
    ['no shape', tensor('x', '[1]')],
    ['texts', tensor([1], '["a"]')],
    ['objects', tensor([1], '[{"a":1}]')],
    ['two tensors', '{"inputs":[{"name":"x","shape":[1],"data":[1]},{"name":"y","shape":[1],"data":[2]}]}'],
    ['data elsewhere', '{"data":[1],"inputs":[{"name":"x","shape":[1],"data":[2]}]}'],
    ['a long row', tensor([1, 5000], encode(Array(5000).fill(1)))],
    ['no tensor at all', '{"data":[1,2]}'],
  ])('but for %s', (_, text) => {
    expect(cutData(text)).toBeUndefined()
    sameData(text)
  })

  it('whatever shape and data', () => {
    const scalar = fc.oneof(fc.double(), fc.constantFrom(null, true, -0, 1), fc.string({ maxLength: 2 }))
    const data = fc.oneof(
      fc.array(scalar, { maxLength: 6 }),
      fc.array(fc.array(fc.integer(), { minLength: 2, maxLength: 2 }), { maxLength: 3 }),
    )
    const names = fc.constantFrom([], ['a'], ['a', 'b'], ['x'], ['x_0', 'x_1'], ['x', 'b'])
    const shapes = fc.array(fc.nat(3), { maxLength: 3 })
    fc.assert(
      fc.property(shapes, data, names, (shape, each, featureNames) => {
        sameData(tensor(shape, encode(each)), featureNames)
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 2_000) },
    )
  })
})
