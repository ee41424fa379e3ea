import { afterEach, describe, expect, it, vi } from 'vitest'
import { createMemoryQueue } from '../../src/delivery/memory-queue.ts'
import type { Queue } from '../../src/outbox/queue.ts'
import type { Column } from '../../src/schema/column.ts'
import { eventually } from './eventually.ts'
import { away, deliver, hangingWrite, lines, memorySink } from './support.ts'

vi.mock('../../src/steps/real-timers.ts', () => import('./fakeable-timers.ts'))

const sizes = (batches: readonly (readonly unknown[])[]): number[] => batches.map((batch) => batch.length)

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('a batch goes out', () => {
  it('when batchSize records are queued, and the rest waits for its time', async () => {
    const { sink, batches } = memorySink()
    const { delivery } = deliver(sink, { batchSize: 3, flushIntervalMs: 60_000 })
    delivery.append(lines(2))
    delivery.append(lines(5))
    await eventually(() => expect(sizes(batches)).toEqual([3, 3]))
    await delivery.close()
    expect(sizes(batches)).toEqual([3, 3, 1])
  })

  it('without a look at the queue at the appends before it is full: an append costs a request no more than itself', async () => {
    const { sink, batches } = memorySink()
    const memory = createMemoryQueue()
    let looks = 0
    const size = () => {
      looks++
      return memory.size()
    }
    const { delivery } = deliver(sink, { batchSize: 100, flushIntervalMs: 60_000 }, { queue: { ...memory, size } })
    delivery.append(lines(1))
    await eventually(() => expect(looks).toBeGreaterThan(0))
    await new Promise(setImmediate)
    const before = looks
    for (let i = 0; i < 98; i++) {
      delivery.append(lines(1))
      await new Promise(setImmediate)
    }
    expect(looks).toBe(before)
    delivery.append(lines(1))
    await eventually(() => expect(sizes(batches)).toEqual([100]))
    await delivery.close()
  })

  it('with others that wait, for a sink that takes several at once', async () => {
    const { sink, batches } = memorySink()
    const { delivery } = deliver({ ...sink, batches: 2 }, { batchSize: 3, flushIntervalMs: 60_000 })
    delivery.append(lines(2))
    delivery.append(lines(9))
    await eventually(() => expect(sizes(batches)).toEqual([6, 5]))
    await delivery.close()
  })

  it('flushIntervalMs after the first record was queued, however many follow', async () => {
    vi.useFakeTimers()
    const { sink, batches } = memorySink()
    const { delivery } = deliver(sink, { flushIntervalMs: 1000 })
    for (let ms = 0; ms < 1000; ms += 100) {
      expect(batches).toHaveLength(0)
      delivery.append(lines(1))
      await vi.advanceTimersByTimeAsync(100)
    }
    await vi.advanceTimersByTimeAsync(5)
    expect(sizes(batches)).toEqual([10])
    delivery.append(lines(1))
    await vi.advanceTimersByTimeAsync(900)
    expect(sizes(batches)).toEqual([10])
    await vi.advanceTimersByTimeAsync(105)
    expect(sizes(batches)).toEqual([10, 1])
  })

  it('with its time counted anew for records that come after a flush', async () => {
    vi.useFakeTimers()
    const { sink, batches } = memorySink()
    const { delivery } = deliver(sink, { flushIntervalMs: 1000 })
    delivery.append(lines(1))
    await delivery.flush()
    await vi.advanceTimersByTimeAsync(990)
    delivery.append(lines(1))
    await vi.advanceTimersByTimeAsync(900)
    expect(sizes(batches)).toEqual([1])
    await vi.advanceTimersByTimeAsync(105)
    expect(sizes(batches)).toEqual([1, 1])
  })

  it('no later for what a full batch has left over', async () => {
    vi.useFakeTimers()
    const { sink, batches } = memorySink()
    const { delivery } = deliver(sink, { batchSize: 3, flushIntervalMs: 1000 })
    delivery.append(lines(2))
    await vi.advanceTimersByTimeAsync(900)
    delivery.append(lines(2))
    await vi.advanceTimersByTimeAsync(50)
    expect(sizes(batches)).toEqual([3])
    await vi.advanceTimersByTimeAsync(55)
    expect(sizes(batches)).toEqual([3, 1])
  })

  it('when batchBytes are queued, and has no more bytes than that', async () => {
    const { sink, batches } = memorySink()
    const one = lines(1, { text: 'x'.repeat(1000) })
    const bytes = Buffer.byteLength(one[0]!)
    const { delivery } = deliver(sink, { batchBytes: 4 * bytes, flushIntervalMs: 60_000 })
    delivery.append(lines(9, { text: 'x'.repeat(1000) }))
    await eventually(() => expect(sizes(batches)).toEqual([4, 4]))
    await delivery.close()
  })

  it('at once with durability sink, one a turn of the loop', async () => {
    const { sink, batches } = memorySink()
    const { delivery } = deliver(sink, { durability: 'sink', flushIntervalMs: 60_000 })
    for (const one of lines(5)) delivery.append([one])
    await eventually(() => expect(sizes(batches)).toEqual([5]))
    await delivery.close()
  })

  it('at the start for what is queued already', async () => {
    const queue = createMemoryQueue()
    queue.append(lines(3))
    const { sink, batches } = memorySink()
    const { delivery } = deliver(sink, { flushIntervalMs: 60_000 }, { queue })
    await eventually(() => expect(sizes(batches)).toEqual([3]))
    await delivery.close()
  })

  it('never while another of the same sink is under way', async () => {
    const { sink, state, stored } = memorySink({ write: () => new Promise((resolve) => setImmediate(resolve)) })
    const { delivery } = deliver(sink, { batchSize: 7, flushIntervalMs: 0 })
    const flushes: Promise<boolean>[] = []
    for (let i = 0; i < 100; i++) {
      delivery.append(lines(3))
      flushes.push(delivery.flush())
    }
    await Promise.all(flushes)
    expect(stored.size).toBe(300)
    expect(state.most).toBe(1)
    await delivery.close()
  })
})

