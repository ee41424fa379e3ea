import { elasticsearch } from '../sinks/elasticsearch.ts'
import { kafka } from '../sinks/kafka.ts'
import { mysql } from '../sinks/mysql.ts'
import { postgres } from '../sinks/postgres.ts'
import { sqlite } from '../sinks/sqlite.ts'
import type { ElasticsearchSettings, KafkaSettings, Settings } from './config/options.ts'
import { PredictionsError } from './errors/errors.ts'
import type { Sink, SinkContext } from './sink.ts'

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
