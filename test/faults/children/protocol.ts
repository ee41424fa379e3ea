import type { CaptureStats } from 'capture-predictions'

/** What a service's process says of itself. */
export interface Report {
  readonly pid: number
  /** How often the model ran. */
  readonly runs: number
  /** Resident memory in bytes. */
  readonly rss: number
  readonly stats: CaptureStats
}

/** A question of the test's, to the process with that pid. */
export interface Ask {
  readonly number: number
  readonly pid: number
  readonly what: 'report' | 'flush' | 'memory'
}

export interface Answer {
  readonly answers: number
  readonly value: unknown
}

/** What a process tells without being asked: where it listens, and how it stood at its end. */
export type Told = { readonly port: number; readonly pid: number } | { readonly last: Report }
