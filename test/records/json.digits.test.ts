import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode, encode } from '../../src/records/json.ts'

/** What `decode` promises, by the slow way. */
const byReviver = (text: string): unknown =>
  JSON.parse(text, ((_key: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '')
      ? BigInt(source!)
      : value) as (key: string, value: unknown) => unknown)

const outcome = (parse: (text: string) => unknown, text: string): string => {
  try {
    return encode(parse(text))
  } catch (error) {
    return String(error)
  }
}

describe('decode keeps the digits of integers', () => {
  it.each([
    '12345678901234567890',
    '-9223372036854775808',
    ' [ 18446744073709551615 , 9007199254740991,9007199254740993\n] ',
    '{"a":{"b":12345678901234567890},"c":"12345678901234567890, [12345678901234567890]"}',
    '["a\\\\",12345678901234567890,"\\",12345678901234567890"]',
    '[0.1234567890123456789,1234567890123456.7,12345678901234567e3,-0.30000000000000004]',
    '{"__proto__":12345678901234567890}',
    '{"a":"x"12345678901234567890}',
    '{12345678901234567890:1}',
    '{"a":1,12345678901234567890 :1}',
    '[012345678901234567890]',
    '[12345678901234567890',
    '12345678901234567890 12345678901234567890',
    '"unclosed, 12345678901234567890',
  ])('%s', (text) => {
    expect(outcome(decode, text)).toBe(outcome(byReviver, text))
  })

  it('of more than 1,000 digits as a string', () => {
    const [most, more] = ['1'.repeat(1000), '1'.repeat(1001)]
    expect(decode(`[${most},-${more},"${more}"]`)).toEqual([BigInt(most), `-${more}`, more])
    expect(decode(`{"a":${'1'.repeat(1_000_000)}}`)).toEqual({ a: '1'.repeat(1_000_000) })
  })

  // Looked up from the start for each, the quotes of this took a minute.
  it('in time that grows with the text, whatever stands between the quotes', { timeout: 10_000 }, () => {
    const many = Array.from({ length: 200_000 }, () => '9007199254740993').join()
    expect(decode(`{"a":[${many}]}`)).toHaveProperty('a.199999', 9007199254740993n)
    expect(decode(`[${many},"b"]`)).toHaveProperty('199999', 9007199254740993n)
  })

  it('in any text, and refuses what JSON.parse refuses', () => {
    const part = fc.constantFrom(
      '"',
      '\\',
      '[',
      ']',
      '{',
      '}',
      ',',
      ':',
      ' ',
      '-',
      '.',
      'e5',
      '1',
      '12345678901234567890',
      '9007199254740993',
      'a',
      '"k":',
    )
    const text = fc.oneof(
      fc.array(part, { maxLength: 14 }).map((parts) => parts.join('')),
      fc
        .jsonValue()
        .map((value) =>
          JSON.stringify(value, (_, each: unknown) => (each === null ? 12345678 : each)).replaceAll(
            '12345678',
            '12345678901234567890',
          ),
        ),
    )
    fc.assert(
      fc.property(text, (each) => {
        expect(outcome(decode, each)).toBe(outcome(byReviver, each))
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 500) },
    )
  })
})
