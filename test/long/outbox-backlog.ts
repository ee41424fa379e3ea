import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A backlog of 1,000,000 records (260 MB) drains with flat memory: in a heap of 64 MB, and at most 64 MB more in all. */
const COUNT = 1_000_000

const program = fileURLToPath(new URL('../outbox/children/backlog.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'outbox-'))
try {
  const box = join(folder, 'box')
  execFileSync(process.execPath, [program, box, String(COUNT), '250'], { stdio: 'inherit' })
  const text = execFileSync(process.execPath, ['--max-old-space-size=64', program, box], { encoding: 'utf8' })
  const result = JSON.parse(text) as Record<string, number>
  console.log(result)
  assert.equal(result['records'], COUNT)
  assert.equal(result['carriedOver'], COUNT)
  assert.ok(result['moreMemoryMb']! <= 64, 'memory grew')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
