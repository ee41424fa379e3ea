import { readFileSync } from 'node:fs'
import { messageOf, PredictionsError } from '../../src/errors/errors.ts'

export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type KafkaCompression = (typeof compressions)[number]

export const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const
export type KafkaMechanism = (typeof mechanisms)[number]

/** Where a cluster is, and how to log in. What the URL says beats the option of the same meaning. */
export interface KafkaConnectionOptions {
  /**
   * `kafka://host:9092,host2:9092/topic`; `kafkas://` for TLS. User info is the SASL login. The query may carry `mechanism`
   * and, to produce, `compression`, `partitions` and `replicas` (either asks for a missing topic to be created).
   */
  readonly url?: string | undefined
  /** `host:port` of some brokers; the client finds the others. Default: the URL's, else `127.0.0.1:9092`. */
  readonly brokers?: readonly string[] | undefined
  /** Default: the URL's path, else `predictions`. */
  readonly topic?: string | undefined
  /** SASL user name. Default: the URL's; without one there is no login. */
  readonly username?: string | undefined
  /** A secret. Default: the URL's. */
  readonly password?: string | undefined
  /** Default: the URL's `mechanism`, else `plain`. */
  readonly saslMechanism?: KafkaMechanism | undefined
  /** Whether to speak TLS. Default: true with `kafkas://` or `ca`, else false. */
  readonly tls?: boolean | undefined
  /** Path of a PEM file with the authority that signed the brokers' certificates. Default: those that Node.js trusts. */
  readonly ca?: string | undefined
}

export interface KafkaOptions extends KafkaConnectionOptions {
  /** How batches are compressed. Default: the URL's `compression`, else `none`. */
  readonly compression?: KafkaCompression | undefined
  /** Whether a missing topic is created, with the broker's own defaults or this shape. Default: false. */
  readonly createTopic?: boolean | { readonly partitions?: number; readonly replicas?: number } | undefined
  /** `off` creates no topic, and says the command to run. Default: `auto`. */
  readonly migrate?: 'auto' | 'off' | undefined
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

/** A topic's shape; -1 is the broker's own default. */
export interface TopicShape {
  readonly partitions: number
  readonly replicas: number
}

export interface KafkaSinkSettings extends KafkaConnection {
  readonly compression: KafkaCompression
  readonly createTopic: TopicShape | undefined
}

/** The connection of the topic of actuals beside a topic of predictions. */
export const actualsTopic = <Options extends KafkaConnectionOptions>(options: Options, topic: string): Options => {
  const { url } = options
  const name = `${topic}-actuals`
  if (url === undefined) return { ...options, topic: name }
  const [, start = url, , query = ''] = /^(kafkas?:\/\/[^/?#]*)(\/[^?#]*)?(.*)$/s.exec(url) ?? []
  return { ...options, url: `${start}/${name}${query}` }
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
const readChoice = <T extends string>(
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

const readCount = (what: string, value: string | number | null | undefined, mistakes: string[]): number | undefined => {
  if (value === null || value === undefined) return undefined
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  mistakes.push(`${what} ${JSON.stringify(value)} is not a positive number`)
  return undefined
}

const readCa = (file: string | undefined, mistakes: string[]): string | undefined => {
  if (!file) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    mistakes.push(`the authority's file can't be read: ${messageOf(error)}`)
    return undefined
  }
}

const readBrokers = (brokers: readonly string[], mistakes: string[]): readonly string[] => {
  for (const broker of brokers)
    if (!BROKER.test(broker)) mistakes.push(`broker ${JSON.stringify(broker)} does not read as host:port`)
  return brokers
}

const readTopic = (topic: string, mistakes: string[]): string => {
  if (!TOPIC.test(topic) || topic === '.' || topic === '..')
    mistakes.push(`topic ${JSON.stringify(topic)}: only letters, digits, ".", "_" and "-" are allowed, up to 249`)
  return topic
}

/** A login is the URL's or the options', never half of each. */
const readLogin = (url: UrlParts, options: KafkaOptions, mistakes: string[]): KafkaConnection['login'] => {
  const { username, password } = url.username ? url : options
  const mechanism = readChoice('mechanism', mechanisms, url.query.get('mechanism') ?? options.saslMechanism, mistakes)
  if (!username) return undefined
  if (password === undefined) mistakes.push('a user name is given, but no password')
  return { mechanism: mechanism ?? 'plain', username, password: password ?? '' }
}

const readCreateTopic = (url: UrlParts, { createTopic }: KafkaOptions, mistakes: string[]) => {
  const shape = typeof createTopic === 'object' ? createTopic : undefined
  const partitions = readCount('partitions', url.query.get('partitions') ?? shape?.partitions, mistakes)
  const replicas = readCount('replicas', url.query.get('replicas') ?? shape?.replicas, mistakes)
  if (!createTopic && partitions === undefined && replicas === undefined) return undefined
  // -1 is Kafka's word for the broker's own default.
  return { partitions: partitions ?? -1, replicas: replicas ?? -1 }
}

/**
 * Options and URL made one, all mistakes in one error.
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`; its message never holds the URL's login
 */
export const readOptions = (options: KafkaOptions): KafkaSinkSettings => {
  const mistakes: string[] = []
  const url = readUrl(options.url, mistakes)
  const brokers = readBrokers(url.brokers ?? options.brokers ?? ['127.0.0.1:9092'], mistakes)
  const topic = readTopic(url.topic ?? options.topic ?? 'predictions', mistakes)
  const ca = readCa(options.ca, mistakes)
  const tls = url.tls || options.tls || ca !== undefined
  const settings: KafkaSinkSettings = {
    brokers,
    topic,
    tls: tls ? (ca === undefined ? {} : { ca }) : undefined,
    login: readLogin(url, options, mistakes),
    address: `kafka${tls ? 's' : ''}://${brokers.join(',')}/${topic}`,
    compression:
      readChoice('compression', compressions, url.query.get('compression') ?? options.compression, mistakes) ?? 'none',
    createTopic: readCreateTopic(url, options, mistakes),
  }
  if (mistakes.length > 0) throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', `Kafka: ${mistakes.join('; ')}`)
  return settings
}
