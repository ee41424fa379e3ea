import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { inspectOutbox } from '../../src/outbox/inspect.ts'
import { openOutbox } from '../../src/outbox/outbox.ts'
import { recordFromJson } from '../../src/records/record.ts'
import { filesBelow, recorder, startService, texts } from './support.ts'

let directory: string
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'outbox-')), 'box')
})
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }))

const open = () => openOutbox({ directory, maxBytes: 2 ** 30, logger: recorder().logger, sinks: ['one', 'two'] })

it('shows a running service’s outbox, and changes nothing', async () => {
  const outbox = open()
  const [one, two] = [outbox.queue('one'), outbox.queue('two')]
  one.append(texts(0, 10))
  two.append(texts(0, 3))
  await one.commit((await one.read({ records: 4, bytes: 1e6 }))!)
  await two.bury([{ record: recordFromJson(texts(50, 1)[0]!), error: 'no', attempts: 1, at: '' }])
  const before = filesBelow(directory)
  const status = await inspectOutbox(directory)
  expect(status.sinks).toEqual([
    {
      sink: 'one',
      records: 6,
      bytes: one.size().bytes,
      oldest: Date.parse('2026-03-01T12:00:00.000Z'),
      deadLetters: 0,
      deadLetterBytes: 0,
    },
    expect.objectContaining({ sink: 'two', records: 3, deadLetters: 1, deadLetterBytes: 4096 }),
  ])
  expect(status.processes).toMatchObject([{ pid: process.pid, alive: true }])
  expect(filesBelow(directory)).toEqual(before)
  // Looking did not take the owner's lock away.
  expect((await inspectOutbox(directory)).processes[0]?.alive).toBe(true)
  await outbox.close()
  const after = await inspectOutbox(directory)
  expect(after.processes).toMatchObject([{ alive: false, backlogs: [{ records: 6 }, { records: 3 }] }])
})

it('tells the dead from the stopped', async () => {
  const [stopped, dead] = [startService({ directory }), startService({ directory, first: 1_000_000 })]
  await Promise.all([stopped.reaches(100), dead.reaches(100)])
  stopped.child.kill('SIGSTOP')
  await dead.kill()
  const { processes } = await inspectOutbox(directory)
  expect(processes.find(({ pid }) => pid === stopped.child.pid)?.alive).toBe(true)
  expect(processes.find(({ pid }) => pid === dead.child.pid)?.alive).toBe(false)
  await stopped.kill()
})

it('bears noise, and a directory that is not there', async () => {
  expect(await inspectOutbox(directory)).toMatchObject({ sinks: [], processes: [], damaged: [] })
  const outbox = open()
  outbox.queue('one').append(texts(0, 10))
  await outbox.close()
  for (const file of filesBelow(directory).filter((name) => /sink\.json|cursor|lock/.test(name)))
    writeFileSync(file, 'noise'.repeat(100))
  const { sinks } = await inspectOutbox(directory)
  expect(sinks).toMatchObject([{ records: 10, sink: expect.stringMatching(/^one-[0-9a-f]{8}$/) as string }])
})
