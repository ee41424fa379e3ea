import { says, type DeliveryLog } from './delivery-log.ts'
import { createPause } from './waits.ts'

const FIRST_BACKOFF_MS = 100
/** The README promises it: delivery tries again within this time at the latest. */
const LONGEST_BACKOFF_MS = 5000

/**
 * How long to wait after the nth failure in a row (from 1): exponential with full jitter, so that many processes do not
 * come back at once. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export const backoffMs = (failures: number, random: () => number = Math.random): number =>
  random() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1))

export interface OutageOptions {
  /** What is away, for the log: `sink postgres`. */
  readonly subject: string
  readonly log: DeliveryLog
  /** How many records wait. */
  readonly queued: () => number
  /** Told of each failure. */
  readonly failed: (message: string) => void
}

/** Failures in a row of one system, from the first to the answer that ends them. There is no limit to their number. */
export const createOutage = ({ subject, log, queued, failed }: OutageOptions) => {
  const pause = createPause()
  let failures = 0
  return {
    /** Counts and logs a failure. `what` was tried is one of a few fixed words: the log's kind. */
    report(what: string, error: unknown): void {
      failures++
      const message = says(error)
      failed(message)
      log.warn(`${subject} ${what}`, `${subject} (${what}): ${message}. ${queued()} records wait for the next try`)
    },
    /** Waits before the next try. */
    wait: (): Promise<void> => pause.wait(backoffMs(failures)),
    cutWait: pause.cut,
    /** It has answered. */
    over(): void {
      if (failures === 0) return
      failures = 0
      log.info(subject, `${subject} is back, ${queued()} records waiting`)
    },
  }
}

export type Outage = ReturnType<typeof createOutage>