describe('while the sink is away', () => {
  it('records wait, it is opened anew for each try, and its return is logged once', async () => {
    let failures = 4
    const { sink, stored, opened, batches } = memorySink({
      async write() {
        if (failures-- > 0) throw away()
      },
    })
    const { delivery, said } = deliver(sink)
    delivery.append(lines(10))
    expect(await delivery.flush()).toBe(true)
    expect(stored.size).toBe(10)
    expect(sizes(batches)).toEqual([10, 10, 10, 10, 10])
    expect(opened).toHaveLength(5)
    expect(said).toEqual([
      'warn sink test (write): ECONNREFUSED 127.0.0.1:5432. 10 records wait for the next try',
      'info sink test is back, 10 records waiting',
    ])
    expect(delivery.stats()).toMatchObject({ captured: 10, written: 10, queued: 0, retries: 4 })
    expect(delivery.stats().lastError).toBe('ECONNREFUSED 127.0.0.1:5432')
    await delivery.close()
  })

  it('one that cannot be opened is not written to', async () => {
    let failures = 2
    const { sink, batches } = memorySink({
      async open() {
        if (failures-- > 0) throw away('column "age" is text, not double: ALTER TABLE …')
      },
    })
    const { delivery, said } = deliver(sink)
    delivery.append(lines(1))
    expect(await delivery.flush()).toBe(true)
    expect(sizes(batches)).toEqual([1])
    expect(said[0]).toContain('column "age" is text, not double: ALTER TABLE …')
    await delivery.close()
  })

  it('it says why once a minute, and no wait is longer than 5 s', async () => {
    vi.useFakeTimers()
    const tries: number[] = []
    const { sink, state } = memorySink({
      async write() {
        tries.push(performance.now())
        throw away()
      },
    })
    const { delivery, saying } = deliver(sink)
    delivery.append(lines(1))
    await vi.advanceTimersByTimeAsync(59_000)
    expect(saying('ECONNREFUSED')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(181_000)
    const said = saying('ECONNREFUSED')
    expect(said.length).toBeGreaterThanOrEqual(3)
    expect(said.length).toBeLessThanOrEqual(4)
    expect(said[1]).toMatch(/and \d+ more of this kind since/)
    const waits = tries.slice(1).map((time, index) => time - tries[index]!)
    expect(Math.max(...waits)).toBeLessThanOrEqual(5001)
    expect(tries.length).toBeGreaterThan(240 / 5)
    state.write = undefined
    await vi.advanceTimersByTimeAsync(5001)
    expect(delivery.stats()).toMatchObject({ written: 1, queued: 0 })
  })

  it('a bug of a custom sink loses nothing either', async () => {
    const bugs: (() => unknown)[] = [
      () => (undefined as unknown as { rows: number }).rows,
      () => Promise.reject('a string'),
      () => [{ index: 5, reason: 'there is no record 5' }],
      () => [{ id: 1 }],
      () => [null],
    ]
    const { sink, stored } = memorySink()
    const buggy = {
      ...sink,
      write: ((...args) => (bugs.shift() ?? (() => sink.write(...args)))()) as typeof sink.write,
    }
    const { delivery, said } = deliver(buggy)
    delivery.append(lines(2))
    expect(await delivery.flush()).toBe(true)
    expect(stored.size).toBe(2)
    expect(said[0]).toContain('TypeError: Cannot read properties of undefined')
    expect(delivery.stats()).toMatchObject({ written: 2, deadLettered: 0, retries: 5 })
    await delivery.close()
  })

  it('one batch is read, and held, however long it lasts', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.01)
    const queue = createMemoryQueue()
    const read = vi.spyOn(queue, 'read')
    const { sink, batches, state } = memorySink({ write: async () => Promise.reject(away()) })
    const { delivery } = deliver(sink, { batchSize: 10 }, { queue })
    await eventually(() => {
      delivery.append(lines(10))
      expect(batches.length).toBeGreaterThan(6)
    })
    expect(read).toHaveBeenCalledTimes(1)
    state.write = undefined
    await delivery.close()
    expect(delivery.stats().queued).toBe(0)
  })

  it('another sink is not delayed', async () => {
    const one = memorySink({ name: 'one', write: async () => Promise.reject(away()) })
    const other = memorySink({ name: 'other' })
    const first = deliver(one.sink)
    const second = deliver(other.sink)
    for (const batch of [lines(5), lines(5)]) {
      first.delivery.append(batch)
      second.delivery.append(batch)
    }
    expect(await second.delivery.flush()).toBe(true)
    expect(first.delivery.stats()).toMatchObject({ queued: 10, written: 0 })
    expect(second.delivery.stats()).toMatchObject({ queued: 0, written: 10, retries: 0 })
    one.state.write = undefined
    expect(await first.delivery.flush()).toBe(true)
    expect([...one.stored.keys()]).toEqual([...other.stored.keys()])
    await Promise.all([first.delivery.close(), second.delivery.close()])
  })

  it('which comes and goes, every record goes in once and in order', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    let call = 0
    const { sink, stored, state } = memorySink({
      async write() {
        if (call++ % 3 !== 0) throw away()
      },
    })
    const { delivery, saying } = deliver(sink, { batchSize: 5, flushIntervalMs: 0 })
    const all = lines(200)
    for (const one of all) delivery.append([one])
    expect(await delivery.flush()).toBe(true)
    expect([...stored.values()].map(({ json }) => json)).toEqual(all)
    expect(state.most).toBe(1)
    expect(saying('is back')).toHaveLength(1)
    expect(saying('ECONNREFUSED')).toHaveLength(1)
    await delivery.close()
  })
})

