import type { KafkaConnection, TopicShape } from './options.ts'

/** What a person runs, in the words of Kafka's own tools. */

export const createCommand = ({ brokers, topic }: KafkaConnection, shape?: TopicShape): string => {
  const { partitions, replicas } = shape ?? { partitions: -1, replicas: -1 }
  const words = [
    `kafka-topics.sh --bootstrap-server ${brokers.join(',')} --create --topic ${topic}`,
    ...(partitions > 0 ? [`--partitions ${partitions}`] : []),
    ...(replicas > 0 ? [`--replication-factor ${replicas}`] : []),
  ]
  return words.join(' ')
}

export const configureCommand = ({ brokers, topic }: KafkaConnection, config: string): string =>
  `kafka-configs.sh --bootstrap-server ${brokers.join(',')} --alter --entity-type topics --entity-name ${topic} --add-config ${config}`
