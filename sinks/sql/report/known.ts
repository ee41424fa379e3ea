import type { Failures } from './own.ts'
import type { IdRange } from './rows.ts'
import type { Bounds } from './survey/bounds.ts'

/** What the first pass keeps for the second. */
export interface Known {
  /** Whether any row has another weight than 1. */
  readonly isWeighted: boolean
  /** All versions of both windows. */
  readonly versions: readonly string[]
  readonly current: KnownWindow
  readonly reference: KnownWindow | undefined
  /** Whether there are actuals that name a request alone. */
  readonly byRequest: boolean
  readonly hasExtra: boolean
  /** Whether all rows of both windows are of one model, though none is asked for. */
  readonly isOneModel: boolean
}

export interface KnownWindow {
  readonly rows: number
  /** The least and the greatest id of its rows; undefined: it can't be told. */
  readonly ids: IdRange | undefined
  /** Which of the columns that tell of a failure do so in any row. */
  readonly failures: Failures
  /** Of columns by name; not of members, nor of all where they are many. */
  readonly bounds: ReadonlyMap<string, Bounds>
}
