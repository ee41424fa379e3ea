import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode, encode } from '../../src/records/json.ts'

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
    expect(encode(deep)).toContain('[nested too deep: 199599 bytes of JSON, SHA-256 ')
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
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(encode([NaN, proxy])).toMatch(/^\["NaN","\[unreadable: .*"\]$/)
    const sparse: number[] = []
    sparse[2 ** 32 - 2] = 1
    expect(encode({ sparse })).toBe('{"sparse":"[unreadable: Invalid array length]"}')
    const transferred = Float32Array.of(1)
    structuredClone(transferred, { transfer: [transferred.buffer] })
    expect(encode({ transferred })).toContain('[unreadable: ')
    let reads = 0
    const throwsLater = new Proxy([1], {
      get(array, key) {
        if (key === '0' && reads++ > 0) throw new Error('no')
        return Reflect.get(array, key) as unknown
      },
    })
    expect(() => encode([NaN, throwsLater])).not.toThrow()
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

  it('let one value that is not plain change nothing else of the text', () => {
    const odd: [unknown, string][] = [
      [NaN, '"NaN"'],
      [-0, '-0'],
      [7n, '7'],
      [2n ** 64n, '18446744073709551616'],
      [new Date(0), '"1970-01-01T00:00:00.000Z"'],
      [new Map([['a', [NaN]]]), '{"a":["NaN"]}'],
      [new Set(['a']), '["a"]'],
      [Float64Array.of(-0, 1), '[-0,1]'],
    ]
    const plain = fc.anything({
      values: [
        fc.constant('HERE'),
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constant(null),
      ],
    })
    fc.assert(
      fc.property(plain, fc.constantFrom(...odd), (value, [each, text]) => {
        const template = JSON.stringify(['HERE', value])
        const mixed: unknown = JSON.parse(template, (_, item: unknown) => (item === 'HERE' ? each : item))
        expect(encode(mixed)).toBe(template.replaceAll('"HERE"', text))
      }),
    )
  })

  it('give back every number that JSON can hold', () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true })
    const number = fc.oneof(
      double.filter((each) => !Number.isInteger(each) || Number.isSafeInteger(each)),
      fc.bigInt({ min: 2n ** 53n, max: 10n ** 400n }),
      fc.constant(-0),
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(number, fc.record({ a: number, b: fc.array(number) }))), (value) => {
        expect(decode(encode(value))).toEqual(value)
      }),
    )
  })

  it('keep all keys, in their order', () => {
    expect(
      encode(
        new Map<unknown, unknown>([
          ['b', -0],
          ['1', 1],
          [1, 2],
          ['__proto__', 3],
          [{}, () => 1],
        ]),
      ),
    ).toBe('{"b":-0,"1":1,"1":2,"__proto__":3}')
    expect(encode(JSON.parse('{"b":-0,"__proto__":{"a":1},"toJSON":2}'))).toBe(
      '{"b":-0,"__proto__":{"a":1},"toJSON":2}',
    )
  })

  it('leave what they are given as it was', () => {
    const plain = Object.freeze([1])
    const value = Object.freeze({ items: Object.freeze([NaN, plain, Object.freeze({ a: -0 })]) })
    expect(encode(value)).toBe('{"items":["NaN",[1],{"a":-0}]}')
    expect(value).toEqual({ items: [NaN, [1], { a: -0 }] })
  })

  it('ask a toJSON once, whoever gave it to all objects', () => {
    for (const prototype of [Object.prototype, Array.prototype]) {
      Object.defineProperty(prototype, 'toJSON', { value: () => 'asked', configurable: true })
      try {
        expect(encode([NaN])).toBe('"asked"')
        expect(encode(new Set([1]))).toBe('[1]')
        expect(encode(new Set([NaN]))).toBe('["NaN"]')
        expect(encode(Object.assign(Object.create(null), { a: NaN }))).toBe('{"a":"NaN"}')
        expect(encode(new Map([['a', NaN]]))).toBe('{"a":"NaN"}')
      } finally {
        Reflect.deleteProperty(prototype, 'toJSON')
      }
    }
  })
})
