import type { ExtraValue } from './extra.ts'
import { decode, encode } from './json.ts'

/** What really happened, as it was reported for one prediction: raw values, not yet fitted to columns. */
export interface ActualRecord {
  /** A UUID made of what the report says: the same report again has the same id. */
  readonly id: string
  /** When the truth became known, ISO 8601 in UTC with milliseconds; where the report did not say: when it came. */
  readonly timestamp: string
  /** Whose truth it is; null where only the request's id is known. */
  readonly prediction_id: string | null
  /** The caller's own id of the request, where the report names that. */
  readonly request_id: string | null
  /** Index within the batch request that `request_id` names; null: not said. */
  readonly instance: number | null
  /** When the report came, ISO 8601 in UTC with milliseconds. */
  readonly reported_at: string
  /** Whether it takes back what was reported before. */
  readonly retracted: boolean
  /** The labels by name. */
  readonly actuals: Readonly<Record<string, unknown>>
  /** Who says so, or null. */
  readonly source: string | null
  readonly tags: Readonly<Record<string, unknown>>
  /** What could not be stored as it came, by path, with the reason. */
  readonly extra: Readonly<Record<string, ExtraValue>>
  /** The record as JSON text, as it stands in the outbox: empty members are left out. */
  readonly json: string
}

/** An actual's members, without its text. Members that are empty may be absent. */
export type ActualMembers = Partial<Omit<ActualRecord, 'json'>> & Pick<ActualRecord, 'id' | 'timestamp' | 'reported_at'>

/** `{"id":"<36>","timestamp":"<24>"` comes before it: a prediction's model stands there. */
const KIND_AT = 83
const KIND = ',"kind":"actual"'

/** Whether a record's text is an actual's. */
export const isActualText = (json: string): boolean => json.startsWith(KIND, KIND_AT)

/** An actual over its text, parsed at the first look at a member. */
class LazyActual implements ActualRecord {
  readonly json: string
  #members: ActualMembers | undefined

  constructor(json: string) {
    this.json = json
  }

  get #parsed(): ActualMembers {
    return (this.#members ??= decode(this.json) as ActualMembers)
  }

  get id() {
    return this.json.slice(7, 43)
  }
  get timestamp() {
    return this.#parsed.timestamp
  }
  get prediction_id() {
    return this.#parsed.prediction_id ?? null
  }
  get request_id() {
    return this.#parsed.request_id ?? null
  }
  get instance() {
    return this.#parsed.instance ?? null
  }
  get reported_at() {
    return this.#parsed.reported_at
  }
  get retracted() {
    return this.#parsed.retracted ?? false
  }
  get actuals() {
    return this.#parsed.actuals ?? {}
  }
  get source() {
    return this.#parsed.source ?? null
  }
  get tags() {
    return this.#parsed.tags ?? {}
  }
  get extra() {
    return this.#parsed.extra ?? {}
  }

  toJSON() {
    return this.#parsed
  }
}

/** An actual from its text. The text is not checked before a member is read. */
export const actualFromJson = (json: string): ActualRecord => new LazyActual(json)

/** An actual's text: the id and the time stand where every record has them, and then what kind it is. */
export const actualText = ({ id, timestamp, ...members }: ActualMembers): string =>
  encode({ id, timestamp, kind: 'actual', ...members })

/** An actual from its members, for tests and tools. */
export const actualFrom = (members: ActualMembers): ActualRecord => new LazyActual(actualText(members))
