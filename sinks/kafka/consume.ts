import { messageOf } from '../../src/errors/errors.ts'
import { type Logger, stderrLogger } from '../../src/logger.ts'
import type { Column } from '../../src/schema/column.ts'
import { columnsOf } from '../../src/schema/columns.ts'
import type { Sink } from '../../src/sink.ts'
import { consumeTopic, type ConsumeTopicOptions, type TopicConsumer, type TopicStats } from './consume-topic.ts'
import { actualsTopic, readOptions } from './options.ts'
import { topicExists } from './topic.ts'

export interface ConsumeOptions extends Omit<ConsumeTopicOptions, 'kind' | 'onProgress'> {
  /** What the sink of actuals is opened with. Default: those of no schema. */
  readonly actualColumns?: readonly Column[] | undefined
  /** The table of actuals in SQL databases. Default: the predictions' table and `_actuals`. */
  readonly actualsTable?: string | undefined
  /** Called after each batch, of either topic. */
  readonly onProgress?: ((stats: ConsumeStats) => void) | undefined
}

/** What became of the predictions' records; and of the actuals' where there is a topic of them. */
export interface ConsumeStats extends TopicStats {
  readonly actuals?: TopicStats | undefined
}

/** A member of a consumer group that moves records from a topic to a sink. */
export interface Consumer {
  stats(): ConsumeStats
  /** As of one topic; see `TopicConsumer.close`. */
  close(options?: { timeoutMs?: number }): Promise<void>
}

/** How often a topic of actuals is looked for that is not there yet, in milliseconds. */
const LOOK_MS = 10_000

/** Consumes the topic of actuals as soon as there is one. */
const consumeLater = (options: ConsumeTopicOptions, logger: Logger) => {
  const connection = readOptions(typeof options.from === 'string' ? { url: options.from } : options.from)
  let consumer: TopicConsumer | undefined
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  const look = async (): Promise<void> => {
    try {
      if ((await topicExists(connection)) && !isClosed) consumer = consumeTopic(options)
    } catch (error) {
      // A cluster that is away is told of by the predictions' consumer; what else it may be is told here.
      logger.info(`topic ${connection.topic} could not be looked for: ${messageOf(error)}`)
    }
    if (consumer === undefined && !isClosed) timer = setTimeout(() => void look(), LOOK_MS).unref()
  }
  const looking = look()
  return {
    stats: (): TopicStats | undefined => consumer?.stats(),
    async close(close?: { timeoutMs?: number }): Promise<void> {
      isClosed = true
      clearTimeout(timer)
      await looking
      await (consumer === undefined ? options.to.close?.() : consumer.close(close))
    },
  }
}

const actualsOf = ({ to, actualsTable, columns }: ConsumeOptions): Sink | undefined =>
  typeof to.actuals === 'function'
    ? to.actuals({ table: actualsTable, predictionColumns: columns ?? columnsOf(undefined) })
    : undefined

/**
 * Moves records from a Kafka topic to any sink, as one member of a consumer group: run it as often as needed, in as many
 * processes as the topic has partitions. A new group starts at the earliest record.
 *
 * Offsets are committed after the write only, and sinks write by id: every record is there once, whatever happens in
 * between. A sink or a broker that is away is waited for, within the group and with a bounded read-ahead; what the sink refuses for
 * good, and messages that are no records, go to the dead letters' topic.
 *
 * Actuals, in the topic `<topic>-actuals`, are moved as well as soon as there is that topic, where the sink takes any (all that this
 * package has do); by the group `<group>-actuals`.
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: the options are wrong, or Node.js is older than the client needs
 * @throws PredictionsError `PREDICTIONS_MISSING_PACKAGE`: `npm install @platformatic/kafka`
 *
 * @example
 * const consumer = consume({
 *   from: 'kafka://localhost:9092/predictions',
 *   to: postgres({ url: 'postgres://localhost/predictions' }),
 * })
 * process.once('SIGTERM', () => consumer.close())
 */
export const consume = (options: ConsumeOptions): Consumer => {
  const { from, group = 'capture-predictions', logger = stderrLogger, actualColumns, onProgress } = options
  const connection = typeof from === 'string' ? { url: from } : from
  const { topic } = readOptions(connection)
  const to = actualsOf(options)
  const stats = (): ConsumeStats => ({ ...predictions.stats(), ...(actuals?.stats() && { actuals: actuals.stats() }) })
  const tell = (): void => onProgress?.(stats())
  const predictions = consumeTopic({ ...options, ...(onProgress && { onProgress: tell }) })
  const actuals =
    to &&
    consumeLater(
      {
        ...options,
        from: actualsTopic(connection, topic),
        to,
        kind: 'actual',
        columns: actualColumns,
        group: `${group}-actuals`,
        deadLetterTopic: options.deadLetterTopic && `${options.deadLetterTopic}-actuals`,
        ...(onProgress && { onProgress: tell }),
      },
      logger,
    )
  return {
    stats,
    async close(close) {
      await Promise.all([predictions.close(close), actuals?.close(close)])
    },
  }
}

export type { TopicStats }
