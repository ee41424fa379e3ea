import type { Format } from './format.ts'
import { contentOf, cutOf, isJsonLines, readAsLines } from './body.ts'
import { json } from './json.ts'
import { requestReading } from './readings.ts'
import { readOutputs } from './replies.ts'
import { featuresOf, isObject, rowsOfItems } from './rows.ts'

/**
 * JSON Lines (`application/jsonlines`, `jsonl`, `x-ndjson`, `ndjson`), as SageMaker's containers take it: a JSON value a line, each an
 * instance as at `featuresOf`; a line that has `features` alone, `{"features": [1, 2]}`, is these. A text that is no JSON, but whose every
 * line is, is read so whatever its type. A line that is no JSON is an instance without features, and named in `extra`. A reply of lines is
 * one for each instance; to a request of one instance see `outputsOfStream`.
 *
 * Sources: https://jsonlines.org, https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
 */
export const jsonl: Format = {
  name: 'jsonl',
  matches: (request) => contentOf(request).isLines === true || isJsonLines(request.contentType),
  readRequest(request) {
    const given = contentOf(request)
    const cut = given.isLines ? cutOf(given, 'body', request.featureNames) : undefined
    if (cut !== undefined) return requestReading(request, given, { features: cut, isBatch: true })
    const content = given.value === undefined || given.isText ? readAsLines(request) : given
    const { value } = content
    if (!Array.isArray(value)) return json.readRequest(request)
    const names = request.featureNames
    const features = rowsOfItems(value, (item) => featuresOf(featuresIn(item), names))
    return requestReading(request, content, { features, isBatch: true })
  },
  readReply: readOutputs,
}

/** SageMaker's dense form of a line. */
const featuresIn = (item: unknown): unknown => {
  if (!isObject(item) || !Array.isArray(item['features'])) return item
  for (const name in item) if (name !== 'features') return item
  return item['features']
}
