import type { Admin } from '@platformatic/kafka'
import { PredictionsError } from '../../src/errors.ts'
import type { Plan } from '../../src/sink.ts'
import { loadClient, withAdmin } from './client.ts'
import { isForbidden, isTopicThere, isUnknownTopic, missingTopic, unavailable } from './errors.ts'
import type { KafkaConnection, KafkaSettings } from './options.ts'

/** Bytes of a request unless the topic takes less: what a broker takes by default (`message.max.bytes`, 1 MiB), less its framing. */
export const REQUEST_BYTES = 1_000_000

const MAX_MESSAGE_BYTES = 'max.message.bytes'

const exists = async (admin: Admin, topic: string): Promise<boolean> => {
  try {
    await admin.metadata({ topics: [topic], retries: 0 })
    return true
  } catch (error) {
    if (isUnknownTopic(error)) return false
    throw error
  }
}

/** Makes a topic that another process may be making at the same moment. */
export const createTopic = async (
  connection: KafkaConnection,
  shape: { readonly topic: string; readonly partitions: number; readonly replicas: number },
): Promise<void> => {
  try {
    await withAdmin(connection, (admin) => admin.createTopics({ topics: [shape] }))
  } catch (error) {
    if (!isTopicThere(error)) throw unavailable(error, connection)
  }
}

/** What the topic takes in one request, at most `REQUEST_BYTES`. */
const readLimit = async (admin: Admin, topic: string): Promise<number> => {
  const { ConfigResourceTypes } = await loadClient()
  const resource = {
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName: topic,
    configurationKeys: [MAX_MESSAGE_BYTES],
  }
  try {
    const [described] = await admin.describeConfigs({ resources: [resource] })
    const value = described?.configs.find(({ name }) => name === MAX_MESSAGE_BYTES)?.value
    return Math.min(REQUEST_BYTES, Number(value) || REQUEST_BYTES)
  } catch (error) {
    // A client that may only write can't ask; where the topic then takes less, delivery splits what is refused.
    if (isForbidden(error)) return REQUEST_BYTES
    throw error
  }
}

/**
 * Makes sure that the topic is there, and asks what it takes: bytes of one request.
 * @throws PredictionsError `PREDICTIONS_SINK_UNAVAILABLE`, with the fix
 */
export const openTopic = async (settings: KafkaSettings): Promise<number> => {
  try {
    return await withAdmin(settings, async (admin) => {
      if (!(await exists(admin, settings.topic))) {
        if (!settings.createTopic)
          throw new PredictionsError('PREDICTIONS_SINK_UNAVAILABLE', `Kafka: ${missingTopic(settings.topic)}`)
        await createTopic(settings, { topic: settings.topic, ...settings.createTopic })
      }
      return readLimit(admin, settings.topic)
    })
  } catch (error) {
    throw unavailable(error, settings)
  }
}

/** What `openTopic` would do, in the words of Kafka's own tool. */
export const planTopic = async (settings: KafkaSettings): Promise<Plan> => {
  try {
    if (await withAdmin(settings, (admin) => exists(admin, settings.topic))) return { statements: [], problems: [] }
  } catch (error) {
    return { statements: [], problems: [unavailable(error, settings).message] }
  }
  const { brokers, topic, createTopic } = settings
  if (!createTopic) return { statements: [], problems: [missingTopic(topic)] }
  const shape = [
    createTopic.partitions > 0 ? ` --partitions ${createTopic.partitions}` : '',
    createTopic.replicas > 0 ? ` --replication-factor ${createTopic.replicas}` : '',
  ]
  const statement = `kafka-topics.sh --bootstrap-server ${brokers.join(',')} --create --topic ${topic}${shape.join('')}`
  return { statements: [statement], problems: [] }
}
