import { createDeliveryLog, oneLine, says } from '../../src/delivery/delivery-log.ts'
import { createOutage } from '../../src/delivery/outage.ts'
import { createBatchLimit } from '../../src/delivery/batch-limit.ts'
import { endsWithin } from '../../src/delivery/waits.ts'
import { holdProcess } from '../../src/steps/real-timers.ts'
import { settleBatch } from '../../src/delivery/settle.ts'
import { createSinkWriter } from '../../src/delivery/sink-writer.ts'
import { type Logger, stderrLogger } from '../../src/logger.ts'
import type { RecordKind, StoredRecord } from '../../src/records/stored.ts'
import type { Column } from '../../src/schema/column.ts'
import { actualColumnsOf, columnsOf } from '../../src/schema/columns.ts'
import type { Sink } from '../../src/sink.ts'
import { checkClient } from './client.ts'
import { createDeadLetters, type KafkaDeadLetter } from './dead-letters.ts'
import { readRecord } from './incoming.ts'
import { type KafkaConnectionOptions, readOptions } from './options.ts'
import { createRate } from './rate.ts'
import type { IncomingMessage } from './session.ts'
import { type Fetched, createSubscription } from './subscription.ts'

export interface ConsumeTopicOptions {
  /** The topic: `kafka://host:9092/topic`, or the same in options. */
  readonly from: string | KafkaConnectionOptions
  /** Where records go. It is closed with the consumer. */
  readonly to: Sink
  /** What the topic's messages are. Default: `prediction`. */
  readonly kind?: RecordKind | undefined
  /** What the sink is opened with. Default: the columns of no schema. */
  readonly columns?: readonly Column[] | undefined
  /** The consumer group: its members share the partitions. Default: `capture-predictions`. */
  readonly group?: string | undefined
  /** Where messages go that the sink refuses, or that are no records. Default: `<topic>.dead-letters`. */
  readonly deadLetterTopic?: string | undefined
  /** Records of a write at most. Default: 1000. */
  readonly batchSize?: number | undefined
  /** Bytes of a write's records at most. Default: 4 MiB. */
  readonly batchBytes?: number | undefined
  /** How long records may wait on the broker for more to come, in milliseconds. Default: 500. */
  readonly flushIntervalMs?: number | undefined
  /** After so long without a sign, in milliseconds, a member is taken for dead and its partitions go to the others. Default: 10,000. */
  readonly sessionTimeoutMs?: number | undefined
  /** A write that takes longer, in milliseconds, is aborted and tried again. Default: 30,000. */
  readonly writeTimeoutMs?: number | undefined
  /** Default: warnings and errors on stderr. */
  readonly logger?: Logger | undefined
  /** Called after each batch. */
  readonly onProgress?: ((stats: TopicStats) => void) | undefined
}

/** In records of this member: read = written + duplicates + deadLettered + what is being written now. */
export interface TopicStats {
  /** Messages taken from the topic. */
  readonly read: number
  /** Records that the sink has, whether it had them before or not. */
  readonly written: number
  /** Records whose id came twice in a batch. */
  readonly duplicates: number
  readonly deadLettered: number
  readonly batches: number
  /** Writes and openings that failed and were tried again. */
  readonly retries: number
  /** Messages read ahead of the sink. */
  readonly ahead: number
  /** Messages of our partitions that are not committed yet, as of a second ago; undefined: not known now. */
  readonly lag: number | undefined
  /** Records written a second, over the last ten seconds. */
  readonly rate: number
  /** The partitions that this member reads. */
  readonly partitions: readonly number[]
  /** What the last failure said, without secrets. */
  readonly lastError: string | null
}

/** A member of a consumer group that moves records from a topic to a sink. */
export interface TopicConsumer {
  stats(): TopicStats
  /**
   * Reads no more, writes what was read, commits and leaves the group, within `timeoutMs` (default: 10,000). A sink that is
   * away is not waited for: what is not committed is read again by the next member.
   */
  close(options?: { timeoutMs?: number }): Promise<void>
}

const MEBIBYTE = 1024 * 1024
const OPEN_TIMEOUT_MS = 30_000
const ABORT_GRACE_MS = 5000
/** The end of a close's time, kept for leaving the group and closing the sink. */
const SPARE_MS = 2000

/** What a batch of messages holds. */
interface Reading {
  readonly records: readonly StoredRecord[]
  readonly messageOf: ReadonlyMap<StoredRecord, IncomingMessage>
  readonly bad: readonly KafkaDeadLetter[]
  readonly duplicates: number
}

/** Reads messages as records, each id once: what comes again is equal, for ids are made once. */
const readBatch = (messages: readonly IncomingMessage[], kind: RecordKind): Reading => {
  const byId = new Map<string, StoredRecord>()
  const messageOf = new Map<StoredRecord, IncomingMessage>()
  const bad: KafkaDeadLetter[] = []
  for (const message of messages) {
    const record = readRecord(message.value, kind)
    if ('reason' in record) bad.push({ message, error: record.reason })
    else if (!byId.has(record.id)) {
      byId.set(record.id, record)
      messageOf.set(record, message)
    }
  }
  const records = [...byId.values()]
  return { records, messageOf, bad, duplicates: messages.length - bad.length - records.length }
}

