import type { CaptureStats } from 'capture-predictions'
import type { StoredRow } from './tables.ts'

/** Of predictions, or of actuals. */
export interface Verdict {
  readonly answered: number
  readonly rows: number
  /** Answered ids without a row. */
  readonly lost: number
  /** Requests, or reports, with more than one row. */
  readonly double: number
  /** Answered ids whose row is another request's. */
  readonly strange: number
}

/** Nothing is wrong. */
export const SOUND = { lost: 0, double: 0, strange: 0 }

/** Compares what clients were answered with what is stored. */
export const judge = (answered: ReadonlyMap<string, number>, rows: readonly StoredRow[]): Verdict => {
  const stored = new Map(rows.map(({ id, n }) => [id, n]))
  const ids = [...answered]
  return {
    answered: answered.size,
    rows: rows.length,
    lost: ids.filter(([id]) => !stored.has(id)).length,
    double: rows.length - new Set(rows.map(({ n }) => n)).size,
    strange: ids.filter(([id, n]) => stored.has(id) && stored.get(id) !== n).length,
  }
}

/** What does not add up in a capture's counts (promise 4); empty: all does. */
export const unbalanced = ({ requests, sinks }: CaptureStats): string[] => {
  const wrong: string[] = []
  if (requests.seen !== requests.captured + requests.sampledOut + requests.skipped) wrong.push(JSON.stringify(requests))
  for (const [name, sink] of Object.entries(sinks)) {
    const { captured, carriedOver, written, queued, deadLettered, discarded, dropped } = sink
    if (captured + carriedOver !== written + queued + deadLettered + discarded + dropped)
      wrong.push(`${name}: ${JSON.stringify(sink)}`)
    // Each of these requests is one record; who reports actuals, and how often again, is not counted.
    if (!name.endsWith('_actuals') && captured !== requests.captured)
      wrong.push(`${name}: ${captured} records of ${requests.captured} requests`)
  }
  return wrong
}
