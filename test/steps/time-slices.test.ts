import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPauses, createStepRunner, finish, finishInTurns, type Steps } from '../../src/steps/time-slices.ts'

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
  it('is done in part in each turn of the event loop, in turns with the next', async () => {
    const runner = createStepRunner()
    const told: string[] = []
    for (const [name, steps] of [
      ['a', 5],
      ['b', 3],
      ['c', 1],
    ] as const)
      // prettier-ignore
      runner.run(work(name, steps, told), () => told.push(`end of ${name}`))
    expect(told).toEqual([])
    const turns: string[][] = []
    for (let before = 0; before < 12; before = told.length) {
      await nextTurn()
      if (told.length > before) turns.push(told.slice(before))
    }
    expect(turns).toEqual([
      ['a1', 'a2'],
      ['b1', 'b2'],
      ['a3', 'a4'],
      ['b3', 'end of b'],
      ['a5', 'end of a'],
      ['c1', 'end of c'],
    ])
  })

  it('is waited for by whoever waits for what is under way, not for what comes later', async () => {
    const runner = createStepRunner()
    const told: string[] = []
    await runner.idle()
    runner.run(work('a', 3, told), () => runner.run(work('b', 1, told), () => {}))
    await runner.idle()
    expect(told).toEqual(['a1', 'a2', 'a3'])
    await runner.idle()
    expect(told.at(-1)).toBe('b1')
  })

  it('lets other work have its turn, and several of them share the time of one', async () => {
    const told: string[] = []
    const pause = createPauses()
    const done = (async () => [
      await finishInTurns(work('a', 3, told), pause),
      await finishInTurns(work('b', 2, told), pause),
    ])()
    const turns = [[...told]]
    for (let before = told.length; told.length < 5; before = told.length) {
      await nextTurn()
      turns.push(told.slice(before))
    }
    expect(turns).toEqual([['a1', 'a2'], ['a3', 'b1'], ['b2']])
    expect(await done).toEqual(['a', 'b'])
  })

  it('is done at once where that is wanted', () => {
    const told: string[] = []
    expect(finish(work('a', 2, told))).toBe('a')
    expect(told).toEqual(['a1', 'a2'])
  })
})

it('pauses are shared: whoever asks while one waits for the next turn waits for the same', async () => {
  const pause = createPauses()
  expect(pause()).toBeUndefined()
  vi.advanceTimersByTime(2)
  const first = pause()
  expect(first).toBeInstanceOf(Promise)
  expect(pause()).toBe(first)
  await first
  expect(pause()).toBeUndefined()
})
