import { readFileSync } from 'node:fs'
import { messageOf, PredictionsError } from '../../src/errors.ts'

export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type KafkaCompression = (typeof compressions)[number]

export const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const
export type KafkaMechanism = (typeof mechanisms)[number]

/** Where a cluster is, and how to log in. An option beats the URL, the URL beats the environment. */
export interface KafkaConnectionOptions {
  /**
   * `kafka://host:9092,host2:9092/topic`; `kafkas://` for TLS. User info is the SASL login; the query may carry
   * `mechanism`, `compression`, `partitions` and `replicas`.
   */
  readonly url?: string | undefined
  /** `host:port` of some brokers; the client finds the others. Default: the URL's, else `127.0.0.1:9092`. */
  readonly brokers?: readonly string[] | undefined
  /** Default: the URL's path, else `predictions`. */
  readonly topic?: string | undefined
  /** SASL user name. Default: the URL's, else `KAFKA_USERNAME`; without one there is no login. */
  readonly username?: string | undefined
  /** Default: the URL's, else `KAFKA_PASSWORD`. */
  readonly password?: string | undefined
  /** SASL mechanism. Default: the URL's `mechanism`, else `KAFKA_SASL_MECHANISM`, else `plain`. */
  readonly mechanism?: KafkaMechanism | undefined
  /** Whether to speak TLS. Default: true with `kafkas://`, with `ca` or with `KAFKA_CA_FILE`. */
  readonly tls?: boolean | undefined
  /** The private authority's certificates, in PEM. Default: those in the file that `KAFKA_CA_FILE` names. */
  readonly ca?: string | undefined
}

export interface KafkaOptions extends KafkaConnectionOptions {
  /** How batches are compressed; lz4 needs the package `lz4-napi`. Default: the URL's `compression`, else `none`. */
  readonly compression?: KafkaCompression | undefined
  /**
   * Creates a topic that is missing, with this many partitions and replicas (-1: the broker's own defaults).
   * Default: the URL's `partitions` and `replicas`; with neither the topic is never created.
   */
  readonly createTopic?: { readonly partitions?: number; readonly replicas?: number } | undefined
}

/** What the client needs to connect, complete and checked. */
export interface KafkaConnection {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly tls: { readonly ca?: string } | undefined
  readonly login:
    { readonly mechanism: KafkaMechanism; readonly username: string; readonly password: string } | undefined
  /** The address without login or query, for names and messages. */
  readonly address: string
}

export interface KafkaSettings extends KafkaConnection {
  readonly compression: KafkaCompression
  readonly createTopic: { readonly partitions: number; readonly replicas: number } | undefined
}

