import type { Logger } from './logger.ts'
import type { PredictionRecord } from './records/record.ts'
import type { RecordKind } from './records/stored.ts'
import type { Column } from './schema/column.ts'

/**
 * Where records go. A sink classifies, delivery decides: it never retries, waits or logs on its own.
 *
 * @example
 * const lines: Sink = {
 *   name: 'lines',
 *   async write(records) {
 *     await appendFile('predictions.ndjson', records.map((record) => record.json + '\n').join(''))
 *   },
 * }
 * app.use(capturePredictions({ sink: lines }))
 */
export interface Sink {
  /** What logs, stats and the outbox call it: stable from run to run, and without a password. */
  readonly name: string

  /**
   * Whether actuals go here as well. `true`: to the same `open`, `write` and `plan`, which are then called with the kind `'actual'`
   * as an argument; they have a queue of their own, so that a write of each kind may be under way at once. Or a function that
   * makes the sink that they go to. Default: they don't.
   */
  readonly actuals?: true | ((options: ActualsOptions) => Sink)

  /**
   * How many batches (`PREDICTIONS_BATCH_SIZE`) a write may take at once, where more of them wait: for a system whose writes cost the
   * same, however large. Default: 1.
   */
  readonly batches?: number

  /**
   * Makes the sink ready: connects, creates or checks the table. Called before the first write, again after an error, and
   * again when the columns have changed. Whatever it throws is logged (once a minute) and tried again; records wait. What it
   * resolves with is logged as well: what works worse than it could, each with its fix.
   *
   * `signal` aborts when the opening has taken too long (it is begun anew then) or is not wanted any more: it should then drop its connection.
   */
  open?(columns: readonly Column[], kind?: RecordKind, signal?: AbortSignal): Promise<readonly string[] | void>

  /**
   * Writes a batch, one at a time, in order. By id: a batch may come again after any doubt.
   * - resolves: all are stored, but for the refused ones it returns, which become dead letters
   * - throws `PREDICTIONS_BATCH_REFUSED`: the system refused the batch for its content and can't say for which record;
   *   delivery splits it until the bad records stand alone
   * - throws `PREDICTIONS_WRITE_TIMED_OUT`: it took longer than the system allows; delivery tries again in smaller batches
   * - throws anything else: the system is away; delivery tries again
   *
   * `signal` aborts when the write has taken too long: it should then drop its connection and reject.
   */
  write(
    records: readonly PredictionRecord[],
    signal: AbortSignal,
    kind?: RecordKind,
  ): Promise<readonly Refusal[] | void>

  /** Lets go of connections. Called once, after the last write has ended. */
  close?(): Promise<void>

  /** What `open` would change, without changing it: for `capture-predictions check` and `ddl`. */
  plan?(columns: readonly Column[], kind?: RecordKind): Promise<Plan>
}

/** A record that the system will never take. */
export interface Refusal {
  /** Its index in the batch. */
  readonly index: number
  /** Why, in the system's own words. */
  readonly reason: string
}

export interface Plan {
  /** What `open` would run, in order: SQL statements, or requests in a notation that can be pasted. */
  readonly statements: readonly string[]
  /** What stands in the way, each with its fix. */
  readonly problems: readonly string[]
  /** What a person should know, though all works: values of a column that go to `extra`, for instance. */
  readonly notes?: readonly string[]
  /** Whether nothing is there yet: it is made with the first record. */
  readonly isNew?: boolean
}

/** What a sink is told of the actuals beside its predictions. */
export interface ActualsOptions {
  /** `PREDICTIONS_ACTUALS_TABLE`: `table` or `schema.table`. Default: the predictions' table and `_actuals`. */
  readonly table: string | undefined
  /** The predictions' columns as they are known at the start: what they are joined with, as long as there is no table of them. */
  readonly predictionColumns: readonly Column[]
}

/** What the configuration says to every sink that is named by a URL. */
export interface SinkContext {
  /** `PREDICTIONS_TABLE`: `table` or `schema.table`. */
  readonly table: string
  /** `PREDICTIONS_MIGRATE`. */
  readonly migrate: 'auto' | 'off'
  readonly logger: Logger
}
