import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BODY, type LoadResult } from './load.ts'

const run = promisify(execFile)

/** Posts the same body again and again; at the end, one line of what came of it. */
const SCRIPT = `
wrk.method = 'POST'
wrk.headers['Content-Type'] = 'application/json'
wrk.body = '${BODY}'
function done(summary, latency)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  local shares = {}
  for share = 1, 99 do shares[share] = latency:percentile(share) end
  print(string.format('wrk: {"requests":%d,"seconds":%f,"failed":%d,"latencies":[%s]}',
    summary.requests, summary.duration / 1e6, failed, table.concat(shares, ',')))
end
`

/** Whether wrk is there: written in C, its load costs a server's neighbour core little. https://github.com/wg/wrk */
export const hasWrk = (): Promise<boolean> =>
  run('wrk', ['--version']).then(
    () => true,
    // It prints its version, and exits with 1.
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )

const folder = mkdtempSync(join(tmpdir(), 'capture-bench-wrk-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const script = join(folder, 'post.lua')
writeFileSync(script, SCRIPT)

/** As many requests as go. @returns the latencies' percentiles 1 to 99 in place of each */
export const runWrk = async (port: number, connections: number, seconds: number): Promise<LoadResult> => {
  const words = ['-t1', `-c${connections}`, `-d${Math.max(1, Math.round(seconds))}s`, '-s', script]
  const { stdout } = await run('wrk', [...words, `http://127.0.0.1:${port}/predict`])
  const line = /^wrk: (.*)$/m.exec(stdout)?.[1]
  if (line === undefined) throw new Error(`wrk said: ${stdout}`)
  const result = JSON.parse(line) as LoadResult & { failed: number }
  if (result.failed > 0) throw new Error(`${result.failed} of ${result.requests} requests failed`)
  return result
}
