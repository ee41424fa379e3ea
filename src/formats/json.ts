import type { Extra, Format, FormatRequest, RequestReading } from './format.ts'
import { contentOf, cutOf } from './body.ts'
import { requestReading, unreadRequest } from './readings.ts'
import { readOutputs } from './replies.ts'
import { featuresOf, isObject, type Row, rowsOfItems } from './rows.ts'

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
  readRequest: (request) => readJson(request, () => undefined),
  readReply: readOutputs,
}

/** The same where nobody has said that it is JSON: an object that looks like a batch is one instance, and its record says what to set. */
export const jsonByAuto: Format = { ...json, readRequest: (request) => readJson(request, hintOf) }

const readJson = (request: FormatRequest, hintFor: typeof hintOf): RequestReading => {
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
    extra: isBatch ? undefined : hintFor(value, request.featureNames),
  })
}

/** A list of lists or of objects below a member that the schema does not have: perhaps instances. */
const hintOf = (value: unknown, names: readonly string[]): Extra | undefined => {
  const path = isObject(value) ? pathOfList(value, names) : undefined
  if (path === undefined || path.length > MAX_PATH) return undefined
  return {
    body: {
      reason:
        `${path} looks like a list of instances, and was taken for one value of one instance: PREDICTIONS_INSTANCES=${path} ` +
        'makes a row of each, PREDICTIONS_PREDICTIONS says where their outputs stand, PREDICTIONS_FORMAT=json that it is one',
    },
  }
}

const MAX_PATH = 100

const pathOfList = (value: Row, names: readonly string[]): string | undefined => {
  for (const name in value) {
    const member = value[name]
    if (typeof member !== 'object' || member === null || names.includes(name)) continue
    if (isListOfItems(member)) return name
    if (isObject(member)) for (const below in member) if (isListOfItems(member[below])) return `${name}.${below}`
  }
  return undefined
}

const isListOfItems = (value: unknown): boolean =>
  Array.isArray(value) && typeof value[0] === 'object' && value[0] !== null
