import { refusal, isUnknownTopic, unavailable } from './errors.ts'
import type { KafkaConnection } from './options.ts'
import { createSend, type OutgoingMessage as Outgoing } from './producer.ts'
import type { IncomingMessage } from './session.ts'
import { createTopic } from './topic.ts'

/** A message that can't be moved on, and why. */
export interface KafkaDeadLetter {
  readonly message: IncomingMessage
  readonly error: string
}

const headersOf = ({ message, error }: KafkaDeadLetter): Map<Buffer, Buffer> => {
  const { topic, partition, offset } = message
  const ours = { error, topic, partition: String(partition), offset: String(offset), at: new Date().toISOString() }
  const added = Object.entries(ours).map(([name, value]) => [`dead-letter-${name}`, value] as const)
  return new Map([
    ...message.headerEntries,
    ...added.map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const),
  ])
}

/**
 * Keeps dead letters in a topic: each message as it came, with the headers `dead-letter-error`, `-topic`, `-partition`,
 * `-offset` and `-at` beside its own. The topic is created when the first is sent, for nothing may be forgotten.
 */
export const createDeadLetters = (connection: KafkaConnection) => {
  const send = createSend(connection)
  const { topic } = connection

  const outgoing = (letter: KafkaDeadLetter): Outgoing => {
    const { key, value } = letter.message
    return { topic, key, value, headers: headersOf(letter) }
  }

  /** With its headers a message that just fitted its own topic may be too large: then its place there must do. */
  const sendOne = async (letter: KafkaDeadLetter): Promise<void> => {
    const message = outgoing(letter)
    try {
      await send([message])
    } catch (error) {
      if (refusal(error) === undefined) throw error
      await send([{ ...message, value: Buffer.alloc(0) }])
    }
  }

  const sendAll = async (letters: readonly KafkaDeadLetter[]): Promise<void> => {
    for (const letter of letters) await sendOne(letter)
  }

  return {
    /** Resolves when all are kept. Another try may keep some of them twice. */
    async send(letters: readonly KafkaDeadLetter[]): Promise<void> {
      try {
        await sendAll(letters)
      } catch (error) {
        if (!isUnknownTopic(error)) throw unavailable(error, connection)
        await createTopic(connection, { topic, partitions: -1, replicas: -1 })
        await sendAll(letters).catch((error: unknown) => {
          throw unavailable(error, connection)
        })
      }
    },
    close: (): Promise<void> => send.close(),
  }
}
