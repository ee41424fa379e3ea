import type { IdRange } from './rows.ts'

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
}

export interface KnownWindow {
  readonly rows: number
  /** The least and the greatest id of its rows; undefined: it can't be told. */
  readonly ids: IdRange | undefined
}
