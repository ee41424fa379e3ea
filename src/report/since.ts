import type { Answers, Bucket } from './answers.ts'
import { changedSince, type Level } from './statistics/change.ts'
import { whenOf } from './when.ts'

/** Since when something is otherwise than it was in the reference. */
export interface Since {
  readonly at: Date
  /** `since 11 Mar 2026`; `since 8 Mar 2026 or before` where nothing is known of the days before. */
  readonly words: string
}

/**
 * Asks the window's buckets. Undefined: they don't tell.
 * @param before in the reference
 * @param levelOf in a bucket; undefined: it has no rows to say
 * @param variance of the rows' values
 */
export type AskSince = (
  before: Level,
  levelOf: (bucket: Bucket) => Level | undefined,
  variance: number,
) => Since | undefined

export const askSince = ({ plan, current, reference }: Answers): AskSince => {
  const when = whenOf({ time_zone: plan.timeZone, bucket: plan.bucket })
  const begins = current.since.getTime()
  const isAdjacent = plan.reference !== undefined && reference?.until.getTime() === begins
  return (before, levelOf, variance) => {
    const steps = current.buckets.flatMap((bucket) => {
      const level = levelOf(bucket)
      return level ? [{ since: bucket.since, ...level }] : []
    })
    const at = changedSince(before, steps, variance)
    if (!at) return undefined
    const orBefore = at.getTime() === begins && !isAdjacent ? ' or before' : ''
    return { at, words: `since ${when.moment(at.toISOString())}${orBefore}` }
  }
}

/** Of a share: its level is p, its rows are 0 and 1. */
export const varianceOfShare = (share: number): number => share * (1 - share)
