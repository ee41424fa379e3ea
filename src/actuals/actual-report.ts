import { didYouMean } from '../config/nearest.ts'
import { baseOfId, instanceId, instanceOfId, INSTANCES_PER_BASE, isUuidV7 } from '../records/id.ts'
import { mostOf } from '../records/cut.ts'
import { encode } from '../records/json.ts'
import { isMembers, type Members } from '../records/members.ts'
import { readTime, type Time } from './time.ts'

/**
 * What really happened, as a client or a job reports it: by the prediction's id, or by `request_id` (and `instance`).
 *
 * @example { id: '0199…', actual: 2, timestamp: '2026-11-23T12:00:00Z', source: 'lab' }
 * @example { id: '0199…0000', actuals: [2, null, 0] } // element k for instance k of a batch; null: not known yet
 * @example { id: '0199…', retracted: true }           // takes back what was reported
 */
export interface ActualReport {
  /** The prediction's id, a UUIDv7: `X-Prediction-Id`. */
  readonly id?: string | undefined
  /** In place of `id`: the caller's own id of the request. */
  readonly request_id?: string | undefined
  /** With `request_id`: the index within its batch. Default: none; the request must have made one prediction then. */
  readonly instance?: number | undefined
  /** What it really was: the label `actual`. */
  readonly actual?: unknown
  /** The labels by name; or, of a batch, a list with a value or labels for each instance. */
  readonly actuals?: Readonly<Record<string, unknown>> | readonly unknown[] | undefined
  /** When the truth became known: ISO 8601, in UTC where it names no zone. Default: when it is reported. */
  readonly timestamp?: string | Date | undefined
  /** Who says so. */
  readonly source?: string | undefined
  readonly tags?: Readonly<Record<string, unknown>> | undefined
  /** true: takes back what was reported before. */
  readonly retracted?: boolean | undefined
  /** Labels of the schema by their names. */
  readonly [label: string]: unknown
}

/** Whose truth it is. */
export interface PredictionTarget {
  readonly predictionId?: string
  readonly requestId?: string
  readonly instance?: number
}

/** What a report says of one prediction. */
export interface Entry {
  readonly target: PredictionTarget
  readonly values: Members
}

/** A report, read: one entry for each prediction that it tells the truth of. Those of a long list are made as they are asked for. */
export interface ReadReport {
  readonly entries: Iterable<Entry>
  readonly time: Time | undefined
  readonly source: string | undefined
  readonly tags: Members | undefined
  readonly isRetracted: boolean
}

