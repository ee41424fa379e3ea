import { hasCode, messageOf, PredictionsError } from '../../src/errors/errors.ts'
import { networkFix } from '../../src/errors/network-fixes.ts'
import { createCommand } from './commands.ts'
import type { KafkaConnection } from './options.ts'

/** What the client's errors carry: Kafka's own name for the error, in a tree of errors and causes. */
interface KafkaError {
  readonly code?: unknown
  readonly apiId?: unknown
  readonly errors?: readonly unknown[]
  readonly cause?: unknown
  readonly message?: unknown
  readonly serverErrorMessage?: unknown
}

/** An error, its parts and its causes, outermost first. */
const parts = (error: unknown, depth = 0): readonly KafkaError[] => {
  if (typeof error !== 'object' || error === null || depth > 10) return []
  const { errors = [], cause } = error as KafkaError
  return [error, ...errors.flatMap((part) => parts(part, depth + 1)), ...parts(cause, depth + 1)]
}

const some = (error: unknown, ids: readonly unknown[]): KafkaError | undefined =>
  parts(error).find(({ apiId, code }) => ids.includes(apiId) || ids.includes(code))

/**
 * Kafka's names for content that it will never take: https://kafka.apache.org/protocol#protocol_error_codes.
 * They name a partition's part of the batch, not a record.
 */
const REFUSED = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP']

/** Why Kafka refuses a batch for its content, in its own words; undefined: the error is of another kind. */
export const refusal = (error: unknown): string | undefined => {
  const found = some(error, REFUSED)
  if (!found) return undefined
  const said = typeof found.serverErrorMessage === 'string' ? ` (${found.serverErrorMessage})` : ''
  return `${String(found.apiId)}: ${String(found.message)}${said}`
}

/** Whether `error` says that Kafka takes no message as large as this one. */
export const isTooLarge = (error: unknown): boolean =>
  some(error, ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']) !== undefined

/** Whether `error` says that the topic does not exist. */
export const isUnknownTopic = (error: unknown): boolean =>
  some(error, ['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID']) !== undefined ||
  // The client says a missing topic in its own words.
  parts(error).some(({ message }) => typeof message === 'string' && message.startsWith('Unknown topic '))

/** The innermost words: outer errors of the client only say that something failed so many times. */
const words = (error: unknown): string => messageOf(parts(error).at(-1) ?? error)

/** The fix belongs to the message: this is what people see at the first start. */
export const missingTopic = (connection: KafkaConnection): string =>
  `topic ${connection.topic} does not exist: create it (${createCommand(connection)}), or have it created by PREDICTIONS_KAFKA_CREATE_TOPIC=true (the option createTopic; in the URL ?partitions=12)`

const FORBIDDEN = ['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED']

const fixes: readonly {
  readonly when: (text: string, connection: KafkaConnection) => boolean
  readonly fix: string
}[] = [
  {
    when: (text) => /certificate|self.signed|issuer/i.test(text),
    fix: 'PREDICTIONS_KAFKA_CA names the PEM file of the authority that signed it',
  },
  { when: (text) => text.includes('requires TLS'), fix: 'write kafkas:// instead of kafka://' },
  {
    when: (text) => /wrong version number|packet length too long|EPROTO|before secure TLS connection/.test(text),
    fix: 'if it speaks no TLS, write kafka:// instead of kafkas://',
  },
  {
    when: (text, { login }) => text === 'Connection closed' && login === undefined,
    fix: "if it wants a login, give one in the sink's URL, or by PREDICTIONS_KAFKA_USERNAME and _PASSWORD",
  },
]

/** Why a broker can't be reached, and what helps. */
const away = (error: unknown, connection: KafkaConnection): string => {
  const text = words(error).replace(/\s+/g, ' ').trim()
  const fix = fixes.find(({ when }) => when(text, connection))?.fix ?? networkFix(text)
  return fix === undefined ? text : `${text} (${fix})`
}

const explain = (error: unknown, connection: KafkaConnection): string => {
  const { topic, login, tls } = connection
  const who = login?.username ?? 'an anonymous client'
  if (isUnknownTopic(error)) return missingTopic(connection)
  if (some(error, ['SASL_AUTHENTICATION_FAILED', 'PLT_KFK_AUTHENTICATION', 'UNSUPPORTED_SASL_MECHANISM']))
    return `login as ${who} was refused with mechanism ${login?.mechanism}: check user name, password and mechanism${tls ? '' : ', and write kafkas:// if it speaks TLS'}`
  if (some(error, ['GROUP_AUTHORIZATION_FAILED']))
    return `${who} may not join the consumer group: grant it Read on the group`
  // Without any topic to write to, a login may not even have a producer's id: that reads as a lack on the cluster.
  if (some(error, FORBIDDEN))
    return `${who} may not use topic ${topic}: grant it Write there (Read to consume, Create where it is to be created)`
  return away(error, connection)
}

/** Anything that is not the records' fault: delivery waits and tries again. */
export const unavailable = (error: unknown, connection: KafkaConnection): PredictionsError =>
  hasCode(error, 'PREDICTIONS_SINK_UNAVAILABLE')
    ? (error as PredictionsError)
    : unavailableFor(connection, explain(error, connection), error)

export const unavailableFor = ({ address }: KafkaConnection, why: string, cause?: unknown): PredictionsError =>
  new PredictionsError('PREDICTIONS_SINK_UNAVAILABLE', `${address}: ${why}`, { cause })

/** Whether `error` says that the topic is there already: another process made it a moment ago. */
export const isTopicThere = (error: unknown): boolean => some(error, ['TOPIC_ALREADY_EXISTS']) !== undefined

/** Whether `error` says that the login may not do this. */
export const isForbidden = (error: unknown): boolean =>
  some(error, ['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED']) !==
  undefined
