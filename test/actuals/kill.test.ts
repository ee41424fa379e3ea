import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ActualRecord } from 'capture-predictions'
import { describe, expect, it } from 'vitest'
import { createIds } from '../../src/records/id.ts'
import { cleanup, keepingSink, temporaryFolder, testCapture } from '../setup/captures.ts'

const program = fileURLToPath(new URL('./children/reporter.ts', import.meta.url))

const startReporter = (outbox: string, way: 'code' | 'http') => {
  const child = spawn(process.execPath, [program, outbox, way], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanup(() => child.kill('SIGKILL'))
  const closed = once(child, 'close')
  return {
    lines: createInterface(child.stdout),
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

/** Whose actuals the outbox holds, in order. */
const left = async (outbox: string): Promise<readonly string[]> => {
  const sink = { ...keepingSink('main'), actuals: true as const }
  const { capture } = testCapture({ sink, outboxDir: outbox })
  capture.start()
  expect(await capture.flush({ timeout: 30_000 })).toBe(true)
  await capture.close()
  return (sink.records as unknown as ActualRecord[]).map(({ prediction_id }) => prediction_id!).sort()
}

describe('kill -9 loses no actual', () => {
  it('for which the call has returned', async () => {
    const outbox = join(temporaryFolder(), 'outbox')
    const reported: string[] = []
    for (let round = 1; round <= 4; round++) {
      const { lines, kill } = startReporter(outbox, 'code')
      let count = 0
      lines.on('line', (id) => {
        reported.push(id)
        // Each round at another place.
        if (++count === 97 * round) void kill()
      })
      await once(lines, 'close')
    }
    const found = await left(outbox)
    expect(found).toEqual(expect.arrayContaining(reported))
    // The last of a round may have been taken without a word of it.
    expect(found.length - reported.length).toBeLessThanOrEqual(4)
    expect(new Set(found).size).toBe(found.length)
  })

  it('that was answered with 202', async () => {
    const outbox = join(temporaryFolder(), 'outbox')
    const nextId = createIds()
    const reported: string[] = []
    for (let round = 1; round <= 3; round++) {
      const { lines, kill } = startReporter(outbox, 'http')
      const [port] = (await once(lines, 'line')) as [string]
      const ids = Array.from({ length: 300 * round }, nextId)
      const body = JSON.stringify(ids.map((id) => ({ id, actual: round })))
      const { status } = await fetch(`http://127.0.0.1:${port}/actuals`, { method: 'POST', body })
      await kill()
      expect(status).toBe(202)
      reported.push(...ids)
    }
    expect(await left(outbox)).toEqual(reported.sort())
  })
})
