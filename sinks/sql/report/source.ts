import type { ReportTable } from './columns.ts'
import type { Words } from './words.ts'

/** What a report reads: the tables, and the words of their database. */
export interface ReportSource {
  readonly words: Words
  /** The steps of a path that `words.members` gives. */
  readonly stepsOf: (path: unknown) => readonly string[]
  readonly table: ReportTable
  /** Quoted, with its schema. */
  readonly name: string
  /** Undefined: there is none. */
  readonly actuals: ActualsSource | undefined
}

export interface ActualsSource {
  readonly name: string
  /** One of an actual's own columns, quoted. */
  own(name: string): string
  /** Of `prediction_id`. */
  readonly idType: string
  /** Their types, by name. */
  readonly labels: ReadonlyMap<string, string>
}