/** Why a report can't be taken. */
export class Refused {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

const MEMBERS = ['id', 'request_id', 'instance', 'actual', 'actuals', 'timestamp', 'source', 'tags', 'retracted']
const members = new Set(MEMBERS)

/** What a database indexes. */
const MAX_REQUEST_ID = 255

const quoted = (value: unknown): string => {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const readTarget = ({ id, request_id: requestId, instance }: Members): PredictionTarget | Refused => {
  if (id != null && requestId != null) return new Refused('has id and request_id: give one of them')
  if (id != null) {
    const lower = typeof id === 'string' ? id.trim().toLowerCase() : ''
    if (!isUuidV7(lower))
      return new Refused(`id ${quoted(id)} is no prediction's id: a UUIDv7, as X-Prediction-Id has it`)
    return instance == null
      ? { predictionId: lower }
      : new Refused('instance goes with request_id: an id says which it is')
  }
  if (requestId == null) return new Refused("has no id: give the prediction's id, or request_id")
  if (typeof requestId !== 'string' || requestId === '' || requestId.length > MAX_REQUEST_ID)
    return new Refused(`request_id ${quoted(requestId)} must be a text of 1 to ${MAX_REQUEST_ID} characters`)
  if (instance == null) return { requestId }
  return Number.isInteger(instance) && (instance as number) >= 0 && (instance as number) < 2 ** 31
    ? { requestId, instance: instance as number }
    : new Refused(`instance ${quoted(instance)} must be a whole number from 0`)
}

/** A value alone is the label `actual`. */
const labelsOf = (value: unknown): Members => (isMembers(value) ? value : { actual: value })

/** What is known of an instance; a reason where that can't be stored; undefined: nothing is known. */
const readValues = (given: Members): Members | Refused | undefined => {
  const known = Object.entries(given).filter(([, value]) => value !== null && value !== undefined)
  for (const [name, value] of known)
    if (typeof value === 'number' && !Number.isFinite(value))
      return new Refused(`${name} is ${value}: a number must be finite (JSON's largest is about 1.8e308)`)
  return known.length === 0 ? undefined : Object.fromEntries(known)
}

const instanceTarget = ({ predictionId, requestId }: PredictionTarget, instance: number): PredictionTarget =>
  predictionId === undefined
    ? { requestId: requestId!, instance }
    : { predictionId: instanceId(predictionId, instance) }

const isNoNumber = (value: unknown): boolean => typeof value === 'number' && !Number.isFinite(value)

/** The first element that can't be stored. Quick: a list is looked through in one piece, and its entries are made in steps. */
const findUnfit = (list: readonly unknown[]): number =>
  list.findIndex((element) => (isMembers(element) ? Object.values(element).some(isNoNumber) : isNoNumber(element)))

const entriesOf = function* (target: PredictionTarget, list: readonly unknown[]): Generator<Entry> {
  for (const [instance, element] of list.entries()) {
    const values = readValues(labelsOf(element))
    if (values !== undefined && !(values instanceof Refused)) yield { target: instanceTarget(target, instance), values }
  }
}

/** A batch's list: element k is of instance k. */
const readLabels = (target: PredictionTarget, list: readonly unknown[]): Iterable<Entry> | Refused => {
  if (list.length === 0) return new Refused('actuals is an empty list')
  if (list.length > INSTANCES_PER_BASE)
    return new Refused(`actuals has ${list.length} elements: one id names at most ${INSTANCES_PER_BASE} instances`)
  if (target.instance !== undefined) return new Refused('actuals is a list, so instance says nothing: leave it out')
  if (target.predictionId?.endsWith('0000') === false)
    return new Refused('actuals is a list, so id must be that of the whole batch (X-Prediction-Id), which ends in 0000')
  const unfit = findUnfit(list)
  if (unfit >= 0) return new Refused(`actuals[${unfit}]: ${(readValues(labelsOf(list[unfit])) as Refused).reason}`)
  return entriesOf(target, list)
}

/** What each actual of a list would have again must not make a small report a large one: the outbox has to hold them all. */
const tooMuchToRepeat = (count: number, source: string | undefined, tags: Members | undefined): Refused | undefined => {
  if (count < 2) return undefined
  const most = mostOf(count)
  const refuse = (name: string, length: number) =>
    new Refused(
      `${name} of ${length} characters would be repeated in ${count} actuals: at most ${most}, or fewer elements`,
    )
  if (source !== undefined && source.length > most) return refuse('a source', source.length)
  const length = tags === undefined ? 0 : encode(tags).length
  return length > most ? refuse('tags', length) : undefined
}

/** How many predictions the batch of an id made, where that is known. */
export type BatchSizeOf = (baseId: string) => number | undefined

/** Of more predictions than the batch made nobody can know what they really were. */
const beyondBatch = (
  { predictionId }: PredictionTarget,
  list: unknown,
  batchSizeOf: BatchSizeOf,
): Refused | undefined => {
  if (predictionId === undefined) return undefined
  const isFirst = predictionId.endsWith('0000')
  if (isFirst && !Array.isArray(list)) return undefined
  const size = batchSizeOf(isFirst ? predictionId : baseOfId(predictionId))
  if (size === undefined) return undefined
  const made = `the batch made ${size} predictions`
  const instance = instanceOfId(predictionId)
  if (instance >= size) return new Refused(`id ${predictionId} is that of instance ${instance}, and ${made}`)
  return Array.isArray(list) && list.length > size
    ? new Refused(`actuals has ${list.length} elements, and ${made}`)
    : undefined
}

/** What a report says, or why it can't be taken. It never throws for what it is given. */
export type ReportReader = (report: unknown) => ReadReport | Refused

/**
 * @param labels names that the schema gives labels: a report may have them as its own members
 * @param batchSizeOf tells of batches that are known; of others whatever is reported is taken
 */
export const createReportReader = (
  labels: readonly string[],
  batchSizeOf: BatchSizeOf = () => undefined,
): ReportReader => {
  const byName = labels.filter((label) => !members.has(label))
  const known = new Set([...MEMBERS, ...byName])

  const unknownMember = (report: Members): Refused | undefined => {
    const name = Object.keys(report).find((member) => !known.has(member))
    if (name === undefined) return undefined
    const names = [...known]
    return new Refused(
      `${quoted(name)} is no member of a report${didYouMean(name.slice(0, 100), names) || `; known are ${names.join(', ')}`} (labels that the schema does not name go into actuals)`,
    )
  }

  const readEntries = (report: Members, target: PredictionTarget, isRetracted: boolean): Iterable<Entry> | Refused => {
    const { actual, actuals } = report
    const named = byName.filter((label) => report[label] != null)
    const places = [actual != null, actuals != null, named.length > 0].filter(Boolean).length
    if (isRetracted) {
      if (places > 0) return new Refused('retracted takes back what was reported, and so goes without values')
      return [{ target, values: {} }]
    }
    if (actuals != null && places > 1) return new Refused('has labels in actuals and beside it: give them in one place')
    if (Array.isArray(actuals)) return readLabels(target, actuals)
    if (actuals != null && !isMembers(actuals))
      return new Refused('actuals must be an object of labels, or a list with an element for each instance')
    const own = Object.fromEntries([
      ...named.map((label) => [label, report[label]] as const),
      ...(actual == null ? [] : [['actual', actual] as const]),
    ])
    const values = readValues(actuals ?? own)
    if (values instanceof Refused) return values
    return values === undefined ? new Refused('says nothing: give actual, actuals or retracted') : [{ target, values }]
  }

  return (report) => {
    if (!isMembers(report)) return new Refused('is no object with an id and an actual')
    const unknown = unknownMember(report)
    if (unknown !== undefined) return unknown
    const { timestamp, source, tags, retracted } = report
    const target = readTarget(report)
    if (target instanceof Refused) return target
    const time = timestamp == null ? undefined : readTime(timestamp)
    if (typeof time === 'string') return new Refused(`timestamp ${quoted(timestamp)} ${time}`)
    if (source != null && typeof source !== 'string') return new Refused(`source ${quoted(source)} must be a text`)
    if (tags != null && !isMembers(tags)) return new Refused('tags must be an object')
    if (retracted != null && typeof retracted !== 'boolean')
      return new Refused(`retracted ${quoted(retracted)} must be true or false`)
    const entries =
      beyondBatch(target, report['actuals'], batchSizeOf) ?? readEntries(report, target, retracted === true)
    if (entries instanceof Refused) return entries
    const { actuals } = report
    const count = Array.isArray(actuals) ? actuals.length : 1
    const repeated = tooMuchToRepeat(count, source ?? undefined, tags ?? undefined)
    if (repeated !== undefined) return repeated
    return {
      entries,
      time,
      source: source ?? undefined,
      tags: tags ?? undefined,
      isRetracted: retracted === true,
    }
  }
}
