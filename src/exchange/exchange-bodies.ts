import type { IncomingHttpHeaders } from 'node:http'
import { type ExchangeContext, RequestView } from './exchange-context.ts'
import type { Envelope, Format, FormatReply, FormatRequest, ReplyReading, RequestReading } from '../formats/format.ts'
import { readInSteps, toParts, withValue } from '../formats/body.ts'
import { type Change, countOf, type Parts, partsOf, type Side } from '../formats/instance-parts.ts'
import { isOrdinaryReply, isOrdinaryRequest } from '../formats/ordinary.ts'
import { bodySize, Snapshot, snapshotOf } from '../formats/snapshot.ts'
import { copyOutputs, mergeOutputs, withGiven } from './set-outputs.ts'
import { EventStream } from '../formats/event-stream.ts'
import { readStream } from '../formats/stream-reply.ts'
import { LateBody } from '../formats/late-body.ts'
import { makeTexts, makeTextsInSteps } from './instance-texts.ts'
import { keptText } from '../records/cut.ts'
import { decode, encode } from '../records/json.ts'
import { messageOf } from '../errors/errors.ts'
import type { Redaction } from '../redact/redaction.ts'
import { errorOfReply } from './reply-error.ts'
import { finish, type Steps } from '../steps/time-slices.ts'
import { digestInSteps, emptyTexts, type TextList } from './joined-texts.ts'

type Members = Record<string, unknown>

/** A header by its lower-case name. */
export type Header = (name: string) => string | undefined

/** What the bodies belong to. */
interface Owner {
  /** Whether it is sampled out, as far as the request tells: then nothing more of it is read. */
  isOut(): boolean
}

interface Reply {
  readonly body: unknown
  readonly status: number
  readonly header: Header
  /** A string is a value, not a text to be parsed. */
  readonly isValue: boolean
}

/** Named features take more text than the array that they came from; past this many times the limit they are not stored. */
const TEXT_FACTOR = 4

/**
 * What the bodies of one exchange say: the features and outputs of each instance, as text, and what stands beside them. Small bodies
 * are read when they come by. Of large ones a snapshot is taken then, and they are read at the end, in steps.
 *
 * Nothing here throws. A class, as one is made for each request.
 */
export class ExchangeBodies {
  features: TextList = []
  outputs: TextList = []
  tags: Members | undefined
  extra: Members | undefined
  model: string | undefined
  modelVersion: string | undefined
  /** The id that the request's body has. */
  requestId: string | undefined
  /** The id that the reply has. */
  replyId: string | undefined
  readonly #context: ExchangeContext
  readonly #headers: IncomingHttpHeaders
  readonly #owner: Owner
  readonly #redaction: Redaction | undefined
  #format: Format | undefined
  #reading: RequestReading | undefined
  /** Its request is read by no format: see `formats/ordinary.ts`. */
  #isOrdinary = false
  /** What was set since the outputs were read, one after the other: how they are merged, the request tells. */
  #given: (Members | readonly Members[])[] | undefined
  /** Nothing of the request is known, nor how many instances it has. */
  #isUnknown = false
  /** Rules of redaction could not be applied to a body, so that nobody knows what a free text may tell of it. */
  #isUnredacted = false
  /** What is read at the end. */
  #laterRequest: { readonly body: unknown } | undefined
  #laterReply: Reply | undefined

  constructor(context: ExchangeContext, headers: IncomingHttpHeaders, owner: Owner) {
    this.#context = context
    this.#headers = headers
    this.#owner = owner
    this.#redaction = context.startRedaction()
  }

  /** Whether the request's body is known. */
  get hasRequest(): boolean {
    return this.#reading !== undefined || this.#laterRequest !== undefined
  }

  /** Whether something is to be read at the end. */
  get isLate(): boolean {
    return this.#laterRequest !== undefined || this.#laterReply !== undefined
  }

  /** Whether the request is there, but was not looked at yet. */
  get isUnopened(): boolean {
    return this.#laterRequest !== undefined
  }

