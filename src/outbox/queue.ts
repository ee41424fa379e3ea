import type { StoredRecord } from '../records/stored.ts'

/** Records waiting for one sink: in memory, or in an outbox on disk. One reader (the sink's delivery). */
export interface Queue {
  /**
   * Appends one request's records (JSON texts without newline), or some of a large one's. All or nothing; false: full, nothing kept.
   * Safe from `kill -9` (outbox) when it returns. Synchronous, on the request's path. Never throws.
   */
  append(lines: readonly string[]): boolean

  /** A request of so many bytes was appended in parts: `full` keeps room for one more. */
  expect?(bytes: number): void

  /** Whether another append would be refused now: for `reject`, asked before the model runs. */
  readonly full: boolean

  /**
   * Resolves when everything appended so far is on the disk (fsync), in groups. Memory: at once.
   * Rejects when the disk refuses: then it may be lost by a power cut.
   */
  flushed(): Promise<void>

  /**
   * The oldest records not yet committed, up to the limits (at least one record); the same again until committed.
   * `undefined`: none. Rejects when reading is not possible now, as when there are no file descriptors left: try again.
   */
  read(limit: ReadLimit): Promise<QueuedBatch | undefined>

  /** Moves the cursor past a batch: its records are written or dead letters. */
  commit(batch: QueuedBatch): Promise<void>

  /** Keeps records that the sink refused for good. Before `commit`. Rejects when they can't be kept: then don't commit. */
  bury(letters: readonly DeadLetter[]): Promise<void>

  /** The listener is called within each append, on the request's path, with what was appended; and with what was adopted. */
  onAppend(listener: (records: number, bytes: number) => void): void

  size(): QueueSize

  /** Ends reading and appending. What an outbox still holds stays on the disk for the next start. */
  close(): Promise<void>
}

export interface ReadLimit {
  readonly records: number
  /** Bytes of the records' texts. */
  readonly bytes: number
}

export interface QueuedBatch {
  readonly records: readonly StoredRecord[]
  /** Where the batch ends: only the queue that made it can read this. */
  readonly end: unknown
  /** Bytes of the records' texts. */
  readonly bytes: number
}

/** A record that its sink will never take, as it stands. */
export interface DeadLetter {
  readonly record: StoredRecord
  /** Why, in the sink's own words. */
  readonly error: string
  readonly attempts: number
  /** When it was given up, ISO 8601 in UTC. */
  readonly at: string
}

export interface QueueSize {
  /** Records not yet committed. */
  readonly records: number
  /** Bytes of these records. */
  readonly bytes: number
  /** When the oldest queued record was captured, in milliseconds since the epoch. */
  readonly oldest: number | undefined
  /** Records found from earlier runs, those of adopted processes too. */
  readonly carriedOver: number
  /** Records buried by this run. */
  readonly deadLetters: number
  /** Bytes of this sink's dead letters. */
  readonly deadLetterBytes: number
  /** Records that were counted (as appended or carried over) and then found damaged and set aside, or gone from the disk. */
  readonly setAside: number
  /** Records that are only in memory, as the disk refuses them now. Absent: all of them are, by choice. */
  readonly unsafe?: number
}
