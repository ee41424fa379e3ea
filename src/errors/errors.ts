/**
 * Every error of this package: test them by `code`, not by `instanceof` (an ESM and a CommonJS copy may both be loaded).
 *
 * | code | meaning |
 * |---|---|
 * | `PREDICTIONS_BAD_CONFIGURATION` | options, variables or a schema are wrong; the message lists every mistake |
 * | `PREDICTIONS_OLD_NODE` | this Node.js is too old; the message says which is needed, and which this is |
 * | `PREDICTIONS_MISSING_PACKAGE` | an optional driver or framework is not installed; the message names the `npm install` to run |
 * | `PREDICTIONS_OUTBOX_UNUSABLE` | the outbox directory can't be created or written |
 * | `PREDICTIONS_SINK_UNAVAILABLE` | the system behind a sink is away or not as needed: try again, records wait |
 * | `PREDICTIONS_WRITE_TIMED_OUT` | a write took longer than its time limit: try it again in smaller batches |
 * | `PREDICTIONS_BAD_ACTUAL` | an actual can't be taken: the message says what is wrong with the report |
 * | `PREDICTIONS_BATCH_REFUSED` | the system refused a whole batch and can't say for which record: split it |
 */
export const errorCodes = [
  'PREDICTIONS_BAD_CONFIGURATION',
  'PREDICTIONS_OLD_NODE',
  'PREDICTIONS_MISSING_PACKAGE',
  'PREDICTIONS_OUTBOX_UNUSABLE',
  'PREDICTIONS_SINK_UNAVAILABLE',
  'PREDICTIONS_WRITE_TIMED_OUT',
  'PREDICTIONS_BATCH_REFUSED',
  'PREDICTIONS_BAD_ACTUAL',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** An error of this package. `message` is for people and never holds a password; `code` is for programs. */
export class PredictionsError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'PredictionsError'
    this.code = code
  }
}

/** Whether `error` is one of this package's errors with the given code, whichever copy of the package made it. */
export const hasCode = (error: unknown, code: ErrorCode): boolean =>
  typeof error === 'object' && error !== null && (error as { code?: unknown }).code === code

/** What an unknown thrown value says, in one line. */
export const messageOf = (error: unknown): string => {
  try {
    // Not every message is a text.
    return String(error instanceof Error ? error.message || error.name : error)
  } catch {
    return 'an error that cannot be printed'
  }
}
