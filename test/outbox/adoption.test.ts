import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { recordFromJson } from '../../src/records/record.ts'
import { leaveLog } from '../../src/outbox/leave-log.ts'
import { openOutbox } from '../../src/outbox/outbox.ts'
import { drain, idFor, recorder, texts } from './support.ts'

let directory: string

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'outbox-')), 'box')
})
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }))

const program = (name: string) => fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url))

const leave = async (number: number) =>
  leaveLog(directory, [{ sink: 'main', record: recordFromJson(texts(number, 1)[0]!) }])

const startAdopter = async () => {
  const child = spawn(process.execPath, [program('adopter'), directory], { stdio: ['pipe', 'pipe', 'inherit'] })
  const gone = once(child, 'close')
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  await vi.waitFor(() => expect(lines.shift()).toBe('up'), { timeout: 10_000 })
  return {
    lines,
    open: () => child.stdin.write('open\n'),
    async end() {
      child.stdin.end()
      await gone
    },
  }
}

const adoptedIn = (lines: readonly string[]) => Number(lines.at(-1)?.replace('adopted ', '') ?? 0)

it('lets processes that start at the same moment share what many dead ones left, without a word', async () => {
  const dead = 60
  for (let number = 0; number < dead; number++) await leave(number)
  const adopters = await Promise.all([1, 2, 3, 4].map(startAdopter))
  try {
    for (const { open } of adopters) open()
    // Two that try one lock at the same time may both be refused: the next look, 2 s later, finds it free.
    await vi.waitFor(() => expect(adopters.reduce((sum, { lines }) => sum + adoptedIn(lines), 0)).toBe(dead), {
      timeout: 15_000,
    })
    for (const line of adopters.flatMap(({ lines }) => lines)) expect(line).toMatch(/^adopted \d+$/)
  } finally {
    await Promise.all(adopters.map(({ end }) => end()))
  }
})

it('takes over from the others when one folder can’t be looked at', async () => {
  for (let number = 0; number < 3; number++) await leave(number)
  const [, second] = readdirSync(directory).filter((name) => !name.endsWith('.lock'))
  const lock = join(directory, `${second}.lock`)
  rmSync(lock)
  mkdirSync(lock)
  const { logger, lines } = recorder()
  const outbox = openOutbox({ directory, maxBytes: 1e6, logger, sinks: ['main'] })
  await outbox.ready
  expect(lines).toEqual([expect.stringContaining('The outbox can’t look for what other processes left in')])
  const found = await drain(outbox.queue('main'), { records: 10, bytes: 1e6 })
  await outbox.close()
  expect(found).toHaveLength(2)
  expect(existsSync(join(directory, second!))).toBe(true)
  expect([0, 1, 2].map(idFor)).toEqual(expect.arrayContaining(found))
})

it('takes a log over that was moved when no file could be opened, once one can', () => {
  const out = execFileSync(
    '/bin/sh',
    ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, program('few-files'), directory, '500'],
    { encoding: 'utf8', timeout: 20_000 },
  )
  const lines = out.trim().split('\n')
  expect(lines).toContainEqual(expect.stringMatching(/^The outbox can’t read .* now, and tries again: EMFILE/))
  expect(lines.filter((line) => !line.startsWith('The outbox can’t'))).toEqual([
    'adopted 0',
    // Nothing may take it for delivered.
    expect.stringMatching(/^Error: .* can’t be read now$/),
    // Nor a name for one that is on the disk.
    expect.stringMatching(/^Error: EMFILE/),
    'adopted 500',
    'read 500',
  ])
  expect(readdirSync(directory)).toEqual([])
})
