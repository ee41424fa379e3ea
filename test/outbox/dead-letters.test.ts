import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  discardDeadLetters,
  listDeadLetters,
  readDeadLetter,
  retryDeadLetters,
  type DeadLetterFilter,
} from '../../src/outbox/dead-letters.ts'
import { pidOf } from '../../src/outbox/files.ts'
import { isLocked } from '../../src/outbox/lock.ts'
import { openOutbox, type Outbox } from '../../src/outbox/outbox.ts'
import type { Queue } from '../../src/outbox/queue.ts'
import { recordFromJson } from '../../src/records/record.ts'
import { drain, filesBelow, idFor, idOf, recorder, texts } from './support.ts'

let directory: string
let outbox: Outbox
let queue: Queue

const open = () => {
  outbox = openOutbox({ directory, maxBytes: 2 ** 30, logger: recorder().logger, sinks: ['postgres://db/x', 'other'] })
  queue = outbox.queue('postgres://db/x')
}

const bury = (to: Queue, from: number, count: number, error = 'no such column') =>
  to.bury(
    texts(from, count).map((text) => ({
      record: recordFromJson(text),
      error,
      attempts: 2,
      at: '2026-03-01T12:00:00.000Z',
    })),
  )

const list = async (filter?: DeadLetterFilter, onDamaged?: (error: unknown) => void) => {
  const ids: string[] = []
  for await (const { id } of listDeadLetters(directory, filter, onDamaged)) ids.push(id)
  return ids
}

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'outbox-')), 'box')
  open()
})
afterEach(async () => {
  await outbox.close()
  rmSync(join(directory, '..'), { recursive: true, force: true })
})

