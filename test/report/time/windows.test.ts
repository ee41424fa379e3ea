import { describe, expect, it } from 'vitest'
import {
  bucketsOf,
  fittingBucket,
  readReference,
  readInstant,
  readTimeZone,
  readWindow,
} from '../../../src/report/time/windows.ts'

const now = new Date('2026-11-10T12:34:56Z')
const at = (text: string) => new Date(text)

describe('a time', () => {
  it.each([
    ['7d', '2026-11-03T12:34:56Z'],
    ['90m', '2026-11-10T11:04:56Z'],
    ['2w', '2026-10-27T12:34:56Z'],
    ['2026-11-01', '2026-10-31T23:00:00Z'],
    ['2026-07-01', '2026-06-30T22:00:00Z'],
    ['2026-11-01T12:00', '2026-11-01T11:00:00Z'],
    ['2026-11-01 12:00:30', '2026-11-01T11:00:30Z'],
    ['2026-11-01T12:00:00Z', '2026-11-01T12:00:00Z'],
    ['2026-11-01T12:00:00.250Z', '2026-11-01T12:00:00.250Z'],
    ['2026-11-01T12:00+02', '2026-11-01T10:00:00Z'],
    ['2026-11-01T12:00+0530', '2026-11-01T06:30:00Z'],
    // Clocks go forward at 2: by the offset before. They go back at 3: the first of both.
    ['2026-03-29T02:30', '2026-03-29T01:30:00Z'],
    ['2026-10-25T02:30', '2026-10-25T00:30:00Z'],
  ])('%s in Berlin is %s', (text, instant) => {
    expect(readInstant('--since', text, now, 'Europe/Berlin')).toEqual(at(instant))
  })

  it.each(['yesterday', '7', '7 d', '2026-13-01', '2026-02-30', '2026-11-01T25:00', '11/01/2026', ''])(
    '%j is refused with what would be right',
    (text) => {
      expect(() => readInstant('--since', text, now, 'UTC')).toThrow(
        `--since is ${JSON.stringify(text)}: write a time as 2026-11-01`,
      )
    },
  )

  it('is of a time zone that there is', () => {
    expect(() => readTimeZone('Europe/Berlim')).toThrow('--time-zone is "Europe/Berlim"')
  })
})

describe('the windows', () => {
  const options = { timeZone: 'UTC', now }

  it('are the last seven days and the seven before', () => {
    const current = readWindow(options)
    expect(current).toEqual({ since: at('2026-11-03T12:34:56Z'), until: now })
    expect(readReference('previous', current, 'UTC')).toEqual({
      since: at('2026-10-27T12:34:56Z'),
      until: current.since,
    })
  })

  it('count back from the end that is given', () => {
    expect(readWindow({ ...options, since: '1d', until: '2026-11-01' })).toEqual({
      since: at('2026-10-31T00:00:00Z'),
      until: at('2026-11-01T00:00:00Z'),
    })
  })

  it('do not end before they begin', () => {
    expect(() => readWindow({ ...options, since: '2026-12-01' })).toThrow('which is not before its end')
  })

  it('of a reference are given by times, by a version, or are a file', () => {
    const current = readWindow({ ...options, since: '2026-11-08' })
    expect(readReference('2026-10-01..2026-10-08', current, 'UTC')).toEqual({
      since: at('2026-10-01T00:00:00Z'),
      until: at('2026-10-08T00:00:00Z'),
    })
    expect(readReference('version:1.2', current, 'UTC')).toMatchObject({ version: '1.2', until: now })
    expect(readReference('../reference.json', current, 'UTC')).toBeUndefined()
    expect(readReference('reference.json', current, 'UTC')).toBeUndefined()
    expect(() => readReference('2026-11-01..2026-11-09', current, 'UTC')).toThrow('overlaps')
  })
})

describe('buckets', () => {
  const windowOf = (since: string, until: string) => ({ since: at(since), until: at(until) })

  it('are as long as fits', () => {
    expect(fittingBucket(windowOf('2026-11-01', '2026-11-02'))).toBe('hour')
    expect(fittingBucket(windowOf('2026-11-01', '2026-11-08'))).toBe('day')
    expect(fittingBucket(windowOf('2026-01-01', '2026-11-08'))).toBe('week')
  })

  it('begin at the midnights of the zone, also when its clocks change', () => {
    const days = bucketsOf('day', 'Europe/Berlin', [windowOf('2026-10-24T12:00:00Z', '2026-10-26T12:00:00Z')])
    expect(
      days.map(({ since, until }) => [since.toISOString(), (until.getTime() - since.getTime()) / 3_600_000]),
    ).toEqual([
      ['2026-10-23T22:00:00.000Z', 24],
      ['2026-10-24T22:00:00.000Z', 25],
      ['2026-10-25T23:00:00.000Z', 24],
    ])
  })

  it('of weeks begin on Mondays', () => {
    const weeks = bucketsOf('week', 'America/New_York', [windowOf('2026-11-01T12:00:00Z', '2026-11-03T00:00:00Z')])
    expect(weeks.map(({ since }) => since.toISOString())).toEqual([
      '2026-10-26T04:00:00.000Z',
      '2026-11-02T05:00:00.000Z',
    ])
  })

  it('of hours begin at whole hours of the zone', () => {
    const hours = bucketsOf('hour', 'Asia/Kolkata', [windowOf('2026-11-01T12:10:00Z', '2026-11-01T13:00:00Z')])
    expect(hours.map(({ since }) => since.toISOString())).toEqual([
      '2026-11-01T11:30:00.000Z',
      '2026-11-01T12:30:00.000Z',
    ])
  })

  it('leave out what lies between two windows', () => {
    const windows = [windowOf('2026-01-01', '2026-01-03'), windowOf('2026-11-01', '2026-11-02')]
    expect(bucketsOf('day', 'UTC', windows)).toHaveLength(3)
  })

  it('are at most a thousand', () => {
    expect(() => bucketsOf('hour', 'UTC', [windowOf('2026-01-01', '2026-11-02')])).toThrow(
      '--bucket hour makes more than 1000',
    )
  })
})
