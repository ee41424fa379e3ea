import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createStepRunner, finish, type Steps } from '../src/steps.ts'

/** The clock is the test's: what takes how long does not depend on the machine. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

/** Work that tells of each of its steps, which take as long as half of a turn's time. */
const work = function* (name: string, steps: number, told: string[]): Steps<string> {
  for (let step = 1; step <= steps; step++) {
    told.push(`${name}${step}`)
    vi.advanceTimersByTime(1)
    yield
  }
  return name
}

describe('work in steps', () => {
  it('is done in part in each turn of the event loop, in turns with other work', async () => {
    const runner = createStepRunner()
    const told: string[] = []
    const all = Promise.all([runner.run(work('a', 5, told)), runner.run(work('b', 3, told))])
    expect(told).toEqual([])
    const turns: string[][] = []
    for (let before = 0; before < 8; before = told.length) {
      await nextTurn()
      if (told.length > before) turns.push(told.slice(before))
    }
    expect(turns).toEqual([['a1', 'a2'], ['b1', 'b2'], ['a3', 'a4'], ['b3'], ['a5']])
    await all
  })

  it('is waited for by whoever waits for all of it', async () => {
    const runner = createStepRunner()
    const told: string[] = []
    await runner.idle()
    void runner.run(work('a', 3, told))
    await runner.idle()
    expect(told).toEqual(['a1', 'a2', 'a3'])
    await runner.run(work('b', 1, told))
    expect(told).toHaveLength(4)
  })

  it('is done at once where that is wanted', () => {
    const told: string[] = []
    expect(finish(work('a', 2, told))).toBe('a')
    expect(told).toEqual(['a1', 'a2'])
  })
})
