import type { Extra } from './format.ts'
import { BoundedText } from './bounded-text.ts'
import { EventParser } from './sse.ts'
import { isObject, type Row } from './rows.ts'
import { StreamedAnswer } from './streamed-answer.ts'

/** What the events of a stream are taken for: the first that says something decides. */
type Form = 'unknown' | 'answer' | 'text' | 'quoted text' | 'other'

/**
 * A reply of server-sent events, assembled as they pass:
 *
 * | events | what they are assembled to |
 * |---|---|
 * | chunks of OpenAI's chat and completions, events of its responses | the reply that would have come without a stream |
 * | TGI's tokens | the same, with `generated_text` |
 * | texts that are no JSON, or JSON strings | the text |
 * | any other | nothing: how many bytes and events there were |
 *
 * No more of it is kept than the limit; of a longer text its length and digest. `[DONE]` is an event like any other. A class, as one is made
 * for each stream, and a stream may have many chunks.
 *
 * Sources: https://platform.openai.com/docs/api-reference/chat-streaming, …/responses-streaming,
 * https://huggingface.co/docs/text-generation-inference/conceptual/streaming
 */
export class EventStream {
  bytes = 0
  events = 0
  readonly #limit: number
  readonly #parser: EventParser
  #form: Form = 'unknown'
  /** Of the events with the text: others say something of the stream. */
  #name = ''
  #isTooLong = false
  #text: BoundedText | undefined
  #answer: StreamedAnswer | undefined

  /** @param limit how much of it is kept, in UTF-16 code units: the limit of bodies */
  constructor(limit: number) {
    this.#limit = limit
    this.#parser = new EventParser(limit, (name, data) => this.#event(name, data))
  }

  push(chunk: unknown, encoding?: unknown): void {
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
        : chunk
    if (!(bytes instanceof Uint8Array)) return
    this.bytes += bytes.length
    if (this.#isTooLong) return
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#isTooLong = !this.#parser.push(buffer)
  }

  /** To be called once, when no more comes. */
  end(): void {
    if (!this.#isTooLong) this.#parser.end()
  }

  /** The reply, as an object or a text; undefined: the stream has no form that is known. */
  get value(): unknown {
    return this.#answer?.value ?? this.#text?.value
  }

  /** What the stream says that went wrong. */
  get error(): string | undefined {
    return this.#answer?.error
  }

  /** What is to be said of it. */
  get extra(): Extra | undefined {
    const { bytes, events } = this
    if (this.#isTooLong)
      return {
        reply: { value: { bytes, events }, reason: 'a stream with an event longer than PREDICTIONS_MAX_BODY_BYTES' },
      }
    if (this.value === undefined && this.error === undefined)
      return {
        reply: {
          value: { bytes, events },
          reason: 'a stream of events of no form that is known: .set() gives its outputs',
        },
      }
    if (this.#answer?.isTooLong ?? this.#text?.isTooLong)
      return {
        reply: {
          reason: 'the text of the stream is longer than PREDICTIONS_MAX_BODY_BYTES: stored by length and digest',
        },
      }
    return undefined
  }

  #event(name: string, data: string): void {
    this.events++
    if (data === '[DONE]' || this.#form === 'other') return
    if (this.#form === 'unknown') this.#decide(name, data)
    if (this.#form === 'answer') this.#answer!.take(objectOf(data), data.length)
    else if (name !== this.#name) return
    else if (this.#form === 'text') this.#text!.add(data)
    else if (this.#form === 'quoted text') this.#text!.add(stringOf(data) ?? '')
  }

  #decide(name: string, data: string): void {
    const value = jsonOf(data)
    if (isObject(value)) {
      if (StreamedAnswer.knows(value)) {
        this.#answer = new StreamedAnswer(this.#limit)
        this.#form = 'answer'
        // An event of another name may tell of the stream itself, such as its id: it decides nothing.
      } else if (name === '' || name === 'message' || name === 'data') this.#form = 'other'
      return
    }
    if (data === '' || ASIDE.has(name)) return
    this.#name = name
    this.#form = typeof value === 'string' ? 'quoted text' : 'text'
    this.#text = new BoundedText({ left: this.#limit })
  }
}

/** Events that are no piece of a text. */
const ASIDE = new Set(['ping', 'metadata', 'open', 'start', 'error'])

const jsonOf = (data: string): unknown => {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

const objectOf = (data: string): Row | undefined => {
  const value = jsonOf(data)
  return isObject(value) ? value : undefined
}

const stringOf = (data: string): string | undefined => {
  const value = jsonOf(data)
  return typeof value === 'string' ? value : undefined
}
