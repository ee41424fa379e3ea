import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import type { OutboxStatus } from '../../src/outbox/inspect.ts'
import { onSqlite, rowsOf, workplace } from './support.ts'

const refuse = `create trigger refuse before insert on predictions when new.prediction > 1
  begin select raise(abort, 'no such flower'); end`

it('lists, shows, puts back and discards what a sink refused, while the service runs', async () => {
  const { cli, folder, startService } = workplace('sqlite:predictions.db')
  const file = join(folder, 'predictions.db')
  const { stdout: sql } = await cli(['ddl'])
  onSqlite(file, (database) => database.exec(`${sql};${refuse}`))
  const service = await startService()
  const ids = await service.predict([0, 1, 2, 3, 4])
  const refused = ids.slice(2).sort()

  const list = async () => (await cli(['dead-letters', 'list'])).stdout.trim().split('\n')
  await vi.waitFor(async () => expect(await list()).toHaveLength(3), { timeout: 20_000 })
  const lines = await list()
  expect(lines.map((line) => line.split(' ', 1)[0]).sort()).toEqual(refused)
  for (const line of lines)
    expect(line).toMatch(/^[0-9a-f-]{36} {2}[\d-]+T[\d:.]+Z {2}sqlite:.*predictions.* {2}.*no such flower/)
  const asJson = (await cli(['dead-letters', 'list', '--json'])).stdout.trim().split('\n')
  expect(asJson.map((line) => (JSON.parse(line) as { id: string }).id).sort()).toEqual(refused)
  expect((await cli(['dead-letters', 'list', '--of', 'another'])).stdout).toBe('')
  expect((await cli(['check'])).stdout).toMatch(/^FOUND {2}3 dead letters: .*dead-letters list/m)

  const shown = await cli(['dead-letters', 'show', ids[2]!])
  expect(shown.code).toBe(0)
  expect(shown.stdout).toMatch(/^error +.*no such flower$/m)
  expect(JSON.parse(/^record +(.*)$/m.exec(shown.stdout)![1]!)).toMatchObject({
    id: ids[2],
    outputs: { prediction: 2 },
  })

  const nobody = '01890000-0000-7000-8000-000000000000'
  expect(await cli(['dead-letters', 'show', nobody])).toMatchObject({ code: 1, stdout: '' })
  expect(await cli(['dead-letters', 'retry', nobody])).toMatchObject({ code: 1, stdout: '' })
  expect(await cli(['dead-letters', 'discard', nobody])).toMatchObject({ code: 1, stdout: '' })

  expect(await cli(['dead-letters', 'discard', ids[4]!])).toMatchObject({ code: 0, stdout: '1 discarded\n' })
  onSqlite(file, (database) => database.exec('drop trigger refuse'))
  expect(await cli(['dead-letters', 'retry', ids[2]!])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^1 put back/),
  })
  await vi.waitFor(
    () =>
      expect(
        rowsOf(file)
          .map(({ prediction }) => prediction)
          .sort(),
      ).toEqual([0, 1, 2]),
    { timeout: 20_000 },
  )

  // A row is written before its outbox notes that it is: of a service killed between the two it is written again.
  await vi.waitFor(
    async () => {
      const { sinks } = JSON.parse((await cli(['status', '--json'])).stdout) as OutboxStatus
      expect(sinks).toMatchObject([{ records: 0, deadLetters: 1 }])
    },
    { timeout: 20_000 },
  )
  await service.kill()
  expect(await cli(['dead-letters', 'retry', '--all'])).toMatchObject({ stdout: expect.stringMatching(/^1 put back/) })
  expect(await cli(['drain'])).toMatchObject({ code: 0, stdout: '1 written, 0 dead letters, 0 left\n' })
  expect(
    rowsOf(file)
      .map(({ id }) => id)
      .sort(),
  ).toEqual(ids.slice(0, 4).sort())
  expect(await cli(['dead-letters', 'list'])).toEqual({ code: 0, stdout: '', stderr: '0 dead letters\n' })
}, 60_000)