describe('a write that hangs', () => {
  it('is aborted, and tried again when it has ended', async () => {
    const { calls, write } = hangingWrite()
    const { sink, state, stored } = memorySink({ write })
    const { delivery, said } = deliver(sink, { writeTimeoutMs: 20 })
    delivery.append(lines(3))
    await eventually(() => expect(calls).toHaveLength(2))
    expect(calls[0]!.signal.aborted).toBe(true)
    expect(said[0]).toContain('no answer within 0.02 s of write')
    state.write = undefined
    expect(await delivery.flush()).toBe(true)
    expect(stored.size).toBe(3)
    expect(state.most).toBe(1)
    await delivery.close()
  })

  it('for its size goes in smaller ones, and the log names the setting', async () => {
    const stored: number[] = []
    const { calls, write: hang } = hangingWrite()
    const { sink } = memorySink({
      // A system that has time for three records.
      write: async (records, signal) => {
        if (records.length > 3) return hang(records, signal)
        stored.push(records.length)
      },
    })
    const { delivery, saying } = deliver(sink, { writeTimeoutMs: 20, batchSize: 8 })
    delivery.append(lines(8))
    expect(await delivery.flush()).toBe(true)
    expect(calls.map(({ records }) => records.length).slice(0, 2)).toEqual([8, 4])
    expect(stored.reduce((sum, size) => sum + size)).toBe(8)
    expect(saying('PREDICTIONS_BATCH_SIZE')).toEqual([
      expect.stringMatching(
        /the write took too long, the next ones have at most 4 records, and grow slowly; a smaller/,
      ),
    ])
    await delivery.close()
  })

  it('is not overlapped by the next while it takes its time to end', async () => {
    const ends: (() => void)[] = []
    const { sink, state, batches } = memorySink({
      write: (_, signal) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => ends.push(() => reject(new Error('the connection was dropped')))),
        ),
    })
    const { delivery, saying } = deliver(sink, { writeTimeoutMs: 1 })
    delivery.append(lines(3))
    await eventually(() => expect(ends).toHaveLength(1))
    state.write = undefined
    expect(await delivery.flush({ timeoutMs: 100 })).toBe(false)
    expect(batches).toHaveLength(1)
    ends[0]!()
    expect(await delivery.flush()).toBe(true)
    expect(state.most).toBe(1)
    expect(saying('no answer within 0.001 s of write')).toHaveLength(1)
    await delivery.close()
  })

  it('and ends well after all counts as written', async () => {
    const { sink, batches } = memorySink({
      write: (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    })
    const { delivery } = deliver(sink, { writeTimeoutMs: 20 })
    delivery.append(lines(3))
    expect(await delivery.flush()).toBe(true)
    expect(batches).toHaveLength(1)
    expect(delivery.stats()).toMatchObject({ written: 3, retries: 0 })
    await delivery.close()
  })

  it('and ignores the abort is given up: the sink is opened anew, its late answers change nothing', async () => {
    const late: (() => void)[] = []
    const { sink, opened, stored, state } = memorySink({
      write: () => new Promise<void>((resolve) => late.push(resolve)),
    })
    const { delivery } = deliver(sink, { writeTimeoutMs: 20, abortGraceMs: 20 })
    delivery.append(lines(3))
    await eventually(() => expect(late).toHaveLength(2))
    state.write = undefined
    expect(await delivery.flush()).toBe(true)
    expect(opened.length).toBeGreaterThanOrEqual(3)
    for (const end of late) end()
    delivery.append(lines(1))
    expect(await delivery.flush()).toBe(true)
    expect(delivery.stats()).toMatchObject({ captured: 4, written: 4, queued: 0 })
    expect(stored.size).toBe(4)
    await delivery.close()
  })

  it('as well as an opening', async () => {
    let hanging = true
    const signals: (AbortSignal | undefined)[] = []
    const { sink, stored } = memorySink({
      open: (_columns, _kind, signal) => {
        signals.push(signal)
        return hanging ? new Promise(() => {}) : Promise.resolve()
      },
    })
    const { delivery, saying } = deliver(sink, { openTimeoutMs: 20 })
    delivery.append(lines(1))
    await eventually(() => expect(saying('no answer within 0.02 s of open')).toHaveLength(1))
    hanging = false
    expect(await delivery.flush()).toBe(true)
    expect(stored.size).toBe(1)
    // It was told that nobody waits for it any more.
    expect(signals[0]!.aborted).toBe(true)
    expect(signals.at(-1)!.aborted).toBe(false)
    await delivery.close()
  })
})