/** Scheme, user info, brokers, path and query. Not `URL`, which takes one host only. */
const SHAPE = /^kafka(s?):\/\/(?:([^/?#]*)@)?([^@/?#]*)\/?([^?#]*)(?:\?([^#]*))?$/
const BROKER = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i
const TOPIC = /^[\w.-]{1,249}$/

const QUERY = ['mechanism', 'compression', 'partitions', 'replicas']

interface UrlParts {
  readonly tls?: boolean
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly brokers?: readonly string[] | undefined
  readonly topic?: string | undefined
  readonly query: URLSearchParams
}

const readUrl = (url: string | undefined, mistakes: string[]): UrlParts => {
  if (url === undefined) return { query: new URLSearchParams() }
  const match = SHAPE.exec(url)
  if (!match) {
    mistakes.push('the URL does not read as kafka://host:9092,host2:9092/topic')
    return { query: new URLSearchParams() }
  }
  const [, tls, login, brokers, topic, search] = match
  const query = new URLSearchParams(search)
  for (const name of query.keys())
    if (!QUERY.includes(name)) mistakes.push(`the URL's ?${name} is unknown: ${QUERY.join(', ')} are known`)
  const [username, ...password] = login === undefined ? [] : login.split(':')
  return {
    tls: tls === 's',
    username: decoded('user name', username, mistakes),
    password: password.length > 0 ? decoded('password', password.join(':'), mistakes) : undefined,
    brokers: brokers ? brokers.split(',') : undefined,
    topic: decoded('topic', topic, mistakes) || undefined,
    query,
  }
}

const decoded = (what: string, text: string | undefined, mistakes: string[]): string | undefined => {
  if (text === undefined) return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    mistakes.push(`the URL's ${what} is not percent-encoded: write % as %25`)
    return undefined
  }
}

/** One of the names allowed; anything else is a mistake and reads as absent. */
const oneOf = <T extends string>(
  what: string,
  allowed: readonly T[],
  value: string | null | undefined,
  mistakes: string[],
) => {
  if (value === null || value === undefined || value === '') return undefined
  const name = value.toLowerCase() as T
  if (allowed.includes(name)) return name
  mistakes.push(`${what} ${JSON.stringify(value)} is not one of ${allowed.join(', ')}`)
  return undefined
}

const count = (what: string, value: string | number | null | undefined, mistakes: string[]): number | undefined => {
  if (value === null || value === undefined) return undefined
  const number = Number(value)
  if (Number.isInteger(number) && (number === -1 || number > 0)) return number
  mistakes.push(`${what} ${JSON.stringify(value)} is not a positive number`)
  return undefined
}

const readCa = (file: string | undefined, mistakes: string[]): string | undefined => {
  if (!file) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    mistakes.push(`KAFKA_CA_FILE can't be read: ${messageOf(error)}`)
    return undefined
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Options, URL and environment made one, all mistakes in one error.
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`; its message never holds the URL's login
 */
export const readOptions = (options: KafkaOptions, env: Environment = process.env): KafkaSettings => {
  const mistakes: string[] = []
  const url = readUrl(options.url, mistakes)

  const brokers = options.brokers ?? url.brokers ?? ['127.0.0.1:9092']
  for (const broker of brokers)
    if (!BROKER.test(broker)) mistakes.push(`broker ${JSON.stringify(broker)} does not read as host:port`)
  const topic = options.topic ?? url.topic ?? 'predictions'
  if (!TOPIC.test(topic) || topic === '.' || topic === '..')
    mistakes.push(`topic ${JSON.stringify(topic)} may hold letters, digits, ".", "_" and "-" only, up to 249`)

  const username = options.username ?? url.username ?? env['KAFKA_USERNAME']
  const password = options.password ?? url.password ?? env['KAFKA_PASSWORD']
  const mechanism =
    oneOf('mechanism', mechanisms, options.mechanism ?? url.query.get('mechanism'), mistakes) ??
    oneOf('KAFKA_SASL_MECHANISM', mechanisms, env['KAFKA_SASL_MECHANISM'], mistakes) ??
    'plain'
  if (username && password === undefined) mistakes.push('a user name is given, but no password')

  const ca = options.ca ?? readCa(env['KAFKA_CA_FILE'], mistakes)
  const tls = options.tls ?? (url.tls || ca !== undefined)

  const compression = oneOf('compression', compressions, options.compression ?? url.query.get('compression'), mistakes)
  const partitions = count('partitions', options.createTopic?.partitions ?? url.query.get('partitions'), mistakes)
  const replicas = count('replicas', options.createTopic?.replicas ?? url.query.get('replicas'), mistakes)
  const create = options.createTopic !== undefined || partitions !== undefined || replicas !== undefined

  if (mistakes.length > 0) throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', `Kafka: ${mistakes.join('; ')}`)
  return {
    brokers,
    topic,
    tls: tls ? (ca === undefined ? {} : { ca }) : undefined,
    login: username ? { mechanism, username, password: password ?? '' } : undefined,
    address: `kafka${tls ? 's' : ''}://${brokers.join(',')}/${topic}`,
    compression: compression ?? 'none',
    createTopic: create ? { partitions: partitions ?? -1, replicas: replicas ?? -1 } : undefined,
  }
}
