import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, fstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openOutbox, type Outbox } from '../../src/outbox/outbox.ts'
import { drain, filesBelow, idOf, recorder, startService, texts } from './support.ts'

let folder: string
let directory: string
const undo: (() => void)[] = []
const opened: Outbox[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  directory = join(folder, 'box')
})
afterEach(async () => {
  for (const outbox of opened.splice(0)) await outbox.close()
  for (const action of undo.splice(0).reverse()) action()
  rmSync(folder, { recursive: true, force: true })
})

const limit = { records: 1000, bytes: 1e7 }

const open = (options: { memoryBytes?: number } = {}) => {
  const log = recorder()
  const outbox = openOutbox({ directory, maxBytes: 2 ** 30, logger: log.logger, sinks: ['main'], ...options })
  opened.push(outbox)
  return { outbox, queue: outbox.queue('main'), said: () => log.lines.join('\n') }
}

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'ignore' })

const can = (command: string, ...args: string[]) => {
  try {
    run(command, ...args)
    return true
  } catch {
    return false
  }
}

/** A small file system of its own: needs the right to mount. */
const mountTmpfs = (size: string) => {
  mkdirSync(directory, { recursive: true })
  if (!can('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory)) return false
  undo.push(() => run('umount', '-l', directory))
  return true
}

const segments = () => filesBelow(directory).filter((file) => /\d{12}\.log$/.test(file))

/** Whether the test's file system knows files that even root can't change. */
const hasImmutable = (() => {
  const probe = join(mkdtempSync(join(tmpdir(), 'outbox-')), 'probe')
  writeFileSync(probe, '')
  const has = can('chattr', '+i', probe)
  if (has) run('chattr', '-i', probe)
  rmSync(join(probe, '..'), { recursive: true })
  return has
})()

const mounts = (() => {
  directory = mkdtempSync(join(tmpdir(), 'outbox-'))
  const could = mountTmpfs('64k')
  for (const action of undo.splice(0)) action()
  rmSync(directory, { recursive: true })
  return could
})()

describe.skipIf(!mounts)('a full disk', () => {
  it('is borne in memory, aloud, and what memory took goes to the disk once there is room', async () => {
    mountTmpfs('1m')
    const { outbox, queue, said } = open()
    const filler = join(directory, 'filler')
    writeFileSync(filler, Buffer.alloc(700_000))
    let count = 0
    while (queue.size().unsafe === 0) expect(queue.append(texts(count++, 1))).toBe(true)
    for (let i = 0; i < 500; i++) expect(queue.append(texts(count++, 1))).toBe(true)
    expect(queue.size()).toMatchObject({ records: count })
    expect(queue.size().unsafe).toBeGreaterThan(400)
    expect(said()).toMatch(/ENOSPC.*Free space/)
    // Once a kind, not once a record.
    expect(said().split('\n')).toHaveLength(2)
    await expect(queue.flushed()).rejects.toThrow(/only in memory/)

    // The cursor moves on a full disk as well.
    const batch = (await queue.read({ records: 50, bytes: 1e6 }))!
    await queue.commit(batch)

    rmSync(filler)
    await vi.waitFor(() => expect(queue.size().unsafe).toBe(0), { timeout: 10_000 })
    expect(queue.append(texts(count++, 1))).toBe(true)
    await queue.flushed()
    // Another process finds all of it.
    await outbox.close()
    const next = open()
    await next.outbox.ready
    expect(await drain(next.queue, limit)).toEqual(texts(50, count - 50).map(idOf))
  })

  it('is full when memory is full too, and delivers what it has', async () => {
    mountTmpfs('256k')
    const { queue } = open({ memoryBytes: 100_000 })
    writeFileSync(join(directory, 'filler'), Buffer.alloc(200_000))
    let count = 0
    while (queue.append(texts(count, 1))) count++
    expect(queue.full).toBe(true)
    expect(queue.size().unsafe).toBeGreaterThan(200)
    const seen = await drain(queue, { records: 100, bytes: 1e6 })
    expect(seen).toEqual(texts(0, count).map(idOf))
    expect(queue.append(texts(count, 1))).toBe(true)
  })

  it('keeps dead letters from being committed that it can’t keep', async () => {
    mountTmpfs('256k')
    const { queue } = open()
    queue.append(texts(0, 1))
    const { records } = (await queue.read(limit))!
    expect(() => writeFileSync(join(directory, 'filler'), Buffer.alloc(300_000))).toThrow()
    await expect(queue.bury([{ record: records[0]!, error: 'no', attempts: 1, at: '' }])).rejects.toThrow('ENOSPC')
    expect(queue.size()).toMatchObject({ records: 1, deadLetters: 0 })
  })
})

it('goes on in a new segment when a write fails half-way, and no record is cut', async () => {
  // A limit on the size of files makes any write fail for real, in the middle of a request's lines.
  const service = startService({ directory }, 'ulimit -f 200; exec "$@"')
  await service.reaches(5000)
  await service.kill()
  expect(service.said()).toMatch(/EFBIG/)
  expect(service.said()).not.toContain('refused')
  expect(segments().length).toBeGreaterThan(3)
  const { outbox, queue } = open()
  await outbox.ready
  const found = await drain(queue, limit)
  const there = new Set(found)
  expect(service.appended().filter((id) => !there.has(id))).toEqual([])
  expect(there.size).toBe(found.length)
  expect(queue.size().setAside).toBe(0)
})

describe('while it runs', () => {
  it('a directory that is removed is made again', async () => {
    const { outbox, queue, said } = open()
    queue.append(texts(0, 10))
    rmSync(directory, { recursive: true })
    await vi.waitFor(() => expect(said()).toMatch(/removed, cut or closed/))
    expect(queue.append(texts(10, 10))).toBe(true)
    // A second service must not adopt what is alive.
    const second = open()
    await second.outbox.ready
    expect(second.queue.size().carriedOver).toBe(0)
    expect(await drain(queue, limit)).toEqual(texts(0, 20).map(idOf))
    queue.append(texts(20, 5))
    await outbox.close()
    await vi.waitFor(() => expect(second.queue.size().carriedOver).toBe(5), { timeout: 5000 })
  })

  it('a lock file that is removed is made again', async () => {
    const { queue } = open()
    queue.append(texts(0, 10))
    const lock = filesBelow(directory).find((file) => file.endsWith('.lock'))!
    rmSync(lock)
    await vi.waitFor(() => expect(existsSync(lock)).toBe(true), { timeout: 5000 })
    const second = open()
    await second.outbox.ready
    expect(second.queue.size().carriedOver).toBe(0)
  })

  it('a segment that is cut, or closed by someone else, is left for a new one', async () => {
    const { outbox, queue, said } = open()
    queue.append(texts(0, 10))
    writeFileSync(segments()[0]!, '')
    await vi.waitFor(() => expect(said()).toMatch(/removed, cut or closed/))
    queue.append(texts(10, 10))
    const inode = (fd: number) => {
      try {
        return fstatSync(fd).ino
      } catch {
        return undefined
      }
    }
    const current = execFileSync('stat', ['-c', '%i', segments().at(-1)!], { encoding: 'utf8' })
    for (let fd = 3; fd < 200; fd++) if (inode(fd) === Number(current)) closeSync(fd)
    expect(queue.append(texts(20, 10))).toBe(true)
    expect(await drain(queue, limit)).toEqual(texts(0, 30).map(idOf))
    queue.append(texts(30, 1))
    await outbox.close()
  })

  it.skipIf(!hasImmutable)('a folder that turns read-only is borne in memory', async () => {
    const { outbox, queue, said } = open()
    queue.append(texts(0, 10))
    const [segment] = segments()
    const log = join(segment!, '..')
    run('chattr', '+i', segment!, log)
    undo.push(() => can('chattr', '-R', '-i', directory))
    for (let i = 10; i < 100; i++) expect(queue.append(texts(i, 1))).toBe(true)
    expect(queue.size()).toMatchObject({ records: 100, unsafe: 90 })
    expect(said()).toMatch(/EPERM|EACCES/)
    expect((await drain(queue, { records: 40, bytes: 1e6 })).length).toBe(100)
    queue.append(texts(100, 5))
    run('chattr', '-i', segment!, log)
    await vi.waitFor(() => expect(queue.size().unsafe).toBe(0), { timeout: 10_000 })
    await outbox.close()
    const next = open()
    await next.outbox.ready
    // The cursor could not be written meanwhile: at most what it missed comes again.
    expect((await drain(next.queue, limit)).slice(-5)).toEqual(texts(100, 5).map(idOf))
  })
})
