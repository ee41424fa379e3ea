import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../setup/captures.ts'

it('answers every request where timers were faked before the first import', async () => {
  const program = fileURLToPath(new URL('./children/fake-timers.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--experimental-strip-types',
    '--no-warnings',
    program,
    join(temporaryFolder(), 'outbox'),
  ])
  expect(stdout).toBe('20\n')
})