/** Moves the records of one topic, as one member of a consumer group. */
export const consumeTopic = (options: ConsumeTopicOptions): TopicConsumer => {
  checkClient()
  const { from, to, group = 'capture-predictions', onProgress } = options
  const { batchSize = 1000, batchBytes = 4 * MEBIBYTE, flushIntervalMs = 500 } = options
  const { sessionTimeoutMs = 10_000, writeTimeoutMs = 30_000 } = options
  const connection = readOptions(typeof from === 'string' ? { url: from } : from)
  const deadLetterTopic = options.deadLetterTopic ?? `${connection.topic}.dead-letters`
  const { kind = 'prediction' } = options
  const columns = options.columns ?? (kind === 'actual' ? actualColumnsOf(undefined) : columnsOf(undefined))
  const log = createDeliveryLog(options.logger ?? stderrLogger)

  let read = 0
  let written = 0
  let duplicates = 0
  let deadLettered = 0
  let batches = 0
  let retries = 0
  let lastError: string | null = null
  let stopping = false
  const rate = createRate()
  const failed = (message: string) => {
    lastError = message
  }

  const subscription = createSubscription({
    connection,
    group,
    sessionTimeoutMs,
    fetchWaitMs: flushIntervalMs,
    aheadRecords: 2 * batchSize,
    aheadBytes: 2 * batchBytes,
    log,
    failed,
  })
  const letters = createDeadLetters({ ...connection, topic: deadLetterTopic })
  const writer = createSinkWriter({
    sink: to,
    columns: () => columns,
    writeTimeoutMs,
    openTimeoutMs: OPEN_TIMEOUT_MS,
    abortGraceMs: ABORT_GRACE_MS,
  })
  const queued = (): number => read - written - duplicates - deadLettered + subscription.ahead()
  const sinkOutage = createOutage({ subject: `sink ${to.name}`, log, queued, failed })
  const lettersOutage = createOutage({ subject: `topic ${deadLetterTopic}`, log, queued, failed })

  /** Waits after a failure; false: the end does not wait for a system that is away. */
  const backOff = async (outage: typeof sinkOutage, what: string, error: unknown): Promise<boolean> => {
    outage.report(what, error)
    if (stopping) return false
    retries++
    await outage.wait()
    return !stopping
  }
  const settling = {
    writer,
    backOff: (what: string, error: unknown) => backOff(sinkOutage, what, error),
    limit: createBatchLimit(Infinity),
    answered: sinkOutage.over,
  }

  /** Keeps dead letters, however long their topic is away; false: the end has come first. */
  const bury = async (dead: readonly KafkaDeadLetter[]): Promise<boolean> => {
    if (dead.length === 0) return true
    for (;;) {
      try {
        await letters.send(dead)
        break
      } catch (error) {
        if (!(await backOff(lettersOutage, 'dead letters', error))) return false
      }
    }
    lettersOutage.over()
    deadLettered += dead.length
    const reason = oneLine(dead.at(-1)!.error)
    log.error(
      'dead letters',
      `${dead.length} messages went to topic ${deadLetterTopic} (${deadLettered} so far): ${reason}`,
    )
    return true
  }

  const tell = (): void => {
    try {
      onProgress?.(stats())
    } catch (error) {
      log.warn('progress', `onProgress: ${says(error)}`)
    }
  }

  /** Brings a batch to its end; false: the end of all has come first, and the batch is not committed. */
  const move = async ({ messages, commit }: Fetched): Promise<boolean> => {
    read += messages.length
    const { records, messageOf, bad, duplicates: twice } = readBatch(messages, kind)
    const refused = await settleBatch(records, settling)
    if (!refused) return false
    const dead = refused.map(({ record, error }) => ({ message: messageOf.get(record)!, error }))
    if (!(await bury([...bad, ...dead]))) return false
    commit()
    batches++
    duplicates += twice
    written += records.length - refused.length
    rate.add(records.length - refused.length)
    tell()
    return true
  }

  const run = async (): Promise<void> => {
    for (;;) {
      const batch = await subscription.take(batchSize, batchBytes)
      if (!batch || !(await move(batch))) return
    }
  }

  const stats = (): TopicStats => ({
    read,
    written,
    duplicates,
    deadLettered,
    batches,
    retries,
    ahead: subscription.ahead(),
    lag: subscription.lag(),
    rate: rate.perSecond(),
    partitions: subscription.partitions(),
    lastError,
  })

  const end = async (timeoutMs: number): Promise<void> => {
    stopping = true
    subscription.stop()
    sinkOutage.cutWait()
    lettersOutage.cutWait()
    if (!(await endsWithin(running, Math.max(timeoutMs / 2, timeoutMs - SPARE_MS)))) {
      writer.stop(new Error('the consumer is closing'))
      await endsWithin(running, SPARE_MS / 2)
    }
    const ends = await Promise.allSettled([subscription.close(), letters.close(), to.close?.()])
    for (const ended of ends) if (ended.status === 'rejected') log.warn('close', `closing: ${says(ended.reason)}`)
    release()
  }

  // Between two sessions there may be no open socket: the consumer alone keeps the process alive.
  const release = holdProcess()
  subscription.start()
  const running = run()
  let closed: Promise<void> | undefined
  return { stats, close: ({ timeoutMs = 10_000 } = {}) => (closed ??= end(timeoutMs)) }
}