describe('open', () => {
  it('tells what the sink says of itself, once a minute, without secrets', async () => {
    const note = 'may not select: grant select on t to postgres://me:secret@db/x'
    let away = true
    const { sink, stored } = memorySink({
      open: async () => [note],
      async write() {
        if (away) throw new Error('away')
      },
    })
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { delivery, saying, said } = deliver(sink)
    delivery.append(lines(1))
    await vi.waitFor(() => expect(delivery.stats().retries).toBeGreaterThan(1))
    away = false
    await delivery.flush()
    expect(stored.size).toBe(1)
    expect(saying('warn sink test: may not select: grant select on t')).toHaveLength(1)
    expect(said.join()).not.toContain('secret')
    await delivery.close()
  })

  it('comes before the first write, and again when the columns have changed', async () => {
    let columns: readonly Column[] = []
    const { sink, opened, batches } = memorySink()
    const { delivery } = deliver(sink, {}, { columns: () => columns })
    await delivery.flush()
    expect(opened).toHaveLength(0)
    for (let i = 0; i < 2; i++) {
      delivery.append(lines(1))
      await delivery.flush()
    }
    expect(opened).toEqual([[]])
    columns = [{ name: 'age', type: 'double', source: 'features', path: ['age'] }]
    delivery.append(lines(1))
    await delivery.flush()
    expect(opened).toEqual([[], columns])
    expect(batches).toHaveLength(3)
    await delivery.close()
  })
})

describe('a queue in trouble', () => {
  it('is waited for: nothing is counted before it is committed', async () => {
    const queue = createMemoryQueue()
    const full = (): Promise<never> => Promise.reject(new Error('ENOSPC: no space left on device, write'))
    const faulty: Queue = Object.create(queue)
    let commits = 2
    let reads = 2
    faulty.commit = (batch) => (commits-- > 0 ? full() : queue.commit(batch))
    faulty.read = (limit) => (reads-- > 0 ? full() : queue.read(limit))
    const { sink, batches } = memorySink()
    const { delivery, said } = deliver(sink, {}, { queue: faulty })
    delivery.append(lines(2))
    expect(await delivery.flush()).toBe(true)
    expect(delivery.stats()).toMatchObject({ written: 2, queued: 0, retries: 4 })
    expect(batches).toHaveLength(1)
    expect(said[0]).toBe(
      'warn the queue of sink test (read): ENOSPC: no space left on device, write. 2 records wait for the next try',
    )
    await delivery.close()
  })
})
