import type { Form } from './form.ts'

const MLFLOW = 'https://learn.microsoft.com/en-us/azure/machine-learning/how-to-deploy-mlflow-models'
const CONSUME = 'https://learn.microsoft.com/en-us/azure/machine-learning/how-to-consume-web-service'
const DESIGNER = 'https://learn.microsoft.com/en-us/azure/machine-learning/tutorial-designer-automobile-price-deploy'
const STUDIO = 'https://learn.microsoft.com/en-us/previous-versions/azure/machine-learning/classic/consume-web-services'

const two = [
  { a: 1, b: 2 },
  { a: 3, b: 4 },
]
const predictions = [{ prediction: 0.1 }, { prediction: 0.2 }]

export const azureForms: readonly Form[] = [
  {
    name: 'Azure ML: columns, index and data',
    source: MLFLOW,
    request: { input_data: { columns: ['a', 'b'], index: [0, 1], data: [[1, 2], [3, 4]] } }, // prettier-ignore
    reply: [0.1, 0.2],
    format: 'azure-ml',
    features: two,
    outputs: predictions,
  },
  {
    name: 'Azure ML: parameters beside the data',
    source: MLFLOW,
    request: { input_data: { columns: ['a', 'b'], data: [[1, 2]] }, params: { threshold: 0.5 } },
    reply: [0.1],
    format: 'azure-ml',
    features: [{ a: 1, b: 2 }],
    outputs: [{ prediction: 0.1 }],
    tags: { threshold: 0.5 },
  },
  {
    name: 'Azure ML: a list of rows',
    source: MLFLOW,
    request: { input_data: [[1, 2], [3, 4]] }, // prettier-ignore
    reply: [0.1, 0.2],
    format: 'azure-ml',
    features: [{ f0: 1, f1: 2 }, { f0: 3, f1: 4 }], // prettier-ignore
    outputs: predictions,
    schema: { features: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } }, outputs: { type: 'object', properties: { prediction: { type: 'number' } } } }, // prettier-ignore
    columns: [{ a: 1, b: 2, prediction: 0.1 }, { a: 3, b: 4, prediction: 0.2 }], // prettier-ignore
  },
  {
    name: 'Azure ML: a list of objects',
    source: MLFLOW,
    request: { input_data: two },
    reply: [0.1, 0.2],
    format: 'azure-ml',
    features: two,
    outputs: predictions,
  },
  {
    name: 'Azure ML: one flat object',
    source: MLFLOW,
    request: { input_data: { a: 1, b: 2 } },
    reply: { prediction: 0.1 },
    format: 'azure-ml',
    features: [{ a: 1, b: 2 }],
    outputs: [{ prediction: 0.1 }],
  },
  {
    name: 'Azure ML: columns of a signature with tensors',
    source: MLFLOW,
    request: { input_data: { a: [1, 3], b: [2, 4] } },
    reply: [0.1, 0.2],
    format: 'azure-ml',
    features: two,
    outputs: predictions,
  },
  {
    name: 'Azure ML: AutoML',
    source: CONSUME,
    request: { Inputs: { data: two }, GlobalParameters: { method: 'predict' } },
    reply: { Results: [0.1, 0.2] },
    format: 'azure-ml',
    features: two,
    outputs: predictions,
    tags: { method: 'predict' },
  },
  {
    name: 'Azure ML: a list of inputs',
    source: CONSUME,
    request: { Inputs: two, GlobalParameters: 1.0 },
    reply: { Results: [0.1, 0.2] },
    format: 'azure-ml',
    features: two,
    outputs: predictions,
    tags: { GlobalParameters: 1 },
  },
  {
    name: 'Azure ML: a scoring script that returns JSON as a text',
    source: CONSUME,
    request: { Inputs: { data: two } },
    reply: '"{\\"result\\": [0.1, 0.2]}"',
    headers: { 'content-type': 'application/json' },
    format: 'azure-ml',
    features: two,
    outputs: predictions,
  },
  {
    name: 'Azure ML: the designer',
    source: DESIGNER,
    request: { Inputs: { WebServiceInput0: two }, GlobalParameters: {} },
    reply: { Results: { WebServiceOutput0: [{ price: 0.1 }, { price: 0.2 }] } },
    format: 'azure-ml',
    features: two,
    outputs: [{ price: 0.1 }, { price: 0.2 }],
  },
  {
    name: 'Azure ML Studio (classic)',
    source: STUDIO,
    request: { Inputs: { input1: { ColumnNames: ['a', 'b'], Values: [[1, 2], [3, 4]] } }, GlobalParameters: {} }, // prettier-ignore
    reply: {
      Results: {
        output1: {
          type: 'DataTable',
          value: { ColumnNames: ['label', 'p'], ColumnTypes: ['String', 'Double'], Values: [['x', 0.1], ['y', 0.2]] }, // prettier-ignore
        },
      },
    },
    format: 'azure-ml',
    features: two,
    outputs: [{ label: 'x', p: 0.1 }, { label: 'y', p: 0.2 }], // prettier-ignore
  },
]
