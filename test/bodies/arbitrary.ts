import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { encode } from '../../src/records/json.ts'
import type { SentBody } from './servers.ts'

const printable = fc.string({ unit: fc.constantFrom(...'abcjsontextcsv/+;=-*"\' 0189'), maxLength: 20 })

const contentType = fc.oneof(
  fc.constantFrom(
    'application/json',
    'application/json; charset=utf-8',
    'application/json; charset=utf-16le',
    'application/json; charset=x',
    'application/ld+json',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/csv',
    'application/jsonlines',
    'application/x-ndjson; charset=utf-8',
    'text/plain; charset=iso-8859-1',
  ),
  printable,
)

const number = fc.oneof(fc.double(), fc.integer(), fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String))
const name = fc.constantFrom('a', 'x', '__proto__', 'constructor', 'toJSON', 'length', '', 'a.b', 'prediction', 'id')
const list = fc.array(fc.oneof(number, fc.array(number, { maxLength: 3 }), fc.jsonValue({ maxDepth: 1 })), {
  maxLength: 4,
})
const tensor = fc.record(
  {
    name,
    shape: fc.array(fc.oneof(fc.nat(4), number), { maxLength: 3 }),
    datatype: fc.constantFrom('FP32', 'INT64', 'BYTES', 'BOOL', 'x'),
    data: list,
    parameters: fc.record({ binary_data_size: fc.oneof(fc.nat(64), number) }),
  },
  { requiredKeys: [] },
)
const protocol = fc.dictionary(
  fc.constantFrom(
    'instances',
    'inputs',
    'examples',
    'dataframe_split',
    'dataframe_records',
    'parameters',
    'id',
    '__proto__',
    ...[
      'input_data',
      'Inputs',
      'data',
      'meta',
      'columns',
      'index',
      'names',
      'ndarray',
      'tensor',
      'jsonData',
      'strData',
    ],
    ...[
      'model',
      'messages',
      'prompt',
      'input',
      'features',
      'predictions',
      'choices',
      'usage',
      'label',
      'score',
      'done',
    ],
  ),
  fc.oneof(
    list,
    fc.array(tensor, { maxLength: 3 }),
    fc.dictionary(name, list, { maxKeys: 3 }),
    fc.jsonValue({ maxDepth: 2 }),
  ),
  { maxKeys: 3 },
)
const json = fc.oneof(protocol, list, fc.dictionary(name, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 })).map(encode)
const deep = fc
  .tuple(fc.constantFrom(['[', ']'], ['{"a":', '}'], ['{"instances":[', ']}']), fc.nat(2000))
  .map(([[open, end], depth]) => open!.repeat(depth) + '1' + end!.repeat(depth))
const cut = fc.tuple(json, fc.nat(100)).map(([text, length]) => text.slice(0, length))
const csv = fc.string({ unit: fc.constantFrom('a', '1', '-2.5', '"', ',', '\n', '\r\n', 'é', ' '), maxLength: 30 })

const value = fc.oneof(json, cut, number.map(encode), fc.constantFrom('', ' ', 'oops', '{"done":true,"response":"x"}'))
/** Lines alike, as most are, and any others. */
const lines = fc
  .tuple(
    fc.oneof(
      fc.array(value, { maxLength: 6 }),
      fc.array(fc.tuple(number, number).map(encode), { maxLength: 6 }),
      fc.array(fc.record({ a: number, x: fc.string() }).map(encode), { maxLength: 6 }),
    ),
    fc.constantFrom('\n', '\r\n', '\n\n'),
  )
  .map(([all, separator]) => all.join(separator))
const event = fc.oneof(
  value.map((text) => `data: ${text}\n\n`),
  fc.constantFrom('data: [DONE]\n\n', ': ping\n\n', 'event: x\r\n', 'data:\n', 'id: 1\n\n'),
  fc.string({ maxLength: 5 }).map((text) => `data: {"choices":[{"delta":{"content":${JSON.stringify(text)}}}]}\n\n`),
)
const events = fc.array(event, { maxLength: 8 }).map((all) => all.join(''))

/** Past what is read at once. */
const LARGE = 40_000
const repeated = (text: string, separator: string): string =>
  Array<string>(Math.ceil(LARGE / Math.max(text.length, 12)))
    .fill(text)
    .join(separator)
const large = fc.oneof(
  fc
    .tuple(json, fc.constantFrom('[', '{"instances":[', '{"id":"r","inputs":['), fc.constantFrom(']', ']}', '', ',]'))
    .map(([item, open, end]) => open + repeated(item, ',') + end),
  json.map((text) => text.replace(/^\{(?!\})/, `{"pad":"${'x'.repeat(LARGE)}",`)),
  fc.oneof(csv, json).map((text) => repeated(text, '\n')),
)

const bytes = fc.oneof(
  {
    weight: 400,
    arbitrary: fc.oneof(json, cut, deep, csv, lines, events, fc.string()).map((text) => Buffer.from(text)),
  },
  { weight: 100, arbitrary: fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data)) },
  { weight: 100, arbitrary: json.map((text) => Buffer.from(text, 'utf16le')) },
  { weight: 6, arbitrary: large.map((text) => Buffer.from(text)) },
)

const codings: Readonly<Record<string, (data: Buffer) => Buffer>> = {
  gzip: (data) => gzipSync(data),
  deflate: (data) => deflateSync(data),
  br: (data) => brotliCompressSync(data),
}

/** Any bytes, from protocols' bodies with odd members to noise, under any content type and coding, true or not. */
export const anyBody: fc.Arbitrary<SentBody> = fc
  .record({
    bytes,
    contentType: fc.option(contentType, { nil: undefined }),
    coding: fc.option(fc.constantFrom('gzip', 'deflate', 'br', 'identity', 'x', '__proto__'), {
      nil: undefined,
      freq: 3,
    }),
    isCoded: fc.boolean(),
    // A handler may reply with the very bytes.
    echo: fc.option(fc.constantFrom('application/json', 'application/x-ndjson', 'text/csv', 'text/event-stream'), {
      nil: undefined,
    }),
    length: fc.option(fc.oneof(fc.nat(80).map(String), printable), { nil: undefined, freq: 4 }),
  })
  .map(({ bytes, contentType, coding, isCoded, echo, length }) => {
    const code = isCoded && coding !== undefined && Object.hasOwn(codings, coding) ? codings[coding]! : undefined
    return {
      body: code === undefined ? bytes : code(bytes),
      headers: {
        ...(contentType !== undefined && { 'content-type': contentType }),
        ...(echo !== undefined && { 'x-echo': echo }),
        ...(coding !== undefined && { 'content-encoding': coding }),
        ...(length !== undefined && { 'inference-header-content-length': length }),
      },
    }
  })
