import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync, existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentLogger } from '../../src/logger.ts'
import { openOutbox } from '../../src/outbox/outbox.ts'

const program = fileURLToPath(new URL('./children/flush.ts', import.meta.url))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outbox-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** How often Node.js asked the operating system to bring data to the disk, by its own trace. */
const syncsOf = (requests: number | 'second'): number => {
  const trace = join(folder, 'trace.json')
  const flags = ['--trace-event-categories', 'node.fs.async', '--trace-event-file-pattern', trace]
  execFileSync(process.execPath, [...flags, program, join(folder, 'box'), String(requests)], { stdio: 'pipe' })
  const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8')) as { traceEvents: { name: string; ph: string }[] }
  return traceEvents.filter(({ name, ph }) => name === 'fdatasync' && ph === 'b').length
}

it('brings records to the disk when asked, many requests’ at once', () => {
  expect(syncsOf(0)).toBe(0)
  expect(syncsOf(1)).toBe(1)
  const many = syncsOf(200)
  expect(many).toBeGreaterThanOrEqual(1)
  // The first request’s, and one more for all others.
  expect(many).toBeLessThanOrEqual(3)
})

it('brings all that a failed sync left to the disk before it says so', () => {
  const child = fileURLToPath(new URL('./children/sync-fails.ts', import.meta.url))
  const out = execFileSync(process.execPath, [child, join(folder, 'box')], { encoding: 'utf8' })
  expect(out.trim().split('\n')).toEqual([
    'synced 2',
    'refused: EIO: i/o error, fdatasync',
    'synced 1',
    'synced 3',
    'flushed',
  ])
})

it('brings records to the disk within a second when nobody asks', () => {
  expect(syncsOf('second')).toBe(1)
})

it('removes lock files that dead processes left without a folder, but none that may just be in the making', async () => {
  const directory = join(folder, 'box')
  mkdirSync(directory)
  const [old, young] = ['20260101T000000Z-1-abcdef.lock', '20260101T000000Z-2-abcdef.lock'].map((name) =>
    join(directory, name),
  ) as [string, string]
  for (const file of [old, young]) writeFileSync(file, '')
  const hourAgo = Date.now() / 1000 - 3600
  utimesSync(old, hourAgo, hourAgo)
  const outbox = openOutbox({ directory, maxBytes: 1e6, logger: silentLogger, sinks: ['main'] })
  await outbox.ready
  await outbox.close()
  expect(existsSync(old)).toBe(false)
  expect(existsSync(young)).toBe(true)
})
