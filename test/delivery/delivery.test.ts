import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createMemoryQueue } from '../../src/delivery/memory-queue.ts'
import { actualFrom } from '../../src/records/actual.ts'
import { eventually } from './eventually.ts'
import { away, deliver, hangingWrite, line, lines, memorySink, refused } from './support.ts'

vi.mock('../../src/steps/real-timers.ts', () => import('./fakeable-timers.ts'))

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('flush', () => {
  it('sends at once, and resolves with true when all that was queued is written', async () => {
    const { sink, stored } = memorySink()
    const { delivery } = deliver(sink, { flushIntervalMs: 60_000 })
    delivery.append(lines(3))
    expect(await delivery.flush()).toBe(true)
    expect(stored.size).toBe(3)
    await delivery.close()
  })

  it('does not wait for what is queued after the call', async () => {
    const { calls, write } = hangingWrite()
    const { sink } = memorySink({ write })
    const { delivery } = deliver(sink, { flushIntervalMs: 60_000 })
    delivery.append(lines(3))
    const flushed = delivery.flush()
    await eventually(() => expect(calls).toHaveLength(1))
    delivery.append(lines(1))
    calls[0]!.end()
    expect(await flushed).toBe(true)
    expect(delivery.stats()).toMatchObject({ written: 3, queued: 1 })
    await delivery.close({ timeoutMs: 50 })
  })

  it('resolves at once when nothing is queued', async () => {
    const { delivery } = deliver(memorySink().sink)
    expect(await delivery.flush()).toBe(true)
    await delivery.close()
  })

  it('waits during an outage, or until its timeout', async () => {
    const { sink, state } = memorySink({ write: async () => Promise.reject(away()) })
    const { delivery } = deliver(sink)
    delivery.append(lines(3))
    expect(await delivery.flush({ timeoutMs: 30 })).toBe(false)
    const flushed = delivery.flush()
    state.write = undefined
    expect(await flushed).toBe(true)
    await delivery.close()
  })

  it('resolves with false when the delivery is closed first', async () => {
    const { sink } = memorySink({ write: async () => Promise.reject(away()) })
    const { delivery } = deliver(sink)
    delivery.append(lines(3))
    const flushed = delivery.flush()
    await delivery.close()
    expect(await flushed).toBe(false)
    expect(await delivery.flush()).toBe(false)
  })
})

