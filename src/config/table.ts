import { stderrLogger } from '../logger.ts'
import { redactMistakes } from '../redact/rules.ts'
import { routeMistake } from '../exchange/routes.ts'
import { parseAlways, parseRates } from '../exchange/sampling.ts'
import { eachMistake, idHeaderMistake, schemaMistakes, sinkMistakes, tagHeaderMistake } from './checks.ts'
import { fileMistake, nearestPackageName, readJsonFile } from './files.ts'
import {
  bytes,
  list,
  lowerCase,
  milliseconds,
  ofText,
  oneOf,
  shapedLike,
  text,
  wholeNumber,
  yesOrNo,
  type SettingKind,
} from './kinds.ts'
import * as words from './options.ts'
import type { Settings } from './options.ts'
import { splitUrls } from './url.ts'

/** The settings by option; those of a group by `group.option`. */
export type SettingValues = Omit<Settings, 'sinks' | 'routes' | 'elasticsearch' | 'kafka'> & {
  readonly sink: Settings['sinks']
  readonly route: Settings['routes']
} & Group<'elasticsearch', Settings['elasticsearch']> &
  Group<'kafka', Settings['kafka']>

type Group<Name extends string, Members> = {
  readonly [Key in keyof Members & string as `${Name}.${Key}`]: Members[Key]
}

export type Key = keyof SettingValues

/** One setting: everything that parsing, validation, the error and the command's help know of it. */
export interface Setting<Value> extends SettingKind {
  /** Its environment variable; absent: an option only. */
  readonly variable?: `PREDICTIONS_${string}`
  readonly default: Value | (() => Value)
  /** The default as help shows it, where it is not the value's own text. */
  readonly shownDefault?: string
  /** What it does, for people, in one sentence. */
  readonly doc: string
  /** Its value is never shown. */
  readonly secret?: true
  /** An empty variable is a value of its own, not an absent one. */
  readonly emptyCounts?: true
  /** What a JSON Schema can't see in a value of the right type: mistakes, to be read after the value. */
  readonly mistakes?: (value: Value) => readonly string[]
}

/** The file's path stays the value: sinks read it when they connect, so that a renewed certificate is seen. */
const certificate = { ...text(1, 4096, "a PEM file's path"), mistakes: eachMistake(fileMistake) }

const secret = { ...text(1, 10_000, 'a text that is not empty'), secret: true } as const

const rate = { type: 'number', minimum: 0, maximum: 1 }

/** Members of a body, with dots between them. */
const path = text(1, 200, 'a path of members with dots between them: features, data.rows', '^[^.]+(\\.[^.]+)*$')

