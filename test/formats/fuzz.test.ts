import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encode } from '../../src/records/json.ts'
import { createFormatChooser, formatNames } from '../../src/formats/index.ts'
import { binaryBody, replyOf, requestOf } from './messages.ts'

/** Everyday runs are few: `FUZZ_RUNS=100000 npx vitest run test/formats/fuzz.test.ts` for a long one. */
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 300)
const timeout = 30_000 + numRuns * 10

const deepFreeze = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}

const names = fc.constantFrom('x', 'y', 'f0', 'prediction', '__proto__', 'constructor', 'toJSON', 'length', '', 'a.b')
const small = fc.oneof(fc.nat(4), fc.constantFrom(-1, 1.5, 2 ** 53, 1e15, 1e308, NaN, '2', null))
const value = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  fc.double(),
  fc.bigInt(),
  fc.constantFrom(undefined, NaN, -0, 2 ** 53 + 2, 'x'.repeat(70_000)),
)
const list = fc.oneof(
  fc.array(value, { maxLength: 4 }),
  fc.array(fc.array(fc.double(), { maxLength: 3 }), { maxLength: 4 }),
  value,
)
const record = (keys: fc.Arbitrary<string>, values: fc.Arbitrary<unknown>) =>
  fc.array(fc.tuple(keys, values), { maxLength: 4 }).map((entries) => Object.fromEntries(entries) as unknown)
const columns = record(names, list)
const datatype = fc.constantFrom(
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'BF16',
  'FP32',
  'FP64',
  'BYTES',
  'nonsense',
)
const tensor = fc.record(
  {
    name: fc.oneof(names, value),
    datatype: fc.oneof(datatype, value),
    shape: fc.oneof(fc.array(small, { maxLength: 4 }), value),
    data: fc.oneof(list, fc.array(fc.double(), { maxLength: 16 })),
    parameters: fc.oneof(
      record(fc.constantFrom('binary_data_size', 'content_type'), fc.oneof(fc.nat(64), value)),
      value,
    ),
  },
  { requiredKeys: [] },
)
const keys = fc.constantFrom(
  'instances',
  'inputs',
  'outputs',
  'predictions',
  'results',
  'examples',
  'context',
  'signature_name',
  'parameters',
  'params',
  'id',
  'dataframe_split',
  'dataframe_records',
  'model_name',
  'model_version',
  'deployedModelId',
  '__proto__',
  'input_data',
  'Inputs',
  'Results',
  'data',
  'columns',
  'index',
  'meta',
  'jsonData',
  'messages',
  'prompt',
  'input',
  'model',
  'choices',
  'usage',
  'output',
  'labels',
  'scores',
  'generated_text',
)
const seldonData = fc.record(
  {
    names: list,
    ndarray: list,
    tensor: fc.record(
      { shape: fc.oneof(fc.array(small, { maxLength: 3 }), value), values: list },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
)
const labels = fc.array(
  fc.record({ label: fc.oneof(names, value), score: fc.oneof(fc.double(), value) }, { requiredKeys: [] }),
  { maxLength: 3 },
)
const choices = fc.array(
  fc.record(
    { index: small, message: fc.oneof(columns, value), text: value, finish_reason: value },
    { requiredKeys: [] },
  ),
  { maxLength: 3 },
)
const messages = fc.array(fc.record({ role: fc.oneof(names, value), content: value }), { maxLength: 3 })
const labelled = fc.constantFrom('0', '1', '2', 'a', 'b')
const table = fc.oneof(record(labelled, record(labelled, value)), record(labelled, list))
const split = fc.record({
  columns: fc.oneof(fc.array(fc.oneof(names, value), { maxLength: 4 }), value),
  data: fc.oneof(fc.array(list, { maxLength: 4 }), value),
})
const protocol = record(
  keys,
  fc.oneof(list, columns, fc.array(tensor, { maxLength: 3 }), split, seldonData, labels, choices, messages, value),
)
const json = fc.oneof(protocol, columns, list, table, labels, value)
const contentType = fc.constantFrom(
  'application/json',
  '',
  'text/csv',
  'application/jsonlines',
  'text/plain',
  'application/octet-stream',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16le',
  'application/json; charset=nonsense',
  ';;;charset==',
  'application/x-www-form-urlencoded',
)
const csvText = fc
  .array(fc.constantFrom('a', '1', '-2.5', '"', ',', '\n', '\r\n', '""', 'é', ' '), { maxLength: 30 })
  .map((parts) => parts.join(''))
const lineText = fc
  .array(fc.oneof(json.map(encode), fc.constantFrom('', 'oops', '{"done":true,"response":"x"}', '[1,2]')), {
    maxLength: 6,
  })
  .map((lines) => lines.join('\n'))
const binary = fc
  .tuple(protocol, fc.uint8Array({ maxLength: 64 }), fc.option(fc.constantFrom('0', '-1', '5', '9999', 'x', '1e3')))
  .map(([head, tail, length]) => {
    const { body, headers } = binaryBody(JSON.parse(encode(head)), tail)
    return { body: body as unknown, headers: length === null ? headers : { 'inference-header-content-length': length } }
  })
const plain = fc
  .oneof(
    json,
    json.map((each) => Buffer.from(encode(each))),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.string(),
    csvText,
    lineText,
  )
  .map((body) => ({ body: body as unknown, headers: {} as Record<string, string> }))
const message = fc.tuple(fc.oneof({ weight: 4, arbitrary: plain }, binary), contentType)
const path = fc.option(fc.constantFrom('data', 'data.ndarray', 'inputs', 'x', '__proto__', 'a.b', '*', 'output.*'), {
  nil: undefined,
})
const schemaNames = fc.array(names, { maxLength: 4 })

describe('any body through every format', () => {
  it(
    'throws nothing, loses no row, changes nothing',
    () => {
      fc.assert(
        fc.property(
          message,
          message,
          fc.constantFrom(...formatNames),
          schemaNames,
          schemaNames,
          fc.record({ instances: path, predictions: path }),
          ([request, requestType], [reply, replyType], setting, featureNames, outputNames, paths) => {
            deepFreeze(request.body)
            deepFreeze(reply.body)
            const before = encode([request.body, reply.body])
            const asked = requestOf(request.body, { ...request, contentType: requestType, featureNames, outputNames })
            const format = createFormatChooser({ format: setting, ...paths })(asked)
            const reading = format.readRequest(asked)
            const replied = format.readReply(replyOf(reply.body, { ...reply, contentType: replyType }), reading)
            expect(reading.features.length).toBeGreaterThan(0)
            for (const row of [...reading.features, ...replied.outputs]) {
              expect(typeof row).toBe('object')
              encode(row)
            }
            encode([reading.tags, reading.extra, replied.tags, replied.extra])
            expect(encode([request.body, reply.body])).toBe(before)
            expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
          },
        ),
        { numRuns },
      )
    },
    timeout,
  )
})
