import type { Form } from './form.ts'

const API = 'https://docs.seldon.ai/seldon-core-1/reference/prediction-apis/external-prediction'
const README = 'https://github.com/SeldonIO/seldon-core/blob/master/README.md'

const two = [
  { a: 1, b: 2 },
  { a: 3, b: 4 },
]
const rows = [
  [1, 2],
  [3, 4],
]

export const seldonForms: readonly Form[] = [
  {
    name: 'Seldon: names and ndarray, in and out',
    source: API,
    request: { data: { names: ['a', 'b'], ndarray: rows }, meta: { puid: 'p-1', tags: { team: 'x' } } },
    reply: { data: { names: ['proba', 'label'], ndarray: [[0.1, 'no'], [0.9, 'yes']] }, meta: { puid: 'p-1', routing: {}, requestPath: { classifier: 'image:1' } } }, // prettier-ignore
    format: 'seldon',
    features: two,
    outputs: [{ proba: 0.1, label: 'no' }, { proba: 0.9, label: 'yes' }], // prettier-ignore
    tags: { team: 'x', 'requestPath.classifier': 'image:1' },
    requestId: 'p-1',
  },
  {
    name: 'Seldon: a tensor, in and out',
    source: API,
    request: { data: { names: ['a', 'b'], tensor: { shape: [2, 2], values: [1, 2, 3, 4] } } },
    reply: { data: { names: ['proba'], tensor: { shape: [2, 1], values: [0.1, 0.9] } }, meta: { puid: 'p-2' } },
    format: 'seldon',
    features: two,
    outputs: [{ proba: 0.1 }, { proba: 0.9 }],
    requestId: 'p-2',
  },
  {
    name: 'Seldon: names that it makes up',
    source: README,
    request: { data: { ndarray: [[1, 2]] } },
    reply: { data: { names: ['t:0', 't:1'], ndarray: [[0.676, 0.324]] }, meta: {} },
    format: 'seldon',
    features: [{ f0: 1, f1: 2 }],
    outputs: [{ 't:0': 0.676, 't:1': 0.324 }],
    schema: {
      features: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } },
      outputs: { type: 'object', properties: { no: { type: 'number' }, yes: { type: 'number' } } },
    },
    columns: [{ a: 1, b: 2, no: 0.676, yes: 0.324 }],
  },
  {
    name: 'Seldon: texts',
    source: 'https://docs.seldon.ai/seldon-core-1/tutorials/notebooks/sklearn_spacy_text_classifier_example',
    request: { data: { names: ['text'], ndarray: ['This is about a virus', 'Hello'] } },
    reply: { data: { names: ['t:0', 't:1'], ndarray: [[0.37, 0.63], [0.68, 0.32]] }, meta: {} }, // prettier-ignore
    format: 'seldon',
    features: [{ text: 'This is about a virus' }, { text: 'Hello' }],
    outputs: [{ 't:0': 0.37, 't:1': 0.63 }, { 't:0': 0.68, 't:1': 0.32 }], // prettier-ignore
    schema: { features: { type: 'object', properties: { text: { type: 'string' } } } },
    columns: [{ text: 'This is about a virus' }, { text: 'Hello' }],
  },
  {
    name: 'Seldon: JSON data',
    source: API,
    request: { jsonData: { a: 1, b: 2 }, meta: { puid: 'p-3' } },
    reply: { jsonData: { prediction: 'yes' }, meta: {} },
    format: 'seldon',
    features: [{ a: 1, b: 2 }],
    outputs: [{ prediction: 'yes' }],
    requestId: 'p-3',
  },
  {
    name: 'Seldon: a text',
    source: API,
    request: { strData: 'Hello' },
    reply: { strData: 'hello', meta: {} },
    format: 'seldon',
    features: [{ text: 'Hello' }],
    outputs: [{ prediction: 'hello' }],
  },
  {
    name: 'Seldon: named, whatever it looks like',
    source: API,
    options: { format: 'seldon' },
    request: { data: { ndarray: [[1, 2]] } },
    reply: { data: { ndarray: [7] }, meta: {} },
    format: 'seldon',
    features: [{ f0: 1, f1: 2 }],
    outputs: [{ prediction: 7 }],
  },
  {
    name: 'Seldon: an error',
    source: 'https://docs.seldon.ai/seldon-core-1/configuration/wrappers/python/python_component',
    request: { data: { names: ['a', 'b'], ndarray: rows } },
    reply: { status: { code: -1, info: 'a must not be negative', reason: 'MICROSERVICE_BAD_DATA', status: 1 } },
    status: 400,
    format: 'seldon',
    features: two,
    outputs: [],
    error: 'MICROSERVICE_BAD_DATA: a must not be negative',
  },
]
