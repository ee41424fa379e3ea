import type { ActualsResult } from '../actuals/actuals.ts'
import type { ActualReport } from '../actuals/actual-report.ts'
import type { Settings } from '../config/options.ts'
import type { CaptureStats } from '../delivery/counts.ts'

/** What you hold of a running capture. */
export interface Capture {
  /** The configuration in force: options, variables and defaults resolved. */
  readonly settings: Settings
  /** What became of requests and records, now. */
  stats(): CaptureStats
  /**
   * Sends what is queued without waiting for full batches.
   * @returns true when everything captured before the call is stored or a dead letter; false after `timeout` milliseconds (default: none)
   */
  flush(options?: { timeout?: number }): Promise<boolean>
  /**
   * Sends what is queued and lets go of everything, within `timeout` milliseconds (default: 10,000). What could not be sent in time
   * stays in the outbox and is sent at the next start. Later calls return the first one's promise.
   */
  close(options?: { timeout?: number }): Promise<void>
  /**
   * Reports what a prediction really was. Like a prediction it is in the outbox when the call returns; the same report again changes
   * nothing.
   * @param id the prediction's id: `X-Prediction-Id`, or its `.id`
   * @param values the label `actual`, or an object of labels by name
   * @throws PredictionsError `PREDICTIONS_BAD_ACTUAL` that says what is wrong with it
   * @example capture.actual('0199…', 2, { source: 'lab' })
   */
  actual(id: string, values: unknown, options?: { timestamp?: string | Date; source?: string }): void
  /**
   * Reports many at once; never throws for their content.
   * @returns how many were accepted, and of the others why not
   */
  actuals(reports: readonly ActualReport[]): ActualsResult
}
