import { describe, expect, it } from 'vitest'
import { oneLine, says } from '../../src/delivery/delivery-log.ts'
import { PredictionsError } from '../../src/errors/errors.ts'

describe('what an error says', () => {
  it.each([
    [new Error('one\n  two'), 'one two'],
    [new PredictionsError('PREDICTIONS_SINK_UNAVAILABLE', 'away'), 'away'],
    [new TypeError('x is not a function'), 'TypeError: x is not a function'],
    [
      new AggregateError([new Error('connect ECONNREFUSED ::1:5432'), new Error('other')]),
      'connect ECONNREFUSED ::1:5432',
    ],
    ['a string', 'a string'],
    [undefined, 'undefined'],
    [Object.create(null), 'an error that cannot be printed'],
  ])('%s', (error, text) => expect(says(error)).toBe(text))

  it.each([
    ['no route to mysql://root:p@ss/word@db:3306/x and on', 'no route to mysql://***@db:3306/x and on'],
    ['https://token@host/ and redis://:pw@cache', 'https://***@host/ and redis://***@cache'],
    ['postgres://db/x is fine', 'postgres://db/x is fine'],
  ])('has no credentials: %s', (text, safe) => expect(oneLine(text)).toBe(safe))
})