describe('close', () => {
  it('sends what is queued, then lets go of the sink and the queue, once', async () => {
    const queue = createMemoryQueue()
    const closed = vi.spyOn(queue, 'close')
    const { sink, stored, state } = memorySink()
    const { delivery, said } = deliver(sink, { flushIntervalMs: 60_000, batchSize: 10 }, { queue })
    delivery.append(lines(25))
    await Promise.all([delivery.close(), delivery.close()])
    expect(stored.size).toBe(25)
    expect(state.closed).toBe(1)
    expect(closed).toHaveBeenCalledTimes(1)
    expect(said).toEqual([])
    expect(delivery.append(lines(2))).toBe(false)
    expect(said).toEqual(['error the queue of sink test is closed: 2 records dropped so far'])
    expect(delivery.stats()).toMatchObject({ captured: 27, written: 25, queued: 0, dropped: 2 })
  })

  it('with an outbox does not wait for a sink that is away: the rest stays', async () => {
    const { sink, state, batches } = memorySink({ write: async () => Promise.reject(away()) })
    const { delivery, saying } = deliver(sink)
    delivery.append(lines(4))
    await eventually(() => expect(batches.length).toBeGreaterThan(2))
    const before = batches.length
    await delivery.close({ timeoutMs: 60_000 })
    expect(batches.length - before).toBeLessThanOrEqual(2)
    expect(delivery.stats()).toMatchObject({ captured: 4, queued: 4, dropped: 0 })
    expect(saying('closed with 4 records in the outbox. They are sent at the next start')).toHaveLength(1)
    expect(state.closed).toBe(1)
  })

  it('cuts the wait for a sink that is away, and tries once more', async () => {
    vi.useFakeTimers()
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { sink, state, batches, stored } = memorySink({ write: async () => Promise.reject(away()) })
    const { delivery } = deliver(sink)
    delivery.append(lines(4))
    await vi.advanceTimersByTimeAsync(20_000)
    const before = batches.length
    await vi.advanceTimersByTimeAsync(1)
    expect(batches).toHaveLength(before)
    state.write = undefined
    await delivery.close()
    expect(batches).toHaveLength(before + 1)
    expect(stored.size).toBe(4)
  })

  it('in memory tries until the end, and says loudly what is lost', async () => {
    let failures = 3
    const first = memorySink({
      async write() {
        if (failures-- > 0) throw away()
      },
    })
    const saved = deliver(first.sink, { durability: 'memory' })
    saved.delivery.append(lines(4))
    await saved.delivery.close()
    expect(first.stored.size).toBe(4)

    const second = memorySink({ write: async () => Promise.reject(away()) })
    const lost = deliver(second.sink, { durability: 'memory' })
    lost.delivery.append(lines(4))
    await lost.delivery.close({ timeoutMs: 50 })
    expect(lost.delivery.stats()).toMatchObject({ captured: 4, written: 0, queued: 0, dropped: 4 })
    expect(lost.saying('error sink test: closed with 4 records in memory. They are lost')).toHaveLength(1)
    expect(second.state.closed).toBe(1)
  })

  it('with a slow sink sends what it can in time, aborts the write under way, and leaves the rest', async () => {
    let writes = 0
    const { calls, write } = hangingWrite()
    const { sink, state } = memorySink({
      write: (records, signal) => (writes++ < 2 ? Promise.resolve() : write(records, signal)),
    })
    const { delivery } = deliver(sink, { batchSize: 10, flushIntervalMs: 60_000 })
    delivery.append(lines(45))
    await delivery.close({ timeoutMs: 500 })
    expect(calls).toHaveLength(1)
    expect(calls[0]!.signal.aborted).toBe(true)
    expect(state.closed).toBe(1)
    expect(delivery.stats()).toMatchObject({ captured: 45, written: 20, queued: 25 })
  })

  it('begins no other write once its time is over', async () => {
    let calls = 0
    const { sink } = memorySink({
      async write(_, signal) {
        if (++calls === 1) throw refused()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    })
    const { delivery } = deliver(sink)
    delivery.append(lines(2))
    await delivery.close({ timeoutMs: 500 })
    expect(calls).toBe(2)
    expect(delivery.stats()).toMatchObject({ written: 0, queued: 2 })
  })

  it.each(['outbox', 'memory'] as const)(
    'ends in time though the write ignores its signal and the sink does not close (%s)',
    async (durability) => {
      const ends: (() => void)[] = []
      const { sink } = memorySink({ write: () => new Promise<void>((resolve) => ends.push(resolve)) })
      sink.close = () => new Promise(() => {})
      const { delivery, saying } = deliver(sink, { durability })
      delivery.append(lines(3))
      await delivery.close({ timeoutMs: 100 })
      const stats = delivery.stats()
      expect(stats).toMatchObject(durability === 'memory' ? { queued: 0, dropped: 3 } : { queued: 3, dropped: 0 })
      expect(saying('could not be closed in time')).toHaveLength(1)
      // Its late answer changes nothing.
      for (const end of ends) end()
      await new Promise(setImmediate)
      expect(delivery.stats()).toEqual(stats)
    },
  )

  it('says what a sink or a queue throws that cannot be closed', async () => {
    const { sink } = memorySink()
    sink.close = async () => Promise.reject(new Error('pool is busy at postgres://me:secret@db/x'))
    const queue = createMemoryQueue()
    queue.close = async () => Promise.reject(new Error('EIO'))
    const { delivery, said } = deliver(sink, {}, { queue })
    await delivery.close()
    expect(said).toEqual([
      'warn sink test (close): pool is busy at postgres://***@db/x',
      'error the queue of sink test (close): EIO',
    ])
  })

  it('opens nothing when nothing was captured', async () => {
    const { sink, opened } = memorySink()
    await deliver(sink).delivery.close()
    expect(opened).toEqual([])
  })
})

const actualLine = (): string => {
  const timestamp = new Date().toISOString()
  return actualFrom({ id: randomUUID(), timestamp, reported_at: timestamp, actuals: { actual: 1 } }).json
}

describe('a reply that is held', () => {
  it('until its records are written gets true, each request by itself', async () => {
    const { calls, write } = hangingWrite()
    const { sink } = memorySink({ write })
    const { delivery } = deliver(sink, { durability: 'sink', batchSize: 4 })
    const confirmed: string[] = []
    const request = (name: string, records: number): Promise<unknown> => {
      const texts = lines(records)
      delivery.append(texts)
      return delivery
        .confirm(texts, { by: 'sink', timeoutMs: 10_000 })
        .then((safe) => confirmed.push(`${name} ${safe}`))
    }
    const all = [request('a', 1), request('b', 2), request('c', 3), request('d', 1)]
    await eventually(() => expect(calls).toHaveLength(1))
    calls[0]!.end()
    await eventually(() => expect(calls).toHaveLength(2))
    expect(confirmed).toEqual(['a true', 'b true'])
    calls[1]!.end()
    await Promise.all(all)
    expect(confirmed).toEqual(['a true', 'b true', 'c true', 'd true'])
    expect(delivery.stats().unconfirmed).toBe(0)
    await delivery.close()
  })

  it('gets true for a dead letter: it is settled', async () => {
    const { sink } = memorySink({ write: async () => [{ index: 0, reason: 'no' }] })
    const { delivery } = deliver(sink, { durability: 'sink' })
    const texts = lines(1)
    delivery.append(texts)
    expect(await delivery.confirm(texts, { by: 'sink', timeoutMs: 10_000 })).toBe(true)
    await delivery.close()
  })

  it('longer than its timeout gets false, and its records are counted as unconfirmed', async () => {
    const { sink, state } = memorySink({ write: async () => Promise.reject(away()) })
    const { delivery } = deliver(sink, { durability: 'sink' })
    const texts = lines(2)
    delivery.append(texts)
    expect(await delivery.confirm(texts, { by: 'sink', timeoutMs: 20 })).toBe(false)
    expect(delivery.stats()).toMatchObject({ unconfirmed: 2, queued: 2 })
    state.write = undefined
    await delivery.flush()
    expect(delivery.stats()).toMatchObject({ unconfirmed: 2, written: 2, queued: 0 })
    await delivery.close()
  })

  it('waits for each of its actuals, though others report the same again', async () => {
    const { calls, write } = hangingWrite()
    const { sink } = memorySink({ write })
    const { delivery } = deliver(sink, { durability: 'sink', batchSize: 1 })
    const confirmed: string[] = []
    const report = (name: string, texts: readonly string[], timeoutMs = 10_000): Promise<unknown> => {
      delivery.append(texts)
      return delivery.confirm(texts, { by: 'sink', timeoutMs }).then((safe) => confirmed.push(`${name} ${safe}`))
    }
    const [one, other] = [actualLine(), actualLine()]
    const first = report('first', [one])
    await report('impatient', [one], 1)
    const second = report('second', [other, one])
    for (let count = 1; count <= 3; count++) {
      await eventually(() => expect(calls).toHaveLength(count))
      expect(confirmed).not.toContain('second true')
      calls[count - 1]!.end()
    }
    await Promise.all([first, second])
    expect(confirmed).toEqual(['impatient false', 'first true', 'second true'])
    await eventually(() => expect(calls).toHaveLength(4))
    calls[3]!.end()
    await delivery.close()
  })

  it('gets false when the delivery ends first', async () => {
    const { sink } = memorySink({ write: async () => Promise.reject(away()) })
    const { delivery } = deliver(sink, { durability: 'sink' })
    const texts = lines(2)
    delivery.append(texts)
    const confirmed = delivery.confirm(texts, { by: 'sink', timeoutMs: 60_000 })
    await delivery.close()
    expect(await confirmed).toBe(false)
  })

  it('for the disk gets true when the queue is flushed, and false when that fails', async () => {
    const queue = createMemoryQueue()
    const { delivery, saying } = deliver(memorySink().sink, {}, { queue })
    const texts = lines(1)
    delivery.append(texts)
    expect(await delivery.confirm(texts, { by: 'disk', timeoutMs: 10_000 })).toBe(true)
    queue.flushed = async () => Promise.reject(new Error('EIO'))
    expect(await delivery.confirm(texts, { by: 'disk', timeoutMs: 10_000 })).toBe(false)
    expect(saying('EIO')).toHaveLength(1)
    expect(delivery.stats().unconfirmed).toBe(1)
    await delivery.close()
  })
})

describe('a full queue', () => {
  it('drops the newest, counted and logged once a minute, and takes records again when there is room', async () => {
    const text = line({ text: 'x'.repeat(100) })
    const queue = createMemoryQueue({ maxBytes: Buffer.byteLength(text) * 10 })
    const { sink, state, stored } = memorySink({ write: async () => Promise.reject(away()) })
    const { delivery, saying } = deliver(sink, { durability: 'memory' }, { queue })
    const taken = Array.from({ length: 15 }, () => delivery.append(lines(1, { text: 'x'.repeat(100) })))
    expect(taken.filter(Boolean)).toHaveLength(10)
    expect(delivery.full).toBe(true)
    expect(delivery.stats()).toMatchObject({ captured: 15, queued: 10, dropped: 5 })
    expect(saying('is full: 1 records dropped so far')).toHaveLength(1)
    state.write = undefined
    await delivery.flush()
    expect(delivery.full).toBe(false)
    expect(delivery.append(lines(1))).toBe(true)
    await delivery.close()
    expect(stored.size).toBe(11)
  })
})

describe('a process', () => {
  const run = async (script: string): Promise<string> => {
    const support = new URL('./support.ts', import.meta.url).href
    const source = `import { away, deliver, lines, memorySink } from '${support}'\n${script}`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], {
      timeout: 20_000,
    })
    return stdout.trim()
  }

  it('is not kept alive by a delivery that waits for its sink', async () => {
    const output = await run(`
      const calls = new Set()
      const holdUntilCalled = setInterval(() => calls.size === 4 && clearInterval(holdUntilCalled), 5)
      const called = (name, write) => () => (calls.add(name), write())
      const never = () => new Promise(() => {})
      const fails = async () => { throw away() }
      const sinks = [
        { write: called('fails', fails) },
        { write: called('hangs', never) },
        { open: called('hangs to open', never) },
        { write: called('hangs, and ignores its signal', never) },
      ]
      const settings = [{}, {}, {}, { writeTimeoutMs: 1, abortGraceMs: 60_000 }]
      sinks.forEach((sink, index) => deliver(memorySink(sink).sink, settings[index]).delivery.append(lines(1)))
      deliver(memorySink().sink, { flushIntervalMs: 60_000 }).delivery.append(lines(1))
      process.on('exit', () => console.log(calls.size))
    `)
    expect(output).toBe('4')
  })

  it('is kept alive by a flush that is waited for', async () => {
    const output = await run(`
      let failures = 5
      const { delivery } = deliver(memorySink({ write: async () => { if (failures-- > 0) throw away() } }).sink)
      delivery.append(lines(1))
      console.log(await delivery.flush())
    `)
    expect(output).toBe('true')
  })
})
