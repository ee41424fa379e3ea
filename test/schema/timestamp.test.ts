import { expect, it } from 'vitest'
import { Misfit } from '../../src/schema/misfit.ts'
import { timestamp } from '../../src/schema/timestamp.ts'

it.each([
  ['2026-11-23T12:00:00.000Z', '2026-11-23T12:00:00.000Z'],
  ['2026-11-23T12:00:00Z', '2026-11-23T12:00:00.000Z'],
  ['2026-11-23T12:00:00.5Z', '2026-11-23T12:00:00.500Z'],
  ['2026-11-23T12:00:00.123000Z', '2026-11-23T12:00:00.123Z'],
  ['2026-11-23t12:00:00z', '2026-11-23T12:00:00.000Z'],
  ['2026-11-23 12:00:00+02:00', '2026-11-23T10:00:00.000Z'],
  ['2026-11-23T12:00:00-0530', '2026-11-23T17:30:00.000Z'],
  ['2026-11-23T23:30:00-01', '2026-11-24T00:30:00.000Z'],
  ['2024-02-29T00:00:00.000Z', '2024-02-29T00:00:00.000Z'],
  ['2000-02-29T00:00:00.000Z', '2000-02-29T00:00:00.000Z'],
  ['1969-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z'],
  ['0001-01-01T00:00:00.000Z', '0001-01-01T00:00:00.000Z'],
  ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
])('%s is %s', (value, stored) => {
  expect(timestamp(value)).toBe(stored)
})

it.each([
  ['yesterday', 'not a date-time'],
  ['', 'not a date-time'],
  ['2026-11-23', 'not a date-time'],
  ['2026-02-29T00:00:00.000Z', 'not a date-time'],
  ['1900-02-29T00:00:00.000Z', 'not a date-time'],
  ['2026-00-01T00:00:00.000Z', 'not a date-time'],
  ['2026-13-01T00:00:00.000Z', 'not a date-time'],
  ['2026-04-31T00:00:00Z', 'not a date-time'],
  ['2026-01-00T00:00:00.000Z', 'not a date-time'],
  ['2026-11-23T24:00:00.000Z', 'not a date-time'],
  ['2026-11-23T12:60:00.000Z', 'not a date-time'],
  ['2026-11-23T12:00:61.000Z', 'not a date-time'],
  ['2026-11-23T12:00:00+24:00', 'not a date-time'],
  ['2026-11-23T12:00:00+01:60', 'not a date-time'],
  ['+012026-11-23T12:00:00Z', 'not a date-time'],
  ['２０２６-11-23T12:00:00.000Z', 'not a date-time'],
  ['2026-11-23T12:00:00.000Z\n', 'not a date-time'],
  [1_700_000_000_000, 'not a date-time'],
  [true, 'not a date-time'],
  [new Date(NaN), 'not a date-time'],
  ['2026-11-23T12:00:00', 'a date-time without a time zone'],
  ['2016-12-31T23:59:60Z', 'a leap second'],
  ['0000-01-01T00:00:00.000Z', 'a year outside 0001 to 9999'],
  ['0001-01-01T00:00:00+01:00', 'a year outside 0001 to 9999'],
  ['9999-12-31T23:59:59-01:00', 'a year outside 0001 to 9999'],
])('%s is refused: %s', (value, reason) => {
  expect(timestamp(value)).toEqual(new Misfit(reason))
})

it('cuts what is finer than milliseconds, and says so', () => {
  expect(timestamp('2026-11-23T12:00:00.123456Z')).toEqual(
    new Misfit('finer than milliseconds', '2026-11-23T12:00:00.123Z'),
  )
  expect(timestamp('2026-11-23T12:00:00.999999+00:00')).toEqual(
    new Misfit('finer than milliseconds', '2026-11-23T12:00:00.999Z'),
  )
})
