import { once } from 'node:events'
import { consume as startConsumer, type ConsumeStats } from '../../sinks/kafka/consume.ts'
import { resolveSettings } from '../config/settings.ts'
import type { Settings } from '../config/options.ts'
import { actualColumnsOf, columnsOf } from '../schema/columns.ts'
import { sinkOf } from '../sinks.ts'
import { captureOptions, count, settingOptions, UsageError, type Command, type ArgumentValues } from './command.ts'

const isKafka = (sink: unknown): sink is string => typeof sink === 'string' && /^kafkas?:/.test(sink)

/** From and to by their flags, else from PREDICTIONS_SINK: its Kafka URL, and the other one. */
const sourceAndTarget = ({ from, to }: ArgumentValues, { sinks }: Settings) => {
  const source = from ?? sinks.find(isKafka)
  const target = to ?? sinks.find((sink) => sink !== source && !isKafka(sink))
  if (!isKafka(source)) throw new UsageError('say --from kafka://host:9092/topic, or name it in PREDICTIONS_SINK')
  if (typeof target !== 'string')
    throw new UsageError('say --to URL, or name it in PREDICTIONS_SINK beside the Kafka URL')
  return { source, target }
}

const line = ({ written, rate, lag, deadLettered, partitions, actuals }: ConsumeStats): string =>
  `${count(written)} written, ${count(Math.round(rate))}/s, lag ${lag === undefined ? '?' : count(lag)}, ${count(deadLettered)} dead letters, ${partitions} partitions${actuals === undefined ? '' : `; actuals: ${count(actuals.written)} written`}`

/** Elsewhere than on a terminal: one JSON line so often, in milliseconds. */
const REPORT_INTERVAL = 10_000

export const consume: Command = {
  summary: 'moves records from a Kafka topic to another sink; several processes share the work',
  usage: 'consume --from kafka://host:9092/topic --to URL [--group NAME]',
  help: `
Runs as one member of a Kafka consumer group; a new group starts at the earliest record. Offsets are committed after the write, and ids are
keys in the sink, so nothing is lost and nothing is stored twice. Actuals, in <topic>-actuals, are moved as well. What the sink refuses goes
to the topic <topic>.dead-letters. On SIGTERM it writes what it has read, commits and ends.

  --from URL        where records come from: kafka:// or kafkas://. Default: the Kafka URL in PREDICTIONS_SINK
  --to URL          the sink to write to. Default: the other URL in PREDICTIONS_SINK
  --group NAME      consumer group. Default: capture-predictions
  --table NAME      instead of PREDICTIONS_TABLE
  --schema FILE     instead of PREDICTIONS_SCHEMA`,
  options: { ...settingOptions, from: { type: 'string' }, to: { type: 'string' }, group: { type: 'string' } },
  async run({ values, terminal }) {
    const options = captureOptions(values)
    const { source, target } = sourceAndTarget(values, resolveSettings(options))
    // Both ends are checked like sinks, wherever they were said.
    const settings = resolveSettings({ ...options, sink: [source, target] })
    let reported = Date.now()
    const report = (stats: ConsumeStats) => {
      terminal.progress(line(stats))
      if (terminal.isTerminal || Date.now() - reported < REPORT_INTERVAL) return
      reported = Date.now()
      terminal.out(JSON.stringify({ time: new Date(reported).toISOString(), ...stats }))
    }
    const consumer = startConsumer({
      from: { url: source, ...settings.kafka },
      to: sinkOf(target, settings),
      columns: columnsOf(settings.schema),
      actualColumns: actualColumnsOf(settings.schema),
      actualsTable: settings.actualsTable,
      group: values['group'] as string | undefined,
      batchSize: settings.batchSize,
      flushIntervalMs: settings.flushIntervalMs,
      logger: settings.logger,
      onProgress: report,
    })
    const stop = new AbortController()
    terminal.onStop(() => stop.abort())
    await once(stop.signal, 'abort')
    await consumer.close()
    terminal.progress('')
    terminal.out(
      terminal.isTerminal
        ? line(consumer.stats())
        : JSON.stringify({ time: new Date().toISOString(), ...consumer.stats() }),
    )
    return 0
  },
}
