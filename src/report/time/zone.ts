/** Clock times of a time zone, by Intl: what a person calls a day there. */

export interface LocalTime {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

const formats = new Map<string, Intl.DateTimeFormat>()

const formatOf = (zone: string): Intl.DateTimeFormat => {
  let format = formats.get(zone)
  if (!format) {
    const digits = {
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    } as const
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      era: 'short',
      hourCycle: 'h23',
      ...digits,
    })
    formats.set(zone, format)
  }
  return format
}

export const isTimeZone = (zone: string): boolean => {
  try {
    formatOf(zone)
    return true
  } catch {
    return false
  }
}

export const localTime = (zone: string, instant: Date): LocalTime => {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  )
  return parts as unknown as LocalTime
}

const asUtc = ({ year, month, day, hour, minute, second }: LocalTime): number =>
  new Date(0).setUTCFullYear(year, month - 1, day) + ((hour * 60 + minute) * 60 + second) * 1000

const offsetAt = (zone: string, instant: number): number => {
  const whole = Math.floor(instant / 1000) * 1000
  return asUtc(localTime(zone, new Date(whole))) - whole
}

/** The instant of a local time. Of one that comes twice (clocks go back) the first; of one that never comes (they go forward) the same time by the offset before. */
export const instantOf = (zone: string, local: LocalTime): Date => {
  const utc = asUtc(local)
  const before = utc - offsetAt(zone, utc - 86_400_000)
  if (offsetAt(zone, before) === utc - before) return new Date(before)
  const after = utc - offsetAt(zone, utc + 86_400_000)
  return new Date(offsetAt(zone, after) === utc - after ? after : before)
}
