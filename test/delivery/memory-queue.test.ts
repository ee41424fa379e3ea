import { describe, expect, it, vi } from 'vitest'
import { createMemoryQueue } from '../../src/delivery/memory-queue.ts'
import type { DeadLetter } from '../../src/outbox/queue.ts'
import { recordFrom } from '../../src/records/record.ts'
import { line, lines, recordingLogger } from './support.ts'

const everything = { records: 1_000_000, bytes: 1_000_000_000 }
const bytesOf = (texts: readonly string[]): number => Buffer.byteLength(texts.join(''))
const letter = (json: string): DeadLetter => ({
  record: recordFrom(JSON.parse(json)),
  error: 'no',
  attempts: 1,
  at: new Date().toISOString(),
})

describe('a queue in memory', () => {
  it('gives the oldest records, the same again until they are committed', async () => {
    const queue = createMemoryQueue()
    const texts = lines(10)
    queue.append(texts.slice(0, 4))
    queue.append(texts.slice(4))
    const limit = { records: 3, bytes: 1_000_000 }
    const read = async () => (await queue.read(limit))?.records.map(({ json }) => json)
    expect(await read()).toEqual(texts.slice(0, 3))
    expect(await read()).toEqual(texts.slice(0, 3))
    await queue.commit((await queue.read(limit))!)
    expect(await read()).toEqual(texts.slice(3, 6))
    expect(queue.size()).toMatchObject({ records: 7, bytes: bytesOf(texts.slice(3)) })
    await queue.commit((await queue.read(everything))!)
    expect(await queue.read(limit)).toBeUndefined()
    expect(queue.size()).toMatchObject({ records: 0, bytes: 0, oldest: undefined })
  })

  it('keeps a batch within its bytes, but gives one record at least', async () => {
    const queue = createMemoryQueue()
    const texts = lines(5, { text: '漢字' })
    queue.append(texts)
    const read = async (bytes: number) => (await queue.read({ records: 10, bytes }))!
    expect((await read(1)).records).toHaveLength(1)
    expect((await read(bytesOf(texts.slice(0, 3)))).records).toHaveLength(3)
    expect((await read(bytesOf(texts.slice(0, 3)))).bytes).toBe(bytesOf(texts.slice(0, 3)))
    expect((await read(bytesOf(texts.slice(0, 3)) - 1)).records).toHaveLength(2)
  })

  it('stays right over many appends and commits', async () => {
    const queue = createMemoryQueue()
    const texts = lines(20_000)
    const got: string[] = []
    for (let i = 0; i < texts.length; i += 100) {
      queue.append(texts.slice(i, i + 100))
      const batch = (await queue.read({ records: 70, bytes: 1_000_000 }))!
      got.push(...batch.records.map(({ json }) => json))
      await queue.commit(batch)
    }
    for (let batch = await queue.read(everything); batch; batch = await queue.read(everything)) {
      got.push(...batch.records.map(({ json }) => json))
      await queue.commit(batch)
    }
    expect(got).toEqual(texts)
  })

  it('takes a request whole or not at all, up to its limit in bytes', () => {
    const texts = lines(10)
    const queue = createMemoryQueue({ maxBytes: bytesOf(texts) })
    expect(queue.append(texts.slice(0, 8))).toBe(true)
    expect(queue.full).toBe(false)
    expect(queue.append(lines(3))).toBe(false)
    expect(queue.size().records).toBe(8)
    expect(queue.append(texts.slice(8))).toBe(true)
    expect(queue.full).toBe(true)
  })

  it('knows when its oldest record was captured', async () => {
    const queue = createMemoryQueue()
    const before = Date.now()
    queue.append([line()])
    expect(queue.size().oldest).toBeGreaterThanOrEqual(before)
    expect(queue.size().oldest).toBeLessThanOrEqual(Date.now())
  })

  it('tells of each append, with its records and bytes', () => {
    const queue = createMemoryQueue()
    const listener = vi.fn()
    queue.onAppend(listener)
    const texts = lines(3)
    queue.append(texts)
    queue.append(texts.slice(0, 1))
    expect(listener.mock.calls).toEqual([
      [3, Buffer.byteLength(texts.join(''))],
      [1, Buffer.byteLength(texts[0]!)],
    ])
  })

  it('takes and gives nothing once it is closed, but still knows what it held', async () => {
    const queue = createMemoryQueue()
    queue.append(lines(3))
    await queue.close()
    expect(queue.append(lines(1))).toBe(false)
    expect(await queue.read(everything)).toBeUndefined()
    expect(queue.full).toBe(true)
    expect(queue.size().records).toBe(3)
  })

  it('keeps the newest dead letters, within an eighth of its limit, and says when one is let go', async () => {
    const texts = lines(10)
    const { logger, said } = recordingLogger()
    const queue = createMemoryQueue({ maxBytes: 8 * bytesOf(texts), logger })
    await queue.bury(texts.map(letter))
    expect(said).toEqual([])
    const more = lines(2)
    await queue.bury(more.map(letter))
    expect(queue.deadLetters.map(({ record }) => record.id)).toEqual(
      [...texts.slice(2), ...more].map((text) => JSON.parse(text).id),
    )
    expect(queue.size()).toMatchObject({ deadLetters: 12, deadLetterBytes: bytesOf(texts) })
    expect(said).toEqual(['error no room in memory: 2 of the oldest dead letters are gone'])
  })
})