  request(body: unknown): void {
    try {
      if (this.#readOrdinaryRequest(body)) return
      if (body instanceof LateBody) this.#laterRequest = { body }
      else if (this.#context.readsLater(body)) this.#laterRequest = { body: snapshotOf(body) }
      else this.#readRequest(body)
    } catch (error) {
      this.#unreadable('request', body, error)
    }
  }

  reply(given: Reply): void {
    const { body } = given
    try {
      if (this.#isOrdinary && this.#readOrdinaryReply(body)) return
      const reply = streamed(given, this.#context.maxBodyBytes)
      if (reply.body instanceof EventStream) this.#readEvents(reply)
      else if (this.#laterRequest !== undefined || this.#context.readsLater(body))
        this.#laterReply = { ...reply, body: snapshotOf(body) }
      else this.#readReply(reply)
    } catch (error) {
      this.#unreadable('reply', body, error)
    }
  }

  set(outputs: Members | readonly Members[]): void {
    const copy = copyOutputs(outputs)
    if (this.#given === undefined) this.#given = [copy]
    else this.#given.push(copy)
  }

  tag(tags: Readonly<Members>): void {
    this.tags = { ...this.tags, ...(copyOutputs(tags) as Members) }
  }

  note(path: string, reason: string, value?: unknown): void {
    this.extra = { ...this.extra, [path]: value === undefined ? { reason } : { value, reason } }
  }

  /** A body that is not read: of what it is, `value` is told. */
  unread(path: 'body' | 'reply', reason: string, value: unknown): void {
    this.#isUnredacted = true
    this.note(path, reason, value)
  }

  /** What an error reply says. */
  errorOf(body: unknown): string | undefined {
    const redaction = this.#redaction
    try {
      return errorOfReply(body, (value) => (redaction === undefined ? value : redaction.apply('outputs', value)))
    } catch (error) {
      this.fault('reading a reply', error, body)
      return undefined
    }
  }

  /** What was set after the reply was read joins the outputs. */
  finish(): void {
    const parts = this.#lastOutputs()
    if (parts !== undefined) this.outputs = this.#texts('outputs', parts)
  }

  /** Reads what was put off. */
  *readInSteps(): Steps {
    const request = this.#laterRequest
    const reply = this.#laterReply
    this.#laterRequest = undefined
    if (request !== undefined) yield* this.#readRequestInSteps(yield* wholeBody(request.body))
    if (reply !== undefined && !this.#owner.isOut()) yield* this.#readReplyInSteps(reply)
  }

  /** Nobody wants what was put off. */
  drop(): void {
    const body = this.#laterRequest?.body
    if (body instanceof LateBody) body.drop()
  }

  *finishInSteps(): Steps {
    const parts = this.#lastOutputs()
    if (parts !== undefined) this.outputs = yield* this.#textsInSteps('outputs', parts, 0)
  }

  /** Read it when all bodies are read: tags and notes without what redaction took out of them and of the rest. */
  takeClean(): { readonly tags: Members | undefined; readonly extra: Members | undefined } {
    const { tags, extra } = this
    const redaction = this.#redaction
    if (redaction === undefined) return { tags, extra }
    // First by the rules, so that the values of each are known when the others are searched for them.
    const ruled = tags && (redaction.apply('tags', tags) as Members)
    const notes = extra && redaction.extra(extra)
    return { tags: ruled && (redaction.clean(ruled) as Members), extra: notes }
  }

  /** An instance's features or outputs without what was taken out of anything else, which is known when all is read. */
  cleanJson(json: string | undefined): string | undefined {
    return json === undefined || this.#redaction === undefined ? json : this.#redaction.cleanJson(json)
  }

  cleanText(text: string | undefined): string | undefined {
    return text === undefined || this.#redaction === undefined ? text : this.#redaction.text(text)
  }

  /** Undefined: it may tell what redaction would have taken out of a body, if it had been read. */
  cleanError(error: string | undefined): string | undefined {
    return this.#redaction !== undefined && this.#isUnredacted ? undefined : this.cleanText(error)
  }

  /** The log is no place for what redaction hides either: of what could not be read, no word is told. */
  fault(kind: string, error: unknown, unread?: unknown): void {
    this.#context.fault(kind, this.#cleanFault(error, unread))
  }

  #cleanFault(error: unknown, unread: unknown): unknown {
    const redaction = this.#redaction
    if (redaction === undefined) return error
    try {
      if (unread !== undefined) redaction.raw(unread)
      return redaction.text(messageOf(error))
    } catch {
      return 'an error that could not be cleaned of redacted values'
    }
  }

  noteCount(outputs: number): void {
    const instances = this.#instances
    if (outputs !== instances && !this.#isUnknown)
      this.note('instances', `the request has ${instances} instances, the reply ${outputs}`)
  }

  /** The straight way of most requests; false: a format is to read it. */
  #readOrdinaryRequest(body: unknown): boolean {
    const { ordinary } = this.#context
    if (ordinary === undefined || this.#redaction !== undefined || !isOrdinaryRequest(body)) return false
    const text = JSON.stringify(body)
    if (!this.#isWithinLimit(text.length)) return false
    const { format, reading } = ordinary()
    this.#isOrdinary = true
    this.#format = format
    this.#reading = reading
    if (!this.#owner.isOut()) this.features = [text]
    return true
  }

  /** The same of its reply, with what was set so far. */
  #readOrdinaryReply(body: unknown): boolean {
    if (!isOrdinaryReply(body, this.#context.outputNames)) return false
    const given = this.#given
    if (given?.some(Array.isArray)) return false
    const text = given === undefined ? JSON.stringify(body) : encode(Object.assign({}, body, ...given))
    if (!this.#isWithinLimit(text.length)) return false
    this.#given = undefined
    this.outputs = [text]
    return true
  }

  #readRequest(body: unknown): void {
    const request = this.#requestOf(body)
    const parts = this.#openRequest(this.#redaction === undefined ? request : toParts(request))
    if (parts === undefined) return
    this.features = this.#texts('features', parts)
    this.#close(parts, 'body', body)
  }

  *#readRequestInSteps(body: unknown): Steps {
    try {
      const request = this.#requestOf(body)
      yield* readInSteps(request)
      const parts = this.#openRequest(request)
      yield
      if (parts === undefined) return
      this.features = yield* this.#textsInSteps('features', parts, bodySize(body))
      this.#close(parts, 'body', body)
    } catch (error) {
      this.#unreadable('request', body, error)
    }
  }

  #readReply(reply: Reply): void {
    const view = replyOf(reply)
    const parts = this.#openReply(this.#redaction === undefined ? view : toParts(view))
    if (parts === undefined) return
    this.outputs = this.#texts('outputs', parts)
    this.#close(parts, 'reply', reply.body)
  }

  *#readReplyInSteps(reply: Reply): Steps {
    try {
      const view = replyOf(reply)
      if (!(reply.body instanceof EventStream)) yield* readInSteps(view)
      const parts = this.#openReply(view)
      yield
      if (parts === undefined) return
      this.outputs = yield* this.#textsInSteps('outputs', parts, bodySize(reply.body))
      this.#close(parts, 'reply', reply.body)
    } catch (error) {
      this.#unreadable('reply', reply.body, error)
    }
  }

  #requestOf(body: unknown): FormatRequest {
    return new RequestView(body, this.#headers, this.#context)
  }

  /** What the features are made of; undefined: nobody wants them. */
  #openRequest(request: FormatRequest): Parts | undefined {
    const format = this.#context.chooseFormat(request)
    const reading = format.readRequest(request)
    this.#format = format
    this.#reading = reading
    this.#isUnknown = this.#context.isUnread(request)
    this.requestId = reading.requestId
    this.#takeEnvelope(reading)
    return this.#owner.isOut() ? undefined : partsOf(reading, 'features')
  }

  /** What the outputs are made of; undefined: the request could not be read, so no format knows. */
  #openReply(reply: FormatReply): Parts | undefined {
    // A reply before the request was read (mounted before the body parser): its format is not known yet.
    if (this.#reading === undefined) this.request(undefined)
    const format = this.#format
    if (format === undefined) return undefined
    const reading = this.#readingOf(format, reply)
    this.replyId = reading.requestId
    this.#takeEnvelope(reading)
    const parts = partsOf(reading, 'outputs')
    if (parts.count > 0 || this.#isBatch) this.noteCount(parts.count)
    return this.#withGiven(parts)
  }

  /** Events are few values by now: there is nothing to be put off but the order. */
  #readEvents(reply: Reply): void {
    if (this.#laterRequest === undefined) this.#readReply(reply)
    else this.#laterReply = reply
  }

  #readingOf(format: Format, reply: FormatReply): ReplyReading {
    if (reply.body instanceof EventStream) return readStream(reply.body, this.#reading!)
    return this.#isUnknown ? this.#readUnknown(format, reply) : format.readReply(reply, this.#reading!)
  }

  #readUnknown(format: Format, reply: FormatReply): ReplyReading {
    const by = this.#context.asUnread(format, this.#reading!, reply)
    return by.format.readReply(reply, by.request)
  }

  #lastOutputs(): Parts | undefined {
    if (this.#given === undefined) return undefined
    const texts = this.outputs
    const rows = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => decode(texts.at(from + i)!) as Members)
    return this.#withGiven({ count: texts.length, rows, extra: () => undefined })
  }

  /** Outputs with what was set so far, which wins. */
  #withGiven(parts: Parts): Parts {
    if (this.#given === undefined) return parts
    const isBatch = this.#isBatch
    const given = this.#given.reduce((before, after) => mergeOutputs(before, after, isBatch))
    this.#given = undefined
    return withGiven(parts, given, { instances: this.#instances, isBatch })
  }

  /** Whether the request held a list of instances, even if only one. */
  get #isBatch(): boolean {
    return this.#reading?.isBatch ?? this.#instances > 1
  }

  get #instances(): number {
    return this.#reading === undefined ? 1 : Math.max(countOf(this.#reading), 1)
  }

  #takeEnvelope(envelope: Envelope): void {
    if (envelope.model !== undefined) this.model = envelope.model
    if (envelope.modelVersion !== undefined) this.modelVersion = envelope.modelVersion
    if (hasMembers(envelope.tags)) this.tags = { ...envelope.tags, ...this.tags }
  }

  /** What is odd about instances is known when all are made. */
  #close(parts: Parts, path: 'body' | 'reply', body: unknown): void {
    const extra = parts.extra()
    if (!hasMembers(extra)) return
    this.extra = { ...this.extra, ...extra }
    this.#hideUnread(path, body)
  }

  #texts(side: Side, parts: Parts): TextList {
    const made = makeTexts(parts, this.#changeOf(side))
    return this.#isWithinLimit(made.size) ? made.texts : finish(this.#leaveOut(side, made.texts))
  }

  *#textsInSteps(side: Side, parts: Parts, bytes: number): Steps<TextList> {
    const made = yield* makeTextsInSteps(parts, bytes, this.#changeOf(side))
    return this.#isWithinLimit(made.size) ? made.texts : yield* this.#leaveOut(side, made.texts)
  }

  #changeOf(side: Side): Change | undefined {
    const redaction = this.#redaction
    return redaction && ((row) => redaction.apply(side, row) as Members)
  }

  #isWithinLimit(size: number): boolean {
    return size <= TEXT_FACTOR * this.#context.maxBodyBytes
  }

  *#leaveOut(side: Side, texts: TextList): Steps<TextList> {
    const reason = `longer than ${TEXT_FACTOR} times PREDICTIONS_MAX_BODY_BYTES as text, not stored`
    this.note(side, reason, yield* digestInSteps(texts))
    return emptyTexts(texts.length)
  }

