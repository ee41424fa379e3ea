import { describe, expect, it } from 'vitest'
import { readBoth, replyOf, requestOf } from './messages.ts'

describe('instances', () => {
  // https://kserve.github.io/website/docs/getting-started/first-isvc (sklearn-iris)
  it('KServe V1: arrays, named by the schema', () => {
    const body = {
      instances: [
        [6.8, 2.8, 4.8, 1.4],
        [6.0, 3.4, 4.5, 1.6],
      ],
    }
    const reply = { predictions: [1, 1] }
    const featureNames = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width']
    expect(readBoth(requestOf(body), replyOf(reply))).toMatchObject({
      format: 'instances',
      features: [
        { f0: 6.8, f1: 2.8, f2: 4.8, f3: 1.4 },
        { f0: 6.0, f1: 3.4, f2: 4.5, f3: 1.6 },
      ],
      outputs: [{ prediction: 1 }, { prediction: 1 }],
    })
    expect(readBoth(requestOf(body, { featureNames }), replyOf(reply)).features[1]).toEqual({
      sepal_length: 6.0,
      sepal_width: 3.4,
      petal_length: 4.5,
      petal_width: 1.6,
    })
  })

  // https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol: explain
  it('KServe V1: explanations join the predictions', () => {
    const reply = { predictions: [1, 0], explanations: [{ anchor: 'a' }, { anchor: 'b' }] }
    expect(readBoth(requestOf({ instances: [[1], [2]] }), replyOf(reply)).outputs).toEqual([
      { prediction: 1, explanations: { anchor: 'a' } },
      { prediction: 0, explanations: { anchor: 'b' } },
    ])
  })

  // https://www.tensorflow.org/tfx/serving/api_rest#specifying_input_tensors_in_row_format
  it('TensorFlow Serving: rows', () => {
    const instances = [
      {
        tag: 'foo',
        signal: [1, 2, 3, 4, 5],
        sensor: [
          [1, 2],
          [3, 4],
        ],
      },
      {
        tag: 'bar',
        signal: [3, 4, 1, 2, 5],
        sensor: [
          [4, 5],
          [6, 8],
        ],
      },
    ]
    expect(
      readBoth(
        requestOf({ signature_name: 'serving_default', instances }),
        replyOf({ predictions: [{ a: 1 }, { a: 2 }] }),
      ),
    ).toMatchObject({
      format: 'instances',
      features: instances,
      outputs: [{ a: 1 }, { a: 2 }],
      tags: { signature_name: 'serving_default' },
    })
    expect(
      readBoth(requestOf({ instances: ['foo', 'bar', 'baz'] }), replyOf({ predictions: [0, 1, 2] })).features,
    ).toEqual([{ f0: 'foo' }, { f0: 'bar' }, { f0: 'baz' }])
    expect(readBoth(requestOf({ instances: [[[1, 2]], [[3, 4]]] }), replyOf({ predictions: [0, 1] })).features).toEqual(
      [{ f0: [1, 2] }, { f0: [3, 4] }],
    )
  })

  // https://www.tensorflow.org/tfx/serving/api_rest#specifying_input_tensors_in_column_format
  it('TensorFlow Serving: columns', () => {
    const inputs = {
      tag: ['foo', 'bar'],
      signal: [
        [1, 2, 3, 4, 5],
        [3, 4, 1, 2, 5],
      ],
      sensor: [
        [
          [1, 2],
          [3, 4],
        ],
        [
          [4, 5],
          [6, 8],
        ],
      ],
    }
    expect(
      readBoth(requestOf({ inputs }), replyOf({ outputs: { label: ['x', 'y'], score: [0.1, 0.2] } })),
    ).toMatchObject({
      format: 'instances',
      features: [
        {
          tag: 'foo',
          signal: [1, 2, 3, 4, 5],
          sensor: [
            [1, 2],
            [3, 4],
          ],
        },
        {
          tag: 'bar',
          signal: [3, 4, 1, 2, 5],
          sensor: [
            [4, 5],
            [6, 8],
          ],
        },
      ],
      outputs: [
        { label: 'x', score: 0.1 },
        { label: 'y', score: 0.2 },
      ],
    })
    expect(readBoth(requestOf({ inputs }), replyOf({ outputs: [3, 4] })).outputs).toEqual([
      { prediction: 3 },
      { prediction: 4 },
    ])
  })

  it('columns whose lengths differ are no batch, and one value is for all', () => {
    const inputs = { a: [1, 2, 3], b: ['x', 'y'] }
    expect(readBoth(requestOf({ inputs }), replyOf({ outputs: { c: [1, 2] } }))).toMatchObject({
      features: [inputs],
      outputs: [{ outputs: { c: [1, 2] } }],
    })
    expect(
      readBoth(requestOf({ inputs: { a: [1, 2], t: [0.5], u: 'k' } }), replyOf({ outputs: [1, 2] })).features,
    ).toEqual([
      { a: 1, t: 0.5, u: 'k' },
      { a: 2, t: 0.5, u: 'k' },
    ])
  })

  // https://www.tensorflow.org/tfx/serving/api_rest#make_rest_api_calls_to_modelserver
  it('TensorFlow Serving: predict and regress', () => {
    expect(
      readBoth(requestOf({ instances: [1.0, 2.0, 5.0] }), replyOf({ predictions: [3.5, 4.0, 5.5] })),
    ).toMatchObject({
      features: [{ f0: 1 }, { f0: 2 }, { f0: 5 }],
      outputs: [{ prediction: 3.5 }, { prediction: 4 }, { prediction: 5.5 }],
    })
    const regress = {
      signature_name: 'tensorflow/serving/regress',
      context: { c: 3 },
      examples: [{ x: 1.0 }, { x: 2.0 }],
    }
    expect(readBoth(requestOf(regress), replyOf({ results: [3.5, 4.0] }))).toMatchObject({
      format: 'instances',
      features: [
        { c: 3, x: 1 },
        { c: 3, x: 2 },
      ],
      outputs: [{ prediction: 3.5 }, { prediction: 4 }],
    })
  })

  // https://www.tensorflow.org/tfx/serving/api_rest#classify_and_regress_api: both are optional
  it.each([{}, { context: { c: 3 } }])('TensorFlow Serving: regress without a signature, with %j', (beside) => {
    const body = { ...beside, examples: [{ x: 1.0 }, { x: 2.0 }] }
    expect(readBoth(requestOf(body), replyOf({ results: [3.5, 4.0] }))).toMatchObject({
      format: 'instances',
      features: [
        { ...beside.context, x: 1 },
        { ...beside.context, x: 2 },
      ],
      outputs: [{ prediction: 3.5 }, { prediction: 4 }],
    })
  })

  // https://www.tensorflow.org/tfx/serving/api_rest#json_conformance
  it('TensorFlow Serving: NaN and infinities are words without quotes', () => {
    const body = Buffer.from('{"instances": [{"sensor": [1.0, -3.14, NaN, -Infinity], "text": "a \\"NaN\\" b"}]}')
    expect(readBoth(requestOf(body), replyOf(Buffer.from('{"predictions": [NaN]}')))).toMatchObject({
      features: [{ sensor: [1, -3.14, 'NaN', '-Infinity'], text: 'a "NaN" b' }],
      outputs: [{ prediction: 'NaN' }],
    })
  })

  // https://cloud.google.com/vertex-ai/docs/predictions/get-online-predictions and
  // https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints/predict
  it('Vertex AI: parameters and the deployed model are tags', () => {
    const body = {
      instances: [{ values: [1, 2, 3, 4], key: 1 }],
      parameters: { confidenceThreshold: 0.5, nested: { maxPredictions: 5 } },
    }
    const reply = {
      predictions: [{ classes: ['a', 'b'], scores: [0.9, 0.1] }],
      deployedModelId: '1234567890',
      model: 'projects/1/locations/us-central1/models/2',
      modelDisplayName: 'iris',
      modelVersionId: '3',
      metadata: { tokens: { billable: 7 } },
    }
    expect(readBoth(requestOf(body), replyOf(reply))).toMatchObject({
      format: 'instances',
      features: [{ values: [1, 2, 3, 4], key: 1 }],
      outputs: [{ classes: ['a', 'b'], scores: [0.9, 0.1] }],
      tags: {
        confidenceThreshold: 0.5,
        'nested.maxPredictions': 5,
        deployedModelId: '1234567890',
        model: 'projects/1/locations/us-central1/models/2',
        modelDisplayName: 'iris',
        modelVersionId: '3',
        'metadata.tokens.billable': 7,
      },
    })
  })

  // https://docs.aws.amazon.com/sagemaker/latest/dg/LL-in-formats.html
  it("SageMaker's JSON", () => {
    const reply = { predictions: [{ score: [0.1, 0.2, 0.4, 0.3], predicted_label: 2 }] }
    expect(readBoth(requestOf({ instances: [{ features: [1.5, 16.0, 14.0, 23.0] }] }), replyOf(reply))).toMatchObject({
      features: [{ features: [1.5, 16, 14, 23] }],
      outputs: reply.predictions,
    })
  })
})
