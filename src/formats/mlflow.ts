import type { Format } from '../format.ts'
import { encode } from '../json.ts'
import { contentOf, outlineOf } from './body.ts'
import { readInstances, tagsIn } from './instances.ts'
import { json } from './json.ts'
import { readOutputs, requestReading } from './replies.ts'
import { featuresOf, isObject, named, namesFor, type Row, type Rows, rowsOfItems } from './rows.ts'

/**
 * MLflow's scoring server:
 *
 * | request | features |
 * |---|---|
 * | `dataframe_split`: `{ columns, data }` | rows of data by the names of the columns |
 * | `dataframe_records` | each record |
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
    if (isObject(value['dataframe_split']) || Array.isArray(value['dataframe_records'])) return true
    const hasInputs = typeof value['inputs'] === 'object' || typeof value['instances'] === 'object'
    return hasInputs && isObject(value['params'])
  },
  readRequest(request) {
    const content = contentOf(request)
    const body = content.value
    if (!isObject(body)) return json.readRequest(request)
    const { dataframe_split: split, dataframe_records: records, params, ...others } = body
    const features = isObject(split) ? readSplit(split) : readRecords(records, request.featureNames)
    if (features === undefined) return readInstances(request, content, body) ?? json.readRequest(request)
    const tags = { ...others, ...tagsIn('params', params) }
    return requestReading(request, content, { features, isBatch: true, tags })
  },
  readReply: readOutputs,
}

/** The index of the rows, if any, is left out, as MLflow does. */
const readSplit = ({ columns, data }: Row): Rows | undefined => {
  if (!Array.isArray(data)) return undefined
  const names = namesFor(data.length, Array.isArray(columns) ? columns.map(nameOf) : [])
  return rowsOfItems(data, (row) => (Array.isArray(row) ? named(row, names) : featuresOf(row, names)))
}

/** Columns are also numbers, or lists of names (pandas' MultiIndex). */
const nameOf = (column: unknown): string => (typeof column === 'string' ? column : encode(column))

const readRecords = (records: unknown, names: readonly string[]): Rows | undefined =>
  Array.isArray(records) ? rowsOfItems(records, (record) => featuresOf(record, names)) : undefined
