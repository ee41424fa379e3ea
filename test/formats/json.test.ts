import { describe, expect, it } from 'vitest'
import { readBoth, replyOf, requestOf } from './messages.ts'

const read = (request: unknown, reply: unknown, names: { featureNames?: string[]; outputNames?: string[] } = {}) => {
  const { features, outputs } = readBoth(requestOf(request, names), replyOf(reply), 'json')
  return { features, outputs }
}

describe('json', () => {
  it.each([
    [
      'an object is one instance',
      { a: 1, b: 'x' },
      { prediction: 'y', confidence: 0.9 },
      [{ a: 1, b: 'x' }],
      [{ prediction: 'y', confidence: 0.9 }],
    ],
    ['a scalar is one feature', 5, 6, [{ f0: 5 }], [{ prediction: 6 }]],
    ['null is a value', null, null, [{ f0: null }], [{ prediction: null }]],
    [
      'an array is a batch of objects',
      [{ a: 1 }, { a: 2 }],
      ['x', 'y'],
      [{ a: 1 }, { a: 2 }],
      [{ prediction: 'x' }, { prediction: 'y' }],
    ],
    [
      'a batch of arrays',
      [
        [1, 2],
        [3, 4],
      ],
      [
        [0.1, 0.9],
        [0.8, 0.2],
      ],
      [
        { f0: 1, f1: 2 },
        { f0: 3, f1: 4 },
      ],
      [{ prediction: [0.1, 0.9] }, { prediction: [0.8, 0.2] }],
    ],
    ['a batch of scalars', [1, 2], [{ p: 1 }, { p: 2 }], [{ f0: 1 }, { f0: 2 }], [{ p: 1 }, { p: 2 }]],
    ['a batch of one', [{ a: 1 }], ['x'], [{ a: 1 }], [{ prediction: 'x' }]],
    ['a batch of one with a vector', [{ a: 1 }], [0.1, 0.9], [{ a: 1 }], [{ prediction: [0.1, 0.9] }]],
    ['an array for one instance', { a: 1 }, [0.1, 0.9], [{ a: 1 }], [{ prediction: [0.1, 0.9] }]],
    ['an array of one for one instance', { a: 1 }, [0.1], [{ a: 1 }], [{ prediction: [0.1] }]],
    [
      'predictions of a batch',
      [{ a: 1 }, { a: 2 }],
      { predictions: ['x', 'y'] },
      [{ a: 1 }, { a: 2 }],
      [{ prediction: 'x' }, { prediction: 'y' }],
    ],
    [
      'predictions beside one instance stay a member',
      { a: 1 },
      { predictions: ['x'] },
      [{ a: 1 }],
      [{ predictions: ['x'] }],
    ],
    [
      'columns in the reply to a batch',
      [{ a: 1 }, { a: 2 }],
      { p: ['x', 'y'], q: [1, 2] },
      [{ a: 1 }, { a: 2 }],
      [
        { p: 'x', q: 1 },
        { p: 'y', q: 2 },
      ],
    ],
    [
      'fewer replies than instances',
      [{ a: 1 }, { a: 2 }, { a: 3 }],
      ['x', 'y'],
      [{ a: 1 }, { a: 2 }, { a: 3 }],
      [{ prediction: 'x' }, { prediction: 'y' }],
    ],
    [
      'nested arrays are JSON',
      [
        [
          [1, 2],
          [3, 4],
        ],
      ],
      [0],
      [
        {
          f0: [
            [1, 2],
            [3, 4],
          ],
        },
      ],
      [{ prediction: 0 }],
    ],
  ])('%s', (_, request, reply, features, outputs) => {
    expect(read(request, reply)).toEqual({ features, outputs })
  })

  it('names values by the schema', () => {
    const names = { featureNames: ['sepal', 'petal'], outputNames: ['setosa', 'virginica'] }
    expect(
      read(
        [
          [1, 2],
          [3, 4, 5],
        ],
        [[0.1, 0.9], [1]],
        names,
      ),
    ).toEqual({
      features: [
        { sepal: 1, petal: 2 },
        { sepal: 3, petal: 4, f2: 5 },
      ],
      outputs: [{ setosa: 0.1, virginica: 0.9 }, { prediction: [1] }],
    })
    expect(read({ sepal: 1 }, [0.1, 0.9], names).outputs).toEqual([{ setosa: 0.1, virginica: 0.9 }])
  })

  it('gives a whole array to the only feature or output that the schema names', () => {
    const names = { featureNames: ['embedding'], outputNames: ['label'] }
    expect(read([[1, 2, 3]], ['x'], names)).toEqual({ features: [{ embedding: [1, 2, 3] }], outputs: [{ label: 'x' }] })
  })

  it('keeps an empty batch as a row that says so', () => {
    const { features, outputs, extra } = readBoth(requestOf([]), replyOf([]))
    expect({ features, outputs, extra }).toEqual({
      features: [{}],
      outputs: [{ prediction: [] }],
      extra: { body: { reason: 'a batch without instances' } },
    })
  })

  it('takes a plain text reply for the prediction', () => {
    expect(
      readBoth(requestOf({ a: 1 }), replyOf('setosa', { contentType: 'text/html; charset=utf-8' })).outputs,
    ).toEqual([{ prediction: 'setosa' }])
  })
})
