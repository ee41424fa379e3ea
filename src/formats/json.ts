import type { Format } from './format.ts'
import { contentOf, cutOf } from './body.ts'
import { readOutputs, requestReading, unreadRequest } from './replies.ts'
import { featuresOf, rowsOfItems } from './rows.ts'

/**
 * Any JSON: an object is one instance, an array is a batch, a scalar is one instance with the single feature `f0` (or the
 * schema's first). How items become features is at `featuresOf`, how replies become outputs at `readOutputs`.
 *
 * @example
 * // {"sepal_length": 5.1, "sepal_width": 3.5} -> {"prediction": "setosa"}
 * // [[5.1, 3.5], [6.2, 2.9]]                  -> ["setosa", "virginica"]
 */
export const json: Format = {
  name: 'json',
  readRequest(request) {
    const content = contentOf(request)
    const cut = cutOf(content, 'body', request.featureNames)
    if (cut !== undefined) return requestReading(request, content, { features: cut, isBatch: true })
    const { value } = content
    if (value === undefined || content.isText) return unreadRequest(request, content)
    const rowOf = (item: unknown) => featuresOf(item, request.featureNames)
    const isBatch = Array.isArray(value)
    return requestReading(request, content, {
      features: isBatch ? rowsOfItems(value, rowOf) : [rowOf(value)],
      isBatch,
    })
  },
  readReply: readOutputs,
}
