import { createHash } from 'node:crypto'
import type { ActualRecord } from '../../src/records/actual.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import type { Column } from '../../src/schema/column.ts'

/** Headers of every message: who reads one can tell how its columns were typed, and that it is JSON. */
export type MessageHeaders = Map<Buffer, Buffer>

/** A short name for a set of columns: the same columns have the same id in every process. */
export const schemaId = (columns: readonly Column[]): string =>
  createHash('sha256')
    .update(JSON.stringify(columns.map(({ name, type, source, path }) => [name, type, source, path])))
    .digest('hex')
    .slice(0, 16)

export const headersFor = (columns: readonly Column[]): MessageHeaders =>
  new Map([
    [Buffer.from('content-type'), Buffer.from('application/json')],
    [Buffer.from('schema-id'), Buffer.from(schemaId(columns))],
  ])

/** `{"id":"<36>","timestamp":"<24>"`: how every record's text that capture wrote begins, and where the model follows. */
const TIMESTAMP_AT = 44
const MODEL_AT = 83
const BEFORE_TIMESTAMP = ',"timestamp":"'
const BEFORE_MODEL = ',"model":'

/** A JSON string at the very place, with whatever it escapes. */
const STRING = /"(?:[^"\\]|\\.)*"/y

/**
 * Reads records' models without parsing them. One service has few models, and they come in runs: a record's text is
 * compared with the last one's at the place where the model stands. A text of another shape is parsed.
 */
const modelReader = () => {
  let text = '\0'
  let model = ''
  return (record: PredictionRecord): string => {
    const { json } = record
    if (json.startsWith(text, MODEL_AT) && json.startsWith(BEFORE_TIMESTAMP, TIMESTAMP_AT)) return model
    if (!json.startsWith(BEFORE_TIMESTAMP, TIMESTAMP_AT) || !json.startsWith(BEFORE_MODEL, MODEL_AT))
      return record.model
    STRING.lastIndex = MODEL_AT + BEFORE_MODEL.length
    const literal = STRING.exec(json)?.[0]
    if (literal === undefined) return record.model
    text = BEFORE_MODEL + literal
    model = JSON.parse(literal) as string
    return model
  }
}

/** Digits of an id that name the request: the last four are the instance's index. */
const BASE_DIGITS = 32

/**
 * Makes records' keys: `model:<id without its last four digits>`. Requests spread over the partitions, the instances of one
 * stay together and in order.
 */
export const keyMaker = (): ((record: PredictionRecord) => Buffer) => {
  const modelOf = modelReader()
  return (record) => Buffer.from(`${modelOf(record)}:${record.id.slice(0, BASE_DIGITS)}`)
}

/** An actual's key: the prediction's id, or the request's: reports of one prediction stay in order. */
export const actualKey = (record: StoredRecord): Buffer => {
  const { prediction_id: id, request_id: request } = record as ActualRecord
  return Buffer.from(id ?? request ?? '')
}
