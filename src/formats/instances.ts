import type { Format, FormatRequest, RequestReading } from './format.ts'
import { encode } from '../records/json.ts'
import { type Content, contentOf, type Cut, cutOf, outlineOf } from './body.ts'
import { json } from './json.ts'
import { requestReading } from './readings.ts'
import { readOutputs } from './replies.ts'
import {
  canRepeat,
  valuesByColumn,
  featuresOf,
  isObject,
  mapRows,
  type Row,
  type Rows,
  rowsOf,
  rowsOfItems,
} from './rows.ts'

/**
 * What may stand beside `inputs` that are an object or a text: in TensorFlow Serving's columnar bodies, at Hugging Face and LangServe. A
 * JSON instance with a feature `inputs` has more.
 */
const COLUMNAR_KEYS = new Set([
  ...['inputs', 'signature_name', 'parameters', 'params', 'id', 'options', 'config', 'kwargs'],
  ...['truncate', 'truncation_direction', 'normalize', 'prompt_name', 'dimensions', 'raw_scores', 'stream'],
])

/** All that a body for TensorFlow Serving's classify and regress has. */
const EXAMPLES_KEYS = new Set(['examples', 'signature_name', 'context'])

const hasOnly = (value: Row, keys: ReadonlySet<string>): boolean => Object.keys(value).every((key) => keys.has(key))

/**
 * A list of instances, as KServe V1, TensorFlow Serving, Vertex AI and SageMaker's JSON take it:
 *
 * | request | features |
 * |---|---|
 * | `instances`: array | each item, as `featuresOf` has it |
 * | `inputs`: array, whatever stands beside it | the same; a text is the feature `text`, or the schema's first |
 * | `inputs`: text, with nothing beside it but options | one instance, whose feature is `text` |
 * | `inputs`: object of arrays | columns of a batch (one instance where their lengths differ) |
 * | `examples`, `context` (classify, regress), with a `signature_name` or nothing else | each example with the context's members |
 * | `parameters`, `signature_name` and all other members | tags |
 *
 * The reply's `predictions`, `outputs` or `results` are read as at `readOutputs`; what stands beside them (Vertex AI's
 * `deployedModelId`, `model`, `modelDisplayName`, `modelVersionId`) is tags.
 *
 * Sources: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol,
 * https://www.tensorflow.org/tfx/serving/api_rest,
 * https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints/predict,
 * https://huggingface.github.io/text-embeddings-inference/, https://huggingface.co/docs/inference-providers/tasks/text-classification
 */
export const instances: Format = {
  name: 'instances',
  matches(request) {
    const value = outlineOf(contentOf(request))
    if (!isObject(value)) return false
    if (Array.isArray(value['instances'])) return true
    const { examples, inputs } = value
    if (Array.isArray(examples))
      return typeof value['signature_name'] === 'string' || (hasOnly(value, EXAMPLES_KEYS) && examples.every(isObject))
    if (inputs === undefined || inputs === null || request.featureNames.includes('inputs')) return false
    if (Array.isArray(inputs)) return true
    return (typeof inputs === 'object' || typeof inputs === 'string') && hasOnly(value, COLUMNAR_KEYS)
  },
  readRequest(request) {
    const content = contentOf(request)
    if (!isObject(outlineOf(content))) return json.readRequest(request)
    const cut = cutOf(content, 'instances', request.featureNames)
    const body = (cut === undefined ? content.value : outlineOf(content)) as Row
    return readInstances(request, content, body, cut) ?? json.readRequest(request)
  },
  readReply: readOutputs,
}

/**
 * Reads `instances`, `inputs` or `examples` of an object; undefined where it has none of them.
 * @param cut the features, if they were cut out of the body
 */
export const readInstances = (
  request: FormatRequest,
  content: Content,
  body: Row,
  cut?: Cut,
): RequestReading | undefined => {
  const { id: requestId, ...members } = body
  const key = ['instances', 'inputs', 'examples'].find((name) => members[name] !== undefined)
  if (key === undefined) return undefined
  const { [key]: items, context, parameters, params, ...others } = members
  const { rows, isBatch } = readItems(items, request.featureNames, key === 'inputs' ? textOf : featuresOf)
  const isShared = key === 'examples' && isObject(context) && canRepeat(encode(context).length, rows.length)
  const tags = {
    ...others,
    ...(!isShared && context !== undefined && { context }),
    ...tagsIn('parameters', parameters),
    ...tagsIn('params', params),
  }
  return requestReading(request, content, {
    features: cut ?? (isShared ? mapRows(rows, (row) => ({ ...context, ...row })) : rows),
    isBatch,
    tags,
    requestId,
  })
}

/** Parameters are tags by their own names; a value that has no names is the tag `parameters`. */
export const tagsIn = (name: string, parameters: unknown): Row => {
  if (parameters === undefined || parameters === null) return {}
  return isObject(parameters) ? parameters : { [name]: parameters }
}

/** As `featuresOf`, but a text is called so. */
const textOf = (item: unknown, names: readonly string[]): Row =>
  typeof item === 'string'
    ? { [names.length === 0 || names.includes('text') ? 'text' : names[0]!]: item }
    : featuresOf(item, names)

const readItems = (
  items: unknown,
  names: readonly string[],
  rowOf: typeof featuresOf,
): { rows: Rows; isBatch: boolean } => {
  if (Array.isArray(items)) return { rows: rowsOfItems(items, (item) => rowOf(item, names)), isBatch: true }
  if (!isObject(items)) return { rows: [rowOf(items, names)], isBatch: false }
  return rowsOf(valuesByColumn(items))
}
