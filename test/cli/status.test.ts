import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { OutboxStatus } from '../../src/outbox/inspect.ts'
import { freePort } from '../setup/ports.ts'
import { workplace } from './support.ts'

it('finds nothing where nothing is, and makes nothing', async () => {
  const { cli, folder } = workplace('sqlite:predictions.db')
  expect(await cli(['status'])).toEqual({
    code: 0,
    stdout: `outbox ${join(folder, '.predictions-outbox')}\nnothing is queued\n`,
    stderr: '',
  })
  expect(existsSync(join(folder, '.predictions-outbox'))).toBe(false)
})

it('looks into the outbox of a running service, and of a killed one', async () => {
  const port = await freePort()
  const { cli, startService } = workplace(`postgres://me:tellnobody@127.0.0.1:${port}/test`)
  const service = await startService()
  await service.predict([0, 1, 2, 3, 4])
  const running = await cli(['status'])
  expect(running).toMatchObject({ code: 0, stderr: '' })
  expect(running.stdout).toMatch(/^sink +queued +size +oldest +dead letters$/m)
  expect(running.stdout).toMatch(
    new RegExp(`^postgres://127.0.0.1:${port}/test#predictions +5 +[\\d.]+ (B|KiB) +\\d+ s +0$`, 'm'),
  )
  expect(running.stdout).toContain(`process ${service.pid} is running`)

  await service.kill()
  const { stdout } = await cli(['status', '--json'])
  const found = JSON.parse(stdout) as OutboxStatus
  expect(found.sinks).toMatchObject([{ records: 5, deadLetters: 0 }])
  expect(Math.abs(Date.now() - found.sinks[0]!.oldest!)).toBeLessThan(60_000)
  expect(found.processes).toMatchObject([{ pid: service.pid, alive: false }])
  expect(running.stdout + stdout).not.toContain('tellnobody')
})
