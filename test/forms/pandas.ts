import type { Form } from './form.ts'

const JSON_DOC = 'https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.to_json.html'
const DICT_DOC = 'https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.to_dict.html'
const SERIES_DOC = 'https://pandas.pydata.org/docs/reference/api/pandas.Series.to_json.html'

const two = [
  { a: 1, b: 2 },
  { a: 3, b: 4 },
]
const outputs = [{ prediction: 0 }, { prediction: 1 }]

export const pandasForms: readonly Form[] = [
  {
    name: 'pandas: split',
    source: JSON_DOC,
    request: { columns: ['a', 'b'], index: [0, 1], data: [[1, 2], [3, 4]] }, // prettier-ignore
    reply: [0, 1],
    format: 'pandas-split',
    features: two,
    outputs,
  },
  {
    name: 'pandas: tight',
    source: DICT_DOC,
    request: { index: ['x', 'y'], columns: ['a', 'b'], data: [[1, 2], [3, 4]], index_names: [null], column_names: [null] }, // prettier-ignore
    reply: { columns: ['prediction'], index: ['x', 'y'], data: [[0], [1]] },
    format: 'pandas-split',
    features: two,
    outputs,
  },
  {
    name: 'pandas: records',
    source: JSON_DOC,
    request: two,
    reply: outputs,
    format: 'json',
    features: two,
    outputs,
  },
  {
    name: 'pandas: columns',
    source: JSON_DOC,
    request: { a: { 0: 1, 1: 3 }, b: { 0: 2, 1: 4 } },
    reply: { prediction: { 0: 0, 1: 1 } },
    format: 'pandas-columns',
    features: two,
    outputs,
  },
  {
    name: 'pandas: index',
    source: JSON_DOC,
    request: { 0: { a: 1, b: 2 }, 1: { a: 3, b: 4 } },
    reply: { 0: { prediction: 0 }, 1: { prediction: 1 } },
    format: 'pandas-index',
    features: two,
    outputs,
  },
  {
    name: 'pandas: list',
    source: DICT_DOC,
    request: { a: [1, 3], b: [2, 4] },
    reply: { prediction: [0, 1] },
    format: 'pandas-list',
    features: two,
    outputs,
  },
  {
    name: 'pandas: table',
    source: JSON_DOC,
    request: {
      schema: { fields: [{ name: 'index', type: 'integer' }, { name: 'a', type: 'integer' }, { name: 'b', type: 'integer' }], primaryKey: ['index'], pandas_version: '1.4.0' }, // prettier-ignore
      data: [{ index: 0, a: 1, b: 2 }, { index: 1, a: 3, b: 4 }], // prettier-ignore
    },
    reply: [0, 1],
    format: 'pandas-table',
    features: two,
    outputs,
  },
  {
    name: 'pandas: a series in the reply',
    source: SERIES_DOC,
    request: { a: { 0: 1, 1: 3 }, b: { 0: 2, 1: 4 } },
    reply: { 0: 0, 1: 1 },
    format: 'pandas-columns',
    features: two,
    outputs,
  },
]
