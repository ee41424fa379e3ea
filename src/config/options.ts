import type { Format } from '../formats/format.ts'
import type { Logger } from '../logger.ts'
import type { Always, SampleRates } from '../exchange/sampling.ts'
import type { PredictionSchema } from '../schema/schema.ts'
import type { Sink } from '../sink.ts'

/**
 * What a capture can be told. Each option that is left out comes from its variable, then from its default.
 * A string is read as the variable's text is: `'64 MiB'`, `'POST /predict, POST /v2/*'`.
 */
export interface CaptureOptions {
  /**
   * Where records go: URLs, or sinks of your own; several are independent of each other. `PREDICTIONS_SINK`.
   * @default 'sqlite:./predictions.db'
   */
  sink?: string | Sink | readonly (string | Sink)[] | undefined
  /**
   * Table, or `schema.table`; index prefix where an Elasticsearch URL names none. `PREDICTIONS_TABLE`.
   * @default 'predictions'
   */
  table?: string | undefined
  /**
   * Where actuals go in SQL databases: table, or `schema.table`. `PREDICTIONS_ACTUALS_TABLE`.
   * Default: the predictions' table and `_actuals`.
   */
  actualsTable?: string | undefined
  /** Thresholds of reports, or the path of a JSON file with them. `PREDICTIONS_REPORT_CONFIG`. Default: those of the documentation. */
  reportConfig?: object | string | undefined
  /**
   * Routes to capture: method and full path, `:name` for a segment, `*` for the rest. `PREDICTIONS_ROUTE`.
   * @default 'POST /predict'
   */
  route?: string | readonly string[] | undefined
  /**
   * `true`: captures every request that passes where the middleware stands, on a router for instance, whatever its path and method. `PREDICTIONS_ALWAYS`.
   * @default false
   */
  always?: boolean | undefined
  /** The model's name, stored beside each record. `PREDICTIONS_MODEL`. Default: the name in the nearest package.json. */
  model?: string | undefined
  /**
   * The model's version, stored beside each record. `PREDICTIONS_MODEL_VERSION`.
   * @default ''
   */
  modelVersion?: string | undefined
  /** JSON Schemas of features and outputs, or the path of a JSON file with them: gives typed columns. `PREDICTIONS_SCHEMA`. Default: none. */
  schema?: PredictionSchema | string | undefined
  /**
   * The body's format, by name or one of your own. `PREDICTIONS_FORMAT`.
   * @default 'auto'
   */
  format?: FormatName | Format | undefined
  /**
   * Where the instances stand in a request's JSON: `'features'`, `'data.rows'`. A list of objects, arrays or scalars, an object of columns, or a
   * table as pandas writes it. `PREDICTIONS_INSTANCES`. Default: where the format has them.
   */
  instances?: string | undefined
  /**
   * Where their outputs stand in the reply's: `'prediction'`, `'result.scores'`; `'probabilities.*'`: the members there are labels with their
   * probabilities. `PREDICTIONS_PREDICTIONS`. Default: where the format has them.
   */
  predictions?: string | undefined
  /**
   * When a captured record counts as safe: in memory, in the outbox, or in every sink. `PREDICTIONS_DURABILITY`.
   * @default 'outbox'
   */
  durability?: Durability | undefined
  /**
   * The outbox's directory. `PREDICTIONS_OUTBOX_DIR`.
   * @default './.predictions-outbox'
   */
  outboxDir?: string | undefined
  /**
   * The outbox's limit for each process and sink, in bytes. `PREDICTIONS_OUTBOX_MAX_BYTES`.
   * @default '1 GiB'
   */
  outboxMaxBytes?: number | string | undefined
  /**
   * Whether a reply waits until its record is flushed to the disk. `PREDICTIONS_OUTBOX_FSYNC`.
   * @default false
   */
  outboxFsync?: boolean | undefined
  /**
   * How long a reply is held at most, in milliseconds, where durability holds it. `PREDICTIONS_HOLD_TIMEOUT_MS`.
   * @default 5000
   */
  holdTimeoutMs?: number | undefined
  /**
   * What happens when an outbox or a queue is full: the newest record is dropped, or the request rejected with 503. `PREDICTIONS_WHEN_FULL`.
   * @default 'drop'
   */
  whenFull?: WhenFull | undefined
  /**
   * Records a batch. `PREDICTIONS_BATCH_SIZE`.
   * @default 1000
   */
  batchSize?: number | undefined
  /**
   * How long a record waits for its batch to fill, in milliseconds. `PREDICTIONS_FLUSH_INTERVAL_MS`.
   * @default 1000
   */
  flushIntervalMs?: number | undefined
  /**
   * Share of requests kept, from 0 to 1; or by route: `'0.5, POST /predict=0.1'`. `PREDICTIONS_SAMPLE_RATE`.
   * @default 1
   */
  sampleRate?: number | string | undefined
  /** Requests kept whatever the rate: `'errors, slow:500ms'`. `PREDICTIONS_SAMPLE_ALWAYS`. Default: none. */
  sampleAlways?: string | undefined
  /**
   * Paths to drop, mask or hash, from the top: `ssn` is the member at the top alone, `**.ssn` wherever it stands. In features, outputs
   * and tags: `'email, **.ssn:hash, card:mask'`. `PREDICTIONS_REDACT`. Default: none.
   */
  redact?: string | readonly string[] | undefined
  /** The key of redaction's hashes, a secret, the same in all services whose hashes are to be compared. `PREDICTIONS_REDACT_KEY`. */
  redactKey?: string | undefined
  /** Request headers stored as tags. `PREDICTIONS_TAG_HEADERS`. Default: none. */
  tagHeaders?: string | readonly string[] | undefined
  /**
   * A larger body is not parsed, in bytes: the record is kept and marked. `PREDICTIONS_MAX_BODY_BYTES`.
   * @default '1 MiB'
   */
  maxBodyBytes?: number | string | undefined
  /**
   * The response header that carries the prediction's id; empty: none. `PREDICTIONS_ID_HEADER`.
   * @default 'X-Prediction-Id'
   */
  idHeader?: string | undefined
  /**
   * Whether tables are created and missing columns added (`auto`), or only checked (`off`). `PREDICTIONS_MIGRATE`.
   * @default 'auto'
   */
  migrate?: Migrate | undefined
  /**
   * `false`: capture does nothing. `PREDICTIONS_ENABLED`.
   * @default true
   */
  enabled?: boolean | undefined
  /** Where capture logs to: pino, console and `fastify.log` fit. Default: lines on stderr. */
  logger?: Logger | undefined
  /** What the Elasticsearch sink needs beside its URL. */
  elasticsearch?: Partial<ElasticsearchSettings> | undefined
  /** What the Kafka sink needs beside its URL. */
  kafka?: Partial<KafkaSettings> | undefined
}

