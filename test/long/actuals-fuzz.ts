import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * Any reports in code, and any bytes to `receiveActuals`: each is accepted or refused, and nothing is thrown.
 *
 *     node test/long/actuals-fuzz.ts
 *
 * FUZZ_RUNS (50,000): of each.
 */
const { status } = spawnSync('npx', ['vitest', 'run', 'test/actuals/fuzz.test.ts'], {
  cwd: fileURLToPath(new URL('../../', import.meta.url)),
  env: { FUZZ_RUNS: '50000', ...process.env },
  stdio: 'inherit',
})
process.exitCode = status ?? 1
