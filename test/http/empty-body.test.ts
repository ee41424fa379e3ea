import { expect, it, vi } from 'vitest'
import { isEmptyBody } from '../../src/http/empty-body.ts'

it.each([
  ['nothing', undefined, true],
  ['null, as Fastify has it', null, true],
  ['the object that a parser leaves', {}, true],
  ['the same without a prototype', Object.create(null), true],
  ['an object', { a: 1 }, false],
  ['an empty list', [], false],
  ['no bytes', Buffer.alloc(0), false],
  ['a text', '', false],
  ['false', false, false],
])('%s', (_what, body, expected) => expect(isEmptyBody(body)).toBe(expected))

it('lists no names of a list', () => {
  const ownKeys = vi.fn(Reflect.ownKeys)
  expect(isEmptyBody(new Proxy([1], { ownKeys }))).toBe(false)
  expect(ownKeys).not.toHaveBeenCalled()
})
