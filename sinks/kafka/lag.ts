import type { Consumer } from '@platformatic/kafka'
import { afterMs } from '../../src/steps/real-timers.ts'

const INTERVAL_MS = 1000

export interface LagOptions {
  readonly topic: string
  /** The partitions that are ours now. */
  readonly assigned: () => number[]
  /** Where reading began in a partition of which the group has committed nothing yet. */
  readonly first: (partition: number) => bigint | undefined
  /** Told each second; undefined: not to be had now. */
  readonly told: (lag: number | undefined) => void
}

type Client = Pick<Consumer<Buffer, Buffer, Buffer, Buffer>, 'listOffsets' | 'listCommittedOffsets'>

/** Messages behind what the group has committed, in the partitions assigned. The client's own figure counts from what was read. */
const readLag = async (consumer: Client, { topic, assigned, first }: LagOptions): Promise<number> => {
  const partitions = assigned()
  if (partitions.length === 0) return 0
  const [latest, committed] = await Promise.all([
    consumer.listOffsets({ topics: [topic], partitions: { [topic]: partitions } }),
    consumer.listCommittedOffsets({ topics: [{ topic, partitions }] }),
  ])
  const behind = (partition: number): bigint => {
    const end = latest.get(topic)?.[partition] ?? 0n
    const done = committed.get(topic)?.[partition] ?? -1n
    return end - (done >= 0n ? done : (first(partition) ?? end))
  }
  return Number(partitions.map(behind).reduce((sum, part) => sum + part, 0n))
}

/** Asks for the lag again and again, until the returned function is called. */
export const watchLag = (consumer: Client, options: LagOptions): (() => void) => {
  let cancel = (): void => {}
  let stopped = false
  const ask = async () => {
    const lag = await readLag(consumer, options).catch(() => undefined)
    if (stopped) return
    options.told(lag)
    plan()
  }
  const plan = () => {
    cancel = afterMs(INTERVAL_MS, () => void ask())
  }
  plan()
  return () => {
    stopped = true
    cancel()
  }
}
