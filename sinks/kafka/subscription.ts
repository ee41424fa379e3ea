import type { DeliveryLog } from '../../src/delivery/delivery-log.ts'
import { createOutage } from '../../src/delivery/outage.ts'
import { unavailable } from './errors.ts'
import { type IncomingMessage, openTopicSession, type TopicSession, type SessionOptions } from './session.ts'

export interface SubscriptionOptions extends Omit<SessionOptions, 'onMessage'> {
  /** Messages read ahead of the sink: no more are fetched beyond either. */
  readonly aheadRecords: number
  readonly aheadBytes: number
  readonly log: DeliveryLog
  readonly failed: (message: string) => void
}

/** Messages taken together. */
export interface Fetched {
  readonly messages: readonly IncomingMessage[]
  /** Call when all of them are written or dead letters. */
  readonly commit: () => void
}

const byteSize = ({ value }: IncomingMessage): number => value?.length ?? 0

/**
 * Messages of a topic, read ahead up to a limit, through one session after another: a session that fails is replaced, after a
 * wait of at most 5 s, by one that begins at what was committed.
 */
export const createSubscription = (options: SubscriptionOptions) => {
  const { connection, aheadRecords, aheadBytes, log, failed } = options
  let ahead: IncomingMessage[] = []
  let bytes = 0
  let session: TopicSession | undefined
  /** How many there have been. */
  let sessions = 0
  let paused = false
  let stopped = false
  let wake = () => {}
  const outage = createOutage({ subject: `topic ${connection.topic}`, log, queued: () => ahead.length, failed })

  const isFull = () => ahead.length >= aheadRecords || bytes >= aheadBytes
  const clear = () => {
    ahead = []
    bytes = 0
    paused = false
  }

  const onMessage = (message: IncomingMessage): void => {
    if (stopped) return
    ahead.push(message)
    bytes += byteSize(message)
    if (!paused && isFull()) {
      paused = true
      session?.pause()
    }
    wake()
  }

  /** Half empty before more is fetched: a fetch brings many. */
  const resume = (): void => {
    if (!paused || stopped || ahead.length > aheadRecords / 2 || bytes > aheadBytes / 2) return
    paused = false
    session?.resume()
  }

  const one = async (): Promise<void> => {
    // What a failed session read ahead is read again: it is not committed.
    clear()
    const number = ++sessions
    // One that failed may give more while it closes: what is committed by its successor would not have been written.
    session = await openTopicSession({
      ...options,
      onMessage: (message) => number === sessions && onMessage(message),
    })
    if (stopped) return session.close()
    if (paused) session.pause()
    outage.over()
    await session.failed
  }

  const run = async (): Promise<void> => {
    while (!stopped) {
      try {
        await one()
      } catch (error) {
        if (stopped) return
        outage.report('read', unavailable(error, connection))
        const old = session
        session = undefined
        await old?.close()
        await outage.wait()
      }
    }
  }

  const cut = (records: number, size: number): IncomingMessage[] => {
    let end = 0
    let taken = 0
    while (end < ahead.length && end < records && (end === 0 || taken + byteSize(ahead[end]!) <= size))
      taken += byteSize(ahead[end++]!)
    bytes -= taken
    return ahead.splice(0, end)
  }

  const stop = (): void => {
    stopped = true
    session?.pause()
    outage.cutWait()
    wake()
  }

  let running: Promise<void> | undefined
  return {
    start(): void {
      running ??= run()
    },

    /** The next messages, up to the limits, as soon as there are any; undefined: stopped, and none are left. */
    async take(records: number, size: number): Promise<Fetched | undefined> {
      while (ahead.length === 0) {
        if (stopped) return undefined
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const from = session
      const messages = cut(records, size)
      resume()
      // A session that has failed since begins anew behind these: its successor must not be told.
      return { messages, commit: () => from === session && from?.commit(messages) }
    },

    /** Messages read ahead. */
    ahead: (): number => ahead.length,
    lag: (): number | undefined => session?.lag(),
    partitions: (): number[] => session?.partitions() ?? [],

    /** Reads no more. What was read ahead can still be taken. */
    stop,

    /** Drops what was read ahead, commits, and leaves the group. */
    async close(): Promise<void> {
      stop()
      clear()
      const last = session
      session = undefined
      await last?.close()
      await running
    },
  }
}

export type Subscription = ReturnType<typeof createSubscription>