describe('dead letters', () => {
  it('are kept with the error, the attempts, the time and the record’s own text', async () => {
    const json = `{"id":"${idFor(1)}","timestamp":"2026-03-01T12:00:00.000Z","features":{"n":123456789012345678901,"s":"\\"record\\":é😀"}}`
    const error = 'value "x",\n"record":{ out of range'
    await queue.bury([{ record: recordFromJson(json), error, attempts: 3, at: '2026-03-01T12:00:01.000Z' }])
    const [letter] = await readDeadLetter(directory, idFor(1))
    expect(letter).toMatchObject({
      id: idFor(1),
      sink: 'postgres://db/x',
      error,
      attempts: 3,
      at: '2026-03-01T12:00:01.000Z',
    })
    expect(letter?.record.json).toBe(json)
    expect(readFileSync(letter!.file, 'utf8')).toContain('out of range')
    expect(queue.size()).toMatchObject({ deadLetters: 1, deadLetterBytes: 4096 })
  })

  it('are listed by sink and by id', async () => {
    await bury(queue, 0, 3)
    await bury(outbox.queue('other'), 10, 2)
    expect(await list()).toHaveLength(5)
    expect(await list({ sink: 'other' })).toEqual(texts(10, 2).map(idOf))
    expect(await list({ ids: [idFor(1).toUpperCase(), idFor(10)] })).toHaveLength(2)
    expect(await list({ sink: 'nobody' })).toEqual([])
    expect(await readDeadLetter(directory, '../../secret')).toEqual([])
  })

  it('go back into a running service’s queue, as carried over, and stay until they are in it', async () => {
    await bury(queue, 0, 1100)
    queue.append(texts(5000, 1))
    expect(await retryDeadLetters(directory, { sink: 'postgres://db/x' })).toBe(1100)
    expect(await list()).toEqual([])
    await vi.waitFor(() => expect(queue.size().carriedOver).toBe(1100), { timeout: 5000 })
    const ids = await drain(queue, { records: 1000, bytes: 1e7 })
    expect([...ids].sort()).toEqual([...texts(0, 1100), ...texts(5000, 1)].map(idOf))
    // Counting takes a twentieth of the time at most: on a busy machine it comes late.
    await vi.waitFor(() => expect(queue.size().deadLetterBytes).toBe(0), { timeout: 60_000 })
  })

  it('are removed before anyone can take them over: one that is refused again has a letter', async () => {
    await bury(queue, 0, 60)
    await outbox.close()
    const folders = () =>
      readdirSync(directory).filter((name) => pidOf(name) !== undefined && filesBelow(join(directory, name)).length > 0)
    const letters = () => filesBelow(join(directory, 'dead-letters')).filter((file) => file.endsWith('.json')).length
    const seen = new Set<boolean>()
    let ended = false
    const retry = retryDeadLetters(directory).finally(() => (ended = true))
    while (!ended) {
      const count = letters()
      if (count > 0 && count < 60) for (const name of folders()) seen.add(isLocked(join(directory, name)))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await retry).toBe(60)
    expect([...seen]).toEqual([true])
    open()
    await outbox.ready
    expect(queue.size().carriedOver).toBe(60)
  })

  it('go back for the next start when no service runs', async () => {
    await bury(queue, 0, 3)
    await outbox.close()
    expect(await retryDeadLetters(directory, { ids: [idFor(1)] })).toBe(1)
    open()
    await outbox.ready
    expect(await drain(queue, { records: 10, bytes: 1e6 })).toEqual([idFor(1)])
    expect(await list()).toHaveLength(2)
  })

  it('that a person has edited go back as they were edited', async () => {
    await bury(queue, 0, 1)
    const [letter] = await readDeadLetter(directory, idFor(0))
    const content = JSON.parse(readFileSync(letter!.file, 'utf8')) as { record: { model: string } }
    content.record.model = 'mended'
    writeFileSync(letter!.file, JSON.stringify(content, null, 2))
    await retryDeadLetters(directory)
    await vi.waitFor(() => expect(queue.size().carriedOver).toBe(1), { timeout: 5000 })
    expect((await queue.read({ records: 1, bytes: 1 }))?.records[0]).toMatchObject({ model: 'mended' })
  })

  it('can be discarded, some or all', async () => {
    await bury(queue, 0, 5)
    expect(await discardDeadLetters(directory, { ids: [idFor(2), idFor(77)] })).toBe(1)
    expect(await list()).toHaveLength(4)
    expect(await discardDeadLetters(directory)).toBe(4)
    expect(readdirSync(join(directory, 'dead-letters'))).toEqual([])
  })

  it('that can’t be read are said, and left alone by all commands', async () => {
    await bury(queue, 0, 2)
    const [letter] = await readDeadLetter(directory, idFor(0))
    for (const noise of ['', '{', 'null', '[]', '{"sink":1}', '{"sink":"a","record":null}']) {
      writeFileSync(letter!.file, noise)
      const errors: unknown[] = []
      expect(await list({}, (error) => errors.push(error))).toEqual([idFor(1)])
      expect(String(errors[0])).toContain(letter!.file)
    }
    expect(await retryDeadLetters(directory)).toBe(1)
    expect(existsSync(letter!.file)).toBe(true)
  })

  it('never get a name from a record’s content', async () => {
    const json = '{"id":"../../../../../../tmp/evil-evil-evil-evil","timestamp":""}'
    await queue.bury([{ record: recordFromJson(json), error: 'no', attempts: 1, at: '' }])
    const [name] = readdirSync(join(directory, 'dead-letters')).flatMap((key) =>
      readdirSync(join(directory, 'dead-letters', key)),
    )
    expect(name).toMatch(/^[0-9a-f]{32}\.json$/)
    expect(await list()).toHaveLength(1)
  })

  it('leave nothing behind in the directory when all is done', async () => {
    await bury(queue, 0, 2)
    await discardDeadLetters(directory)
    await outbox.close()
    expect(filesBelow(directory).map((file) => file.slice(directory.length + 1))).toEqual(['dead-letters'])
  })
})
