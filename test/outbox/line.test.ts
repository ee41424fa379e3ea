import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeLines, encodeLines, isTornLine } from '../../src/outbox/line.ts'

const encode = (texts: string[]) => {
  const { buffer, bytes } = encodeLines(texts)
  return Buffer.from(buffer.subarray(0, bytes))
}

const decode = (bytes: Buffer) => {
  const texts: (string | undefined)[] = []
  const rest = decodeLines(bytes, (text) => void texts.push(text))
  return { texts, rest: bytes.subarray(rest) }
}

describe('lines', () => {
  it('are a checksum, a space and the text', () => {
    expect(encode(['{"a":1}']).toString()).toBe('561bacaf {"a":1}\n')
  })

  it('give any text back', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.jsonValue().map((value) => JSON.stringify(value)),
          { maxLength: 20 },
        ),
        (texts) => {
          const { sizes, bytes } = encodeLines(texts)
          expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(bytes)
          expect(decode(encode(texts))).toEqual({ texts, rest: Buffer.alloc(0) })
        },
      ),
    )
  })

  it('that have any bit changed are never taken for good', () => {
    const line = encode(['{"id":"x","outputs":{"prediction":1}}'])
    for (let bit = 0; bit < (line.length - 1) * 8; bit++) {
      const damaged = Buffer.from(line)
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      // An A for an a in the checksum is damage as well.
      expect(decode(damaged).texts.every((text) => text === undefined)).toBe(true)
    }
  })

  it('are found behind damage that took the newline before them', () => {
    const [a, b, c] = ['{"a":1}', '{"b":2}', '{"c":3}']
    const bytes = encode([a!, b!, c!])
    bytes[encode([a!]).length - 1] = 0x58
    expect(decode(bytes).texts).toEqual([undefined, b, c])
  })

  it('that were not written to their end are told from noise', () => {
    const line = encode(['{"id":"x"}'])
    for (let length = 1; length < line.length; length++) expect(isTornLine(line.subarray(0, length))).toBe(true)
    expect(isTornLine(Buffer.alloc(5000))).toBe(true)
    expect(isTornLine(Buffer.from('noise'))).toBe(false)
    expect(isTornLine(Buffer.from('0123abcd noise'))).toBe(false)
  })
})
