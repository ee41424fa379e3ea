import fc from 'fast-check'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SinkStats } from '../../src/delivery/counts.ts'
import { createDelivery, type DeliverySettings } from '../../src/delivery/delivery.ts'
import { createMemoryQueue } from '../../src/delivery/memory-queue.ts'
import { silentLogger } from '../../src/logger.ts'
import { openOutbox } from '../../src/outbox/outbox.ts'
import type { Queue } from '../../src/outbox/queue.ts'
import { recordFromJson, type PredictionRecord } from '../../src/records/record.ts'
import { away, line, memorySink, noColumns, refused } from './support.ts'

beforeEach(() => {
  // No backoff: each try follows at once.
  vi.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => vi.restoreAllMocks())

const turn = (): Promise<void> => new Promise(setImmediate)

/** How a write ends. */
type Outcome = 'stored' | 'whole batch refused' | 'away' | 'stored, then away'

const isBad = (record: PredictionRecord): boolean => record.features['bad'] === true

/** A sink whose writes end one after the other as the outcomes say; bad records it never takes. */
const scriptedSink = (outcomes: readonly Outcome[], look: () => void) => {
  let call = 0
  const memory = memorySink({
    async write(records) {
      look()
      await turn()
      look()
      const outcome = outcomes[call++ % outcomes.length]
      if (outcome === 'away') throw away()
      if (outcome === 'whole batch refused' && records.some(isBad)) throw refused()
      if (outcome === 'stored, then away') {
        memory.store(records.filter((record) => !isBad(record)))
        throw away()
      }
      return records.flatMap((record, index) => (isBad(record) ? [{ index, reason: 'no' }] : []))
    },
  })
  return memory
}

const settings: DeliverySettings = { durability: 'outbox', batchSize: 4, flushIntervalMs: 0 }

/** The promise, at any moment. What is queued is never less than nothing, and never far from what the queue itself holds. */
const expectToReconcile = (stats: SinkStats, queue: Queue): void => {
  const { captured, carriedOver, written, queued, deadLettered, discarded, dropped } = stats
  expect(captured + carriedOver).toBe(written + queued + deadLettered + discarded + dropped)
  const held = queue.size().records
  expect(queued).toBeGreaterThanOrEqual(held)
  expect(queued).toBeLessThanOrEqual(held + settings.batchSize)
}

const outcomes = fc
  .array(fc.constantFrom<Outcome>('stored', 'whole batch refused', 'away', 'stored, then away'), { maxLength: 8 })
  .map((some): Outcome[] => [...some, 'stored'])

/** One request: for each of its records, whether it is bad. */
const request = fc.array(
  fc.boolean().map((odd) => odd),
  { minLength: 1, maxLength: 6 },
)
const append = request.map((bad) => ({ kind: 'append', bad }) as const)
const step = fc.constantFrom({ kind: 'turn' } as const, { kind: 'flush' } as const)
const restart = fc.constantFrom({ kind: 'close' } as const, { kind: 'crash' } as const)

const textsOf = (bad: readonly boolean[]): string[] => bad.map((isBad) => line(isBad ? { bad: true } : { good: true }))

describe('captured + carriedOver = written + queued + deadLettered + discarded + dropped', () => {
  it('in memory, whatever comes between, and every record taken is stored or a dead letter at the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof({ weight: 3, arbitrary: append }, step)), outcomes, async (steps, script) => {
        const queue = createMemoryQueue({ maxBytes: 3000 })
        const look = (): void => expectToReconcile(delivery.stats(), queue)
        const { sink, stored, state } = scriptedSink(script, look)
        const delivery = createDelivery({ sink, queue, columns: () => noColumns, settings, logger: silentLogger })
        delivery.start()
        const taken: string[] = []
        let captured = 0
        for (const step of steps) {
          if (step.kind === 'append') {
            const texts = textsOf(step.bad)
            captured += texts.length
            if (delivery.append(texts)) taken.push(...texts)
          }
          if (step.kind === 'turn') await turn()
          if (step.kind === 'flush') expect(await delivery.flush()).toBe(true)
          look()
        }
        expect(await delivery.flush()).toBe(true)
        look()
        const good = taken.map(recordFromJson).filter((record) => !isBad(record))
        expect([...stored.keys()]).toEqual(good.map(({ id }) => id))
        expect(delivery.stats()).toMatchObject({
          captured,
          dropped: captured - taken.length,
          written: good.length,
          deadLettered: taken.length - good.length,
          queued: 0,
        })
        expect(state.most).toBeLessThanOrEqual(1)
        await delivery.close()
      }),
      { numRuns: 100 },
    )
  })
})

describe('across restarts and crashes', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'predictions-counts-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('the counts of every run reconcile, and nothing is lost', async () => {
    let runs = 0
    const open = async (directory: string, script: readonly Outcome[]) => {
      const outbox = openOutbox({ directory, maxBytes: 1_000_000, logger: silentLogger, sinks: ['test'] })
      await outbox.ready
      const queue = outbox.queue('test')
      const look = (): void => expectToReconcile(delivery.stats(), queue)
      const memory = scriptedSink(script, look)
      const delivery = createDelivery({
        sink: memory.sink,
        queue,
        columns: () => noColumns,
        settings,
        logger: silentLogger,
      })
      delivery.start()
      look()
      const end = async (): Promise<void> => {
        await delivery.close()
        await outbox.close()
      }
      return { delivery, look, end, stored: memory.stored }
    }

    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 4, arbitrary: append }, { weight: 4, arbitrary: step }, restart), {
          maxLength: 30,
        }),
        outcomes,
        async (steps, script) => {
          let directory = join(folder, String(runs++))
          const stored = new Set<string>()
          const store = (): void => run.stored.forEach((_, id) => stored.add(id))
          const taken: string[] = []
          let run = await open(directory, script)
          for (const step of steps) {
            if (step.kind === 'append') {
              const texts = textsOf(step.bad)
              expect(run.delivery.append(texts)).toBe(true)
              taken.push(...texts)
            }
            if (step.kind === 'turn') await turn()
            if (step.kind === 'flush') expect(await run.delivery.flush()).toBe(true)
            if (step.kind === 'close') {
              await run.end()
              store()
              const left = run.delivery.stats().queued
              run = await open(directory, script)
              expect(run.delivery.stats().carriedOver).toBe(left)
            }
            if (step.kind === 'crash') {
              // What kill -9 leaves: the files as they are at this moment. What the old run still does is not looked at.
              const copy = join(folder, String(runs++))
              const { queued } = run.delivery.stats()
              cpSync(directory, copy, { recursive: true })
              store()
              const crashed = run
              directory = copy
              run = await open(directory, script)
              // A batch that was written, and not yet marked so, comes again.
              expect(run.delivery.stats().carriedOver).toBeGreaterThanOrEqual(queued - settings.batchSize)
              expect(run.delivery.stats().carriedOver).toBeLessThanOrEqual(queued + settings.batchSize)
              await crashed.end()
            }
            run.look()
          }
          expect(await run.delivery.flush()).toBe(true)
          expect(run.delivery.stats().queued).toBe(0)
          await run.end()
          store()
          const good = taken.map(recordFromJson).filter((record) => !isBad(record))
          expect(stored).toEqual(new Set(good.map(({ id }) => id)))
        },
      ),
      { numRuns: 40 },
    )
  })
})
