import type { Report } from './result.ts'

/** Dates as people write them, in the report's time zone. */
export interface When {
  /** `8 Mar`, or `8 Mar 14:00` of an hour. */
  bucket(iso: string): string
  /** `8 Mar 2026`, with the time where it is not midnight. */
  moment(iso: string): string
  period(since: string | null, until: string | null): string
}

export const whenOf = ({ time_zone: timeZone, bucket }: Pick<Report, 'time_zone' | 'bucket'>): When => {
  const day = new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'short' })
  const year = new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', month: 'short', year: 'numeric' })
  const time = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' })
  const second = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  const moment = (iso: string): string => {
    const date = new Date(iso)
    const clock = time.format(date)
    return clock === '00:00' ? year.format(date) : `${year.format(date)} ${clock}`
  }
  return {
    bucket(iso) {
      const date = new Date(iso)
      const clock = time.format(date)
      return bucket === 'hour' && clock !== '00:00' ? clock : day.format(date)
    },
    moment,
    period(since, until) {
      if (!since || !until) return 'an unknown time'
      const [from, to] = [moment(since), moment(until)]
      return from === to ? `${second.format(new Date(since))} – ${second.format(new Date(until))}` : `${from} – ${to}`
    },
  }
}
