import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const program = fileURLToPath(new URL('./children/backlog.ts', import.meta.url))

// 1,000,000 records: test/long/outbox-backlog.ts.
it('takes and drains a backlog larger than the memory that the process may use', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  const run = (...args: string[]) =>
    execFileSync(process.execPath, ['--max-old-space-size=40', program, join(folder, 'box'), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  try {
    run('60000', '1000')
    expect(JSON.parse(run())).toMatchObject({ records: 60_000, carriedOver: 60_000 })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
