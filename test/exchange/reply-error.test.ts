import { describe, expect, it } from 'vitest'
import { errorOfReply } from '../../src/exchange/reply-error.ts'

describe('what an error reply says', () => {
  it.each([
    [{ message: ['a must be a number', 'b is missing'], error: 'Bad Request' }, 'a must be a number; b is missing'],
    [{ errors: [{ message: 'no such field', extensions: { stacktrace: ['at x'] } }] }, 'no such field'],
    [{ error: { message: 'too long', type: 'invalid_request_error' } }, 'too long'],
    [{ message: 'said', error: 'Bad Request' }, 'said'],
    [{ message: [], error: 'Bad Request' }, 'Bad Request'],
    [{ detail: [{ msg: 'x' }] }, '{"detail":[{"msg":"x"}]}'],
  ])('%j', (body, said) => {
    expect(errorOfReply(body, (value) => value)).toBe(said)
  })
})
