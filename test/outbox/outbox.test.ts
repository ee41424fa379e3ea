import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openOutbox, type Outbox } from '../../src/outbox/outbox.ts'

import { drain, filesBelow, idOf, recorder, texts } from './support.ts'

const limit = { records: 1000, bytes: 1024 * 1024 }
let directory: string
const opened: Outbox[] = []

const open = (options: Partial<Parameters<typeof openOutbox>[0]> = {}) => {
  const log = recorder()
  const outbox = openOutbox({ directory, maxBytes: 2 ** 30, logger: log.logger, sinks: ['main'], ...options })
  opened.push(outbox)
  return { outbox, queue: outbox.queue((options.sinks ?? ['main'])[0]!), said: log.lines }
}

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'outbox-')), 'box')
})
afterEach(async () => {
  for (const outbox of opened.splice(0)) await outbox.close()
  rmSync(join(directory, '..'), { recursive: true, force: true })
})

describe('a queue on disk', () => {
  it('gives records back in order, the same ones until they are committed', async () => {
    const { queue } = open()
    const all = texts(0, 25)
    expect(queue.append(all.slice(0, 1))).toBe(true)
    expect(queue.append(all.slice(1))).toBe(true)
    const first = await queue.read({ records: 10, bytes: 1e6 })
    expect(first?.records.map(({ json }) => json)).toEqual(all.slice(0, 10))
    expect((await queue.read({ records: 10, bytes: 1e6 }))?.records.map(({ json }) => json)).toEqual(all.slice(0, 10))
    await queue.commit(first!)
    expect((await queue.read({ records: 100, bytes: 1e6 }))?.records.map(({ json }) => json)).toEqual(all.slice(10))
    expect(queue.size()).toMatchObject({ records: 15, carriedOver: 0, deadLetters: 0, setAside: 0 })
  })

  it('limits a batch by bytes too, and gives at least one record', async () => {
    const { queue } = open()
    queue.append(texts(0, 5))
    expect((await queue.read({ records: 100, bytes: 1 }))?.records).toHaveLength(1)
    const two = await queue.read({ records: 100, bytes: 2 * texts(0, 1)[0]!.length + 100 })
    expect(two?.records).toHaveLength(2)
    expect(two?.bytes).toBeGreaterThan(0)
  })

  it('reads back from disk what the memory had no room for, and catches up', async () => {
    const { queue } = open({ memoryBytes: 10_000 })
    const all = texts(0, 20_000)
    for (const text of all) expect(queue.append([text])).toBe(true)
    const seen = await drain(queue, { records: 700, bytes: 1e6 }, (count) => {
      // Appends go on while the backlog is read.
      if (count < 5000) queue.append(texts(100_000 + count, 1))
    })
    expect(seen.slice(0, 20_000)).toEqual(all.map(idOf))
    expect(new Set(seen).size).toBe(seen.length)
    expect(queue.size()).toMatchObject({ records: 0, bytes: 0, setAside: 0, oldest: undefined })
  })

  it('tells its listener of each append, with its records and bytes', () => {
    const { queue } = open()
    const listener = vi.fn()
    queue.onAppend(listener)
    queue.append(texts(0, 2))
    const { bytes } = queue.size()
    queue.append(texts(2, 1))
    expect(listener.mock.calls).toEqual([
      [2, bytes],
      [1, queue.size().bytes - bytes],
    ])
  })

  it('says how old the oldest queued record is', async () => {
    const { queue } = open()
    expect(queue.size().oldest).toBeUndefined()
    queue.append([JSON.stringify({ id: crypto.randomUUID(), timestamp: '2026-03-01T12:00:00.000Z' })])
    queue.append(texts(0, 1))
    expect(queue.size().oldest).toBe(Date.parse('2026-03-01T12:00:00.000Z'))
  })

  it('keeps every character of a text, and lines of any length', async () => {
    const { queue } = open({ memoryBytes: 0 })
    const wide = [...texts(0, 1), `{"id":"x","text":"é漢😀${'y'.repeat(700_000)}"}`, ...texts(1, 1)]
    queue.append(wide)
    const batch = await queue.read({ records: 10, bytes: 1e7 })
    expect(batch?.records.map(({ json }) => json)).toEqual(wide)
  })

  it('takes all records of a request or none, up to the limit of bytes', () => {
    const { queue } = open({ maxBytes: 10_000 })
    let taken = 0
    while (queue.append(texts(taken, 1))) taken++
    expect(queue.full).toBe(true)
    expect(queue.append(texts(0, 3))).toBe(false)
    expect(queue.size().records).toBe(taken)
    expect(queue.size().bytes).toBeLessThanOrEqual(10_000)
  })

  it('counts what earlier runs left, and dead letters, toward the limit', async () => {
    const before = open({ maxBytes: 100_000 })
    before.queue.append(texts(0, 100))
    await before.outbox.close()
    const { outbox, queue } = open({ maxBytes: 40_000 })
    await outbox.ready
    const room = 40_000 - queue.size().bytes
    expect(room).toBeLessThan(30_000)
    const [batch] = [await queue.read({ records: 5, bytes: 1e6 })]
    const letters = batch!.records.map((record) => ({
      record,
      error: 'no',
      attempts: 1,
      at: '2026-01-01T00:00:00.000Z',
    }))
    await queue.bury(letters)
    expect(queue.size().deadLetterBytes).toBe(5 * 4096)
    expect(queue.full).toBe(true)
    expect(queue.append(texts(500, 30))).toBe(false)
  })

  it('removes segments that are delivered, and its folder at the end', async () => {
    const { outbox, queue } = open({ maxBytes: 1_000_000 })
    for (let i = 0; i < 3000; i++) queue.append(texts(i, 1))
    const before = filesBelow(directory).filter((file) => /\d{12}\.log$/.test(file)).length
    expect(before).toBeGreaterThan(3)
    await drain(queue, limit)
    expect(filesBelow(directory).filter((file) => /\d{12}\.log$/.test(file)).length).toBeLessThanOrEqual(1)
    await outbox.close()
    expect(readdirSync(directory)).toEqual([])
  })

  it('keeps folders and files to their owner, whatever the umask', async () => {
    const old = process.umask(0)
    try {
      const { outbox, queue } = open({ memoryBytes: 0 })
      queue.append(texts(0, 3))
      const batch = await queue.read({ records: 1, bytes: 1 })
      await queue.bury(batch!.records.map((record) => ({ record, error: 'no', attempts: 1, at: '' })))
      await queue.commit(batch!)
      await queue.flushed()
      expect(statSync(directory).mode & 0o777).toBe(0o700)
      const files = filesBelow(directory)
      expect(files.length).toBeGreaterThanOrEqual(5)
      for (const file of files) {
        const stat = statSync(file)
        expect([file, stat.mode & 0o777]).toEqual([file, stat.isDirectory() ? 0o700 : 0o600])
      }
      await outbox.close()
    } finally {
      process.umask(old)
    }
  })

  it('stops the start with an error that names the variable when the directory can’t be made', () => {
    writeFileSync(join(directory, '..', 'file'), '')
    expect(() => open({ directory: join(directory, '..', 'file', 'box') })).toThrow(
      expect.objectContaining({
        code: 'PREDICTIONS_OUTBOX_UNUSABLE',
        message: expect.stringContaining('PREDICTIONS_OUTBOX_DIR') as string,
      }),
    )
  })

  it('does not keep a sink’s records for another that is away', async () => {
    const { outbox } = open({ sinks: ['here', 'away'] })
    const [here, away] = [outbox.queue('here'), outbox.queue('away')]
    for (const queue of [here, away]) queue.append(texts(0, 10))
    expect(await drain(here, limit)).toHaveLength(10)
    expect(here.size()).toMatchObject({ records: 0, bytes: 0 })
    expect(away.size().records).toBe(10)
  })
})

