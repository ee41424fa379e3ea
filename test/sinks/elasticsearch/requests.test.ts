import { describe, expect, it } from 'vitest'
import type { Document } from '../../../sinks/elasticsearch/documents.ts'
import { inLanes, requestsOf } from '../../../sinks/elasticsearch/requests.ts'

const documents = (count: number, length: number): Document[] =>
  Array.from({ length: count }, (_, n) => ({ index: 'i', id: String(n), source: 'x'.repeat(length), place: n }))

const sizes = async (all: Iterable<Document>, batch: number): Promise<number[]> => {
  const found: number[] = []
  for await (const request of requestsOf(all, batch)) found.push(request.length)
  return found
}

describe('requests', () => {
  it.each<[string, Document[], number[]]>([
    ['nothing', [], []],
    ['a few', documents(3, 10), [3]],
    ['as many as one takes', documents(500, 10), [500]],
    ['one more', documents(501, 10), [500, 1]],
    ['one for each lane', documents(4000, 10), [1000, 1000, 1000, 1000]],
    ['larger ones', documents(9999, 10), [2500, 2500, 2500, 2499]],
    ['more of them', documents(12_000, 10), [2500, 2500, 2500, 2500, 2000]],
    ['large ones', documents(5, 1_500_000), [2, 2, 1]],
    ['one that is too large, alone', documents(2, 9_000_000), [1, 1]],
  ])('are cut: %s', async (_what, all, expected) => {
    expect(await sizes(all, all.length)).toEqual(expected)
  })

  it('are made while the event loop goes on', async () => {
    let turns = 0
    const turn = setInterval(() => turns++, 0)
    // Each takes a tenth of a millisecond.
    const slow = function* () {
      for (const document of documents(1000, 10)) {
        const end = performance.now() + 0.1
        while (performance.now() < end);
        yield document
      }
    }
    await sizes(slow(), 1000)
    clearInterval(turn)
    expect(turns).toBeGreaterThanOrEqual(3)
  })
})

describe('lanes', () => {
  const numbers = async function* () {
    for (let n = 0; n < 20; n++) yield n
  }

  it('do everything once, several at a time', async () => {
    const done: number[] = []
    let running = 0
    let most = 0
    await inLanes(numbers(), async (n) => {
      most = Math.max(most, ++running)
      await new Promise(setImmediate)
      done.push(n)
      running--
    })
    expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    expect(most).toBe(4)
  })

  it('begin nothing after a failure, and end when all that was begun has ended', async () => {
    const [begun, ended]: [number[], number[]] = [[], []]
    const work = async (n: number) => {
      begun.push(n)
      if (n === 1) throw new Error('one')
      await new Promise(setImmediate)
      await new Promise(setImmediate)
      ended.push(n)
    }
    await expect(inLanes(numbers(), work)).rejects.toThrow('one')
    expect(ended.length).toBe(begun.length - 1)
    expect(begun.length).toBeLessThan(20)
  })
})
