import { describe, expect, it, vi } from 'vitest'
import { createMemoryQueue } from '../../src/delivery/memory-queue.ts'
import { createBatchLimit } from '../../src/delivery/batch-limit.ts'
import { PredictionsError } from '../../src/errors/errors.ts'
import { settleBatch } from '../../src/delivery/settle.ts'
import { recordFromJson, type PredictionRecord } from '../../src/records/record.ts'
import type { Refusal } from '../../src/sink.ts'
import { away, deliver, line, lines, memorySink, refused } from './support.ts'

const isBad = (record: PredictionRecord): boolean => record.features['bad'] === true

/** A system that refuses a batch as a whole for one bad record, as a multi-row insert does. */
const refusesWhole = async (records: readonly PredictionRecord[]): Promise<void> => {
  if (records.some(isBad)) throw refused('numeric field overflow')
}

const refusesOne = async (records: readonly PredictionRecord[]): Promise<Refusal[]> =>
  records.flatMap((record, index) => (isBad(record) ? [{ index, reason: 'mapper_parsing_exception' }] : []))

/** A thousand records, of which those at the places are bad. */
const withBad = (places: readonly number[], count = 1000): string[] =>
  Array.from({ length: count }, (_, place) => line(places.includes(place) ? { bad: true } : {}))

const settle = (
  texts: readonly string[],
  write: (records: readonly PredictionRecord[]) => Promise<Refusal[] | void>,
  limit = createBatchLimit(1000),
) => {
  const writes: number[] = []
  const writer = {
    open: async () => {},
    write: async (records: readonly PredictionRecord[]) => {
      writes.push(records.length)
      return (await write(records)) ?? []
    },
  }
  const letters = settleBatch(texts.map(recordFromJson), {
    writer,
    backOff: async () => true,
    answered: () => {},
    limit,
  })
  return { letters, writes }
}

describe('a batch that takes too long', () => {
  /** A system that stores so many records within its time. */
  const slow = (most: number) => async (records: readonly PredictionRecord[]) => {
    if (records.length > most) throw new PredictionsError('PREDICTIONS_WRITE_TIMED_OUT', 'statement timeout')
  }

  it('goes in smaller writes, whose size is kept for the next batch and grows slowly', async () => {
    const limit = createBatchLimit(1000)
    const first = settle(lines(1000), slow(300), limit)
    expect(await first.letters).toEqual([])
    expect(first.writes.slice(0, 3)).toEqual([1000, 500, 250])
    expect(first.writes.filter((size) => size <= 300).reduce((sum, size) => sum + size)).toBe(1000)
    const second = settle(lines(1000), slow(300), limit)
    expect(await second.letters).toEqual([])
    expect(second.writes[0]).toBeLessThanOrEqual(330)
    expect(second.writes.filter((size) => size > 300).length).toBeLessThanOrEqual(2)
  })

  it('is whole again once the system is quick', async () => {
    const limit = createBatchLimit(1000)
    await settle(lines(1000), slow(100), limit).letters
    for (let round = 0; round < 20; round++) await settle(lines(1000), slow(Infinity), limit).letters
    expect(limit.size()).toBe(Infinity)
  })

  it('comes down to records that stand alone', async () => {
    const { letters, writes } = settle(lines(7), slow(1))
    expect(await letters).toEqual([])
    expect(writes.filter((size) => size === 1)).toHaveLength(7)
  })
})

describe('a refused batch', () => {
  it('is split until the one bad record in a thousand stands alone', async () => {
    const texts = withBad([617])
    const stored: string[] = []
    const { letters, writes } = settle(texts, async (records) => {
      await refusesWhole(records)
      stored.push(...records.map(({ json }) => json))
    })
    const [letter, ...more] = (await letters)!
    expect(more).toEqual([])
    expect(letter).toMatchObject({ error: 'numeric field overflow', attempts: 11 })
    expect(letter!.record.json).toBe(texts[617])
    expect(Date.parse(letter!.at)).toBeLessThanOrEqual(Date.now())
    expect(stored).toEqual(texts.filter((_, place) => place !== 617))
    // Twice for each halving of 1,000, and once for the whole.
    expect(writes.length).toBeLessThanOrEqual(21)
  })

  it.each([
    ['first and last', [0, 999]],
    ['neighbours', [499, 500, 501]],
    ['many', Array.from({ length: 100 }, (_, index) => index * 7)],
    ['all', Array.from({ length: 1000 }, (_, index) => index)],
  ])('with several bad records (%s) brings all others in, in order', async (_, places) => {
    const texts = withBad(places)
    const stored: string[] = []
    const { letters } = settle(texts, async (records) => {
      await refusesWhole(records)
      stored.push(...records.map(({ json }) => json))
    })
    expect((await letters)!.map(({ record }) => record.json)).toEqual(places.map((place) => texts[place]))
    expect(stored).toEqual(texts.filter((_, place) => !places.includes(place)))
  })

  it('tries only what is not settled yet when the sink goes away in between', async () => {
    const texts = withBad([5], 8)
    const stored: string[] = []
    let call = 0
    const { letters, writes } = settle(texts, async (records) => {
      // The first half is in; then it is away, twice.
      if (++call === 3 || call === 4) throw away()
      await refusesWhole(records)
      stored.push(...records.map(({ json }) => json))
    })
    expect(await letters).toHaveLength(1)
    expect(writes).toEqual([8, 4, 4, 4, 4, 2, 1, 1, 2])
    expect(stored).toEqual(texts.filter((_, place) => place !== 5))
  })
})

