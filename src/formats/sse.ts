import { StringDecoder } from 'node:string_decoder'

/** One event: its name, empty where it has none, and its data. */
export type OnEvent = (name: string, data: string) => void

/**
 * Takes server-sent events apart as their bytes pass: the lines of an event may be spread over any chunks.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class EventParser {
  readonly #onEvent: OnEvent
  readonly #limit: number
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #name = ''
  #data: string | undefined
  #isStart = true

  /** @param limit the most that an event may have, in UTF-16 code units */
  constructor(limit: number, onEvent: OnEvent) {
    this.#limit = limit
    this.#onEvent = onEvent
  }

  /** @returns false: an event is longer than the limit, and nothing more is to come here */
  push(bytes: Buffer): boolean {
    return this.#take(this.#decoder.write(bytes))
  }

  /** The stream has ended: what has no blank line behind it is an event as well. */
  end(): void {
    this.#take(`${this.#decoder.end()}\n\n`)
  }

  #take(text: string): boolean {
    let from = 0
    const lines = this.#rest === '' ? text : this.#rest + text
    for (let end = lines.indexOf('\n'); end >= 0; end = lines.indexOf('\n', from)) {
      this.#line(lines, from, lines.charCodeAt(end - 1) === CR && end > from ? end - 1 : end)
      from = end + 1
    }
    this.#rest = from === 0 ? lines : lines.slice(from)
    return this.#rest.length + (this.#data?.length ?? 0) <= this.#limit
  }

  #line(lines: string, from: number, end: number): void {
    const start = this.#isStart && lines.charCodeAt(from) === BYTE_ORDER_MARK ? from + 1 : from
    this.#isStart = false
    if (start === end) return this.#dispatch()
    const line = lines.slice(start, end)
    // Lines may end in a lone carriage return as well.
    if (line.includes('\r')) return void line.split('\r').forEach((part) => this.#line(part, 0, part.length))
    if (line.startsWith('data:')) {
      const data = line.slice(line.charCodeAt(5) === SPACE ? 6 : 5)
      this.#data = this.#data === undefined ? data : `${this.#data}\n${data}`
    } else if (line === 'data') this.#data = this.#data === undefined ? '' : `${this.#data}\n`
    else if (line.startsWith('event:')) this.#name = line.slice(line.charCodeAt(6) === SPACE ? 7 : 6)
  }

  #dispatch(): void {
    const data = this.#data
    const name = this.#name
    this.#data = undefined
    this.#name = ''
    if (data !== undefined) this.#onEvent(name, data)
  }
}

const CR = 0x0d
const SPACE = 0x20
const BYTE_ORDER_MARK = 0xfeff
