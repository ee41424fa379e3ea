import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { kafka } from 'capture-predictions/sinks/kafka'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { topicsOn, type Topics } from '../services/kafka/topics.ts'
import { service } from '../setup/services.ts'
import { idOf, never, recordsOf } from '../sinks/kafka/records.ts'
import { onSqlite, rowsOf, workplace } from './support.ts'

const brokers = await service('kafka')

/** Looks when the sink has its write-ahead log: a reader before would keep it from making one, and the sink would say so. */
const countOf = (file: string): number =>
  existsSync(`${file}-wal`)
    ? onSqlite(file, (database) => Number(database.prepare('select count(*) as n from predictions').get()!['n']))
    : 0

describe.skipIf(!brokers)('consume', () => {
  let topics: Topics
  beforeAll(() => {
    topics = topicsOn(brokers!)
  })
  afterAll(() => topics.close())

  const produce = async (url: string, from: number, count: number) => {
    const sink = kafka({ url })
    await sink.write(recordsOf(count, from), never)
    await sink.close!()
  }

  it.each([
    [
      'by its options',
      (from: string) => ({ sink: 'sqlite:other.db', args: ['--from', from, '--to', 'sqlite:rows.db'] }),
    ],
    ['by PREDICTIONS_SINK', (from: string) => ({ sink: `${from} sqlite:rows.db`, args: [] })],
    ['by both', (from: string) => ({ sink: from, args: ['--to', 'sqlite:rows.db'] })],
  ])(
    'moves records, told %s, and ends at SIGTERM with all committed',
    async (_, told) => {
      const topic = await topics.create()
      const from = `kafka://${brokers}/${topic}`
      await produce(from, 0, 50)
      const { sink, args } = told(from)
      const { spawnCli, folder } = workplace(sink)
      const group = `test-${randomUUID()}`
      const file = join(folder, 'rows.db')
      const start = () => spawnCli(['consume', ...args, '--group', group])

      const first = start()
      await vi.waitFor(() => expect(countOf(file)).toBe(50), { timeout: 20_000 })
      first.child.kill('SIGTERM')
      const ended = await first.outcome
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      expect(JSON.parse(ended.stdout.trim().split('\n').at(-1)!)).toMatchObject({ written: 50, deadLettered: 0 })

      await produce(from, 50, 5)
      const second = start()
      await vi.waitFor(() => expect(countOf(file)).toBe(55), { timeout: 20_000 })
      second.child.kill('SIGINT')
      expect(JSON.parse((await second.outcome).stdout.trim())).toMatchObject({ written: 5, duplicates: 0 })
      expect(rowsOf(file).map(({ id }) => id)).toEqual(Array.from({ length: 55 }, (_, n) => idOf(n)))
    },
    60_000,
  )

  it('is refused where it is called wrongly', async () => {
    const { cli } = workplace(`kafka://${brokers}/x`)
    expect(await cli(['consume'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--to') })
    const bad = await cli(['consume', '--to', 'postgress://me:tellnobody@h/d'])
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('postgres') })
    expect(bad.stderr).not.toContain('tellnobody')
  })
})
