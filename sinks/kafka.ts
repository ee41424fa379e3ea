import { PredictionsError } from '../src/errors/errors.ts'
import type { PredictionRecord } from '../src/records/record.ts'
import type { RecordKind } from '../src/records/stored.ts'
import type { Refusal, Sink } from '../src/sink.ts'
import { checkClient } from './kafka/client.ts'
import { isTooLarge, refusal, unavailable } from './kafka/errors.ts'
import { actualKey, headersFor, keyMaker } from './kafka/message.ts'
import { actualsTopic, type KafkaOptions, readOptions } from './kafka/options.ts'
import { createSend, type OutgoingMessage } from './kafka/producer.ts'
import { maxMessageBytes, openTopic, planTopic, REQUEST_BYTES } from './kafka/topic.ts'

export { consume, type ConsumeOptions, type Consumer, type ConsumeStats } from './kafka/consume.ts'
export type { KafkaCompression, KafkaConnectionOptions, KafkaMechanism, KafkaOptions } from './kafka/options.ts'

/** What a message costs beside its key and its text: headers, lengths, its share of the batch's own header. Rounded up. */
const MESSAGE_OVERHEAD = 120

/**
 * Predictions as messages of a Kafka topic: key `model:<the request's id>`, value the record's JSON as it was captured, headers
 * `content-type` and `schema-id`. At least once, in order within a request; `capture-predictions consume`, or any consumer
 * that drops the ids it has seen, makes it exactly once.
 *
 * The producer is idempotent and waits for all replicas in sync. A request is tried a few times within seconds, then delivery
 * waits. One that failed for good resets the producer's id, so its batch may be there twice after all: that is what ids are for.
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: the options are wrong, or Node.js is older than the client needs
 * @throws PredictionsError `PREDICTIONS_MISSING_PACKAGE`: `npm install @platformatic/kafka`
 *
 * @example
 * import { capturePredictions } from 'capture-predictions/express'
 * import { kafka } from 'capture-predictions/sinks/kafka'
 *
 * app.use(capturePredictions({ sink: kafka({ url: 'kafka://localhost:9092/predictions' }) }))
 */
export const kafka = (options: KafkaOptions): Sink => {
  checkClient()
  const settings = readOptions(options)
  return {
    ...topicSink(options, 'prediction'),
    actuals: () => topicSink(actualsTopic(options, settings.topic), 'actual'),
  }
}

/** What writes the messages of one kind. */
const topicSink = (options: KafkaOptions, kind: RecordKind): Sink => {
  const settings = readOptions(options)
  const send = createSend(settings)
  const keyOf = kind === 'actual' ? actualKey : keyMaker()
  let headers = headersFor([])
  let limit = REQUEST_BYTES

  const messageOf = (record: PredictionRecord): OutgoingMessage => ({
    topic: settings.topic,
    key: keyOf(record),
    value: Buffer.from(record.json),
    headers,
  })

  /** How large a message is that was too large, and what would have been taken. */
  const sizes = async ({ key, value }: OutgoingMessage): Promise<string> => {
    const bytes = key!.length + value!.length
    // The limit is asked for: it may be another than at the start. Where it can't be had, the reason has to do without.
    const most = await maxMessageBytes(settings).catch(() => undefined)
    const taken = most === undefined ? '' : `; max.message.bytes of topic ${settings.topic} is ${most}`
    return `its key and value have ${bytes} bytes${taken}`
  }

  /** Sends one request; the reason where Kafka refuses its only message. */
  const request = async (messages: OutgoingMessage[], signal: AbortSignal): Promise<string | undefined> => {
    try {
      await send(messages, signal)
      return undefined
    } catch (error) {
      const reason = refusal(error)
      if (reason === undefined) throw unavailable(error, settings)
      if (messages.length === 1) return isTooLarge(error) ? `${reason}: ${await sizes(messages[0]!)}` : reason
      throw new PredictionsError('PREDICTIONS_BATCH_REFUSED', `Kafka: ${reason}`, { cause: error })
    }
  }

  return {
    name: settings.address,

    async open(columns) {
      headers = headersFor(columns)
      limit = await openTopic(settings, options.migrate ?? 'auto')
    },

    async write(records, signal) {
      const refused: Refusal[] = []
      let index = 0
      for (const messages of requests(records.map(messageOf), limit)) {
        const reason = await request(messages, signal)
        if (reason !== undefined) refused.push({ index, reason })
        index += messages.length
      }
      return refused
    },

    close: () => send.close(),
    plan: () => planTopic(settings),
  }
}

/** Cuts a batch into requests that the topic takes. A message that is larger alone goes alone: the broker judges it. */
function* requests(messages: OutgoingMessage[], limit: number): Generator<OutgoingMessage[]> {
  let start = 0
  let bytes = 0
  for (const [index, { key, value }] of messages.entries()) {
    const size = key!.length + value!.length + MESSAGE_OVERHEAD
    if (bytes + size > limit && index > start) {
      yield messages.slice(start, index)
      start = index
      bytes = 0
    }
    bytes += size
  }
  if (start < messages.length) yield start === 0 ? messages : messages.slice(start)
}
