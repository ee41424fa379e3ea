import { BoundedText, type TextBudget } from './bounded-text.ts'
import { isObject, put, type Row } from './rows.ts'

/** More choices, texts of one, calls of tools, or members beside them are left out. */
const MAX_PARTS = 128

/** What stands beside the pieces of a longer event is not kept, in UTF-16 code units. */
const MAX_BESIDE = 8 * 1024

/** What comes in pieces for one choice. */
interface Choice {
  /** Of a message (chat), or else the text itself (completions). */
  isMessage: boolean
  readonly texts: Map<string, BoundedText>
  readonly calls: Row[]
  readonly others: Row
}

/**
 * A language model's answer, put together from the events of a stream to what the reply without one would be: see `answerOf`. Texts are joined;
 * of all else the last counts, as the events that end a stream have the usage and the reason.
 */
export class StreamedAnswer {
  readonly #budget: TextBudget
  readonly #choices = new Map<number, Choice>()
  readonly #envelope: Row = {}
  #response: Row | undefined
  #isGenerated = false
  #isShort = true
  error: string | undefined

  /** @param limit what all its texts may have together, in UTF-16 code units */
  constructor(limit: number) {
    this.#budget = { left: limit }
  }

  /** Whether an event's data is one of an answer. */
  static knows(data: Row): boolean {
    if (Array.isArray(data['choices']) || isObject(data['token']) || isObject(data['error'])) return true
    return typeof data['type'] === 'string' && data['type'].startsWith('response.')
  }

  /** @param size of the event's text */
  take(data: Row | undefined, size: number): void {
    if (data === undefined) return
    this.#isShort = size <= MAX_BESIDE
    const { choices, type } = data
    if (isObject(data['error'])) this.#fail(data['error'])
    if (typeof type === 'string') return this.#takeResponse(type, data)
    if (isObject(data['token'])) return this.#takeToken(data['token'], data)
    if (!Array.isArray(choices)) return
    for (const choice of choices) if (isObject(choice)) this.#takeChoice(choice)
    this.#keep(data, 'choices')
  }

  get isTooLong(): boolean {
    return [...this.#choices.values()].some(({ texts }) => [...texts.values()].some((text) => text.isTooLong))
  }

  /** The reply; undefined: nothing of it came. */
  get value(): Row | undefined {
    if (this.#response !== undefined) return this.#response
    if (this.#choices.size === 0) return Object.keys(this.#envelope).length === 0 ? undefined : { ...this.#envelope }
    if (this.#isGenerated)
      return { ...this.#envelope, generated_text: this.#choices.get(0)!.texts.get('content')?.value }
    return {
      ...this.#envelope,
      choices: Array.from(this.#choices, ([index, choice]) => ({ index, ...asReplied(choice) })),
    }
  }

  #takeChoice({ index, delta, text, ...others }: Row): void {
    const choice = this.#choice(typeof index === 'number' ? index : 0)
    if (choice === undefined) return
    this.#keepIn(choice.others, others, 'logprobs')
    if (typeof text === 'string') this.#add(choice, 'content', text)
    if (!isObject(delta)) return
    choice.isMessage = true
    for (const name in delta) {
      const piece = delta[name]
      if (name === 'role') continue
      if (typeof piece === 'string') this.#add(choice, name, piece)
      else if (name === 'tool_calls' && Array.isArray(piece)) this.#takeCalls(choice, piece)
    }
  }

  #choice(index: number): Choice | undefined {
    let choice = this.#choices.get(index)
    if (choice === undefined && this.#choices.size < MAX_PARTS) {
      choice = { isMessage: false, texts: new Map(), calls: [], others: {} }
      this.#choices.set(index, choice)
    }
    return choice
  }

  #add({ texts }: Choice, name: string, piece: string): void {
    let text = texts.get(name)
    if (text === undefined) {
      if (texts.size === MAX_PARTS) return
      texts.set(name, (text = new BoundedText(this.#budget)))
    }
    text.add(piece)
  }

  /** The pieces of calls: their arguments are joined, within the limit for all together. */
  #takeCalls({ calls }: Choice, pieces: readonly unknown[]): void {
    for (const piece of pieces) {
      if (!isObject(piece)) continue
      const { index, function: called, ...others } = piece
      const at = typeof index === 'number' ? index : 0
      if (!Number.isSafeInteger(at) || at < 0 || at >= MAX_PARTS) continue
      const call = (calls[at] ??= {})
      this.#keepIn(call, others)
      if (!isObject(called)) continue
      const target = (call['function'] ??= {}) as Row
      for (const name in called) {
        const part = called[name]
        if (typeof part !== 'string' || (this.#budget.left -= part.length) < 0) continue
        put(target, name, ((target[name] as string | undefined) ?? '') + part)
      }
    }
  }

  #takeToken({ text, special }: Row, data: Row): void {
    this.#isGenerated = true
    const choice = this.#choice(0)
    if (typeof text === 'string' && special !== true) this.#add(choice!, 'content', text)
    this.#keep(data, 'token', 'generated_text', 'index')
  }

  /** OpenAI's responses: pieces of text, and at the end the response as a whole. */
  #takeResponse(type: string, { response, delta, ...data }: Row): void {
    if (type === 'response.output_text.delta' && typeof delta === 'string')
      this.#add(this.#choice(0)!, 'content', delta)
    if (type === 'error') this.#fail(data)
    if (!isObject(response)) return
    if (isObject(response['error'])) this.#fail(response['error'])
    const isLast = /^response\.(completed|incomplete|failed)$/.test(type)
    if (isLast && Array.isArray(response['output']) && response['output'].length > 0) this.#response = response
    else this.#keep(response, 'output', 'object')
  }

  /** What stands beside the pieces. */
  #keep(data: Row, ...without: readonly string[]): void {
    this.#keepIn(this.#envelope, data, ...without)
  }

  #keepIn(kept: Row, data: Row, ...without: readonly string[]): void {
    if (!this.#isShort) return
    for (const name in data) {
      if (data[name] == null || without.includes(name)) continue
      if (Object.hasOwn(kept, name) || Object.keys(kept).length < MAX_PARTS) put(kept, name, data[name])
    }
  }

  #fail(error: Row): void {
    const { message } = error
    if (typeof message === 'string' && message !== '') this.error = message
  }
}

const asReplied = ({ isMessage, texts, calls, others }: Choice): Row => {
  const said = Object.fromEntries(Array.from(texts, ([name, text]) => [name, text.value]))
  const { content = null, ...more } = said
  if (!isMessage) return { text: content, ...more, ...others }
  const tools = calls.filter((call) => call !== undefined)
  return { message: { content, ...more, ...(tools.length > 0 && { tool_calls: tools }) }, ...others }
}
