import { Misfit } from './misfit.ts'

const notDateTime = new Misfit('not a date-time')
const noZone = new Misfit('a date-time without a time zone')
const leapSecond = new Misfit('a leap second')
const outOfRange = new Misfit('a year outside 0001 to 9999')

/** RFC 3339, section 5.6; `Z` and offsets without a colon or minutes as ajv-formats takes them. */
const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d)(?::?(\d\d))?)?$/i

const CANONICAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const daysIn = (year: number, month: number): number =>
  month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : (days[month - 1] ?? 0)

const two = (text: string, at: number): number => text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 528

const isDate = (text: string): boolean => {
  const year = two(text, 0) * 100 + two(text, 2)
  const day = two(text, 8)
  return year > 0 && day > 0 && day <= daysIn(year, two(text, 5))
}

/**
 * A date-time with its zone, as ISO 8601 in UTC with milliseconds; else the reason why not. Finer fractions are cut, and
 * noted.
 */
export const timestamp = (value: unknown): unknown => {
  if (typeof value !== 'string') return value instanceof Date ? fromDate(value) : notDateTime
  // The record's own timestamps, and most others, need no change.
  if (CANONICAL.test(value) && isDate(value) && two(value, 11) < 24 && two(value, 14) < 60 && two(value, 17) < 60)
    return value
  return fromText(value)
}

const fromDate = (value: Date): unknown => {
  const time = value.getTime()
  return Number.isNaN(time) ? notDateTime : fromTime(time)
}

const fromTime = (time: number): unknown => {
  const text = new Date(time).toISOString()
  return text.length === 24 && !text.startsWith('0000') ? text : outOfRange
}

const fromText = (value: string): unknown => {
  const match = DATE_TIME.exec(value)
  if (!match) return notDateTime
  const [, year, month, day, hours, minutes, seconds, fraction = '', sign, offsetHours, offsetMinutes] = match
  if (Number(day) < 1 || Number(day) > daysIn(Number(year), Number(month))) return notDateTime
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 60) return notDateTime
  if (Number(offsetHours ?? 0) > 23 || Number(offsetMinutes ?? 0) > 59) return notDateTime
  if (sign === undefined && !/Z$/i.test(value)) return noZone
  if (seconds === '60') return leapSecond
  const local = Date.parse(
    `${year}-${month}-${day}T${hours}:${minutes}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}Z`,
  )
  const offset = (Number(offsetHours ?? 0) * 60 + Number(offsetMinutes ?? 0)) * 60_000
  const utc = fromTime(sign === '-' ? local + offset : local - offset)
  return /[1-9]/.test(fraction.slice(3)) && typeof utc === 'string' ? new Misfit('finer than milliseconds', utc) : utc
}
