import type { Format, FormatReply } from './format.ts'
import { contentOf, outlineOf } from './body.ts'
import { tagsIn } from './instances.ts'
import { json } from './json.ts'
import { requestReading } from './readings.ts'
import { readOutputs } from './replies.ts'
import { featuresOf, isObject } from './rows.ts'
import { belowName, isStudioTable, readInstanceList, rowsOfSplit } from './tables.ts'

/**
 * Online endpoints of Azure Machine Learning:
 *
 * | request | features |
 * |---|---|
 * | `input_data`: `{ columns, index, data }` | rows of data by the names of the columns, or the schema's where there are none |
 * | `input_data`: list, or an object of columns | each item, as `featuresOf` has it |
 * | `input_data`: a flat object, or a text | one instance |
 * | `Inputs`: list, or `{ "NAME": list }` as AutoML and the designer have it | each item |
 * | `Inputs`: `{ "NAME": { ColumnNames, Values } }` (Studio) | rows of values by the names of the columns |
 * | `params`, `GlobalParameters` and all other members | tags |
 *
 * The reply is a list, or has its list as `Results`, also below a name there; a scoring script's may be JSON in a JSON string.
 *
 * Sources: https://learn.microsoft.com/en-us/azure/machine-learning/how-to-deploy-mlflow-models,
 * https://learn.microsoft.com/en-us/azure/machine-learning/how-to-consume-web-service
 */
export const azureMl: Format = {
  name: 'azure-ml',
  matches(request) {
    const value = outlineOf(contentOf(request))
    if (!isObject(value)) return false
    return isData(value['input_data']) || isData(value['Inputs'])
  },
  readRequest(request) {
    const content = contentOf(request)
    const body = content.value
    if (!isObject(body)) return json.readRequest(request)
    const key = body['input_data'] === undefined ? 'Inputs' : 'input_data'
    const { [key]: data, params, GlobalParameters: parameters, ...others } = body
    if (data === undefined) return json.readRequest(request)
    const names = request.featureNames
    const { rows, isBatch } = readInputs(key === 'Inputs' ? belowName(data) : data, names)
    const tags = { ...others, ...tagsIn('params', params), ...tagsIn('GlobalParameters', parameters) }
    return requestReading(request, content, { features: rows, isBatch, tags })
  },
  readReply: (reply, request) => readOutputs(unwrapped(reply), request),
}

/** Scoring scripts that return `json.dumps(...)` are answered by JSON in a JSON string. */
const unwrapped = (reply: FormatReply): FormatReply => {
  const { value, isText } = contentOf(reply)
  if (isText || typeof value !== 'string' || !/^\s*[[{]/.test(value)) return reply
  const { contentType, status } = reply
  return { body: value, contentType, status, header: (name) => reply.header(name) }
}

const isData = (data: unknown): boolean => typeof data === 'object' && data !== null

const readInputs = (data: unknown, names: readonly string[]) => {
  if (isStudioTable(data)) return { rows: rowsOfSplit(data.ColumnNames, data.Values, names), isBatch: true }
  return readInstanceList(data, names) ?? { rows: [featuresOf(data, names)], isBatch: false }
}
