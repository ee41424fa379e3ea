import { randomUUID } from 'node:crypto'
import { createDelivery, type DeliverySettings } from '../../src/delivery/delivery.ts'
import { createMemoryQueue } from '../../src/delivery/memory-queue.ts'
import { PredictionsError } from '../../src/errors/errors.ts'
import type { Logger } from '../../src/logger.ts'
import type { Queue } from '../../src/outbox/queue.ts'
import { recordFrom, type PredictionRecord } from '../../src/records/record.ts'
import type { Column } from '../../src/schema/column.ts'
import type { Sink } from '../../src/sink.ts'

/** The text of a record; `features` tell sinks of the tests what to do with it. */
export const line = (features: Record<string, unknown> = {}): string =>
  recordFrom({ id: randomUUID(), timestamp: new Date().toISOString(), features }).json

export const lines = (count: number, features?: Record<string, unknown>): string[] =>
  Array.from({ length: count }, () => line(features))

/** A logger whose lines can be looked at. */
export const recordingLogger = () => {
  const said: string[] = []
  const say =
    (level: string) =>
    (message: string): void => {
      said.push(`${level} ${message}`)
    }
  const logger: Logger = { info: say('info'), warn: say('warn'), error: say('error') }
  return { logger, said, saying: (part: string) => said.filter((message) => message.includes(part)) }
}

export type Write = Sink['write']

/**
 * A sink in memory that stores by id, as a table with a primary key does. `write` does what `next` says, and is watched: no two
 * writes of it may overlap.
 */
export const memorySink = (options: { name?: string; open?: Sink['open']; write?: Write } = {}) => {
  const { name = 'test', open, write } = options
  const stored = new Map<string, PredictionRecord>()
  const batches: (readonly PredictionRecord[])[] = []
  const opened: (readonly Column[])[] = []
  let running = 0
  const state = { most: 0, closed: 0, write }
  const store = (records: readonly PredictionRecord[]): void => {
    for (const record of records) stored.set(record.id, record)
  }
  const sink: Sink = {
    name,
    async open(columns, ...rest) {
      opened.push(columns)
      return open?.(columns, ...rest)
    },
    async write(records, signal) {
      running++
      state.most = Math.max(state.most, running)
      batches.push(records)
      try {
        const refused = await state.write?.(records, signal)
        const bad = new Set(refused?.map(({ index }) => index))
        store(records.filter((_, index) => !bad.has(index)))
        return refused
      } finally {
        running--
      }
    },
    async close() {
      state.closed++
    },
  }
  return { sink, stored, batches, opened, state, store }
}

/** A write of which the test decides the end. It hears its signal, as a good sink does. */
export const hangingWrite = () => {
  const calls: { records: readonly PredictionRecord[]; signal: AbortSignal; end: () => void }[] = []
  const write: Write = (records, signal) =>
    new Promise<void>((resolve, reject) => {
      calls.push({ records, signal, end: resolve })
      signal.addEventListener('abort', () => reject(new Error('the connection was dropped')))
    })
  return { calls, write }
}

export const away = (message = 'ECONNREFUSED 127.0.0.1:5432') =>
  new PredictionsError('PREDICTIONS_SINK_UNAVAILABLE', message)

export const refused = (message = 'value out of range') => new PredictionsError('PREDICTIONS_BATCH_REFUSED', message)

export const noColumns: readonly Column[] = []

export const defaults: DeliverySettings = { durability: 'outbox', batchSize: 1000, flushIntervalMs: 10 }

/** A delivery over a queue in memory. */
export const deliver = (
  sink: Sink,
  settings: Partial<DeliverySettings> = {},
  { queue = createMemoryQueue(), columns = () => noColumns }: { queue?: Queue; columns?: () => readonly Column[] } = {},
) => {
  const log = recordingLogger()
  const delivery = createDelivery({ sink, queue, columns, settings: { ...defaults, ...settings }, logger: log.logger })
  delivery.start()
  return { delivery, queue, ...log }
}
