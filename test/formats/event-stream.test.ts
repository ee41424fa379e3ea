import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventStream } from '../../src/formats/event-stream.ts'
import { EventParser } from '../../src/formats/sse.ts'
import { readStream } from '../../src/formats/stream-reply.ts'

const read = (chunks: readonly (string | Buffer)[], limit = 1024 * 1024) => {
  const stream = new EventStream(limit)
  for (const chunk of chunks) stream.push(chunk)
  stream.end()
  return { stream, ...readStream(stream, { features: [{}], isBatch: false, context: [] }) }
}
const token = (content: string) =>
  `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`

describe('EventParser', () => {
  const eventsOf = (chunks: readonly Buffer[]) => {
    const events: [string, string][] = []
    const parser = new EventParser(10_000, (name, data) => events.push([name, data]))
    for (const chunk of chunks) parser.push(chunk)
    parser.end()
    return events
  }

  // https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
  it.each<[string, string, [string, string][]]>([
    ['data of several lines', 'data: YHOO\ndata: +2\ndata: 10\n\n', [['', 'YHOO\n+2\n10']]],
    ['comments and ids', ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n', [['', 'first event'], ['', 'second event']]], // prettier-ignore
    ['one blank behind the colon is not data', 'data:test\n\ndata: test\n\ndata:  test\n\n', [['', 'test'], ['', 'test'], ['', ' test']]], // prettier-ignore
    ['empty data', 'data\n\ndata\ndata\n\n', [['', ''], ['', '\n']]], // prettier-ignore
    ['names', 'event: add\ndata: 73857293\n\nevent: add\n\n', [['add', '73857293']]],
    ['lines that end in a carriage return', 'event: a\rdata: 1\r\rdata: 2\r\n\r\n', [['a', '1'], ['', '2']]], // prettier-ignore
    ['what the end cut off', 'data: 1\n\ndata: 2', [['', '1'], ['', '2']]], // prettier-ignore
  ])('%s', (_, text, events) => {
    expect(eventsOf([Buffer.from(text)])).toEqual(events)
  })

  it('however the bytes are cut', () => {
    const line = fc.constantFrom('data: é😀', 'data', 'event: x', ': c', '', 'data:{"a":1}', '\ufeff')
    const end = fc.constantFrom('\n', '\r\n')
    const text = fc.array(fc.tuple(line, end)).map((lines) => lines.flat().join(''))
    fc.assert(
      fc.property(text, fc.array(fc.nat(200)), (all, cuts) => {
        const bytes = Buffer.from(all)
        const bounds = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
        const chunks = bounds.slice(1).map((to, i) => bytes.subarray(bounds[i], to))
        expect(eventsOf(chunks)).toEqual(eventsOf([bytes]))
      }),
    )
  })
})

describe('EventStream', () => {
  it('keeps of a text past the limit its length and digest', () => {
    const { outputs, tags, extra } = read(
      Array.from({ length: 100 }, () => token('0123456789')),
      500,
    )
    const text = '0123456789'.repeat(100)
    const sha256 = createHash('sha256').update(text).digest('hex')
    expect(outputs).toEqual([{ prediction: { shape: [1000], type: 'string', sha256 } }])
    expect(tags).toMatchObject({ events: 100 })
    expect(extra).toEqual({ reply: { reason: expect.stringContaining('PREDICTIONS_MAX_BODY_BYTES') as string } })
  })

  it('the same of plain texts', () => {
    const { outputs } = read(['data: abc\n\n', 'data: def\n\n'], 5)
    const sha256 = createHash('sha256').update('abcdef').digest('hex')
    expect(outputs).toEqual([{ prediction: { shape: [6], type: 'string', sha256 } }])
  })

  it('takes nothing in from an event longer than the limit, and says how much passed', () => {
    const chunks = [token('a'), `data: ${'x'.repeat(2000)}`, 'y'.repeat(2000)]
    const { outputs, extra } = read(chunks, 1000)
    const bytes = chunks.join('').length
    expect(extra).toEqual({
      reply: { value: { bytes, events: 1 }, reason: expect.stringContaining('longer than') as string },
    })
    expect(outputs).toEqual([{ prediction: 'a' }])
  })

  it('keeps several choices apart, and says all of them', () => {
    const piece = (index: number, content: string, finish_reason: string | null = null) =>
      `data: ${JSON.stringify({ choices: [{ index, delta: { content }, finish_reason }] })}\n\n`
    const { outputs } = read([piece(1, 'b'), piece(0, 'a'), piece(1, 'B', 'stop'), piece(0, 'A', 'length')])
    expect(outputs).toMatchObject([
      {
        prediction: 'aA',
        finish_reason: 'length',
        choices: [
          { index: 0, message: { content: 'aA' }, finish_reason: 'length' },
          { index: 1, message: { content: 'bB' }, finish_reason: 'stop' },
        ],
      },
    ])
  })

  it('a text that looks like JSON in the middle is text', () => {
    expect(read(['data: Here:\n\n', 'data: {"a":1}\n\n', 'data: "b"\n\n']).outputs).toEqual([
      { prediction: 'Here:{"a":1}"b"' },
    ])
  })

  it('throws for nothing, and keeps no more than the limit', () => {
    const member = fc.constantFrom('choices', 'delta', 'token', 'text', 'index', 'tool_calls', 'function', 'type', 'response', 'error', 'content', '__proto__', 'usage', 'output') // prettier-ignore
    const data = fc.oneof(
      fc.dictionary(member, fc.oneof(fc.jsonValue(), fc.array(fc.dictionary(member, fc.jsonValue())), fc.constantFrom('response.completed', 'response.output_text.delta'))), // prettier-ignore
      fc.jsonValue(),
    )
    const chunk = fc.oneof(
      data.map((value) => `data: ${JSON.stringify(value)}\n\n`),
      fc.string().map((text) => `data: ${text}\n\n`),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(chunk), fc.integer({ min: 1, max: 300 }), (chunks, limit) => {
        const { outputs, extra } = read(chunks, limit)
        expect(outputs.length).toBeLessThanOrEqual(128)
        JSON.stringify([outputs, extra])
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
      }),
      { numRuns: 2000 },
    )
  })
})
