import { hash } from '../node.ts'
import { actualText } from '../records/actual.ts'
import { decode, encode } from '../records/json.ts'
import { createTimestamps } from '../records/timestamps.ts'
import type { Redactor } from '../redact/redaction.ts'
import { isMembers, type Members } from '../records/members.ts'
import type { Entry, ReadReport, PredictionTarget } from './actual-report.ts'

/** Members in the order of their names, at every depth: two spellings of one value are one text. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isMembers(value)) return value
  const names = Object.keys(value).sort()
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]))
}

/** What is nested too deep `encode` has cut before. */
const canonical = (values: Members): unknown => {
  const names = Object.keys(values)
  const isFlat = names.length < 2 && names.every((name) => typeof values[name] !== 'object')
  return isFlat ? values : sorted(decode(encode(values)))
}

const VARIANT = ['8', '9', 'a', 'b']

/** A UUIDv8 (RFC 9562, section 5.8) of the first bits of a text's SHA-256. */
const uuidOf = (text: string): string => {
  const digits = hash('sha256', text, 'hex')
  const variant = VARIANT[Number.parseInt(digits[16]!, 16) & 3]!
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-8${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20, 32)}`
}

/**
 * An actual's id, made of what the report says, and of its time only where that was given: the same report again is the same row in
 * every store. Stored tables depend on this text: it never changes.
 */
const idOf = (
  { predictionId, requestId, instance }: PredictionTarget,
  values: Members,
  time: string | null,
  retracted: boolean,
) => uuidOf(encode([predictionId ?? null, requestId ?? null, instance ?? null, canonical(values), time, retracted]))

const unlessEmpty = <Value extends object>(value: Value | undefined): Value | undefined =>
  value === undefined || Object.keys(value).length === 0 ? undefined : value

/** Makes the texts of a report's records: of the report once, and then of each of its entries. */
export type ActualLines = (report: ReadReport) => (entry: Entry) => string

export const createActualLines = (redactor: Redactor | undefined): ActualLines => {
  const isoOf = createTimestamps()
  return ({ time, source, tags, isRetracted }) => {
    const reportedAt = isoOf(Date.now())
    const redaction = redactor?.start()
    const clean = (side: 'actuals' | 'tags', value: Members): Members =>
      redaction === undefined ? value : (redaction.apply(side, value) as Members)
    const cleanTags = tags && unlessEmpty(clean('tags', tags))
    const extra =
      time?.withoutZone === undefined
        ? undefined
        : { timestamp: { value: time.withoutZone, reason: 'a time without a zone: read as UTC' } }
    return ({ target, values: given }) => {
      const values = clean('actuals', given)
      return actualText({
        id: idOf(target, values, time?.utc ?? null, isRetracted),
        timestamp: time?.utc ?? reportedAt,
        reported_at: reportedAt,
        ...(target.predictionId === undefined ? {} : { prediction_id: target.predictionId }),
        ...(target.requestId === undefined ? {} : { request_id: target.requestId }),
        ...(target.instance === undefined ? {} : { instance: target.instance }),
        ...(isRetracted ? { retracted: true } : {}),
        ...(source === undefined ? {} : { source }),
        ...(cleanTags && { tags: cleanTags }),
        ...(unlessEmpty(values) && { actuals: values }),
        ...(extra && { extra }),
      })
    }
  }
}
