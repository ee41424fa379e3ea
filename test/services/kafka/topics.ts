import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import {
  Admin,
  Consumer,
  Producer,
  stringDeserializers,
  stringSerializers,
  type BaseOptions,
  type ConfigResourceTypeValue,
} from '@platformatic/kafka'

export interface ReadMessage {
  readonly key: string
  readonly value: string
  readonly partition: number
  readonly headers: Record<string, string>
}

export interface TopicShape {
  readonly partitions?: number
  readonly replicas?: number
  readonly configs?: Record<string, string>
}

const TOPIC: ConfigResourceTypeValue = 2

/** Topics of a test's own, on a cluster: made with names nobody else has, and removed at the end. */
export const topicsOn = (brokers: string, options: Partial<BaseOptions> = {}) => {
  const client = { clientId: 'test', bootstrapBrokers: brokers.split(','), retries: 10, retryDelay: 300, ...options }
  const admin = new Admin(client)
  const made = new Set<string>()

  const name = (): string => {
    const topic = `test-${randomUUID()}`
    made.add(topic).add(`${topic}.dead-letters`)
    return topic
  }

  return {
    admin,
    /** A name that no topic has yet; a topic that gets it is removed at the end. */
    name,

    async create({ partitions = 1, replicas = 1, configs = {} }: TopicShape = {}): Promise<string> {
      const topic = name()
      await admin.createTopics({
        topics: [{ topic, partitions, replicas }],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      })
      // The controller has it; a busy broker may learn of it a moment later.
      while (!(await admin.listTopics()).includes(topic)) await setTimeout(20)
      return topic
    },

    /** Sends texts as they are, in order, to partition 0. */
    async produce(topic: string, values: readonly string[]): Promise<void> {
      const producer = new Producer({ ...client, serializers: stringSerializers })
      await producer.send({ messages: values.map((value) => ({ topic, value, partition: 0 })) })
      await producer.close()
    },

    async configure(topic: string, key: string, value: string): Promise<void> {
      const configs = [{ name: key, value, configOperation: 0 as const }]
      await admin.incrementalAlterConfigs({ resources: [{ resourceType: TOPIC, resourceName: topic, configs }] })
    },

    /** Messages from the start of the topic, until `enough` says so of all read up to then. */
    async read(topic: string, enough: (messages: readonly ReadMessage[]) => boolean): Promise<ReadMessage[]> {
      const messages: ReadMessage[] = []
      if (enough(messages)) return messages
      const consumer = new Consumer({
        ...client,
        groupId: `test-${randomUUID()}`,
        deserializers: stringDeserializers,
        maxWaitTime: 100,
        autocommit: false,
      })
      try {
        const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
        for await (const { key, value, partition, headers } of stream) {
          messages.push({ key, value, partition, headers: Object.fromEntries(headers) })
          if (enough(messages)) break
        }
      } finally {
        await consumer.close(true)
      }
      return messages
    },

    /** Removes what was made. */
    async close(): Promise<void> {
      const all = await admin.listTopics()
      const ours = all.filter((topic) => made.has(topic))
      if (ours.length > 0) await admin.deleteTopics({ topics: ours })
      await admin.close()
    },
  }
}

export type Topics = ReturnType<typeof topicsOn>
