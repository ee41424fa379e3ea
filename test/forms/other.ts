import type { Form } from './form.ts'

const FLASK = 'what services that were written by hand take and reply'
const TEI = 'https://huggingface.github.io/text-embeddings-inference/'
const SAGEMAKER = 'https://docs.aws.amazon.com/sagemaker/latest/dg/deepar-in-formats.html'

const rows = [
  [5.1, 3.5],
  [4, 3],
]
const named = {
  features: { type: 'object', properties: { sepal: { type: 'number' }, petal: { type: 'number' } } },
  outputs: { type: 'object', properties: { prediction: { type: 'number' } } },
} as const
const numbered = [
  { f0: 5.1, f1: 3.5 },
  { f0: 4, f1: 3 },
]

export const otherForms: readonly Form[] = [
  {
    name: 'features and prediction, where the options say so',
    source: FLASK,
    options: { instances: 'features', predictions: 'prediction' },
    request: { features: rows },
    reply: { prediction: [0, 1] },
    format: 'json',
    features: numbered,
    outputs: [{ prediction: 0 }, { prediction: 1 }],
    schema: named,
    columns: [{ sepal: 5.1, petal: 3.5, prediction: 0 }, { sepal: 4, petal: 3, prediction: 1 }], // prettier-ignore
  },
  {
    name: 'features and prediction, without options: what to set',
    source: FLASK,
    request: { features: rows },
    reply: { prediction: [0, 1] },
    format: 'json',
    features: [{ features: rows }],
    outputs: [{ prediction: [0, 1] }],
    extra: { body: 'PREDICTIONS_INSTANCES=features' },
  },
  {
    name: 'data, with the columns beside it',
    source: FLASK,
    options: { instances: 'data' },
    request: { data: rows, threshold: 0.5 },
    reply: { predictions: [0, 1], model: 'm' },
    format: 'json',
    features: numbered,
    outputs: [{ prediction: 0 }, { prediction: 1 }],
    tags: { threshold: 0.5, model: 'm' },
    schema: named,
    columns: [{ sepal: 5.1, petal: 3.5, prediction: 0 }, { sepal: 4, petal: 3, prediction: 1 }], // prettier-ignore
  },
  {
    name: 'input_series',
    source: FLASK,
    options: { instances: 'input_series' },
    request: { input_series: [[1, 2, 3]] },
    reply: [2],
    format: 'json',
    features: [{ f0: 1, f1: 2, f2: 3 }],
    outputs: [{ prediction: 2 }],
  },
  {
    name: 'results of objects',
    source: FLASK,
    options: { instances: 'rows', predictions: 'results' },
    request: { rows: [{ a: 1 }] },
    reply: { results: [{ id: 0, proba: 0.2 }] },
    format: 'json',
    features: [{ a: 1 }],
    outputs: [{ id: 0, proba: 0.2 }],
    schema: {
      features: { type: 'object', properties: { a: { type: 'number' } } },
      outputs: { type: 'object', properties: { id: { type: 'integer' }, proba: { type: 'number' } } },
    },
    columns: [{ a: 1, output_id: 0, proba: 0.2 }],
  },
  {
    name: 'results of one instance, without options: what to set',
    source: FLASK,
    request: { a: 1 },
    reply: { results: [{ id: 0, proba: 0.2 }] },
    format: 'json',
    features: [{ a: 1 }],
    outputs: [{ results: [{ id: 0, proba: 0.2 }] }],
    extra: { reply: 'PREDICTIONS_PREDICTIONS=results' },
  },
  {
    name: 'paths of several members, and columns there',
    source: FLASK,
    options: { instances: 'request.columns', predictions: 'response.score' },
    request: { request: { columns: { a: [1, 3], b: [2, 4] }, user: 'u' } },
    reply: { response: { score: [0.1, 0.2] }, took_ms: 3 },
    format: 'json',
    features: [{ a: 1, b: 2 }, { a: 3, b: 4 }], // prettier-ignore
    outputs: [{ prediction: 0.1 }, { prediction: 0.2 }],
    tags: { 'request.user': 'u', took_ms: 3 },
  },
  {
    name: 'one instance as a list of values, with a schema that has as many names',
    source: FLASK,
    options: { instances: 'features', predictions: 'prediction' },
    request: { features: [[5.1, 3.5]] },
    reply: { prediction: 0, confidence: 0.9 },
    format: 'json',
    features: [{ f0: 5.1, f1: 3.5 }],
    outputs: [{ prediction: 0 }],
    tags: { confidence: 0.9 },
    schema: { ...named, outputs: { type: 'object', properties: { prediction: { type: 'number' } } } },
    columns: [{ sepal: 5.1, petal: 3.5, prediction: 0 }],
  },
  {
    name: 'nothing at the path that the options say',
    source: FLASK,
    options: { instances: 'features', predictions: 'prediction' },
    request: { a: 1 },
    reply: { label: 'x' },
    format: 'json',
    features: [{ a: 1 }],
    outputs: [{ label: 'x' }],
    extra: { body: 'nothing stands at features', reply: 'nothing stands at prediction' },
  },
  {
    name: 'a list under inputs, whatever stands beside it',
    source: TEI,
    request: { inputs: ['What is deep learning?', 'Hello'], truncate: true, options: { use_cache: false }, config: {} },
    reply: [[0.1, 0.2], [0.3, 0.4]], // prettier-ignore
    format: 'instances',
    features: [{ text: 'What is deep learning?' }, { text: 'Hello' }],
    outputs: [{ prediction: [0.1, 0.2] }, { prediction: [0.3, 0.4] }],
    tags: { truncate: true, 'options.use_cache': false },
  },
  {
    name: 'DeepAR: instances with a configuration',
    source: SAGEMAKER,
    request: { instances: [{ start: '2009-11-01 00:00:00', target: [4, 10] }], configuration: { num_samples: 50 } },
    reply: { predictions: [{ mean: [1, 2] }] },
    format: 'instances',
    features: [{ start: '2009-11-01 00:00:00', target: [4, 10] }],
    outputs: [{ mean: [1, 2] }],
    tags: { 'configuration.num_samples': 50 },
  },
  {
    name: 'an object of equal members below is one instance',
    source: FLASK,
    request: { sepal: { length: 5.1, width: 3.5 }, petal: { length: 1.4, width: 0.2 } },
    reply: { prediction: 'setosa' },
    format: 'json',
    features: [{ sepal: { length: 5.1, width: 3.5 }, petal: { length: 1.4, width: 0.2 } }],
    outputs: [{ prediction: 'setosa' }],
    schema: {
      features: {
        type: 'object',
        properties: {
          sepal: { type: 'object', properties: { length: { type: 'number' }, width: { type: 'number' } } },
          petal: { type: 'object', properties: { length: { type: 'number' }, width: { type: 'number' } } },
        },
      },
    },
    columns: [{ sepal_length: 5.1, petal_width: 0.2 }],
  },
]
