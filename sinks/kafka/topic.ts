import type { Admin } from '@platformatic/kafka'
import type { Plan } from '../../src/sink.ts'
import { loadClient, withAdmin } from './client.ts'
import { configureCommand, createCommand } from './commands.ts'
import { isForbidden, isTopicThere, isUnknownTopic, missingTopic, unavailable, unavailableFor } from './errors.ts'
import type { KafkaConnection, KafkaSinkSettings, TopicShape } from './options.ts'

/** Bytes of a request unless the topic takes less: what a broker takes by default (`message.max.bytes`, 1 MiB), less its framing. */
export const REQUEST_BYTES = 1_000_000

const MAX_MESSAGE_BYTES = 'max.message.bytes'
const CLEANUP_POLICY = 'cleanup.policy'

const exists = async (admin: Admin, topic: string): Promise<boolean> => {
  try {
    await admin.metadata({ topics: [topic], retries: 0 })
    return true
  } catch (error) {
    if (isUnknownTopic(error)) return false
    throw error
  }
}

/** Whether there is a topic. @throws PredictionsError `PREDICTIONS_SINK_UNAVAILABLE` */
export const topicExists = async (connection: KafkaConnection): Promise<boolean> => {
  try {
    return await withAdmin(connection, (admin) => exists(admin, connection.topic))
  } catch (error) {
    throw unavailable(error, connection)
  }
}

/** Makes a topic that another process may be making at the same moment. */
export const createTopic = async (
  connection: KafkaConnection,
  shape: TopicShape & { readonly topic: string },
): Promise<void> => {
  try {
    await withAdmin(connection, (admin) => admin.createTopics({ topics: [shape] }))
  } catch (error) {
    if (!isTopicThere(error)) throw unavailable(error, connection)
  }
}

/** What a topic says of itself; nothing where this login may not ask. */
const readConfigs = async (admin: Admin, topic: string): Promise<ReadonlyMap<string, unknown>> => {
  const { ConfigResourceTypes } = await loadClient()
  const resource = {
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName: topic,
    configurationKeys: [MAX_MESSAGE_BYTES, CLEANUP_POLICY],
  }
  try {
    const [described] = await admin.describeConfigs({ resources: [resource] })
    return new Map(described?.configs.map(({ name, value }) => [name, value]))
  } catch (error) {
    // A client that may only write: where the topic takes less than it sends, delivery splits what is refused.
    if (isForbidden(error)) return new Map()
    throw error
  }
}

/** What the topic takes in one request, at most `REQUEST_BYTES`. */
const messageLimitOf = (configs: ReadonlyMap<string, unknown>): number =>
  Math.min(REQUEST_BYTES, Number(configs.get(MAX_MESSAGE_BYTES)) || REQUEST_BYTES)

/** What the topic takes now, in bytes, whatever we send at most; undefined where this login may not ask. */
export const maxMessageBytes = (settings: KafkaSinkSettings): Promise<number | undefined> =>
  withAdmin(settings, async (admin) => {
    const most = Number((await readConfigs(admin, settings.topic)).get(MAX_MESSAGE_BYTES))
    return most > 0 ? most : undefined
  })

/** What makes a topic that a person made lose records. */
const problemsOf = (configs: ReadonlyMap<string, unknown>, connection: KafkaConnection): string[] => {
  const policy = String(configs.get(CLEANUP_POLICY))
  if (!policy.split(',').includes('compact')) return []
  const fix = configureCommand(connection, `${CLEANUP_POLICY}=delete`)
  return [
    `topic ${connection.topic} has ${CLEANUP_POLICY} ${policy}, by which only one instance of a request stays, as they share their key; it must be delete: ${fix}`,
  ]
}

/**
 * Makes sure that the topic is there and keeps what it is sent, and asks what it takes: bytes of one request.
 * @throws PredictionsError `PREDICTIONS_SINK_UNAVAILABLE`, with the fix
 */
export const openTopic = async (settings: KafkaSinkSettings, migrate: 'auto' | 'off'): Promise<number> => {
  const { topic, createTopic: shape } = settings
  try {
    return await withAdmin(settings, async (admin) => {
      if (!(await exists(admin, topic))) {
        if (!shape) throw unavailableFor(settings, missingTopic(settings))
        if (migrate === 'off')
          throw unavailableFor(
            settings,
            `topic ${topic} does not exist, and PREDICTIONS_MIGRATE is off, run: ${createCommand(settings, shape)}`,
          )
        await createTopic(settings, { topic, ...shape })
      }
      const configs = await readConfigs(admin, topic)
      const [problem] = problemsOf(configs, settings)
      if (problem !== undefined) throw unavailableFor(settings, problem)
      return messageLimitOf(configs)
    })
  } catch (error) {
    throw unavailable(error, settings)
  }
}

/** What `openTopic` would do, and what stands in its way, in the words of Kafka's own tools. */
export const planTopic = async (settings: KafkaSinkSettings): Promise<Plan> => {
  const { topic, createTopic: shape } = settings
  try {
    return await withAdmin(settings, async (admin) => {
      if (await exists(admin, topic))
        return { statements: [], problems: problemsOf(await readConfigs(admin, topic), settings) }
      return shape
        ? { statements: [createCommand(settings, shape)], problems: [], isNew: true }
        : { statements: [], problems: [missingTopic(settings)], isNew: true }
    })
  } catch (error) {
    throw unavailable(error, settings)
  }
}
