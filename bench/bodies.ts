/** Bodies for measurements, as the protocols have them. */
export interface LargeBody {
  readonly request: unknown
  readonly reply: unknown
  readonly headers?: Record<string, string>
  readonly replyHeaders?: Record<string, string>
}

const KiB1000 = 1000 * 1024

export const value = (i: number): number => Math.round(Math.sin(i) * 1e4) / 100
const float32 = (i: number): number => Math.fround(Math.sin(i))
export const list = <T>(n: number, each: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => each(i))

export const predictions = (n: number) => ({ predictions: list(n, value) })
export const arrays = (n: number, k: number, each = value) => ({
  instances: list(n, (i) => list(k, (j) => each(i * k + j))),
})
export const objects = (n: number) => ({
  instances: list(n, (i) => ({
    sepal_length: value(i),
    sepal_width: value(i + 1),
    petal_length: value(i + 2),
    petal_width: value(i + 3),
  })),
})
export const users = (n: number) => ({
  instances: list(n, (i) => ({
    user: BigInt('9007199254740993') + BigInt(i),
    age: i % 90,
    city: 'Zürich',
    score: value(i),
  })),
})
export const tensors = (n: number, k: number) => ({
  inputs: [{ name: 'x', shape: [n, k], datatype: 'FP32', data: list(n * k, float32) }],
})
export const outputs = (n: number) => ({
  model_name: 'm',
  outputs: [{ name: 'y', shape: [n], datatype: 'FP32', data: list(n, float32) }],
})

/** A tensor's data behind the JSON, and the header that says where it begins. */
export const binary = (
  tensor: { name: string; shape: number[]; datatype: string; data: number[] },
  member: 'inputs' | 'outputs',
): { body: Buffer; headers: Record<string, string> } => {
  const data = Buffer.from(Float32Array.from(tensor.data).buffer)
  const described = { ...tensor, data: undefined, parameters: { binary_data_size: data.length } }
  const head = Buffer.from(JSON.stringify({ [member]: [described] }))
  return { body: Buffer.concat([head, data]), headers: { 'inference-header-content-length': String(head.length) } }
}

export const binaryExchange = (request: ReturnType<typeof tensors>, reply: ReturnType<typeof outputs>): LargeBody => {
  const asked = binary(request.inputs[0]!, 'inputs')
  const replied = binary(reply.outputs[0]!, 'outputs')
  return { request: asked.body, headers: asked.headers, reply: replied.body, replyHeaders: replied.headers }
}

const image = (width: number, each: (x: number, y: number) => number) =>
  list(width, (y) => list(width, (x) => each(x, y)))

/** Of nearly 1 MiB, the limit by default. */
export const largeBodies: Readonly<Record<string, LargeBody>> = {
  'V1, 5,000 arrays of 30': { request: arrays(5000, 30), reply: predictions(5000) },
  'V1, 1,700 arrays of 30, full precision': { request: arrays(1700, 30, Math.sin), reply: predictions(1700) },
  'V1, 10,000 objects': { request: objects(10_000), reply: predictions(10_000) },
  'V1, an image of numbers': {
    request: { instances: [{ image: image(512, (x, y) => (x * y) % 256) }] },
    reply: predictions(1),
  },
  'V1, an image in base64': { request: { instances: [{ b64: 'A'.repeat(KiB1000) }] }, reply: predictions(1) },
  'V2, 1,700 x 30 FP32': { request: tensors(1700, 30), reply: outputs(1700) },
  'V2 binary, 8,500 x 30 FP32': binaryExchange(tensors(8500, 30), outputs(8500)),
  'V2 binary, an image of 1 x 512 x 512': binaryExchange(
    { inputs: [{ ...tensors(512, 512).inputs[0]!, shape: [1, 512, 512] }] },
    outputs(1),
  ),
  'Azure ML, 5,000 x 30': {
    request: {
      input_data: { columns: list(30, (i) => `c${i}`), index: list(5000, Number), data: arrays(5000, 30).instances },
    },
    reply: list(5000, value),
  },
  'Seldon, a tensor of 5,000 x 30': {
    request: { data: { names: list(30, (i) => `c${i}`), tensor: { shape: [5000, 30], values: list(150_000, value) } } },
    reply: { data: { ndarray: list(5000, (i) => [value(i)]) } },
  },
  'pandas, columns of 5,000 x 10': {
    request: Object.fromEntries(list(10, (i) => [`c${i}`, Object.fromEntries(list(5000, (j) => [j, value(i + j)]))])),
    reply: { prediction: Object.fromEntries(list(5000, (j) => [j, value(j)])) },
  },
  'pandas, 10,000 rows by index': {
    request: Object.fromEntries(list(10_000, (j) => [j, { a: value(j), b: value(j + 1), c: value(j + 2) }])),
    reply: predictions(10_000),
  },
  'embeddings of 60 texts': {
    request: { model: 'm', input: list(60, (i) => `text ${i}`) },
    reply: {
      object: 'list',
      data: list(60, (index) => ({ object: 'embedding', index, embedding: list(1536, float32) })),
    },
  },
  'a large reply: 60,000 predictions': { request: [1, 2], reply: { predictions: list(60_000, Math.sin) } },
  'the most instances: [1,1,…]': { request: list(KiB1000 / 2, () => 1), reply: {} },
  '[{},{},…]': { request: list(KiB1000 / 3, () => ({})), reply: {} },
  '[[],[],…]': { request: list(KiB1000 / 3, () => []), reply: {} },
  'one object of 85,000 members': { request: Object.fromEntries(list(85_000, (i) => [`k${i}`, 1])), reply: {} },
  'one object of 200 arrays of 1,000': {
    request: Object.fromEntries(list(200, (i) => [`k${i}`, list(1000, (j) => (i + j) % 1000)])),
    reply: {},
  },
  'no JSON': { request: Buffer.from('{"a":' + '1'.repeat(KiB1000)), reply: {} },
}
