import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { recordFromJson } from '../../src/records/record.ts'
import { leaveLog } from '../../src/outbox/leave-log.ts'
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

const linkOf = (fd: string) => {
  try {
    return readlinkSync(join('/proc/self/fd', fd))
  } catch {
    return undefined
  }
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

  it.each([1, 1000])('that takes some and refuses more gives all in order, in batches of %i', async (records) => {
    mountTmpfs('2m')
    const { outbox, queue } = open()
    const filler = join(directory, 'filler')
    const { bavail, bsize } = statfsSync(directory)
    writeFileSync(filler, Buffer.alloc(bavail * bsize))
    let count = 0
    const append = (padding = 0): boolean => {
      const before = queue.size().unsafe
      const [text = ''] = texts(count++, 1)
      queue.append([padding === 0 ? text : text.replace('"iris"', `"${'x'.repeat(padding)}"`)])
      return queue.size().unsafe === before
    }
    const untilTaken = async (isTaken: boolean) =>
      vi.waitFor(() => expect(append()).toBe(isTaken), { timeout: 10_000, interval: 10 })
    // More in memory than there is room for, once there is some.
    for (let i = 0; i < 10; i++) append(8000)
    expect(queue.size().unsafe).toBe(10)
    truncateSync(filler, statSync(filler).size - 40 * 1024)
    await untilTaken(true)
    // What is in memory does not fit: the disk is left alone for a while.
    await untilTaken(false)
    rmSync(filler)
    await untilTaken(true)
    append()
    const ids = await drain(queue, { records, bytes: 1e6 })
    expect(ids).toEqual(texts(0, count).map(idOf))
    expect(queue.size()).toMatchObject({ records: 0, bytes: 0 })
    await outbox.close()
    expect(readdirSync(directory)).toEqual([])
  })

  it('keeps no half of a file', async () => {
    mountTmpfs('2m')
    const { queue } = open()
    const filler = join(directory, 'filler')
    const { bavail, bsize } = statfsSync(directory)
    const free = (): number => statfsSync(directory).bavail * bsize
    writeFileSync(filler, Buffer.alloc(bavail * bsize))
    for (let i = 0; i < 1000; i++) queue.append(texts(i, 1))
    truncateSync(filler, statSync(filler).size - 100 * 1024)
    const { mtimeMs } = statSync(filesBelow(directory).find((file) => /main-[0-9a-f]+\/[^/]+$/.test(file))!)
    // It was tried: a name came into the folder, and went.
    await vi.waitFor(
      () => expect(statSync(filesBelow(directory).find((file) => /main-[0-9a-f]+\/[^/]+$/.test(file))!).mtimeMs).toBeGreaterThan(mtimeMs), // prettier-ignore
      { timeout: 10_000 },
    )
    await vi.waitFor(() => expect(free()).toBe(100 * 1024), { timeout: 5000, interval: 5 })
    const record = recordFromJson(texts(0, 1)[0]!.replace('"iris"', `"${'x'.repeat(200_000)}"`))
    await expect(queue.bury([{ record, error: 'no', attempts: 1, at: '' }])).rejects.toThrow('ENOSPC')
    expect(filesBelow(join(directory, 'dead-letters')).filter((file) => file.endsWith('.tmp'))).toEqual([])
    rmSync(filler)
    await vi.waitFor(() => expect(queue.size().unsafe).toBe(0), { timeout: 10_000 })
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

  it('a directory that was away until the end is made again, and has what was in memory', async () => {
    const { outbox, queue, said } = open()
    rmSync(directory, { recursive: true })
    writeFileSync(directory, '')
    for (let i = 0; i < 3; i++) queue.append(texts(i, 1))
    expect(queue.size().unsafe).toBe(3)
    rmSync(directory)
    await outbox.close()
    expect(said()).not.toContain('They are lost')
    const next = open()
    await next.outbox.ready
    expect(await drain(next.queue, limit)).toEqual(texts(0, 3).map(idOf))
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

  it.skipIf(!hasImmutable)('a log that can’t be removed is told of, and what is appended goes on', async () => {
    await leaveLog(directory, [{ sink: 'main', record: recordFromJson(texts(0, 1)[0]!) }])
    const { outbox, queue, said } = open()
    await outbox.ready
    const adopted = dirname(segments()[0]!)
    run('chattr', '+i', adopted)
    undo.push(() => run('chattr', '-i', adopted))
    expect(await drain(queue, limit)).toEqual([texts(0, 1).map(idOf)[0]])
    expect(said()).toMatch(/can’t remove what is sent/)
    queue.append(texts(1, 1))
    expect(queue.size().records).toBe(1)
    expect(await drain(queue, limit)).toEqual(texts(1, 1).map(idOf))
    run('chattr', '-i', adopted)
  })

  it('a file that someone closed is opened anew', async () => {
    const count = 5000
    await leaveLog(
      directory,
      texts(0, count).map((text) => ({ sink: 'main', record: recordFromJson(text) })),
    )
    const { outbox, queue } = open()
    await outbox.ready
    const ids: string[] = []
    const take = async () => {
      const batch = (await queue.read({ records: 100, bytes: 1e6 }))!
      ids.push(...batch.records.map(({ id }) => id))
      await queue.commit(batch)
    }
    await take()
    const [mine] = readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === segments()[0])
    closeSync(Number(mine))
    while (ids.length < count) await take().catch((error: unknown) => expect(String(error)).toContain('EBADF'))
    expect(ids).toEqual(texts(0, count).map(idOf))
  })

  it('a close that comes while it reads leaves the segment as it is', async () => {
    const long = texts(0, 20).map((text) => text.replace('"iris"', `"${'x'.repeat(400_000)}"`))
    await leaveLog(
      directory,
      long.map((text) => ({ sink: 'main', record: recordFromJson(text) })),
    )
    for (let round = 0; round < 5; round++) {
      const { outbox, queue } = open()
      await outbox.ready
      expect(queue.size().carriedOver).toBe(20)
      const reading = queue.read(limit).catch(() => undefined)
      await outbox.close()
      await reading
      const left = readdirSync('/proc/self/fd').filter((fd) => linkOf(fd)?.startsWith(directory))
      expect(left).toEqual([])
    }
    expect(existsSync(join(directory, 'damaged'))).toBe(false)
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
