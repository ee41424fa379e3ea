import { Misfit } from '../schema/misfit.ts'
import { timestamp } from '../schema/timestamp.ts'

/** When a truth became known. */
export interface Time {
  /** ISO 8601 in UTC with milliseconds. */
  readonly utc: string
  /** How it was written, where that names no zone. */
  readonly withoutZone?: string
}

const DATE = /^\d{4}-\d\d-\d\d$/
const NO_ZONE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/

/** What lacks a zone, with the one that it is read in. */
const inUtc = (text: string): string | undefined => {
  if (DATE.test(text)) return `${text}T00:00:00Z`
  if (!NO_ZONE.test(text)) return undefined
  return `${text}${text.length === 16 ? ':00' : ''}Z`
}

/** A time; or, as text, what is wrong with it. */
export const readTime = (given: unknown): Time | string => {
  if (typeof given === 'number') return 'must be ISO 8601, as in 2026-11-23T12:00:00Z: a number does not say of what'
  const text = typeof given === 'string' ? given.trim() : given
  const zoned = typeof text === 'string' ? inUtc(text) : undefined
  const read = timestamp(zoned ?? text)
  // What is finer than a millisecond is cut.
  const utc = read instanceof Misfit ? read.stored : read
  if (typeof utc !== 'string') return `must be ISO 8601, as in 2026-11-23T12:00:00Z: ${(read as Misfit).reason}`
  return zoned === undefined ? { utc } : { utc, withoutZone: given as string }
}
