/**
 * What reading a batch costs beside the least that any JSON service does with it: CPU per instance of `readRequest`, `readReply` and
 * the text of each instance's features and outputs, against `JSON.parse` and `JSON.stringify` of the same bodies, in turns. Bytes are
 * what a gateway captures; parsed is what a body parser has left. Also how long one body of nearly 1 MiB takes.
 *
 *     node bench/formats.ts
 *
 * BENCH_ROUNDS (15): medians are given.
 */
import type { FormatReply, FormatRequest } from '../src/format.ts'
import { chooseFormat } from '../src/formats/index.ts'
import { textsOf } from '../src/formats/texts.ts'
import { encode } from '../src/json.ts'
import { median } from './load.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15)
const ROUND_MS = 100

interface Exchanged {
  request: unknown
  reply: unknown
  headers?: Record<string, string>
}

const value = (i: number) => Math.round(Math.sin(i) * 1e4) / 100
const float32 = (i: number) => Math.fround(Math.sin(i))
const list = <T>(n: number, each: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => each(i))

const predictions = (n: number) => ({ predictions: list(n, value) })
const arrays = (n: number, k: number, each = value) => ({ instances: list(n, (i) => list(k, (j) => each(i * k + j))) })
const objects = (n: number) => ({
  instances: list(n, (i) => ({
    sepal_length: value(i),
    sepal_width: value(i + 1),
    petal_length: value(i + 2),
    petal_width: value(i + 3),
  })),
})
const users = (n: number) => ({
  instances: list(n, (i) => ({
    user: BigInt('9007199254740993') + BigInt(i),
    age: i % 90,
    city: 'Zürich',
    score: value(i),
  })),
})
const tensors = (n: number, k: number) => ({
  inputs: [{ name: 'x', shape: [n, k], datatype: 'FP32', data: list(n * k, float32) }],
})
const outputs = (n: number) => ({
  model_name: 'm',
  outputs: [{ name: 'y', shape: [n], datatype: 'FP32', data: list(n, float32) }],
})

const binary = (
  body: { name: string; shape: number[]; datatype: string; data: number[] },
  member: string,
): Exchanged['request'] => {
  const data = Buffer.from(Float32Array.from(body.data).buffer)
  const described = { ...body, data: undefined, parameters: { binary_data_size: data.length } }
  const head = Buffer.from(JSON.stringify({ [member]: [described] }))
  return { head: head.length, body: Buffer.concat([head, data]) }
}

const message = (body: unknown): FormatRequest & FormatReply => {
  const isBinary = typeof body === 'object' && body !== null && 'head' in body
  const { head, body: bytes } = isBinary ? (body as { head: number; body: Buffer }) : { head: undefined, body }
  return {
    body: bytes,
    contentType: 'application/json',
    header: (name) => (name === 'inference-header-content-length' && head !== undefined ? String(head) : undefined),
    status: 200,
    featureNames: [],
    outputNames: [],
  }
}

const capture = ({ request, reply }: Exchanged): number => {
  const asked = message(request)
  const format = chooseFormat('auto', asked)
  const reading = format.readRequest(asked)
  let size = 0
  for (const text of textsOf(reading) ?? reading.features.map(encode)) size += text.length
  for (const row of format.readReply(message(reply), reading).outputs) size += encode(row).length
  return size
}

/** CPU in microseconds a call, all threads of the process. */
const cpuOf = (work: () => unknown): number => {
  const until = performance.now() + ROUND_MS
  const start = process.cpuUsage()
  let calls = 0
  for (; performance.now() < until; calls++) work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / calls
}

const compare = (name: string, n: number, json: { request: unknown; reply: unknown }, exchanged: Exchanged): void => {
  const texts = [encode(json.request), encode(json.reply)]
  const baseline = () => texts.map((text) => JSON.stringify(JSON.parse(text)))
  const work = () => capture(exchanged)
  cpuOf(baseline)
  cpuOf(work)
  const base: number[] = []
  const cost: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    base.push(cpuOf(baseline))
    cost.push(cpuOf(work))
  }
  const ratios = cost.map((each, i) => each / base[i]!)
  console.log(
    `${name.padEnd(44)} ${(median(cost) / n).toFixed(2).padStart(7)} ${(median(base) / n).toFixed(2).padStart(7)} ${median(ratios).toFixed(2).padStart(6)}`,
  )
}