describe('a restart', () => {
  const leave = async (count: number, committed: number, options: Parameters<typeof open>[0] = {}) => {
    const { outbox, queue } = open(options)
    for (let i = 0; i < count; i++) queue.append(texts(i, 1))
    if (committed > 0) await queue.commit((await queue.read({ records: committed, bytes: 1e9 }))!)
    await outbox.close()
  }

  it('carries on after the last committed record', async () => {
    await leave(5000, 1234, { maxBytes: 1_600_000 })
    const { outbox, queue } = open()
    await outbox.ready
    expect(queue.size()).toMatchObject({ records: 3766, carriedOver: 3766 })
    expect(await drain(queue, limit)).toEqual(texts(1234, 3766).map(idOf))
    await outbox.close()
    expect(readdirSync(directory)).toEqual([])
  })

  it('gives the earlier run’s records before its own', async () => {
    await leave(3, 0)
    const { outbox, queue } = open()
    queue.append(texts(100, 1))
    await outbox.ready
    expect(await drain(queue, limit)).toEqual([...texts(0, 3), ...texts(100, 1)].map(idOf))
  })

  it('hands an adopted log on when it ends again before the log is drained', async () => {
    await leave(30, 0)
    for (let run = 0; run < 3; run++) {
      const { outbox, queue } = open()
      await outbox.ready
      await queue.commit((await queue.read({ records: 10, bytes: 1e6 }))!)
      await outbox.close()
    }
    expect(readdirSync(directory)).toEqual([])
  })

  it('leaves the logs of sinks it does not have to others', async () => {
    const { outbox } = open({ sinks: ['one', 'two'] })
    outbox.queue('one').append(texts(0, 1))
    outbox.queue('two').append(texts(0, 2))
    await outbox.close()
    const two = open({ sinks: ['two'] })
    await two.outbox.ready
    expect(two.queue.size().carriedOver).toBe(2)
    const one = open({ sinks: ['one'] })
    await one.outbox.ready
    expect(one.queue.size().carriedOver).toBe(1)
  })

  it('does not adopt from an outbox that is open in the same process', async () => {
    const first = open()
    first.queue.append(texts(0, 5))
    const second = open()
    await second.outbox.ready
    expect(second.queue.size().carriedOver).toBe(0)
    expect(first.queue.size().records).toBe(5)
    await first.outbox.close()
    await vi.waitFor(() => expect(second.queue.size().carriedOver).toBe(5), { timeout: 5000 })
    expect(existsSync(directory)).toBe(true)
  })
})
