/** What `actuals check` asks a store, and what that answers. */

/** Predictions of a day and a model version. */
export interface DayOfVersion {
  /** In UTC: `2026-11-23`. */
  readonly day: string
  readonly modelVersion: string
  readonly predictions: number
  /** Those of them that have an actual, which is not taken back. */
  readonly labelled: number
  /** From prediction to actual, in seconds; null: there is none. */
  readonly medianLag: number | null
  /** 90 of 100 came within so many seconds. */
  readonly lag90: number | null
}

/** A prediction's id with actuals of which the store has no prediction. */
export interface UnmatchedId {
  readonly id: string
  readonly reports: number
}

/** A request's id with actuals that are of no prediction there. */
export interface UnmatchedRequest {
  readonly requestId: string
  readonly instance: number | null
  readonly reports: number
  /** How many predictions the request made, as far as they are stored. */
  readonly predictions: number
}

export interface ActualsStore {
  /** As of a sink: without a password. */
  readonly name: string
  /** Whether there is a table of actuals: as long as nobody has reported any there may be none. */
  hasActuals(): Promise<boolean>
  /** Of predictions from a time on, in order. */
  days(since: Date): Promise<readonly DayOfVersion[]>
  /** The oldest prediction's time; undefined: there is none. */
  oldest(): Promise<Date | undefined>
  /** Reported from a time on, in the order of ids, a page at a time. */
  unmatchedIds(since: Date): AsyncIterable<readonly UnmatchedId[]>
  unmatchedRequests(since: Date): AsyncIterable<readonly UnmatchedRequest[]>
  /** Which of some ids are predictions'. */
  stored(ids: readonly string[]): Promise<ReadonlySet<string>>
  /** How many predictions have ids from one to another. */
  countBetween(first: string, last: string): Promise<number>
  close(): Promise<void>
}
