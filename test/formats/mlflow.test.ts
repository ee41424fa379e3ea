import { describe, expect, it } from 'vitest'
import { readBoth, replyOf, requestOf } from './messages.ts'

// https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#accepted-input-formats and #csv-input
describe('mlflow', () => {
  it.each<[string, unknown, unknown]>([
    [
      'dataframe_split, as pandas writes it',
      {
        dataframe_split: {
          index: [0, 1],
          columns: ['a', 'b'],
          data: [
            [1, 'x'],
            [2, 'y'],
          ],
        },
      },
      [
        { a: 1, b: 'x' },
        { a: 2, b: 'y' },
      ],
    ],
    [
      'dataframe_records',
      {
        dataframe_records: [
          { a: 0, b: 'dGVzdCBiaW5hcnkgZGF0YSAw' },
          { a: 1, b: 'dGVzdCBiaW5hcnkgZGF0YSAx' },
        ],
      },
      [
        { a: 0, b: 'dGVzdCBiaW5hcnkgZGF0YSAw' },
        { a: 1, b: 'dGVzdCBiaW5hcnkgZGF0YSAx' },
      ],
    ],
    ['instances', { instances: [1.0, 2.0], params: {} }, [{ f0: 1 }, { f0: 2 }]],
    [
      'inputs',
      { inputs: [['Cheese'], ['and', 'Crackers']], params: {} },
      [{ f0: 'Cheese' }, { f0: 'and', f1: 'Crackers' }],
    ],
    [
      'columns that are no names',
      {
        dataframe_split: {
          columns: [0, ['x', 'y']],
          data: [
            [1, 2],
            [3, 4],
          ],
        },
      },
      [
        { 0: 1, '["x","y"]': 2 },
        { 0: 3, '["x","y"]': 4 },
      ],
    ],
  ])('%s', (_, body, features) => {
    expect(readBoth(requestOf(body), replyOf({ predictions: [5, 6] }))).toMatchObject({
      format: 'mlflow',
      features,
      outputs: [{ prediction: 5 }, { prediction: 6 }],
    })
  })

  it('columns of one name lose no value', () => {
    const body = { dataframe_split: { columns: ['a', 'a', 'b'], data: [[1, 2, 3]] } }
    expect(readBoth(requestOf(body), replyOf({})).features).toEqual([{ a: 1, 'a.1': 2, b: 3 }])
  })

  it.each<[string, Record<string, unknown>, string]>([
    [
      'dataframe_split without a list of rows',
      { dataframe_split: { columns: ['email'], data: { 0: 'a@b.org' } } },
      '{"columns":["email"],"data":{"0":"a@b.org"}}',
    ],
    ['dataframe_split as a text', { dataframe_split: '{"columns":["email"]}' }, '"{\\"columns\\":[\\"email\\"]}"'],
    ['dataframe_records that are no list', { dataframe_records: { email: 'a@b.org' } }, '{"email":"a@b.org"}'],
  ])('%s is noted as what could not be read', (_, body, value) => {
    expect(readBoth(requestOf({ ...body, params: { k: 1 } }), replyOf({ error: 'no' }))).toMatchObject({
      format: 'mlflow',
      features: [{}],
      tags: { k: 1 },
      extra: { body: { value, reason: 'no list of rows' } },
    })
  })

  it('params are tags', () => {
    const body = {
      inputs: {
        question: ['What color is it?'],
        context: ['Some people said it was green but I know that it is pink.'],
      },
      params: { max_answer_len: 10 },
    }
    expect(readBoth(requestOf(body), replyOf({ predictions: [{ answer: 'pink', score: 0.9 }] }))).toMatchObject({
      format: 'mlflow',
      features: [
        { question: 'What color is it?', context: 'Some people said it was green but I know that it is pink.' },
      ],
      outputs: [{ answer: 'pink', score: 0.9 }],
      tags: { max_answer_len: 10 },
    })
  })

  it('CSV in, JSON out', () => {
    const body = 'a,b\n1,2\n3,4\n'
    expect(readBoth(requestOf(body, { contentType: 'text/csv' }), replyOf({ predictions: [5, 6] }))).toMatchObject({
      format: 'csv',
      features: [
        { a: 1, b: 2 },
        { a: 3, b: 4 },
      ],
      outputs: [{ prediction: 5 }, { prediction: 6 }],
    })
  })
})
