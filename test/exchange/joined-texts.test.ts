import { expect, it } from 'vitest'
import { emptyTexts, JoinedTexts } from '../../src/exchange/joined-texts.ts'

it.each([1, 3, 256])('texts that come %i at once are there one by one, however many they are', (step) => {
  const count = 20_001
  const all = Array.from({ length: count }, (_, i) => JSON.stringify({ i, text: '\n' }))
  const texts = new JoinedTexts(step)
  for (let from = 0; from < count; from += step) texts.push(all.slice(from, from + step))
  expect(texts.length).toBe(count)
  expect(all.map((_, i) => texts.at(i))).toEqual(all)
  for (const i of [20_000, 0, 10_000, 9_999]) expect(texts.at(i)).toBe(all[i])
  expect(texts.at(count)).toBeUndefined()
})

it('empty objects in any number', () => {
  const texts = emptyTexts(2)
  expect([texts.length, texts.at(0), texts.at(1), texts.at(2)]).toEqual([2, '{}', '{}', undefined])
})
