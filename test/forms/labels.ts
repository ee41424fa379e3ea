import type { Form } from './form.ts'

const CLASSIFICATION = 'https://huggingface.co/docs/inference-providers/tasks/text-classification'
const ZERO_SHOT = 'https://huggingface.co/docs/inference-providers/tasks/zero-shot-classification'
const OWN = 'what services that were written by hand take and reply'

const positive = [
  { label: 'POSITIVE', score: 0.99 },
  { label: 'NEGATIVE', score: 0.01 },
]
const negative = [
  { label: 'POSITIVE', score: 0.2 },
  { label: 'NEGATIVE', score: 0.8 },
]
const isPositive = { prediction: 'POSITIVE', confidence: 0.99, labels: positive }
const isNegative = { prediction: 'NEGATIVE', confidence: 0.8, labels: negative }
const typed = {
  features: { type: 'object', properties: { a: { type: 'number' } } },
  outputs: {
    type: 'object',
    properties: { prediction: { type: 'string' }, confidence: { type: 'number' }, labels: {} },
  },
} as const

export const labelForms: readonly Form[] = [
  {
    name: 'labels of one text',
    source: CLASSIFICATION,
    request: { inputs: 'I like you. I love you.' },
    reply: positive,
    format: 'instances',
    features: [{ text: 'I like you. I love you.' }],
    outputs: [isPositive],
  },
  {
    name: 'labels of one text, in a list',
    source: CLASSIFICATION,
    request: { inputs: 'I like you.', parameters: { top_k: 2 } },
    reply: [positive],
    format: 'instances',
    features: [{ text: 'I like you.' }],
    outputs: [isPositive],
    tags: { top_k: 2 },
  },
  {
    name: 'labels of a batch of texts',
    source: CLASSIFICATION,
    request: { inputs: ['I like you.', 'I hate you.'] },
    reply: [positive, negative],
    format: 'instances',
    features: [{ text: 'I like you.' }, { text: 'I hate you.' }],
    outputs: [isPositive, isNegative],
  },
  {
    name: 'labels below predictions',
    source: CLASSIFICATION,
    request: { instances: [{ a: 1 }, { a: 2 }] },
    reply: { predictions: [positive, negative] },
    format: 'instances',
    features: [{ a: 1 }, { a: 2 }],
    outputs: [isPositive, isNegative],
  },
  {
    name: 'labels for an instance of JSON',
    source: OWN,
    request: { a: 1 },
    reply: negative,
    format: 'json',
    features: [{ a: 1 }],
    outputs: [isNegative],
  },
  {
    name: 'labels with their scores as texts',
    source: OWN,
    request: { a: 1 },
    reply: [{ label: 'no', score: '0.25' }, { label: 'yes', score: '0.75' }], // prettier-ignore
    format: 'json',
    features: [{ a: 1 }],
    outputs: [{ prediction: 'yes', confidence: 0.75, labels: [{ label: 'no', score: '0.25' }, { label: 'yes', score: '0.75' }] }], // prettier-ignore
  },
  {
    name: 'the best label of each of a batch',
    source: CLASSIFICATION,
    request: { inputs: ['I like you.', 'I hate you.'] },
    reply: [{ label: 'POSITIVE', score: 0.99 }, { label: 'NEGATIVE', score: 0.8 }], // prettier-ignore
    format: 'instances',
    features: [{ text: 'I like you.' }, { text: 'I hate you.' }],
    outputs: [{ label: 'POSITIVE', score: 0.99 }, { label: 'NEGATIVE', score: 0.8 }], // prettier-ignore
  },
  {
    name: 'zero-shot: labels and scores',
    source: ZERO_SHOT,
    request: { inputs: 'I want a refund', parameters: { candidate_labels: ['refund', 'legal'] } },
    reply: { sequence: 'I want a refund', labels: ['refund', 'legal'], scores: [0.9, 0.1] },
    format: 'instances',
    features: [{ text: 'I want a refund' }],
    outputs: [{ prediction: 'refund', confidence: 0.9, sequence: 'I want a refund', labels: ['refund', 'legal'], scores: [0.9, 0.1] }], // prettier-ignore
    tags: { candidate_labels: ['refund', 'legal'] },
  },
  {
    name: 'probabilities by label, where the option says so',
    source: OWN,
    options: { predictions: '*' },
    request: { a: 1 },
    reply: { cat: 0.9, dog: 0.1 },
    format: 'json',
    features: [{ a: 1 }],
    outputs: [{ prediction: 'cat', confidence: 0.9, labels: { cat: 0.9, dog: 0.1 } }],
    schema: typed,
    columns: [{ a: 1, prediction: 'cat', confidence: 0.9, labels: { cat: 0.9, dog: 0.1 } }],
  },
  {
    name: 'probabilities by label, as texts, below a member',
    source: OWN,
    options: { predictions: 'probabilities.*' },
    request: [{ a: 1 }, { a: 2 }],
    reply: { probabilities: [{ cat: '0.9', dog: '0.1' }, { cat: '0.3', dog: '0.7' }] }, // prettier-ignore
    format: 'json',
    features: [{ a: 1 }, { a: 2 }],
    outputs: [
      { prediction: 'cat', confidence: 0.9, labels: { cat: '0.9', dog: '0.1' } },
      { prediction: 'dog', confidence: 0.7, labels: { cat: '0.3', dog: '0.7' } },
    ],
    schema: typed,
    columns: [{ a: 1, prediction: 'cat', confidence: 0.9 }, { a: 2, prediction: 'dog', confidence: 0.7 }], // prettier-ignore
  },
]

/** What only a schema tells: without one it is what it says. */
export const labelFormsBySchema: readonly Form[] = [
  {
    name: 'probabilities by label, where the schema says so',
    source: OWN,
    request: { a: 1 },
    reply: { cat: 0.9, dog: 0.1 },
    format: 'json',
    features: [{ a: 1 }],
    outputs: [{ cat: 0.9, dog: 0.1 }],
    schema: typed,
    columns: [{ a: 1, prediction: 'cat', confidence: 0.9, labels: { cat: 0.9, dog: 0.1 } }],
  },
  {
    name: 'one label and its score, where the schema has a prediction',
    source: OWN,
    request: { a: 1 },
    reply: { label: 'cat', score: 0.9 },
    format: 'json',
    features: [{ a: 1 }],
    outputs: [{ label: 'cat', score: 0.9 }],
    schema: typed,
    columns: [{ a: 1, prediction: 'cat', confidence: 0.9 }],
  },
  {
    name: 'members of the schema stay what they are',
    source: OWN,
    request: { a: 1 },
    reply: { prediction: 'cat', confidence: 0.9 },
    format: 'json',
    features: [{ a: 1 }],
    outputs: [{ prediction: 'cat', confidence: 0.9 }],
    schema: typed,
    columns: [{ a: 1, prediction: 'cat', confidence: 0.9, labels: null }],
  },
]
