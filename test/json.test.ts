import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode, encode } from '../src/json.ts'

describe('encode and decode', () => {
  it('write plain JSON as JSON.stringify does', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = encode(value)
        expect(encode(decode(text))).toBe(text)
        expect(JSON.parse(text)).toEqual(value)
      }),
    )
  })

  it('keep what JSON.stringify loses or refuses', () => {
    const circular: Record<string, unknown> = { a: 1 }
    circular['self'] = circular
    const value = {
      nan: Number.NaN,
      infinities: [Infinity, -Infinity],
      zero: -0,
      big: 2n ** 70n,
      bytes: Buffer.from('hi'),
      floats: Float32Array.of(0.5, 2),
      date: new Date(0),
      noDate: new Date(Number.NaN),
      map: new Map([['k', 1]]),
      set: new Set([1]),
      none: undefined,
      run() {},
      circular,
      get broken() {
        throw new Error('no')
      },
    }
    expect(encode(value)).toBe(
      '{"nan":"NaN","infinities":["Infinity","-Infinity"],"zero":-0,"big":1180591620717411303424,"bytes":"aGk=",' +
        '"floats":[0.5,2],"date":"1970-01-01T00:00:00.000Z","noDate":null,"map":{"k":1},"set":[1],' +
        '"circular":{"a":1,"self":"[circular]"},"broken":"[unreadable: no]"}',
    )
  })

  it('keeps the digits of integers past 2^53, and only of these', () => {
    expect(decode('{"a":12345678901234567890,"b":1.5,"c":1e400,"d":1234567890123456.5,"e":9007199254740991}')).toEqual({
      a: 12345678901234567890n,
      b: 1.5,
      c: Infinity,
      d: 1234567890123456.5,
      e: 9007199254740991,
    })
    expect(encode(decode('[-12345678901234567890]'))).toBe('[-12345678901234567890]')
  })

  it('never throws, however deep or odd', () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(encode(deep)).toContain('[nested too deep]')
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withMap: true,
          withSet: true,
          withDate: true,
          withTypedArray: true,
          withNullPrototype: true,
          withSparseArray: true,
        }),
        (value) => {
          JSON.parse(encode(value))
        },
      ),
    )
    expect(encode(undefined)).toBe('null')
    expect(
      encode(
        new Proxy(
          {},
          {
            ownKeys() {
              throw new Error('no')
            },
          },
        ),
      ),
    ).toBe('"[unreadable: no]"')
  })
})
