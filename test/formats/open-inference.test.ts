import { describe, expect, it } from 'vitest'
import { binaryBody, readBoth, replyOf, requestOf } from './messages.ts'

const tensor = (name: string, datatype: string, shape: number[], data: unknown) => ({ name, datatype, shape, data })
const binaryTensor = (name: string, datatype: string, shape: number[], size: number) => ({
  name,
  datatype,
  shape,
  parameters: { binary_data_size: size },
})
const fp32 = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)

describe('open-inference', () => {
  // https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#inference-request-examples
  // (input1 has one element there, although its shape says three)
  it("the specification's example", () => {
    const body = {
      id: '42',
      inputs: [tensor('input0', 'UINT32', [2, 2], [1, 2, 3, 4]), tensor('input1', 'BOOL', [3], [true])],
      outputs: [{ name: 'output0' }],
    }
    const reply = {
      id: '42',
      outputs: [tensor('output0', 'FP32', [3, 2], [1.0, 1.1, 2.0, 2.1, 3.0, 3.1])],
    }
    expect(readBoth(requestOf(body), replyOf(reply))).toMatchObject({
      format: 'open-inference',
      requestId: '42',
      features: [
        { input0_0: 1, input0_1: 2 },
        { input0_0: 3, input0_1: 4 },
      ],
      outputs: [
        { output0_0: 1.0, output0_1: 1.1 },
        { output0_0: 2.0, output0_1: 2.1 },
        { output0_0: 3.0, output0_1: 3.1 },
      ],
      extra: { 'features.input1': { value: [true], reason: 'the shape [3] needs 3 elements, the data has 1' } },
    })
  })

  // https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md#examples
  it("the binary extension's example: first dimensions differ, so it is one instance", () => {
    const request = binaryBody(
      {
        model_name: 'mymodel',
        inputs: [binaryTensor('input0', 'UINT32', [2, 2], 16), binaryTensor('input1', 'BOOL', [3], 3)],
        outputs: [{ name: 'output0', parameters: { binary_data: true } }],
      },
      new Uint8Array(Uint32Array.of(1, 2, 3, 4_000_000_000).buffer),
      Uint8Array.of(1, 0, 1),
    )
    const reply = binaryBody({ outputs: [binaryTensor('output0', 'FP32', [3, 2], 24)] }, fp32(1, 1.5, 2, 2.5, 3, 3.5))
    const contentType = 'application/octet-stream'
    expect(
      readBoth(
        requestOf(request.body, { contentType, headers: request.headers }),
        replyOf(reply.body, { contentType, headers: reply.headers }),
      ),
    ).toMatchObject({
      format: 'open-inference',
      features: [
        {
          input0: [
            [1, 2],
            [3, 4_000_000_000],
          ],
          input1: [true, false, true],
        },
      ],
      outputs: [
        {
          output0: [
            [1, 1.5],
            [2, 2.5],
            [3, 3.5],
          ],
        },
      ],
      extra: {},
    })
  })

  // https://kserve.github.io/website/docs/model-serving/predictive-inference/frameworks/sklearn (iris-input-v2.json)
  it('KServe: nested data, names from the schema, the model and its version', () => {
    const body = {
      inputs: [
        tensor(
          'input-0',
          'FP32',
          [2, 4],
          [
            [6.8, 2.8, 4.8, 1.4],
            [6.0, 3.4, 4.5, 1.6],
          ],
        ),
      ],
    }
    const reply = {
      id: '823248cc-d770-4a51-9606-16803395569c',
      model_name: 'sklearn-v2-iris',
      model_version: 'v1.0.0',
      parameters: { content_type: 'np' },
      outputs: [{ ...tensor('predict', 'INT64', [2], [1, 2]), parameters: { content_type: 'np' } }],
    }
    const featureNames = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width']
    expect(readBoth(requestOf(body, { featureNames }), replyOf(reply))).toMatchObject({
      features: [
        { sepal_length: 6.8, sepal_width: 2.8, petal_length: 4.8, petal_width: 1.4 },
        { sepal_length: 6.0, sepal_width: 3.4, petal_length: 4.5, petal_width: 1.6 },
      ],
      outputs: [{ predict: 1 }, { predict: 2 }],
      requestId: '823248cc-d770-4a51-9606-16803395569c',
      model: 'sklearn-v2-iris',
      modelVersion: 'v1.0.0',
      tags: { content_type: 'np', 'predict.content_type': 'np' },
    })
  })

  it('mixes tensors: columns, shared values, several widths and ranks', () => {
    const body = {
      parameters: { priority: 1, trace: { id: 'x' } },
      inputs: [
        tensor('age', 'INT32', [2, 1], [30, 40]),
        tensor('xy', 'FP64', [2, 2], [1, 2, 3, 4]),
        tensor('image', 'UINT8', [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
        tensor('city', 'BYTES', [2], ['a', 'b']),
        tensor('temperature', 'FP32', [1], [0.5]),
        tensor('scalar', 'FP32', [], [7]),
      ],
    }
    const read = (featureNames: string[]) =>
      readBoth(requestOf(body, { featureNames }), replyOf({ outputs: [tensor('y', 'FP64', [2, 1], [1, 2])] }))
    expect(read([])).toMatchObject({
      features: [
        {
          age: 30,
          xy_0: 1,
          xy_1: 2,
          image: [
            [1, 2],
            [3, 4],
          ],
          city: 'a',
          temperature: 0.5,
          scalar: 7,
        },
        {
          age: 40,
          xy_0: 3,
          xy_1: 4,
          image: [
            [5, 6],
            [7, 8],
          ],
          city: 'b',
          temperature: 0.5,
          scalar: 7,
        },
      ],
      outputs: [{ y: 1 }, { y: 2 }],
      tags: { priority: 1, 'trace.id': 'x' },
    })
    expect(read(['age', 'x', 'city', 'y', 'image']).features[0]).toMatchObject({ age: 30, x: 1, y: 2, city: 'a' })
    expect(read(['xy_0', 'xy_1', 'age', 'a', 'b']).features[0]).toMatchObject({ age: 30, xy_0: 1, xy_1: 2 })
    expect(read(['xy', 'age']).features[0]).toMatchObject({ xy: [1, 2] })
  })

  it("outputs take the schema's names", () => {
    const body = { inputs: [tensor('x', 'FP32', [2, 1], [1, 2])] }
    const reply = { outputs: [tensor('o', 'FP32', [2, 2], [0.1, 0.9, 0.8, 0.2])] }
    expect(readBoth(requestOf(body, { outputNames: ['pa', 'pb'] }), replyOf(reply)).outputs).toEqual([
      { pa: 0.1, pb: 0.9 },
      { pa: 0.8, pb: 0.2 },
    ])
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['shape', { datatype: 'BYTES', data: ['a@b.org'] }, 'the shape is no list of sizes'],
    ['shape and datatype', { data: ['a@b.org'] }, 'the shape is no list of sizes'],
    ['data', { datatype: 'BYTES', shape: [1] }, 'no data'],
  ])('notes a tensor without %s under its own name', (_, described, reason) => {
    const body = { inputs: [tensor('x', 'FP32', [1], [1]), { name: 'email', ...described }] }
    for (const each of [body, Buffer.from(JSON.stringify(body))])
      expect(readBoth(requestOf(each), replyOf({}))).toMatchObject({
        format: 'open-inference',
        features: [{ x: 1 }],
        extra: { 'features.email': { value: described['data'], reason } },
      })
    const reply = { outputs: [{ name: 'email', ...described }] }
    expect(readBoth(requestOf(body), replyOf(reply)).extra).toMatchObject({ 'outputs.email': { reason } })
  })

  it.each<[string, unknown[], unknown]>([
    [
      'two of one name',
      [tensor('x', 'FP32', [2], [1, 2]), tensor('x', 'FP32', [2, 1], [3, 4])],
      [
        { x: 1, 'x.1': 3 },
        { x: 2, 'x.1': 4 },
      ],
    ],
    [
      'two of one name and several values',
      [tensor('x', 'FP32', [1, 2], [1, 2]), tensor('x', 'FP32', [1, 2], [3, 4])],
      [{ x_0: 1, x_1: 2, 'x_0.1': 3, 'x_1.1': 4 }],
    ],
    [
      "one of another's name for a value",
      [tensor('a', 'FP32', [1, 2], [1, 2]), tensor('a_0', 'FP32', [1], [3])],
      [{ 'a_0.1': 1, a_1: 2, a_0: 3 }],
    ],
    [
      'two of one name that are no batch',
      [tensor('x', 'FP32', [2], [1, 2]), tensor('x', 'FP32', [3], [3, 4, 5])],
      [{ x: [1, 2], 'x.1': [3, 4, 5] }],
    ],
    [
      'one without a name',
      [{ ...tensor('', 'FP32', [1], [1]), name: 1 }, tensor('features_0', 'FP32', [1], [2])],
      [{ features_0: 1, 'features_0.1': 2 }],
    ],
  ])('loses no value of tensors: %s', (_, inputs, features) => {
    expect(readBoth(requestOf({ inputs }), replyOf({}), 'open-inference').features).toEqual(features)
  })

  it('nor what else they say', () => {
    const inputs = [1, 2].map((k) => ({ name: 'x', shape: [2], data: [k], parameters: { k } }))
    expect(readBoth(requestOf({ inputs }), replyOf({}))).toMatchObject({
      tags: { 'x.k': 1, 'x.1.k': 2 },
      extra: { 'features.x': { value: [1] }, 'features.x.1': { value: [2] } },
    })
  })

  it.each<[string, unknown[], unknown]>([
    [
      'as many',
      [tensor('ids', 'INT32', [2], [7, 8]), tensor('none', 'FP32', [2, 0], [])],
      [
        { ids: 7, none: [] },
        { ids: 8, none: [] },
      ],
    ],
    ['one', [tensor('none', 'FP32', [1, 0], []), tensor('t', 'FP32', [1], [5])], [{ none: [], t: 5 }]],
    [
      'shared values alone',
      [tensor('none', 'FP32', [3, 0, 2], []), tensor('t', 'FP32', [], [5])],
      [{ none: [], t: 5 }],
    ],
  ])('a tensor without elements is an empty array in each of %s', (_, inputs, features) => {
    expect(readBoth(requestOf({ inputs }), replyOf({}))).toMatchObject({ features, extra: {} })
  })

  it.each<[string, unknown[], number, unknown, Record<string, { value?: unknown; reason: string }>]>([
    [
      'behind the last tensor',
      [binaryTensor('x', 'FP32', [1], 4)],
      9,
      [{ x: 0 }],
      {
        features: { value: expect.objectContaining({ bytes: 5 }) as unknown, reason: '5 bytes behind the last tensor' },
      },
    ],
    [
      'of no tensor',
      [tensor('x', 'FP32', [1], [1])],
      3,
      [{ x: 1 }],
      {
        features: { value: expect.objectContaining({ bytes: 3 }) as unknown, reason: '3 bytes behind the last tensor' },
      },
    ],
    [
      'that are missing',
      [binaryTensor('x', 'FP32', [1], 4), binaryTensor('y', 'FP32', [1], 64)],
      8,
      [{ x: 0, y: 0 }],
      { 'features.y': { reason: 'binary_data_size is 64, the body has 4 bytes left' } },
    ],
  ])('notes bytes %s', (_, inputs, size, features, notes) => {
    const { body, headers } = binaryBody({ inputs }, Buffer.alloc(size))
    expect(readBoth(requestOf(body, { headers }), replyOf({}))).toMatchObject({ features, extra: notes })
    const reply = binaryBody({ outputs: inputs }, Buffer.alloc(size))
    const { extra } = readBoth(requestOf({ inputs: [tensor('x', 'FP32', [1], [1])] }), replyOf(reply.body, reply))
    expect(extra).toEqual(
      Object.fromEntries(Object.entries(notes).map(([k, v]) => [k.replace('features', 'outputs'), v])),
    )
  })

  it.each<[string, number[], string, unknown[]]>([
    ['BOOL', [2], '0100', [true, false]],
    ['UINT8', [2], '00ff', [0, 255]],
    ['UINT16', [2], '0100ffff', [1, 65535]],
    ['UINT32', [1], 'ffffffff', [4294967295]],
    ['UINT64', [2], '0100000000000000ffffffffffffffff', [1, 18446744073709551615n]],
    ['INT8', [2], '7f80', [127, -128]],
    ['INT16', [1], '0080', [-32768]],
    ['INT32', [1], '00000080', [-2147483648]],
    ['INT64', [2], 'ffffffffffffffff0000000000000080', [-1, -9223372036854775808n]],
    ['FP16', [7], '003c00c0ff7b0100007c00fc007e', [1, -2, 65504, 2 ** -24, Infinity, -Infinity, NaN]],
    ['BF16', [4], '803f00c0807f4940', [1, -2, Infinity, 3.140625]],
    ['FP32', [2], 'cdcccc3d000080bf', [0.10000000149011612, -1]],
    ['FP64', [1], '9a9999999999b93f', [0.1]],
    ['BYTES', [3], '02000000c3a4' + '00000000' + '02000000ff00', ['ä', '', '/wA=']],
  ])('reads binary %s', (datatype, shape, hex, values) => {
    const bytes = Buffer.from(hex, 'hex')
    const { body, headers } = binaryBody({ inputs: [binaryTensor('x', datatype, shape, bytes.length)] }, bytes)
    const { features, extra } = readBoth(requestOf(body, { headers }), replyOf({}))
    expect(features.map((row) => row['x'])).toEqual(values)
    expect(extra).toEqual({})
  })

  it.each([
    ['too few bytes', binaryTensor('x', 'FP32', [2], 8), 4, 'the shape [2] needs 2 elements, the data has 1'],
    [
      'bytes that are no whole elements',
      binaryTensor('x', 'FP32', [2], 7),
      7,
      'the shape [2] needs 2 elements, the data has 1.75',
    ],
    ['an unknown datatype', binaryTensor('x', '__proto__', [2], 8), 8, 'unknown datatype __proto__'],
    [
      'BYTES that do not add up',
      binaryTensor('x', 'BYTES', [1], 8),
      8,
      'the lengths in the data of BYTES do not add up',
    ],
    ['a negative dimension', binaryTensor('x', 'FP32', [-1], 4), 4, 'the shape is no list of sizes'],
    [
      'a shape of astronomic size',
      binaryTensor('x', 'FP32', [1e15, 1e15], 4),
      4,
      'the shape [1000000000000000, 1000000000000000] needs 1e+30 elements, the data has 1',
    ],
    [
      'more dimensions than any',
      binaryTensor('x', 'FP32', Array<number>(40).fill(1), 4),
      4,
      'the shape is no list of sizes',
    ],
  ])('notes %s', (_, described, size, reason) => {
    const { body, headers } = binaryBody({ inputs: [described] }, Buffer.alloc(size, 0xff))
    const { features, extra } = readBoth(requestOf(body, { headers }), replyOf({}))
    expect(features).toEqual([{}])
    expect(extra).toEqual({
      'features.x': { value: { bytes: size, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string }, reason },
    })
  })

  it.each([
    { shape: [0, 4] },
    { shape: [1_000_000_000_000, 0] },
    { shape: [1, 1_000_000_000_000, 0] },
    { shape: [0, 1_000_000_000_000] },
  ])('does not loop over the empty shape $shape', ({ shape }) => {
    expect(readBoth(requestOf({ inputs: [tensor('x', 'FP32', shape, [])] }), replyOf({})).features).toHaveLength(1)
  })

  it('keeps a body whose header length is wrong by its digest', () => {
    const { body } = binaryBody({ inputs: [] })
    const { features, extra } = readBoth(
      requestOf(body, { headers: { 'inference-header-content-length': '999' } }),
      replyOf({}),
    )
    expect(features).toEqual([{}])
    expect(extra['body']).toMatchObject({
      value: { bytes: body.length },
      reason: expect.stringContaining('does not fit') as string,
    })
  })

  it("takes the service's own reply as JSON", () => {
    const body = { inputs: [tensor('x', 'FP32', [2, 1], [1, 2])] }
    expect(readBoth(requestOf(body), replyOf({ predictions: ['a', 'b'] })).outputs).toEqual([
      { prediction: 'a' },
      { prediction: 'b' },
    ])
  })
})
