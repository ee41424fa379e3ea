import { withValue } from '../formats/body.ts'
import { EventStream } from '../formats/event-stream.ts'
import type { FormatReply } from '../formats/format.ts'

/** A header by its lower-case name. */
export type Header = (name: string) => string | undefined

/** What a handler replied. */
export interface Reply {
  readonly body: unknown
  readonly status: number
  readonly header: Header
  /** A string is a value, not a text to be parsed. */
  readonly isValue: boolean
}

/** A reply that was made as a whole may be events all the same. */
export const streamed = (reply: Reply, limit: number): Reply => {
  const { body, header, isValue } = reply
  const isBytes = typeof body === 'string' || Buffer.isBuffer(body)
  if (!isBytes || isValue || !/^text\/event-stream/i.test(header('content-type') ?? '')) return reply
  const events = new EventStream(limit)
  events.push(body)
  events.end()
  return { ...reply, body: events }
}

/** A reply as formats see it. */
export const viewOf = ({ body, status, header, isValue }: Reply): FormatReply => {
  const reply = { body, contentType: header('content-type') ?? '', status, header }
  return isValue ? withValue(reply) : reply
}
