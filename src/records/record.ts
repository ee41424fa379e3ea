import type { ExtraValue } from './extra.ts'
import { decode, encode } from './json.ts'

/**
 * One prediction of one instance, as it was captured: raw values, not yet fitted to columns.
 * A batch request of n instances gives n records.
 */
export interface PredictionRecord {
  /** UUIDv7; the last four hexadecimal digits are the instance's index. */
  readonly id: string
  /** The request's arrival, ISO 8601 in UTC with milliseconds. */
  readonly timestamp: string
  readonly model: string
  readonly model_version: string
  /** The caller's own id of the request, if it gave one. */
  readonly request_id: string | null
  /** Index within a batch request, else 0. */
  readonly instance: number
  /** The response's HTTP status. */
  readonly status: number
  readonly duration_ms: number
  /** What went wrong, or null. */
  readonly error: string | null
  /** 1 / the chance with which the request was kept. */
  readonly sample_weight: number
  readonly tags: Readonly<Record<string, unknown>>
  readonly features: Readonly<Record<string, unknown>>
  readonly outputs: Readonly<Record<string, unknown>>
  /** What could not be stored as it came, by path, with the reason. */
  readonly extra: Readonly<Record<string, ExtraValue>>
  /** The record as JSON text, as it stands in the outbox: empty members are left out, 64-bit integers keep their digits. */
  readonly json: string
}

export type { ExtraValue } from './extra.ts'

/** A record's members, without its text. Members that are empty or have their default may be absent. */
export type RecordMembers = Partial<Omit<PredictionRecord, 'json'>> & Pick<PredictionRecord, 'id' | 'timestamp'>

/** Where a record's id stands in its text: `{"id":"…"`. */
const ID_START = 7
const ID_END = ID_START + 36

/**
 * A record over its text. It is parsed at the first look at a member: a sink that passes the text on (Kafka) never pays for it.
 * A class, not a closure: there is one for each prediction, and getters on a prototype cost nothing to make.
 */
class LazyRecord implements PredictionRecord {
  readonly json: string
  #members: RecordMembers | undefined

  constructor(json: string) {
    this.json = json
  }

  get #parsed(): RecordMembers {
    return (this.#members ??= decode(this.json) as RecordMembers)
  }

  get id() {
    return this.json.slice(ID_START, ID_END)
  }
  get timestamp() {
    return this.#parsed.timestamp
  }
  get model() {
    return this.#parsed.model ?? ''
  }
  get model_version() {
    return this.#parsed.model_version ?? ''
  }
  get request_id() {
    return this.#parsed.request_id ?? null
  }
  get instance() {
    return this.#parsed.instance ?? 0
  }
  get status() {
    return this.#parsed.status ?? 0
  }
  get duration_ms() {
    return this.#parsed.duration_ms ?? 0
  }
  get error() {
    return this.#parsed.error ?? null
  }
  get sample_weight() {
    return this.#parsed.sample_weight ?? 1
  }
  get tags() {
    return this.#parsed.tags ?? {}
  }
  get features() {
    return this.#parsed.features ?? {}
  }
  get outputs() {
    return this.#parsed.outputs ?? {}
  }
  get extra() {
    return this.#parsed.extra ?? {}
  }

  toJSON() {
    return this.#parsed
  }
}

/** A record from its text (a line of the outbox, a Kafka message's value). The text is not checked before a member is read. */
export const recordFromJson = (json: string): PredictionRecord => new LazyRecord(json)

/** A record from its members, for tests and tools: `id` and `timestamp` come first in its text, as capture writes it. */
export const recordFrom = ({ id, timestamp, ...members }: RecordMembers): PredictionRecord =>
  new LazyRecord(encode({ id, timestamp, ...members }))