/** All settings, in the order of the help. */
export const table: { readonly [K in Key]: Setting<SettingValues[K]> } = {
  sink: {
    variable: 'PREDICTIONS_SINK',
    default: ['sqlite:./predictions.db'],
    read: (given) => (Array.isArray(given) ? given : typeof given === 'string' ? splitUrls(given) : [given]),
    schema: {
      type: 'array',
      minItems: 1,
      items: { anyOf: [{ type: 'string' }, shapedLike('write')] },
    },
    allowed: 'URLs of sinks, separated by spaces (postgres://…, mysql://…, sqlite:FILE, elasticsearch://…, kafka://…)',
    mistakes: sinkMistakes,
    doc: 'Where records go; several sinks, separated by spaces, are independent of each other.',
  },
  table: {
    variable: 'PREDICTIONS_TABLE',
    default: 'predictions',
    ...text(1, 127, 'a table, or schema.table', '^[^.\\p{C}]+(\\.[^.\\p{C}]+)?$'),
    doc: "Table in SQL databases; index prefix where an Elasticsearch sink's URL names none.",
  },
  actualsTable: {
    variable: 'PREDICTIONS_ACTUALS_TABLE',
    default: undefined,
    shownDefault: '<table>_actuals',
    ...text(1, 127, 'a table, or schema.table', '^[^.\\p{C}]+(\\.[^.\\p{C}]+)?$'),
    doc: 'Table of actuals in SQL databases.',
  },
  reportConfig: {
    variable: 'PREDICTIONS_REPORT_CONFIG',
    default: undefined,
    read: ofText(readJsonFile),
    schema: { type: 'object' },
    allowed: 'a JSON file of thresholds, as {"psi": {"warn": 0.2}}',
    doc: 'A JSON file with the thresholds of reports: what it does not name keeps its default.',
  },
  route: {
    variable: 'PREDICTIONS_ROUTE',
    default: ['POST /predict'],
    ...list('routes, separated by commas: a method and a full path, as in POST /predict', { minItems: 1 }),
    mistakes: eachMistake(routeMistake),
    doc: 'Routes to capture: method and full path without the query; :name stands for one segment, * at the end for the rest.',
  },
  always: {
    variable: 'PREDICTIONS_ALWAYS',
    default: false,
    ...yesOrNo,
    doc: 'true: every request that reaches the middleware is captured, whatever its route.',
  },
  model: {
    variable: 'PREDICTIONS_MODEL',
    default: () => nearestPackageName(process.cwd()) ?? 'model',
    shownDefault: "the package's name",
    ...text(1, 255, 'a text of 1 to 255 characters'),
    doc: "The model's name, stored beside each record.",
  },
  modelVersion: {
    variable: 'PREDICTIONS_MODEL_VERSION',
    default: '',
    ...text(0, 255, 'a text of at most 255 characters'),
    doc: "The model's version, stored beside each record.",
  },
  schema: {
    variable: 'PREDICTIONS_SCHEMA',
    default: undefined,
    read: ofText(readJsonFile),
    schema: { type: 'object' },
    allowed: 'a JSON file, { "features": <JSON Schema>, "outputs": <JSON Schema> }',
    mistakes: schemaMistakes,
    doc: 'A JSON file, { "features": <JSON Schema>, "outputs": <JSON Schema> }: gives typed columns.',
  },
  format: {
    variable: 'PREDICTIONS_FORMAT',
    default: 'auto',
    ...oneOf(words.FORMAT_NAMES),
    schema: { anyOf: [{ enum: words.FORMAT_NAMES }, shapedLike('readRequest', 'readReply')] },
    doc: "The body's format; auto recognises it by content type and members.",
  },
  instances: {
    variable: 'PREDICTIONS_INSTANCES',
    default: undefined,
    ...path,
    doc: "Where the instances stand in a request's JSON, for bodies of no known format: features, data.rows.",
  },
  predictions: {
    variable: 'PREDICTIONS_PREDICTIONS',
    default: undefined,
    ...path,
    doc: "Where their outputs stand in the reply's JSON: prediction, result.scores; probabilities.* if its members are labels with their probabilities.",
  },
  durability: {
    variable: 'PREDICTIONS_DURABILITY',
    default: 'outbox',
    ...oneOf(words.DURABILITIES),
    doc: 'When a captured record counts as safe: in memory, in the outbox before the reply ends, or in every sink.',
  },
  outboxDir: {
    variable: 'PREDICTIONS_OUTBOX_DIR',
    default: './.predictions-outbox',
    ...text(1, 4096, "a directory's path", '^[^\\0]+$'),
    doc: 'The directory of the outbox, where records wait on disk.',
  },
  outboxMaxBytes: {
    variable: 'PREDICTIONS_OUTBOX_MAX_BYTES',
    default: 1024 ** 3,
    shownDefault: '1 GiB',
    ...bytes(1024, Number.MAX_SAFE_INTEGER),
    doc: "The outbox's limit for each process and sink, dead letters included.",
  },
  outboxFsync: {
    variable: 'PREDICTIONS_OUTBOX_FSYNC',
    default: false,
    ...yesOrNo,
    doc: 'true: the reply waits for the disk as well, so that a power cut loses nothing answered.',
  },
  holdTimeoutMs: {
    variable: 'PREDICTIONS_HOLD_TIMEOUT_MS',
    default: 5000,
    ...milliseconds(1, 3_600_000),
    doc: 'With sink durability or fsync: how long a reply is held at most; then it goes, counted as unconfirmed.',
  },
  whenFull: {
    variable: 'PREDICTIONS_WHEN_FULL',
    default: 'drop',
    ...oneOf(words.WHEN_FULL),
    doc: 'A full outbox or queue: drop the newest record, or reject the request with 503 before the model runs.',
  },
  batchSize: {
    variable: 'PREDICTIONS_BATCH_SIZE',
    default: 1000,
    ...wholeNumber(1, 10_000),
    doc: 'Records per batch: a full batch goes out at once.',
  },
  flushIntervalMs: {
    variable: 'PREDICTIONS_FLUSH_INTERVAL_MS',
    default: 1000,
    ...milliseconds(0, 3_600_000),
    doc: 'A batch that is not full goes out after this time.',
  },
  sampleRate: {
    variable: 'PREDICTIONS_SAMPLE_RATE',
    default: { rate: 1, byRoute: {} },
    shownDefault: '1',
    read: (given) =>
      typeof given === 'number' ? { rate: given, byRoute: {} } : ofText((given) => parseRates(given) ?? given)(given),
    schema: {
      type: 'object',
      properties: { rate, byRoute: { type: 'object', additionalProperties: rate } },
      required: ['rate', 'byRoute'],
    },
    allowed: 'a number from 0 to 1, or one per route, as in POST /predict=0.1, POST /v2/*=1',
    doc: 'Share of requests kept; a hash of the id decides, so that every service keeps the same ids.',
  },
  sampleAlways: {
    variable: 'PREDICTIONS_SAMPLE_ALWAYS',
    default: { errors: false, slowMs: undefined },
    shownDefault: 'none',
    read: ofText((given) => parseAlways(given) ?? given),
    schema: {
      type: 'object',
      properties: { errors: { type: 'boolean' }, slowMs: { type: 'number', minimum: 0 } },
      required: ['errors'],
      additionalProperties: false,
    },
    allowed: 'errors, slow:500ms, or both, separated by a comma',
    doc: 'Requests kept whatever the rate: those that failed (errors), those that took long (slow:500ms).',
  },
  redact: {
    variable: 'PREDICTIONS_REDACT',
    default: [],
    shownDefault: 'none',
    ...list('rules, separated by commas: a path, with :mask or :hash if it is not to be dropped'),
    mistakes: redactMistakes,
    doc: 'Paths in features, outputs and tags to drop, mask or hash: email, **.ssn:hash, card:mask. ssn is the top-level member only, **.ssn matches at any depth.',
  },
  redactKey: {
    variable: 'PREDICTIONS_REDACT_KEY',
    default: undefined,
    ...secret,
    doc: 'The key of the hashes that redaction makes: use the same one in all services whose hashes you want to compare.',
  },
  tagHeaders: {
    variable: 'PREDICTIONS_TAG_HEADERS',
    default: [],
    shownDefault: 'none',
    ...lowerCase(list("request headers' names, separated by commas")),
    mistakes: eachMistake(tagHeaderMistake),
    doc: 'Request headers stored as tags.',
  },
  maxBodyBytes: {
    variable: 'PREDICTIONS_MAX_BODY_BYTES',
    default: 1024 ** 2,
    shownDefault: '1 MiB',
    ...bytes(1, 512 * 1024 ** 2),
    doc: 'A larger body is not parsed: its record is kept, with its size and digest.',
  },
  idHeader: {
    variable: 'PREDICTIONS_ID_HEADER',
    default: 'X-Prediction-Id',
    emptyCounts: true,
    ...text(0, 100, "a header's name, or empty for none"),
    mistakes: eachMistake(idHeaderMistake),
    doc: "The response header that carries the prediction's id; empty: none.",
  },
  migrate: {
    variable: 'PREDICTIONS_MIGRATE',
    default: 'auto',
    ...oneOf(words.MIGRATE),
    doc: 'Create tables and add missing columns, or (off) check only.',
  },
  enabled: {
    variable: 'PREDICTIONS_ENABLED',
    default: true,
    ...yesOrNo,
    doc: 'false: capture does nothing.',
  },
  'elasticsearch.apiKey': {
    variable: 'PREDICTIONS_ELASTICSEARCH_API_KEY',
    default: undefined,
    ...secret,
    doc: 'An API key for Elasticsearch.',
  },
  'elasticsearch.ca': {
    variable: 'PREDICTIONS_ELASTICSEARCH_CA',
    default: undefined,
    ...certificate,
    doc: "PEM file of the authority that signed Elasticsearch's certificate.",
  },
  'elasticsearch.indexBy': {
    variable: 'PREDICTIONS_ELASTICSEARCH_INDEX_BY',
    default: 'month',
    ...oneOf(words.INDEX_BY),
    doc: "One index per month or per day, by the record's timestamp, or one for all (none).",
  },
  'kafka.saslMechanism': {
    variable: 'PREDICTIONS_KAFKA_SASL_MECHANISM',
    default: undefined,
    shownDefault: 'plain, where there is a user',
    ...oneOf(words.SASL_MECHANISMS),
    doc: 'How to log in to Kafka.',
  },
  'kafka.username': {
    variable: 'PREDICTIONS_KAFKA_USERNAME',
    default: undefined,
    ...text(1, 1000, 'a text that is not empty'),
    doc: "Kafka's user, where the sink's URL does not name one.",
  },
  'kafka.password': {
    variable: 'PREDICTIONS_KAFKA_PASSWORD',
    default: undefined,
    ...secret,
    doc: "Kafka's password, where the sink's URL does not have one.",
  },
  'kafka.ca': {
    variable: 'PREDICTIONS_KAFKA_CA',
    default: undefined,
    ...certificate,
    doc: "PEM file of the authority that signed the Kafka brokers' certificates.",
  },
  'kafka.compression': {
    variable: 'PREDICTIONS_KAFKA_COMPRESSION',
    default: 'none',
    ...oneOf(words.COMPRESSIONS),
    doc: 'How batches are compressed on their way to Kafka.',
  },
  'kafka.createTopic': {
    variable: 'PREDICTIONS_KAFKA_CREATE_TOPIC',
    default: false,
    ...yesOrNo,
    doc: 'Whether a missing Kafka topic is created.',
  },
  logger: {
    default: stderrLogger,
    shownDefault: 'lines on stderr',
    read: (given) => given,
    schema: { methods: ['info', 'warn', 'error'] },
    allowed: 'an object with the functions info, warn and error',
    doc: 'Where capture logs to.',
  },
}
