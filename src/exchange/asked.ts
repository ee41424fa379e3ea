import type { Format, RequestReading } from '../formats/format.ts'
import { countOf } from '../formats/instance-parts.ts'

/** What is known of a request once it was read: it tells how its reply is read. */
export interface Asked {
  /** Undefined: it could not be read, so no format knows its reply. */
  readonly format: Format | undefined
  readonly reading: RequestReading
  /** No format has read it: see `formats/ordinary.ts`. */
  readonly isOrdinary?: boolean
  /** Nothing of it could be read: nobody knows how many instances it has. */
  readonly isUnknown?: boolean
}

/** How many instances a request has: at least one. */
export const instancesOf = (asked: Asked | undefined): number =>
  asked === undefined ? 1 : Math.max(countOf(asked.reading), 1)

/** Whether a request held a list of instances, even if only one. */
export const isBatchOf = (asked: Asked | undefined): boolean => asked?.reading.isBatch ?? instancesOf(asked) > 1
