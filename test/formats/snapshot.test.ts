import { describe, expect, it } from 'vitest'
import { isLarge } from '../../src/formats/shorten.ts'
import { bodySize, Snapshot, snapshotOf } from '../../src/formats/snapshot.ts'
import { encode } from '../../src/records/json.ts'

const copyOf = (value: unknown): unknown => new Snapshot(value).value

describe('a snapshot', () => {
  it('does not change with what it was taken of', () => {
    const body = { a: [1, { b: ['x'] }], c: { d: 2 } }
    const copy = copyOf(body)
    const before = encode(body)
    body.a.push(3)
    ;(body.a[1] as { b: string[] }).b[0] = 'y'
    body.c.d = 3
    expect(encode(copy)).toBe(before)
    const bytes = Buffer.from('body')
    const taken = snapshotOf(bytes) as Buffer
    bytes.fill(0)
    expect(taken.toString()).toBe('body')
  })

  it('has the JSON of what it was taken of', () => {
    class Model {
      score = 1
      get hidden(): number {
        return 2
      }
    }
    const circle: unknown[] = [1]
    circle.push(circle)
    const values: unknown[] = [
      new Date(0),
      new Date(NaN),
      new Map([['a', 1]]),
      new Set([1]),
      Float32Array.of(0.5, NaN),
      new DataView(new ArrayBuffer(2)),
      Buffer.from('x'),
      new Model(),
      { toJSON: () => ({ a: 1 }) },
      [NaN, -0, 2n ** 64n, undefined, () => 1, Symbol('x')],
      JSON.parse('{"__proto__":{"a":1},"constructor":2,"7":1,"a":2}'),
      Object.assign(Object.create(null) as object, { a: { b: 1 } }),
      { a: 1, get b(): never { throw new Error('not now') } }, // prettier-ignore
      circle,
      Object.assign(Array(2), { 1: 1 }),
    ]
    for (const value of values) expect(encode(copyOf(value))).toBe(encode(value))
    let deep: unknown = 1
    for (let i = 0; i < 10_000; i++) deep = [deep]
    expect(encode(copyOf(deep))).toBe(encode(deep))
    expect(({} as { a?: unknown }).a).toBeUndefined()
  })

  it('of bytes and typed arrays is what they are, and does not change with them', () => {
    const [bytes, numbers] = [Buffer.from('x'), Float32Array.of(1)]
    const copy = copyOf({ bytes, numbers }) as { bytes: Buffer; numbers: Float32Array }
    bytes.fill(0)
    numbers.fill(0)
    expect(copy).toEqual({ bytes: Buffer.from('x'), numbers: Float32Array.of(1) })
  })

  it('of a list with an item far behind is small', () => {
    const list: unknown[] = [1]
    list[4_294_967_293] = 'x'
    expect(copyOf({ list })).toEqual({ list: { 0: 1, 4294967293: 'x' } })
  })

  it('of a text, nothing, or a stream is that', () => {
    const stream = { pipe: () => stream }
    for (const body of ['text', undefined, null, stream]) expect(snapshotOf(body)).toBe(body)
  })

  it('knows about how large it is', () => {
    const list = Array.from({ length: 10_000 }, (_, i) => i)
    expect(bodySize(snapshotOf(list)) / JSON.stringify(list).length).toBeGreaterThan(0.5)
    expect(bodySize(snapshotOf({ text: 'x'.repeat(5000) }))).toBeGreaterThanOrEqual(5000)
    expect([bodySize(Buffer.alloc(7)), bodySize('seven'), bodySize(undefined)]).toEqual([7, 5, 0])
  })
})

it.each<[unknown, boolean]>([
  [Buffer.alloc(32 * 1024), false],
  [Buffer.alloc(32 * 1024 + 1), true],
  ['x'.repeat(32 * 1024 + 1), true],
  [Array(4096).fill(1), false],
  [Array(4097).fill(1), true],
  [{ instances: Array(4097).fill(1) }, true],
  [{ instances: Array.from({ length: 1000 }, () => Array(30).fill(0.5)) }, false],
  [{ instances: Array.from({ length: 1100 }, () => Array(30).fill(0.5)) }, true],
  [{ image: 'x'.repeat(1_000_000) }, true],
  [Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`k${i}`, i])), true],
  [{ pipe: () => {}, list: Array(5000).fill(1) }, false],
  [7, false],
  [undefined, false],
])('what is large (%#)', (body, expected) => expect(isLarge(body)).toBe(expected))
