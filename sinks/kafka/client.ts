import { isIP } from 'node:net'
import { pathToFileURL } from 'node:url'
import type * as Kafka from '@platformatic/kafka'
import { PredictionsError } from '../../src/errors/errors.ts'
import { resolvePeer } from '../../src/peer.ts'
import type { KafkaConnection } from './options.ts'

/**
 * Attempts of one request within a client. Unlimited by default when idempotent; and the client takes 0 and 1 for unlimited too.
 * They bridge a leader that moves; a broker that stays away is delivery's to wait for.
 */
const RETRIES = 4
const FIRST_DELAY_MS = 100

/** Whether the client runs on this version of Node.js: 22.22 or newer, 24.6 or newer. */
export const runsKafka = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 6) || (major === 22 && minor >= 22)
}

const PACKAGE = '@platformatic/kafka'

/**
 * Stops at creation where the client is missing or can't run.
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: Node.js is too old for it
 * @throws PredictionsError `PREDICTIONS_MISSING_PACKAGE`
 */
export const checkClient = (version = process.versions.node): void => {
  resolvePeer(PACKAGE)
  if (runsKafka(version)) return
  throw new PredictionsError(
    'PREDICTIONS_BAD_CONFIGURATION',
    `Kafka: the client ${PACKAGE} needs Node.js 22.22 or newer, or 24.6 or newer, and this is ${version}`,
  )
}

let client: Promise<typeof Kafka> | undefined

/** The client, loaded at first use: it is ESM only, and large. */
export const loadClient = (): Promise<typeof Kafka> =>
  (client ??= import(pathToFileURL(resolvePeer(PACKAGE)).href) as Promise<typeof Kafka>)

const SASL = { plain: 'PLAIN', 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const

/** `host`, `host:port` or `[::1]:port`. */
const brokerAddress = (broker: string): Kafka.Broker => {
  const { hostname, port } = new URL(`kafka://${broker}`)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 9092) }
}

/** What producer, consumer and admin have in common. */
export const clientOptions = ({ brokers, tls, login }: KafkaConnection): Kafka.BaseOptions => ({
  clientId: 'capture-predictions',
  bootstrapBrokers: brokers.map(brokerAddress),
  retries: RETRIES,
  retryDelay: (_client, _operation, attempt) => FIRST_DELAY_MS * 2 ** (attempt - 1),
  connectTimeout: 5000,
  requestTimeout: 10_000,
  // Server name indication: brokers behind one address tell themselves apart by it. It has no place for a bare IP address.
  ...(tls && { tls: { ...tls }, tlsServerName: !brokers.some((broker) => isIP(brokerAddress(broker).host)) }),
  ...(login && { sasl: { mechanism: SASL[login.mechanism], username: login.username, password: login.password } }),
})

/** Runs `use` with an admin client, and closes it whatever happens. */
export const withAdmin = async <T>(
  connection: KafkaConnection,
  use: (admin: Kafka.Admin) => Promise<T>,
): Promise<T> => {
  const { Admin } = await loadClient()
  const admin = new Admin(clientOptions(connection))
  try {
    return await use(admin)
  } finally {
    await admin.close()
  }
}
