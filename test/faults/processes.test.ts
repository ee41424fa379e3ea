import { describe, expect, it } from 'vitest'
import { endWhileBusy, stopAndContinue } from './processes.ts'
import { has } from './tables.ts'
import { SOUND } from './verdict.ts'

describe.skipIf(!has('postgres')).concurrent('processes', { timeout: 120_000 }, () => {
  it('one that is stopped by SIGSTOP keeps its folder, and goes on with it', async () => {
    // The living look for the dead every two seconds, and are promised to find them within five.
    expect(await stopAndContinue({ seconds: 7 })).toMatchObject({ ...SOUND, kept: true, adopted: 0, unbalanced: [] })
  })

  it('SIGTERM with a full queue and a sink that does not answer ends in time; the next start sends the rest', async () => {
    const ended = await endWhileBusy({ timeoutMs: 3000 })
    expect(ended).toMatchObject({ ...SOUND, code: 0, unbalanced: [] })
    expect(ended.left).toBeGreaterThan(1000)
    expect(ended.carriedOver).toBe(ended.left)
  })
})
