import { randomBytes } from 'node:crypto'
import { recordFrom, type PredictionRecord, type RecordMembers } from '../../src/records/record.ts'
import { columnsOf } from '../../src/schema/columns.ts'
import type { Column } from '../../src/schema/column.ts'

let count = 0
const run = randomBytes(6).toString('hex')

/** An id like those of capture: in the order of its calls, and of this run only. */
export const nextId = (): string => {
  const n = (count++).toString(16).padStart(8, '0')
  return `0199${n.slice(0, 4)}-${n.slice(4)}-7000-8000-${run}`
}

export const TIMESTAMP = '2026-11-23T12:34:56.789Z'

/** A record with what a capture always gives, and with `members`. */
export const record = (members: Partial<RecordMembers> = {}): PredictionRecord =>
  recordFrom({
    id: nextId(),
    timestamp: TIMESTAMP,
    model: 'iris',
    model_version: '1',
    status: 200,
    duration_ms: 1.5,
    ...members,
  })

/** A property of each type that a schema can give a column. */
export const everyType = {
  text: { type: 'string' },
  double: { type: 'number' },
  bigint: { type: 'integer' },
  boolean: { type: 'boolean' },
  moment: { type: 'string', format: 'date-time' },
  uuid: { type: 'string', format: 'uuid' },
  json: { type: 'array' },
} as const

/** Columns for features with these properties, and for the outputs `prediction` (integer) and `confidence` (number). */
export const columnsFor = (properties: object = everyType): readonly Column[] =>
  columnsOf({
    features: { type: 'object', properties },
    outputs: { type: 'object', properties: { prediction: { type: 'integer' }, confidence: { type: 'number' } } },
  })

/** The signal of a write that nobody aborts. */
export const patient = new AbortController().signal
