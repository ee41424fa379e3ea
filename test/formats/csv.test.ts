import { describe, expect, it } from 'vitest'
import { parseCsv } from '../../src/formats/csv-text.ts'
import { readBoth, replyOf, requestOf } from './messages.ts'

const contentType = 'text/csv; charset=utf-8'

const read = (request: string, reply: string, names: { featureNames?: string[]; outputNames?: string[] } = {}) => {
  const { format, features, outputs } = readBoth(
    requestOf(Buffer.from(request), { contentType, ...names }),
    replyOf(Buffer.from(reply), { contentType }),
  )
  expect(format).toBe('csv')
  return { features, outputs }
}

describe('csv', () => {
  // https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
  it("SageMaker's example, without a header", () => {
    expect(read('1.5,16.0,14,23.0', '0.4')).toEqual({
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
