import { elasticsearch } from '../sinks/elasticsearch.ts'
import { kafka } from '../sinks/kafka.ts'
import { mysql } from '../sinks/mysql.ts'
import { postgres } from '../sinks/postgres.ts'
import { sqlite } from '../sinks/sqlite.ts'
import type { ElasticsearchSettings, KafkaSettings, Settings } from './config/options.ts'
import { PredictionsError } from './errors/errors.ts'
import type { RecordKind } from './records/stored.ts'
import type { Column } from './schema/column.ts'
import { actualColumnsOf, columnsOf } from './schema/columns.ts'
import type { ActualsOptions, Sink, SinkContext } from './sink.ts'

/**
 * The one place where the core meets what we ship: a sink by its URL's scheme. No driver is loaded here: a sink looks for its
 * package when it is made, and loads it when it is opened.
 */

/** What sinks are told beside their URL. */
export interface SinkSettings extends SinkContext {
  readonly elasticsearch: ElasticsearchSettings
  readonly kafka: KafkaSettings
}

type MakeSink = (url: string, settings: SinkSettings) => Sink

const makePostgres: MakeSink = (url, { table, migrate }) => postgres({ url, table, migrate })
const makeMysql: MakeSink = (url, { table, migrate }) => mysql({ url, table, migrate })
const makeSqlite: MakeSink = (url, { table, migrate }) => sqlite({ url, table, migrate })
const makeElasticsearch: MakeSink = (url, { table, migrate, elasticsearch: options }) =>
  elasticsearch({ url, table, migrate, ...options })
const makeKafka: MakeSink = (url, { migrate, kafka: options }) => kafka({ url, migrate, ...options })

const byScheme: Readonly<Record<string, MakeSink | undefined>> = {
  postgres: makePostgres,
  postgresql: makePostgres,
  mysql: makeMysql,
  mariadb: makeMysql,
  sqlite: makeSqlite,
  elasticsearch: makeElasticsearch,
  'elasticsearch+https': makeElasticsearch,
  kafka: makeKafka,
  kafkas: makeKafka,
}

/**
 * The sink of a URL.
 * @throws `PREDICTIONS_MISSING_PACKAGE` where its driver is not installed
 */
export const sinkOf = (sink: string | Sink, settings: SinkSettings): Sink => {
  if (typeof sink !== 'string') return sink
  const make = byScheme[sink.slice(0, sink.indexOf(':'))]
  if (make === undefined) throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', 'a sink has an unknown scheme')
  return make(sink, settings)
}

/**
 * The configured sinks, each with a name of its own.
 * @throws `PREDICTIONS_MISSING_PACKAGE`; `PREDICTIONS_BAD_CONFIGURATION` where two are the same
 */
export const openSinks = (settings: Settings): readonly Sink[] => {
  const sinks = settings.sinks.map((sink) => sinkOf(sink, settings))
  const twice = sinks.find(({ name }, index) => sinks.findIndex((sink) => sink.name === name) !== index)
  if (twice !== undefined)
    throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', `PREDICTIONS_SINK names ${twice.name} twice`)
  return sinks
}

/** Lets go of a sink that two deliveries share when the second of them does. */
const closedBySecond = (sink: Sink): (() => Promise<void>) => {
  let closes = 0
  return async () => {
    if (++closes === 2) await sink.close?.()
  }
}

/** The sink of a kind, of one that takes both. */
const ofKind = (sink: Sink, kind: RecordKind, close: () => Promise<void>): Sink => ({
  name: kind === 'actual' ? `${sink.name}_actuals` : sink.name,
  ...(sink.batches === undefined ? {} : { batches: sink.batches }),
  open: async (columns, _, signal) => sink.open?.(columns, kind, signal),
  write: (records, signal) => sink.write(records, signal, kind),
  close,
  ...(sink.plan && { plan: (columns: readonly Column[]) => sink.plan!(columns, kind) }),
})

/** A sink of predictions, and of the actuals beside them where it takes any. */
export interface SinkPair {
  readonly predictions: Sink
  readonly actuals: Sink | undefined
}

/** A sink with the columns of what goes there. */
export interface SinkWithColumns {
  readonly sink: Sink
  readonly kind: RecordKind
  readonly columns: readonly Column[]
}

/**
 * The configured sinks, each with the one of its actuals.
 * @throws as `openSinks`
 */
export const openSinkPairs = (settings: Settings): readonly SinkPair[] => {
  const options: ActualsOptions = { table: settings.actualsTable, predictionColumns: columnsOf(settings.schema) }
  return openSinks(settings).map((sink) => {
    if (sink.actuals === undefined) return { predictions: sink, actuals: undefined }
    if (sink.actuals !== true) return { predictions: sink, actuals: sink.actuals(options) }
    const close = closedBySecond(sink)
    return { predictions: ofKind(sink, 'prediction', close), actuals: ofKind(sink, 'actual', close) }
  })
}

/**
 * All sinks that the configuration makes, of predictions and of actuals: for commands.
 * @throws as `openSinks`
 */
export const openAllSinks = (settings: Settings): readonly SinkWithColumns[] => {
  const columns = columnsOf(settings.schema)
  const actualColumns = actualColumnsOf(settings.schema)
  return openSinkPairs(settings).flatMap(({ predictions, actuals }): SinkWithColumns[] => [
    { sink: predictions, kind: 'prediction', columns },
    ...(actuals ? [{ sink: actuals, kind: 'actual', columns: actualColumns } as const] : []),
  ])
}
