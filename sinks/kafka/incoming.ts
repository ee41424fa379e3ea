import { messageOf } from '../../src/errors/errors.ts'
import { decode } from '../../src/records/json.ts'
import { actualFrom, isActualText, type ActualMembers } from '../../src/records/actual.ts'
import { recordFrom, type RecordMembers } from '../../src/records/record.ts'
import { storedFromJson, type RecordKind, type StoredRecord } from '../../src/records/stored.ts'

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** How a text begins that capture wrote: its id can be read without parsing, and its members stand as they should. */
const CAPTURED = /^\{"id":"[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}","timestamp":"/

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): boolean => typeof value === 'string'
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string'
const isNumber = (value: unknown): boolean => typeof value === 'number'

/** What the members must be where they are there. Sinks rely on it; a message may come from anybody. */
const members: readonly [keyof RecordMembers, (value: unknown) => boolean, string][] = [
  ['model', isText, 'a string'],
  ['model_version', isText, 'a string'],
  ['request_id', isTextOrNull, 'a string'],
  ['instance', isNumber, 'a number'],
  ['status', isNumber, 'a number'],
  ['duration_ms', isNumber, 'a number'],
  ['error', isTextOrNull, 'a string'],
  ['sample_weight', isNumber, 'a number'],
  ['tags', isObject, 'an object'],
  ['features', isObject, 'an object'],
  ['outputs', isObject, 'an object'],
  ['extra', isObject, 'an object'],
]

/** The same of an actual's. */
const actualMembers: readonly [keyof ActualMembers, (value: unknown) => boolean, string][] = [
  ['prediction_id', isTextOrNull, 'a string'],
  ['request_id', isTextOrNull, 'a string'],
  ['instance', (value) => value === null || typeof value === 'number', 'a number'],
  ['reported_at', (value) => typeof value === 'string' && TIMESTAMP.test(value), 'a time as timestamp is'],
  ['retracted', (value) => typeof value === 'boolean', 'true or false'],
  ['source', isTextOrNull, 'a string'],
  ['tags', isObject, 'an object'],
  ['actuals', isObject, 'an object'],
  ['extra', isObject, 'an object'],
]

const mistakeIn = (record: StoredRecord): string | undefined => {
  if (!UUID.test(record.id)) return 'its id is not a UUID'
  if (!TIMESTAMP.test(record.timestamp) || Number.isNaN(Date.parse(record.timestamp)))
    return 'its timestamp is not ISO 8601 in UTC with milliseconds'
  if ('prediction_id' in record) {
    for (const [name, fits, what] of actualMembers) if (!fits(record[name])) return `its ${name} is not ${what}`
  } else for (const [name, fits, what] of members) if (!fits(record[name])) return `its ${name} is not ${what}`
  return undefined
}

/** A record of another writer's, with its members in our order and spelling. */
const foreign = (text: string, kind: RecordKind): StoredRecord => {
  const value = decode(text)
  if (!isObject(value)) throw new TypeError('it is not an object')
  const { id, timestamp, ...rest } = value as Partial<RecordMembers>
  if (kind === 'actual') {
    const { reported_at: reported, ...others } = rest as Partial<ActualMembers> & { kind?: unknown }
    delete others.kind
    const known = { id: String(id).toLowerCase(), timestamp: normal(timestamp) }
    return actualFrom({ ...known, reported_at: normal(reported ?? timestamp), ...others })
  }
  return recordFrom({ id: String(id).toLowerCase(), timestamp: normal(timestamp), ...rest })
}

/** Other writers' spellings of a time, with an offset or more digits, as ours. Without an offset it would be anybody's guess. */
const normal = (timestamp: unknown): string => {
  const text = String(timestamp)
  const time = /(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(time) ? text : new Date(time).toISOString()
}

/** A message's record, or why it is none: it is looked at before any sink sees it. */
export const readRecord = (
  value: Buffer | null | undefined,
  kind: RecordKind = 'prediction',
): StoredRecord | { readonly reason: string } => {
  if (!value?.length) return { reason: 'not a record: it is empty' }
  const text = value.toString()
  try {
    const isCaptured = CAPTURED.test(text) && isActualText(text) === (kind === 'actual')
    const record = isCaptured ? storedFromJson(text) : foreign(text, kind)
    const mistake = mistakeIn(record)
    return mistake === undefined ? record : { reason: `not a record: ${mistake}` }
  } catch (error) {
    return { reason: `not a record: ${messageOf(error)}` }
  }
}