const bytesOf = (value: unknown) => Buffer.from(encode(value))
const both = (name: string, n: number, request: unknown, reply: unknown): void => {
  compare(`${name}, bytes`, n, { request, reply }, { request: bytesOf(request), reply: bytesOf(reply) })
  compare(
    `${name}, parsed`,
    n,
    { request, reply },
    { request: JSON.parse(encode(request)), reply: JSON.parse(encode(reply)) },
  )
}

console.log(
  `${'microseconds of CPU an instance'.padEnd(44)} ${'capture'.padStart(7)} ${'JSON'.padStart(7)} ${'ratio'.padStart(6)}`,
)
both('V1, 1,000 x 4, objects', 1000, objects(1000), predictions(1000))
both('V1, 1,000 x 30, arrays', 1000, arrays(1000, 30), predictions(1000))
both('V1, 1,000 x 30, arrays of full precision', 1000, arrays(1000, 30, Math.sin), predictions(1000))
both('V1, 1,000 objects with 64-bit integers', 1000, users(1000), predictions(1000))
both('V2, 1,000 x 30 FP32, JSON', 1000, tensors(1000, 30), outputs(1000))
compare(
  'V2, 1,000 x 30 FP32, binary',
  1000,
  { request: tensors(1000, 30), reply: outputs(1000) },
  {
    request: binary(tensors(1000, 30).inputs[0]!, 'inputs'),
    reply: binary(outputs(1000).outputs[0]!, 'outputs'),
  },
)

const longest = (name: string, exchanged: Exchanged): void => {
  const size = Buffer.isBuffer(exchanged.request)
    ? exchanged.request.length
    : (exchanged.request as { body: Buffer }).body.length
  const times = list(ROUNDS * 2, () => {
    const { user, system } = process.cpuUsage()
    capture(exchanged)
    const after = process.cpuUsage()
    return (after.user + after.system - user - system) / 1000
  }).slice(ROUNDS)
  console.log(
    `${name.padEnd(44)} ${(size / 1024).toFixed(0).padStart(5)} KiB ${median(times).toFixed(1).padStart(6)} ms`,
  )
}

console.log('\nthe event loop is blocked for (CPU of one body, other threads included)')
const KiB1000 = 1000 * 1024
longest('V1, arrays of 30', { request: bytesOf(arrays(5000, 30)), reply: bytesOf(predictions(5000)) })
longest('V1, arrays of 30, full precision', {
  request: bytesOf(arrays(1700, 30, Math.sin)),
  reply: bytesOf(predictions(1700)),
})
longest('V1, objects with 64-bit integers', { request: bytesOf(users(12_500)), reply: bytesOf(predictions(12_500)) })
longest('V1, an image of numbers', {
  request: bytesOf({ instances: [{ image: list(512, (y) => list(512, (x) => (x * y) % 256)) }] }),
  reply: bytesOf(predictions(1)),
})
longest('V1, an image in base64', {
  request: bytesOf({ instances: [{ b64: 'A'.repeat(KiB1000) }] }),
  reply: bytesOf(predictions(1)),
})
longest('V2 binary, 8,500 x 30', {
  request: binary(tensors(8500, 30).inputs[0]!, 'inputs'),
  reply: binary(outputs(8500).outputs[0]!, 'outputs'),
})
longest('V2 binary, an image of 1 x 512 x 512', {
  request: binary({ ...tensors(512, 512).inputs[0]!, shape: [1, 512, 512] }, 'inputs'),
  reply: bytesOf({}),
})
longest('the most instances: [1,1,...]', { request: bytesOf(list(KiB1000 / 2, () => 1)), reply: bytesOf({}) })
longest('no JSON', { request: Buffer.from('{"a":' + '1'.repeat(KiB1000)), reply: bytesOf({}) })
