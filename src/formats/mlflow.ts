import type { Format } from './format.ts'
import { contentOf, outlineOf } from './body.ts'
import { readInstances, tagsIn } from './instances.ts'
import { json } from './json.ts'
import { requestReading, unreadFeatures } from './readings.ts'
import { readOutputs } from './replies.ts'
import { featuresOf, isObject, type Rows, rowsOfItems } from './rows.ts'
import { rowsOfSplit } from './tables.ts'

/**
 * MLflow's scoring server:
 *
 * | request | features |
 * |---|---|
 * | `dataframe_split`: `{ columns, data }` | rows of data by the names of the columns; a name that stands there again is `name.1`, … |
 * | `dataframe_records` | each record |
 * | one of these without a list of rows | none; noted in `extra` |
 * | `instances`, `inputs` | as the format `instances` |
 * | `params` | tags |
 *
 * Source: https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
 */
export const mlflow: Format = {
  name: 'mlflow',
  matches(request) {
    const value = outlineOf(contentOf(request))
    if (!isObject(value)) return false
    if (value['dataframe_split'] != null || value['dataframe_records'] != null) return true
    const hasInputs = typeof value['inputs'] === 'object' || typeof value['instances'] === 'object'
    return hasInputs && isObject(value['params'])
  },
  readRequest(request) {
    const content = contentOf(request)
    const body = content.value
    if (!isObject(body)) return json.readRequest(request)
    const { dataframe_split: split, dataframe_records: records, params, ...others } = body
    if (split == null && records == null) return readInstances(request, content, body) ?? json.readRequest(request)
    const features = split == null ? readRecords(records, request.featureNames) : readSplit(split)
    const tags = { ...others, ...tagsIn('params', params) }
    if (features === undefined) return unreadFeatures(request, content, split ?? records, 'no list of rows', tags)
    return requestReading(request, content, { features, isBatch: true, tags })
  },
  readReply: readOutputs,
}

/** The index of the rows, if any, is left out, as MLflow does. */
const readSplit = (split: unknown): Rows | undefined => {
  const { columns, data } = isObject(split) ? split : {}
  if (!Array.isArray(data)) return undefined
  return rowsOfSplit(columns, data, [])
}

const readRecords = (records: unknown, names: readonly string[]): Rows | undefined =>
  Array.isArray(records) ? rowsOfItems(records, (record) => featuresOf(record, names)) : undefined
