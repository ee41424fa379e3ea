/**
 * What capture itself costs on a request's path, in microseconds of CPU, beside JSON.stringify of the same body and reply:
 *   node bench/request.ts
 * An outbox as it is by default, and a sink that discards.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCapture, silentLogger, type CaptureOptions } from 'capture-predictions'
import { median } from './load.ts'
import { captured, cpuOf, irisBody, newRequest, uncaptured } from './one-request.ts'

const REQUESTS = 50_000
const ROUNDS = 9

const folder = mkdtempSync(join(tmpdir(), 'capture-bench-'))
const captureOf = (name: string, options: CaptureOptions) =>
  createCapture({
    sink: { name, async write() {} },
    outboxDir: join(folder, name),
    model: 'iris',
    logger: silentLogger,
    ...options,
  })

const captures = {
  outbox: captureOf('outbox', {}),
  memory: captureOf('memory', { durability: 'memory' }),
}

/** What each mode does with one request; the difference to `none` is what it costs. */
const modes: Record<string, () => void> = {
  none: uncaptured,
  stringify() {
    const { res } = newRequest()
    res.setHeader('X-Other', 'none')
    JSON.stringify(irisBody())
    JSON.stringify({ prediction: 0, confidence: 0.97 })
    res.end()
  },
}
for (const [name, capture] of Object.entries(captures)) modes[name] = captured(capture)

const results = new Map<string, number[]>(Object.keys(modes).map((name) => [name, []]))
for (let round = 0; round < ROUNDS; round++)
  for (const [name, run] of Object.entries(modes)) results.get(name)!.push(await cpuOf(run, REQUESTS))

const none = median(results.get('none')!.slice(2))
for (const [name, costs] of results) {
  const cost = median(costs.slice(2))
  console.log(`${name.padEnd(10)} ${cost.toFixed(2)} µs of CPU a request, ${(cost - none).toFixed(2)} more than none`)
}
for (const capture of Object.values(captures)) await capture.close()
rmSync(folder, { recursive: true, force: true })
