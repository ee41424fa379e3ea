import type { CommitOptionsPartition, Consumer, ConsumerOptions, Message as ClientMessage } from '@platformatic/kafka'
import { says, type DeliveryLog } from '../../src/delivery/delivery-log.ts'
import { endsWithin } from '../../src/delivery/waits.ts'
import { clientOptions, loadClient } from './client.ts'
import { watchLag } from './lag.ts'
import type { KafkaConnection } from './options.ts'

/** A message as it came, its offset still to be committed. */
export type IncomingMessage = ClientMessage<Buffer, Buffer, Buffer, Buffer>

export interface SessionOptions {
  readonly connection: KafkaConnection
  readonly group: string
  /** A member that gives no sign for so long is taken for dead, and its partitions go to the others. */
  readonly sessionTimeoutMs: number
  /** How long a broker may wait for `FETCH_MIN_BYTES` to come together. */
  readonly fetchWaitMs: number
  readonly log: DeliveryLog
  /** Called for each message, in order within its partition, once a session. */
  readonly onMessage: (message: IncomingMessage) => void
}

const FETCH_MIN_BYTES = 256 * 1024
const FETCH_MAX_BYTES = 4 * 1024 * 1024
const CLOSE_MS = 5000

type Client = Consumer<Buffer, Buffer, Buffer, Buffer>

const consumerOptions = ({
  connection,
  group,
  sessionTimeoutMs,
  fetchWaitMs,
}: SessionOptions): ConsumerOptions<Buffer, Buffer, Buffer, Buffer> => ({
  ...clientOptions(connection),
  groupId: group,
  sessionTimeout: sessionTimeoutMs,
  rebalanceTimeout: 3 * sessionTimeoutMs,
  heartbeatInterval: Math.min(3000, sessionTimeoutMs / 5),
  // Longer without an answer, and the group has gone on without us.
  heartbeatStallTimeout: 2 * sessionTimeoutMs,
  minBytes: FETCH_MIN_BYTES,
  maxBytes: FETCH_MAX_BYTES,
  maxBytesPerPartition: FETCH_MAX_BYTES / 4,
  maxWaitTime: fetchWaitMs,
  autocommit: false,
})

/**
 * Offsets on their way to the group's coordinator, one request at a time. A commit that failed is not lost: it is part of
 * the next one, and until then the group would only read again what is written already.
 */
const createCommits = (consumer: Client, log: DeliveryLog) => {
  const pending = new Map<number, CommitOptionsPartition>()
  let running: Promise<void> | undefined

  const add = (offset: CommitOptionsPartition): void => {
    const known = pending.get(offset.partition)
    if (!known || known.offset < offset.offset) pending.set(offset.partition, offset)
  }

  const run = async (): Promise<void> => {
    while (pending.size > 0) {
      const offsets = [...pending.values()]
      pending.clear()
      try {
        await consumer.commit({ offsets })
      } catch (error) {
        offsets.forEach(add)
        log.warn('commit', `offsets can't be committed now: ${says(error)}`)
        return
      }
    }
  }

  const flush = (): Promise<void> =>
    (running ??= run().finally(() => {
      running = undefined
    }))

  return {
    add,
    flush,
    /** Forgets partitions that others read now. */
    keep(assigned: ReadonlySet<number>): void {
      for (const partition of pending.keys()) if (!assigned.has(partition)) pending.delete(partition)
    },
  }
}

/**
 * One membership in a consumer group, from joining to a failure or the end. It begins at the committed offsets (a new group
 * at the earliest record).
 *
 * What makes it lossless: whatever was read is handed on and never dropped within the session, also when its partition has
 * gone to another member meanwhile; so an offset is only ever committed when everything before it was written by somebody.
 * After a failure a new session begins from what was committed.
 */
export const openTopicSession = async (options: SessionOptions) => {
  const { connection, onMessage, log } = options
  const { topic } = connection
  const { Consumer } = await loadClient()
  const consumer: Client = new Consumer(consumerOptions(options))
  const commits = createCommits(consumer, log)
  /** By partition: the first message's offset, the one after the last message handed on, and after the last one written. */
  const first = new Map<number, bigint>()
  const next = new Map<number, bigint>()
  const done = new Map<number, CommitOptionsPartition>()
  let lag: number | undefined
  let assigned: ReadonlySet<number> = new Set()

  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  // It may fail before anybody listens, or after everybody has gone.
  failed.catch(() => undefined)

  const assign = () => {
    const ours = consumer.assignments?.find((assignment) => assignment.topic === topic)
    assigned = new Set(ours?.partitions)
    commits.keep(assigned)
  }
  const receive = (message: IncomingMessage): void => {
    const { partition, offset } = message
    if (offset < (next.get(partition) ?? 0n)) {
      // After a rebalance the client reads again from what was committed; we have these, and the group should know.
      const written = done.get(partition)
      if (written && written.offset > offset) commits.add(written)
      return
    }
    if (!first.has(partition)) first.set(partition, offset)
    next.set(partition, offset + 1n)
    onMessage(message)
  }

  const close = async (): Promise<void> => {
    if (!(await endsWithin(consumer.close(true), CLOSE_MS)))
      log.warn('leave', `the consumer group could not be left in time`)
  }

  // The client's own names of events. A listener for `error` also keeps a failed rejoin from ending the process.
  ;(consumer as unknown as NodeJS.EventEmitter).on('error', fail)
  consumer.on('consumer:heartbeat:stalled', ({ lastError }) =>
    fail(lastError ?? new Error('no heartbeat was answered')),
  )
  consumer.on('consumer:group:join', assign)

  try {
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
    stream.on('error', fail)
    stream.on('close', () => fail(new Error('the stream of messages has ended')))
    stream.on('data', receive)
    const stopLag = watchLag(consumer, {
      topic,
      assigned: () => [...assigned],
      first: (partition) => first.get(partition),
      told: (now) => {
        lag = now
      },
    })
    return {
      /** Rejects when the session has failed. */
      failed,
      pause: () => void stream.pause(),
      resume: () => void stream.resume(),
      /** Messages are written: the group may go on behind them. Does not wait for the coordinator. */
      commit(messages: readonly IncomingMessage[]): void {
        const last = new Map(messages.map((message) => [message.partition, message]))
        for (const { partition, offset, leaderEpoch } of last.values()) {
          const written = { topic, partition, offset: offset + 1n, leaderEpoch }
          done.set(partition, written)
          commits.add(written)
        }
        void commits.flush()
      },
      /** Messages behind the committed offsets of our partitions; undefined: not known now. */
      lag: () => lag,
      /** The partitions that are ours. */
      partitions: (): number[] => [...assigned].sort((a, b) => a - b),
      /** Commits what is written, and leaves the group. */
      async close(): Promise<void> {
        stopLag()
        await endsWithin(commits.flush(), CLOSE_MS)
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

export type TopicSession = Awaited<ReturnType<typeof openTopicSession>>
