import type { ReplyReading, RequestReading } from './format.ts'
import { answerOf } from './answers.ts'
import type { EventStream } from './event-stream.ts'
import { replyReading } from './readings.ts'
import { outputNamesOf } from './replies.ts'
import { isObject, outputsOf, type Row } from './rows.ts'

/** The outputs of a reply that was a stream of events, of one instance: its text, and what else it said. The number of its events is a tag. */
export const readStream = (stream: EventStream, request: RequestReading): ReplyReading => {
  const { value, events, extra } = stream
  const outputNames = outputNamesOf(request)
  const content = { value, isText: false, isParsed: false }
  if (value === undefined) return replyReading(content, { outputs: [], tags: { events }, extra })
  const answer = answerOf(value, 1, outputNames)
  if (answer !== undefined) return replyReading(content, { ...answer, tags: { ...answer.tags, events }, extra })
  if (isText(value))
    return replyReading(content, { outputs: [{ [nameOf(outputNames)]: value }], tags: { events }, extra })
  const { id, model, ...others } = value as Row
  return replyReading(content, { outputs: [], tags: { ...others, events }, requestId: id, model, extra })
}

const nameOf = (names: readonly string[]): string => Object.keys(outputsOf(null, names))[0]!

/** A text, or what stands for one that is too long. An object that stands for it is one value, and no row. */
const isText = (value: unknown): boolean => typeof value === 'string' || (isObject(value) && 'sha256' in value)
