import { PredictionsError } from '../../errors/errors.ts'
import type { BucketSize, Window } from '../answers.ts'
import { instantOf, isTimeZone, localTime } from './zone.ts'

/** What `--since`, `--until`, `--reference`, `--bucket` and `--time-zone` say, as instants. */

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 }

const wrong = (message: string): PredictionsError => new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', message)

/** `7d` in milliseconds; undefined: it is no length of time. */
const lengthOf = (text: string): number | undefined => {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? []
  return count === undefined ? undefined : Number(count) * UNITS[unit!]!
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i

/** A time of the calendar: without an offset by the time zone. Undefined: it is none. */
const instantFrom = (text: string, zone: string): Date | undefined => {
  const match = ISO.exec(text)
  if (!match) return undefined
  const [year, month, day, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => (part === undefined ? undefined : Number(part)))
  const local = { year: year!, month: month!, day: day!, hour, minute, second }
  const date = new Date(Date.UTC(local.year, local.month - 1, local.day))
  const exists = date.getUTCMonth() === local.month - 1 && hour <= 23 && minute <= 59 && second <= 59
  if (!exists) return undefined
  if (match[7] === undefined) return instantOf(zone, local)
  const offset = match[7].replace(/^([+-]\d\d):?(\d\d)?$/, (_, hours: string, minutes = '00') => `${hours}:${minutes}`)
  const time = text.slice('2026-11-01T'.length, -match[7].length)
  const instant = new Date(`${text.slice(0, '2026-11-01'.length)}T${time}${offset.toUpperCase()}`)
  return Number.isNaN(instant.getTime()) ? undefined : instant
}

/**
 * A time as options give it: `2026-11-01`, `2026-11-01T12:00`, `2026-11-01T12:00:00Z`, or `7d` before `until` (`m`, `h`, `d`, `w`).
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: it can't be read
 */
export const readInstant = (name: string, text: string, before: Date, zone: string): Date => {
  const length = lengthOf(text)
  const instant = length === undefined ? instantFrom(text, zone) : new Date(before.getTime() - length)
  if (instant === undefined || Number.isNaN(instant.getTime()))
    throw wrong(
      `${name} is ${JSON.stringify(text)}: write a time as 2026-11-01 or 2026-11-01T12:00:00Z, or how long ago as 7d (m, h, d or w)`,
    )
  return instant
}

/** @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: there is no such time zone */
export const readTimeZone = (zone: string): string => {
  if (!isTimeZone(zone))
    throw wrong(`--time-zone is ${JSON.stringify(zone)}: write a name such as Europe/Berlin, or UTC`)
  return zone
}

export interface TimeOptions {
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly timeZone: string
  readonly now: Date
}

const windowOf = (since: Date, until: Date, name: string): Window => {
  if (since >= until)
    throw wrong(`${name}: it begins at ${since.toISOString()}, which is not before its end, ${until.toISOString()}`)
  return { since, until }
}

/** Without options the last seven days. */
export const readWindow = ({ since = '7d', until, timeZone, now }: TimeOptions): Window => {
  const end = until === undefined ? now : readInstant('--until', until, now, timeZone)
  return windowOf(readInstant('--since', since, end, timeZone), end, '--since')
}

export type ReferenceWindow = Window & { readonly version?: string }

/**
 * The window that `--reference` names: `previous` (as long, just before), `SINCE..UNTIL`, or `version:V` (its rows in both of these windows). Undefined: it
 * is none of these, so it is a file.
 */
export const readReference = (reference: string, current: Window, timeZone: string): ReferenceWindow | undefined => {
  const length = current.until.getTime() - current.since.getTime()
  const previous = { since: new Date(current.since.getTime() - length), until: current.since }
  if (reference === 'previous') return previous
  if (reference.startsWith('version:'))
    return { since: previous.since, until: current.until, version: reference.slice('version:'.length) }
  const [since, until, ...more] = reference.split('..')
  if (until === undefined || more.length > 0 || !/^\d/.test(since!)) return undefined
  const end = readInstant('--reference', until, current.since, timeZone)
  const window = windowOf(readInstant('--reference', since!, end, timeZone), end, '--reference')
  if (window.until > current.since && window.since < current.until)
    throw wrong(
      `--reference ${reference} overlaps the window of the report, ${current.since.toISOString()} to ${current.until.toISOString()}: a row can't be in both`,
    )
  return window
}

const DAY = 86_400_000

/** Hours up to two days, days up to three months, else weeks. */
export const fittingBucket = ({ since, until }: Window): BucketSize => {
  const length = until.getTime() - since.getTime()
  return length <= 2 * DAY ? 'hour' : length <= 93 * DAY ? 'day' : 'week'
}

/** More would make a report that nobody can read. */
const MAX_BUCKETS = 1000

const startOf = (bucket: BucketSize, zone: string, instant: Date): Date => {
  const local = localTime(zone, instant)
  if (bucket === 'hour') {
    const whole = Math.floor(instant.getTime() / 1000) * 1000
    return new Date(whole - (local.minute * 60 + local.second) * 1000)
  }
  const midnight = { ...local, hour: 0, minute: 0, second: 0 }
  if (bucket === 'day') return instantOf(zone, midnight)
  const weekday = (new Date(Date.UTC(local.year, local.month - 1, local.day)).getUTCDay() + 6) % 7
  return instantOf(zone, shifted(midnight, -weekday))
}

/** Some days on, by the calendar. */
const shifted = (local: ReturnType<typeof localTime>, days: number): ReturnType<typeof localTime> => {
  const date = new Date(Date.UTC(local.year, local.month - 1, local.day + days))
  return { ...local, year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}

const next = (bucket: BucketSize, zone: string, start: Date): Date =>
  bucket === 'hour'
    ? new Date(start.getTime() + 3_600_000)
    : instantOf(zone, shifted({ ...localTime(zone, start), hour: 0, minute: 0, second: 0 }, bucket === 'day' ? 1 : 7))

/**
 * The buckets that hold some windows, in order, without those between the windows.
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: there are more than 1,000
 */
export const bucketsOf = (bucket: BucketSize, zone: string, windows: readonly Window[]): Window[] => {
  const starts = new Map<number, Window>()
  for (const { since, until } of windows) {
    let start = startOf(bucket, zone, since)
    while (start < until) {
      const end = next(bucket, zone, start)
      starts.set(start.getTime(), { since: start, until: end })
      if (starts.size > MAX_BUCKETS)
        throw wrong(`--bucket ${bucket} makes more than ${MAX_BUCKETS} buckets of this window: take a longer one`)
      start = end
    }
  }
  return [...starts.values()].sort((a, b) => a.since.getTime() - b.since.getTime())
}
