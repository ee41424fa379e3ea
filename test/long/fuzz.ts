import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { createCapture, silentLogger } from 'capture-predictions'
import { anyBody } from '../bodies/arbitrary.ts'
import { bodyServers, startBoth } from '../bodies/servers.ts'

/**
 * Any bytes and content types through real servers with and without capture: equal replies, a row each, no fault.
 *
 *     npm run build:js && node test/long/fuzz.ts
 *
 * FUZZ_RUNS (100,000): bodies in all, shared by the servers. FUZZ_SEED: fast-check's seed, to see a failure again.
 */
const runs = Number(process.env['FUZZ_RUNS'] ?? 100_000)
const given = process.env['FUZZ_SEED']
const seed = given === undefined ? Date.now() : Number(given)

const servers = bodyServers.filter(({ isLate }) => !isLate)
for (const [i, server] of servers.entries()) {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'))
  const waiting = new Set<string>()
  /** A batch may be written before its last reply was read, so both sides are compared when all is flushed. */
  const written = new Set<string>()
  const twice: string[] = []
  const capture = createCapture({
    sink: {
      name: 'counting',
      async write(records) {
        for (const { id, instance } of records) {
          if (instance !== 0) continue
          if (written.has(id)) twice.push(id)
          written.add(id)
        }
      },
    },
    outboxDir: join(folder, 'outbox'),
    flushIntervalMs: 60_000,
    batchSize: 10_000,
    logger: silentLogger,
    // Every other with rules, under which each record takes another way.
    redact: i % 2 === 0 ? [] : ['a', '**.x:mask', 'prediction:hash', 'outputs.**.id'],
    redactKey: 'k',
  })
  const both = await startBoth(server, capture)
  const settle = async (): Promise<void> => {
    assert.ok(await capture.flush({ timeout: 60_000 }))
    assert.deepEqual(twice, [], 'rows that came twice')
    for (const id of waiting) assert.ok(written.delete(id), `the body of ${id} has no row`)
    assert.equal(written.size, 0, 'rows of no body')
    waiting.clear()
  }
  try {
    const start = performance.now()
    const numRuns = Math.ceil(runs / servers.length)
    await fc.assert(
      fc.asyncProperty(anyBody, async (body) => {
        waiting.add((await both.send(body)).id!)
        // Rows are told of after all bodies of a thousand have their ids.
        if (waiting.size >= 1000) await settle()
      }),
      { numRuns, seed },
    )
    await settle()
    const { faults, requests } = capture.stats()
    assert.deepEqual({ faults, captured: requests.captured }, { faults: 0, captured: numRuns })
    console.log(
      `${server.name}: ${numRuns} bodies in ${Math.round((performance.now() - start) / 1000)} s, seed ${seed}`,
    )
  } finally {
    await both.close()
    await capture.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
