import { type PredictionRecord, recordFrom } from '../../../src/records/record.ts'

/** Ids as capture makes them: version 7, the last four digits the instance's index. */
export const idOf = (request: number, instance = 0): string =>
  `019a0000-${(request >>> 16).toString(16).padStart(4, '0')}-7000-8000-${(request & 0xffff).toString(16).padStart(4, '0')}cafe${instance.toString(16).padStart(4, '0')}`

export const recordOf = (request: number, { instance = 0, model = 'iris', padding = '' } = {}): PredictionRecord =>
  recordFrom({
    id: idOf(request, instance),
    timestamp: new Date(1_790_000_000_000 + request).toISOString(),
    model,
    model_version: '1',
    instance,
    status: 200,
    duration_ms: 1.5,
    features: { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2, ...(padding && { padding }) },
    outputs: { prediction: 'setosa', confidence: 0.97 },
  })

export const recordsOf = (count: number, from = 0): PredictionRecord[] =>
  Array.from({ length: count }, (_, i) => recordOf(from + i))

export const never = new AbortController().signal