describe('refusals of single records', () => {
  it('are buried without another write', async () => {
    const texts = withBad([3, 617])
    const { letters, writes } = settle(texts, refusesOne)
    expect((await letters)!.map(({ record, error, attempts }) => ({ json: record.json, error, attempts }))).toEqual([
      { json: texts[3], error: 'mapper_parsing_exception', attempts: 1 },
      { json: texts[617], error: 'mapper_parsing_exception', attempts: 1 },
    ])
    expect(writes).toEqual([1000])
  })

  it('that name a record twice bury it once', async () => {
    const queue = createMemoryQueue()
    const { sink } = memorySink({ write: async () => [0, 0].map((index) => ({ index, reason: 'no' })) })
    const { delivery } = deliver(sink, {}, { queue })
    delivery.append(lines(2))
    await delivery.flush()
    expect(delivery.stats()).toMatchObject({ deadLettered: 1, written: 1 })
    expect(queue.deadLetters).toHaveLength(1)
    await delivery.close()
  })
})

describe('dead letters', () => {
  it.each([
    ['a whole batch', refusesWhole],
    ['single records', refusesOne],
  ])('of a sink that refuses %s are kept, counted, and logged once a minute with the command', async (_, write) => {
    const queue = createMemoryQueue()
    const { sink, stored } = memorySink({ write })
    const { delivery, saying } = deliver(sink, { batchSize: 100 }, { queue })
    const texts = withBad([7, 123, 250], 300)
    delivery.append(texts)
    expect(await delivery.flush()).toBe(true)
    expect(delivery.stats()).toMatchObject({ captured: 300, written: 297, deadLettered: 3, queued: 0, retries: 0 })
    expect(stored.size).toBe(297)
    expect(queue.deadLetters.map(({ record }) => record.json)).toEqual([texts[7], texts[123], texts[250]])
    expect(saying('refused 1 records for good')).toHaveLength(1)
    expect(saying('capture-predictions dead-letters list')).toHaveLength(1)
    await delivery.close()
  })

  it('are buried before the queue moves on, and once, though it fails', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const queue = createMemoryQueue()
    const calls: string[] = []
    const { bury, commit } = queue
    let failures = 1
    queue.bury = async (letters) => {
      calls.push('bury')
      return bury(letters)
    }
    queue.commit = async (batch) => {
      calls.push('commit')
      if (failures-- > 0) throw new Error('ENOSPC')
      return commit(batch)
    }
    const { sink } = memorySink({ write: refusesOne })
    const { delivery } = deliver(sink, {}, { queue })
    delivery.append(withBad([1], 3))
    await delivery.flush()
    expect(calls).toEqual(['bury', 'commit', 'commit'])
    expect(queue.deadLetters).toHaveLength(1)
    await delivery.close()
  })

  it('are one a record where a sink gives a reason that can’t be printed', async () => {
    const queue = createMemoryQueue()
    const reasons = ['bad', Object.create(null) as string]
    const { sink } = memorySink({ write: async () => reasons.map((reason, index) => ({ index, reason })) })
    const { delivery } = deliver(sink, {}, { queue })
    delivery.append(lines(2))
    expect(await delivery.flush()).toBe(true)
    expect(queue.deadLetters.map(({ error }) => error)).toEqual(['bad', 'an error that cannot be printed'])
    expect(delivery.stats()).toMatchObject({ written: 0, deadLettered: 2 })
    await delivery.close()
  })

  it('are short and without secrets, whatever the sink says', async () => {
    const queue = createMemoryQueue()
    const reason = `no\n  at postgres://me:secret@db/x ${'x'.repeat(10_000)}`
    const { sink } = memorySink({ write: async () => [{ index: 0, reason }] })
    const { delivery, said } = deliver(sink, {}, { queue })
    delivery.append(lines(1))
    await delivery.flush()
    const [letter] = queue.deadLetters
    expect(letter!.error).toMatch(/^no at postgres:\/\/\*\*\*@db\/x x+…$/)
    expect(letter!.error.length).toBeLessThan(1100)
    expect(said.join()).not.toContain('secret')
    await delivery.close()
  })
})
