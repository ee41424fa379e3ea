import { describe, expect, it } from 'vitest'
import { parseCsv } from '../../src/formats/csv-text.ts'
import { readBoth, replyOf, requestOf } from './messages.ts'

interface Options {
  contentType?: string
  featureNames?: string[]
  outputNames?: string[]
}

const read = (request: string, reply: string, { contentType = 'text/csv; charset=utf-8', ...names }: Options = {}) => {
  const { format, features, outputs, extra } = readBoth(
    requestOf(Buffer.from(request), { contentType, ...names }),
    replyOf(Buffer.from(reply), { contentType }),
  )
  expect(format).toBe('csv')
  return { features, outputs, extra }
}

describe('csv', () => {
  // https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
  it("SageMaker's example, without a header", () => {
    expect(read('1.5,16.0,14,23.0', '0.4')).toMatchObject({
      features: [{ f0: 1.5, f1: 16, f2: 14, f3: 23 }],
      outputs: [{ prediction: 0.4 }],
    })
  })

  it.each([
    ['a line each', '0.1\n0.9\n'],
    ['all in one line', '0.1,0.9'],
  ])('predictions: %s', (_, reply) => {
    expect(read('1,2\r\n3,4\r\n', reply).outputs).toEqual([{ prediction: 0.1 }, { prediction: 0.9 }])
  })

  it('several outputs a line', () => {
    expect(read('1\n2', '0.1,0.9\n0.8,0.2').outputs).toEqual([{ prediction: [0.1, 0.9] }, { prediction: [0.8, 0.2] }])
    expect(read('1\n2\n3', 'a,b\n0.1,0.9\n0.8,0.2\n0.5,0.5').outputs[1]).toEqual({ a: 0.8, b: 0.2 })
    expect(read('1\n2\n3', '0.1,0.9\n0.8,0.2\n0.5,0.5', { outputNames: ['x', 'y'] }).outputs[1]).toEqual({
      x: 0.8,
      y: 0.2,
    })
  })

  it.each<[string, string, string[], unknown]>([
    ['by its words', 'a,b\n1,x\n', [], [{ a: 1, b: 'x' }]],
    ["by the schema's names", 'b,a\nx,y\n', ['a', 'b', 'c'], [{ b: 'x', a: 'y' }]],
    [
      'none, the schema names',
      '1,x\n2,y',
      ['a', 'b'],
      [
        { a: 1, b: 'x' },
        { a: 2, b: 'y' },
      ],
    ],
    [
      'none where all is text',
      'x,y\nz,w',
      [],
      [
        { f0: 'x', f1: 'y' },
        { f0: 'z', f1: 'w' },
      ],
    ],
    ['none in a single line', 'x,y', [], [{ f0: 'x', f1: 'y' }]],
  ])('header: %s', (_, body, featureNames, features) => {
    expect(read(body, '1', { featureNames }).features).toEqual(features)
  })

  // https://www.rfc-editor.org/rfc/rfc4180#section-3
  it.each<[string, string, string[], unknown]>([
    ['present', 'x,y\nz,w', [], [{ x: 'z', y: 'w' }]],
    ['"present"', '1,2\n3,4', ['a', 'b'], [{ 1: 3, 2: 4 }]],
    ['PRESENT; charset=utf-8', 'x\n', [], [{}]],
    [
      'absent',
      'a,b\n1,2',
      [],
      [
        { f0: 'a', f1: 'b' },
        { f0: 1, f1: 2 },
      ],
    ],
    ['absent', 'b,a', ['a', 'b'], [{ a: 'b', b: 'a' }]],
    ['perhaps', 'a,b\n1,2', [], [{ a: 1, b: 2 }]],
  ])('header=%s of %j', (header, body, featureNames, features) => {
    expect(read(body, '1', { contentType: `text/csv; header=${header}`, featureNames }).features).toEqual(features)
  })

  it('the header parameter counts for the reply, too', () => {
    const outputsOf = (header: string) => read('1\n2', 'a,b\nc,d', { contentType: `text/csv;header=${header}` }).outputs
    expect(outputsOf('present')).toEqual([{ a: 'c', b: 'd' }])
    expect(outputsOf('absent')).toEqual([{ prediction: ['a', 'b'] }, { prediction: ['c', 'd'] }])
  })

  it.each<[string, string, string[], unknown]>([
    ['a header', 'a,a,b,a\n1,2,3,4', [], [{ a: 1, 'a.1': 2, b: 3, 'a.2': 4 }]],
    ['a header that has its other name already', 'a,a.1,a\n1,2,3', [], [{ a: 1, 'a.1': 2, 'a.2': 3 }]],
    ['positions', '1,2,3', ['f2', 'b'], [{ f2: 1, b: 2, 'f2.1': 3 }]],
  ])('loses no value where a name stands for several: %s', (_, body, featureNames, features) => {
    expect(read(body, '1', { featureNames }).features).toEqual(features)
  })

  it('the same in replies', () => {
    expect(read('1\n2', 'p,p\n1,2\n3,4').outputs).toEqual([
      { p: 1, 'p.1': 2 },
      { p: 3, 'p.1': 4 },
    ])
  })

  it.each<[string, string, string[], unknown]>([
    ['is one', '1,'.repeat(5_000) + '1', [], { f0: { shape: [5_001], type: 'number' } }],
    ['as in JSON', '1,'.repeat(4_999) + '1', ['a', 'b'], { a: 1, b: 1, f2: { shape: [4_998], type: 'number' } }],
    ['of any other name', '1,'.repeat(5_000) + '1', ['f1'], { f1: 1, 'f1.1': { shape: [5_000], type: 'number' } }],
  ])('a row of more fields than are features %s', (_, body, featureNames, features) => {
    const { extra, ...asked } = read(body, '1', { featureNames })
    expect(asked.features).toMatchObject([features])
    expect(Object.keys(asked.features[0]!)).toHaveLength(featureNames.length + 1)
    expect(Object.values(extra)).toEqual([{ reason: 'too long: stored by its shape, type and digest' }])
  })

  it('a header of more names than any table has columns gives none', () => {
    const names = 'a,'.repeat(70_000)
    expect(Object.keys(read(`${names}\n${'1,'.repeat(70_000)}`, '1').features[0]!)).toEqual(['f0'])
  })

  it('many fields are features where the header names them, or they are not too many', () => {
    const names = Array.from({ length: 5_000 }, (_, i) => `n${i}`)
    const { features } = read(`${names.join()}\n${names.map((_, i) => i).join()}\n`, '1')
    expect(features).toEqual([Object.fromEntries(names.map((name, i) => [name, i]))])
    const few = Array.from({ length: 4_096 }, (_, i) => i)
    expect(read(few.join(), '1').features).toEqual([Object.fromEntries(few.map((i) => [`f${i}`, i]))])
  })

  it('rows of many fields keep a feature called __proto__', () => {
    const names = ['__proto__', ...Array.from({ length: 300 }, (_, i) => `n${i}`)]
    const [row] = read(`${names.join()}\n${names.map((_, i) => i).join()}\n`, '1').features
    expect(Object.entries(row!)).toEqual(names.map((name, i) => [name, i]))
  })

  it.each(['', '-', '+'])('an integer of up to 1,000 digits is one, with the sign "%s"', (sign) => {
    const [longest, longer] = ['7'.repeat(1000), '7'.repeat(1001)]
    expect(read(`${sign}${longest}, ${sign}${longer}`, '1').features).toEqual([
      { f0: BigInt(`${sign === '+' ? '' : sign}${longest}`), f1: ` ${sign}${longer}` },
    ])
  })

  it('tells numbers from text', () => {
    expect(read('1,-2.5e3,.5,007,9007199254740993,,1.,NaN,0x10, 4,1e999', '1').features).toEqual([
      {
        f0: 1,
        f1: -2500,
        f2: 0.5,
        f3: '007',
        f4: 9007199254740993n,
        f5: null,
        f6: 1,
        f7: 'NaN',
        f8: '0x10',
        f9: 4,
        f10: Infinity,
      },
    ])
  })

  // https://www.rfc-editor.org/rfc/rfc4180#section-2
  it.each([
    [
      'lines',
      'aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n',
      [
        ['aaa', 'bbb', 'ccc'],
        ['zzz', 'yyy', 'xxx'],
      ],
    ],
    [
      'quotes',
      '"aaa","bbb","ccc"\r\nzzz,yyy,xxx',
      [
        ['aaa', 'bbb', 'ccc'],
        ['zzz', 'yyy', 'xxx'],
      ],
    ],
    [
      'line breaks in quotes',
      '"aaa","b\r\nbb","ccc"\r\nzzz,yyy,xxx',
      [
        ['aaa', 'b\r\nbb', 'ccc'],
        ['zzz', 'yyy', 'xxx'],
      ],
    ],
    ['quotes in quotes', '"aaa","b""bb","c,cc"', [['aaa', 'b"bb', 'c,cc']]],
    [
      'empty fields',
      '"",a,\n,,""\n',
      [
        ['', 'a', ''],
        ['', '', ''],
      ],
    ],
    ['an unclosed quote', 'a,"b\nc', [['a', 'b\nc']]],
    ['text behind a quote', '"a"b,c', [['ab', 'c']]],
    ['empty lines', '\n\na\n\n"b"\n\n', [['a'], ['b']]],
    ['old line ends', 'a\rb\r', [['a'], ['b']]],
    ['nothing', '', []],
    ['a comma', ',', [['', '']]],
    ['a quoted comma at the end', '"a",', [['a', '']]],
  ])('parses %s', (_, text, lines) => {
    const parsed = parseCsv(text)
    expect(Array.from({ length: parsed.length }, (_, i) => parsed.at(i))).toEqual(lines)
  })
})
