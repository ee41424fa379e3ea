import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { createCapture, silentLogger, type CaptureOptions, type PredictionRecord, type Sink } from 'capture-predictions'
import { asRunning, type RunningCapture } from '../../src/capture/running-capture.ts'

/** A sink of the test's own that keeps what it is given: what any user may write. */
export interface KeepingSink extends Sink {
  readonly records: PredictionRecord[]
}

export const keepingSink = (name = 'keeping'): KeepingSink => {
  const records: PredictionRecord[] = []
  return {
    name,
    records,
    async write(batch) {
      records.push(...batch)
    },
  }
}

/** A folder that is gone after the test. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'capture-test-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const cleanups: (() => unknown)[] = []

/** Run after the test, the last first. */
export const cleanup = (run: () => unknown): void => void cleanups.push(run)

afterEach(async () => {
  for (const run of cleanups.splice(0).reverse()) await run()
})

export interface TestCapture {
  readonly capture: RunningCapture
  readonly sink: KeepingSink
  /** All records, once everything captured so far is delivered. */
  records(): Promise<readonly PredictionRecord[]>
}

/** A real capture, with its outbox in a folder of its own, into a sink that keeps what it gets. Closed after the test. */
export const testCapture = (options: CaptureOptions = {}): TestCapture => {
  const sink = keepingSink()
  const capture = asRunning(
    createCapture({
      sink,
      outboxDir: join(temporaryFolder(), 'outbox'),
      model: 'iris',
      flushIntervalMs: 10,
      logger: silentLogger,
      ...options,
    }),
  )
  cleanup(() => capture.close())
  return {
    capture,
    sink,
    async records() {
      await capture.flush()
      return sink.records
    },
  }
}
