import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A backlog of 1,000,000 records (300 MB) drains with flat memory: in a heap of 64 MB, and at most 64 MB more in all. */
const COUNT = 1_000_000

const program = fileURLToPath(new URL('../outbox/children/backlog.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'outbox-'))
try {
  const args = ['--max-old-space-size=64', program, join(folder, 'box'), String(COUNT)]
  const result = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Record<string, number>
  console.log(result)
  assert.equal(result['records'], COUNT)
  assert.equal(result['carriedOver'], COUNT)
  assert.ok(result['moreMemoryMb']! <= 64, 'memory grew')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
