import { describe, expect, it } from 'vitest'
import { readRecord } from '../../../sinks/kafka/incoming.ts'
import { idOf, recordOf } from './records.ts'

const read = (text: string) => readRecord(Buffer.from(text))
const timestamp = '2026-11-23T00:00:00.000Z'

describe('a message', () => {
  it('that capture wrote is its record, text and all', () => {
    const { json } = recordOf(1)
    expect(read(json)).toMatchObject({ id: idOf(1), model: 'iris', json })
  })

  it("of another writer's is a record too, brought into our order and spelling", () => {
    const text = `{"features":{"a":9007199254740993},"timestamp":"2026-11-23T01:00:00.123456+01:00","id":"${idOf(1).toUpperCase()}"}`
    expect(read(text)).toMatchObject({
      id: idOf(1),
      timestamp: '2026-11-23T00:00:00.123Z',
      features: { a: 9007199254740993n },
      json: `{"id":"${idOf(1)}","timestamp":"2026-11-23T00:00:00.123Z","features":{"a":9007199254740993}}`,
    })
  })

  it.each([
    ['nothing', '', 'it is empty'],
    ['no JSON', 'id=7', 'not valid JSON'],
    ['a list', '[]', 'it is not an object'],
    ['null', 'null', 'it is not an object'],
    ['no id', JSON.stringify({ timestamp }), 'its id is not a UUID'],
    ['another id', JSON.stringify({ id: '7', timestamp }), 'its id is not a UUID'],
    ['no timestamp', JSON.stringify({ id: idOf(1) }), 'its timestamp is not ISO 8601'],
    [
      'no such day',
      JSON.stringify({ id: idOf(1), timestamp: '2026-13-23T00:00:00.000Z' }),
      'its timestamp is not ISO 8601',
    ],
    [
      'a time without offset',
      JSON.stringify({ id: idOf(1), timestamp: '2026-11-23T00:00:00' }),
      'its timestamp is not',
    ],
    ['a status in words', JSON.stringify({ id: idOf(1), timestamp, status: 'ok' }), 'its status is not a number'],
    ['features in a list', JSON.stringify({ id: idOf(1), timestamp, features: [1] }), 'its features is not an object'],
    ['a cut text', recordOf(1).json.slice(0, -1), 'JSON'],
  ])('with %s is none, and says why', (_, text, reason) => {
    expect(read(text)).toEqual({ reason: expect.stringMatching(`^not a record: .*${reason}`) as string })
  })

  it('without a value (a tombstone) is none', () => {
    expect(readRecord(null)).toEqual({ reason: 'not a record: it is empty' })
  })
})
