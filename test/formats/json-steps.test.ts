import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeInSteps, parseInSteps } from '../../src/formats/json-steps.ts'
import { decode, encode } from '../../src/records/json.ts'
import { finish } from '../../src/steps/time-slices.ts'

/** Long enough to be taken apart, whatever stands in it. */
const PAD = 'x'.repeat(70_000)

/** The value, or what is said of a text that is none. */
const outcome = (parse: () => unknown): string => {
  try {
    return encode(parse())
  } catch (error) {
    return `${error}`
  }
}

const same = (text: string): void => {
  expect(outcome(() => finish(parseInSteps(text, decode)))).toBe(outcome(() => decode(text)))
}

const stepsOf = (text: string): number => {
  let steps = 1
  for (const work = parseInSteps(text, decode); work.next().done !== true;) steps++
  return steps
}

describe('JSON that is parsed in steps', () => {
  const members = (n: number, value: unknown) =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, value]))

  it.each<[string, unknown]>([
    ['a list', Array.from({ length: 100_000 }, (_, i) => i)],
    ['lists', Array.from({ length: 100_000 }, () => [])],
    ['an object', members(30_000, 1)],
    ['a list below', { a: 1, b: { c: [Array.from({ length: 100_000 }, (_, i) => [i])] }, d: 2 }],
    ['long texts', Array.from({ length: 10 }, (_, i) => `${'"\\'.repeat(50_000)}${i}`)],
  ])('%s', (_, value) => {
    const text = encode(value)
    expect(stepsOf(text)).toBeGreaterThan(2)
    same(text)
    same(JSON.stringify(value, null, 2))
  })

  it.each([
    `["${PAD}",]`,
    `[,"${PAD}"]`,
    `["${PAD}",,1]`,
    `[1,"${PAD}"}`,
    `["${PAD}"]]`,
    `["${PAD}"] 1`,
    `["${PAD}"`,
    `["${PAD}`,
    `["${PAD}\\"]`,
    `["${PAD}\n"]`,
    `[[${'1,'.repeat(40_000)}1},2]`,
    `{"a":"${PAD}",}`,
    `{"a" "${PAD}"}`,
    `{a:"${PAD}"}`,
    `{"a":"${PAD}","b"}`,
    `{"a":"${PAD}":1}`,
    `[\u00a0"${PAD}"]`,
    `[\v1,"${PAD}"]`,
    `"${PAD}"`,
    ` [ ] ${' '.repeat(70_000)}`,
    `[${' '.repeat(70_000)}]`,
    `{"a":1,"__proto__":["${PAD}"],"a":"${PAD}","b":9007199254740993,"a":2}`,
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    `${'[1,'.repeat(60_000)}[]${']'.repeat(60_000)}`,
  ])('is or is not as it is at once (%#)', same)

  it('whatever it is', () => {
    const part = fc.constantFrom(
      ...'[]{}:,"\\ \n1ae-.'.split(''),
      '"a":',
      '"b"',
      '[]',
      '{}',
      '1,',
      'null',
      PAD,
      `"${PAD}"`,
      `"c":"${PAD}",`,
    )
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
        same,
      ),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.jsonValue(), fc.constant(PAD)), { maxLength: 5 }),
        fc.constantFrom(0, 1, '\t'),
        (value, space) => same(JSON.stringify({ value, other: [value, PAD, { value }] }, null, space)),
      ),
      { numRuns: 200 },
    )
  })
})

describe('a row that is written in steps', () => {
  const wide = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i % 3 === 0 ? { a: [i] } : `${i}`]),
  )

  it.each([
    ['many members', wide],
    ['many members below', { a: 1, features: wide, b: { c: wide }, d: [wide] }],
    ['few', { a: 1, b: { c: undefined } }],
    ['nothing', {}],
    ['names of all kinds', { ...wide, ...(JSON.parse('{"__proto__":1,"7":2,"a\\nb":3}') as object), gone: undefined }],
  ])('%s', (_, row) => {
    const work = encodeInSteps(row)
    let steps = 1
    for (let next = work.next(); next.done !== true; next = work.next()) steps++
    const text = finish(encodeInSteps(row))
    expect(text).toBe(encode(row))
    expect(steps > 1).toBe(text.length > 50_000)
  })
})
