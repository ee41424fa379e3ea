import type { MessageToProduce, Producer } from '@platformatic/kafka'
import { clientOptions, loadClient } from './client.ts'
import type { KafkaCompression, KafkaConnection } from './options.ts'

export type OutgoingMessage = MessageToProduce<Buffer, Buffer, Buffer, Buffer>

/** Sends messages; when it resolves, all replicas in sync have them. */
export interface Send {
  (messages: OutgoingMessage[], signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}

/**
 * An idempotent producer that is made when first needed, and made anew after a send was abandoned: one send at a time.
 * Errors are the client's own.
 */
export const createSend = (connection: KafkaConnection & { readonly compression?: KafkaCompression }): Send => {
  let producer: Producer | undefined

  const connect = async (): Promise<Producer> => {
    if (producer) return producer
    const { Producer, compatibilityPartitioner } = await loadClient()
    return (producer ??= new Producer({
      ...clientOptions(connection),
      idempotent: true,
      compression: connection.compression ?? 'none',
      // Java's own choice of partition for a key: other producers and stream processors agree with it.
      partitioner: compatibilityPartitioner,
    }))
  }

  const close = async () => {
    const open = producer
    producer = undefined
    await open?.close(true)
  }

  /** Rejects when the signal aborts, and then lets go of the producer: the send fails with its connections. */
  const abandoned = (signal: AbortSignal, ended: AbortSignal) =>
    new Promise<never>((_, reject) => {
      const abandon = () => {
        reject(signal.reason)
        // Nobody waits for this producer any more, nor for how it closes.
        close().catch(() => undefined)
      }
      signal.addEventListener('abort', abandon, { once: true, signal: ended })
    })

  const send = async (messages: OutgoingMessage[], signal?: AbortSignal): Promise<void> => {
    const open = await connect()
    signal?.throwIfAborted()
    const ended = new AbortController()
    const sent = open.send({ messages })
    try {
      await (signal ? Promise.race([sent, abandoned(signal, ended.signal)]) : sent)
    } finally {
      ended.abort()
    }
  }

  return Object.assign(send, { close })
}