export const FORMAT_NAMES = [
  ...(['auto', 'json', 'instances', 'open-inference', 'mlflow', 'azure-ml'] as const),
  ...(['seldon', 'openai', 'pandas', 'jsonl', 'csv'] as const),
] as const
export const DURABILITIES = ['memory', 'outbox', 'sink'] as const
export const WHEN_FULL = ['drop', 'reject'] as const
export const MIGRATE = ['auto', 'off'] as const
export const INDEX_BY = ['month', 'day', 'none'] as const
export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type FormatName = (typeof FORMAT_NAMES)[number]
export type Durability = (typeof DURABILITIES)[number]
export type WhenFull = (typeof WHEN_FULL)[number]
export type Migrate = (typeof MIGRATE)[number]

export interface ElasticsearchSettings {
  /** An API key, a secret. `PREDICTIONS_ELASTICSEARCH_API_KEY`. Default: none. */
  readonly apiKey: string | undefined
  /** Path of a PEM file with the authority that signed the server's certificate. `PREDICTIONS_ELASTICSEARCH_CA`. Default: those that Node.js trusts. */
  readonly ca: string | undefined
  /**
   * One index a month, a day, or one for all, by the record's timestamp. `PREDICTIONS_ELASTICSEARCH_INDEX_BY`.
   * @default 'month'
   */
  readonly indexBy: (typeof INDEX_BY)[number]
}

export interface KafkaSettings {
  /** How to log in, where the broker asks for it. `PREDICTIONS_KAFKA_SASL_MECHANISM`. Default: `plain`, where there is a user. */
  readonly saslMechanism: (typeof SASL_MECHANISMS)[number] | undefined
  /** `PREDICTIONS_KAFKA_USERNAME`. Default: the URL's. */
  readonly username: string | undefined
  /** A secret. `PREDICTIONS_KAFKA_PASSWORD`. Default: the URL's. */
  readonly password: string | undefined
  /** Path of a PEM file with the authority that signed the brokers' certificates. `PREDICTIONS_KAFKA_CA`. Default: those that Node.js trusts. */
  readonly ca: string | undefined
  /**
   * How batches are compressed. `PREDICTIONS_KAFKA_COMPRESSION`.
   * @default 'none'
   */
  readonly compression: (typeof COMPRESSIONS)[number]
  /**
   * Whether a missing topic is created. `PREDICTIONS_KAFKA_CREATE_TOPIC`.
   * @default false
   */
  readonly createTopic: boolean
}

/** The configuration as capture uses it: options, variables and defaults resolved, checked, and of one type each. */
export interface Settings {
  readonly sinks: readonly (string | Sink)[]
  readonly table: string
  readonly actualsTable: string | undefined
  readonly reportConfig: object | undefined
  /** As written, `POST /predict`; checked, see `createRouteMatcher`. */
  readonly routes: readonly string[]
  /** Every request that passes is captured, of whatever route. */
  readonly always: boolean
  readonly model: string
  readonly modelVersion: string
  readonly schema: PredictionSchema | undefined
  readonly format: FormatName | Format
  /** Checked paths, see `byPaths`. */
  readonly instances: string | undefined
  readonly predictions: string | undefined
  readonly durability: Durability
  readonly outboxDir: string
  readonly outboxMaxBytes: number
  readonly outboxFsync: boolean
  readonly holdTimeoutMs: number
  readonly whenFull: WhenFull
  readonly batchSize: number
  readonly flushIntervalMs: number
  readonly sampleRate: SampleRates
  readonly sampleAlways: Always
  /** Rules as written; checked, see `createRedactor`. */
  readonly redact: readonly string[]
  readonly redactKey: string | undefined
  /** Lower-case names. */
  readonly tagHeaders: readonly string[]
  readonly maxBodyBytes: number
  /** Empty: none. */
  readonly idHeader: string
  readonly migrate: Migrate
  readonly enabled: boolean
  readonly logger: Logger
  readonly elasticsearch: ElasticsearchSettings
  readonly kafka: KafkaSettings
}
