import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type * as RealTimers from '../../src/steps/real-timers.ts'

/** As a program has them that faked its timers first, or never. */
const load = async (isFakedFirst: boolean): Promise<typeof RealTimers> => {
  vi.resetModules()
  if (isFakedFirst) vi.useFakeTimers()
  const timers = await import('../../src/steps/real-timers.ts')
  vi.useFakeTimers()
  return timers
}

describe.each([
  ['after they were loaded', false],
  ['before they were loaded', true],
])('timers, where others are faked %s', (_, isFakedFirst) => {
  let timers: typeof RealTimers
  beforeEach(async () => {
    timers = await load(isFakedFirst)
    // What is to be shown would be shown by real ones as well.
    expect(setTimeout(() => {}, 1)).not.toHaveProperty('_idleTimeout')
  })
  afterEach(() => void vi.useRealTimers())

  it('come', async () => {
    await timers.nextTurn()
    await timers.sleepMs(1)
    await timers.sleepMs(0)
    let times = 0
    await new Promise<void>((resolve) => {
      const end = timers.everyMs(1, () => {
        if (++times < 3) return
        end()
        resolve()
      })
    })
    expect(times).toBe(3)
  })

  it('are cancelled', async () => {
    const told = vi.fn()
    timers.afterMs(1, told)()
    timers.everyMs(1, told)()
    await timers.sleepMs(5)
    expect(told).not.toHaveBeenCalled()
  })

  it('know how time goes', async () => {
    const before = timers.monotonicMs()
    await timers.sleepMs(2)
    expect(timers.monotonicMs() - before).toBeGreaterThan(1)
  })
})

it('keep no process alive, unless it is held', () => {
  const end = (code: string) => {
    const program = `import { afterMs, everyMs, holdProcess } from './src/steps/real-timers.ts'\n${code}`
    const args = ['--experimental-strip-types', '--no-warnings', '--input-type=module', '--eval', program]
    return spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout
  }
  const wait = 'afterMs(20, () => console.log("ended"));everyMs(100000, () => {});'
  expect(end(wait)).toBe('')
  expect(
    end(`const release = holdProcess();${wait.replace('console.log("ended")', '{console.log("ended");release()}')}`),
  ).toBe('ended\n')
})