  #unreadable(what: 'request' | 'reply', body: unknown, error: unknown): void {
    if (what === 'request') this.#reading ??= { features: [{}] }
    this.fault(`reading a ${what}`, error, sourceOf(body))
    this.note(what, `could not be read: ${messageOf(error)}`, keptText(encode(sourceOf(body))))
    this.#hideUnread(what, body)
  }

  /** A body that could not be taken apart: no rule of redaction could be applied to it, so it is not kept where there are any. */
  #hideUnread(path: 'body' | 'request' | 'reply', body: unknown): void {
    const redaction = this.#redaction
    const note = this.extra?.[path] as { value?: unknown } | undefined
    // Of events the note has only how many there were.
    if (redaction === undefined || note?.value === undefined || body instanceof EventStream) return
    this.extra = { ...this.extra, [path]: { ...note, value: redaction.raw(sourceOf(body)) } }
  }
}

const wholeBody = function* (body: unknown): Steps<unknown> {
  return body instanceof LateBody ? yield* body.read() : body
}

/** A reply that was made as a whole may be events all the same. */
const streamed = (reply: Reply, limit: number): Reply => {
  const { body, header, isValue } = reply
  const isBytes = typeof body === 'string' || Buffer.isBuffer(body)
  if (!isBytes || isValue || !/^text\/event-stream/i.test(header('content-type') ?? '')) return reply
  const events = new EventStream(limit)
  events.push(body)
  events.end()
  return { ...reply, body: events }
}

const replyOf = ({ body, status, header, isValue }: Reply): FormatReply => {
  const reply = { body, contentType: header('content-type') ?? '', status, header }
  return isValue ? withValue(reply) : reply
}

const sourceOf = (body: unknown): unknown => (body instanceof Snapshot ? body.value : body)

const hasMembers = (members: Readonly<Members> | undefined): members is Members => {
  for (const _name in members) return true
  return false
}
