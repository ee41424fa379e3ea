import type { IncomingHttpHeaders } from 'node:http'
import { type ExchangeContext, RequestView } from './exchange-context.ts'
import { type Asked, instancesOf, isBatchOf } from './asked.ts'
import { type Cleaner, cleanerBy } from './cleaner.ts'
import type { Envelope, FormatReply, FormatRequest, ReplyReading } from '../formats/format.ts'
import { readInSteps, toParts } from '../formats/body.ts'
import { type Parts, partsOf, type Side } from '../formats/instance-parts.ts'
import { isOrdinaryReply, isOrdinaryRequest } from '../formats/ordinary.ts'
import { bodySize, Snapshot, snapshotOf } from '../formats/snapshot.ts'
import { copyOutputs, type GivenOutputs, partsOfTexts, withGiven } from './set-outputs.ts'
import { EventStream } from '../formats/event-stream.ts'
import { readStream } from '../formats/stream-reply.ts'
import { LateBody } from '../formats/late-body.ts'
import { type InstanceTexts, isWithinLimit, makeTexts, makeTextsInSteps } from './instance-texts.ts'
import { keptText } from '../records/cut.ts'
import { encode } from '../records/json.ts'
import { hasMembers, type Members } from '../records/members.ts'
import { messageOf } from '../errors/errors.ts'
import { type Reply, streamed, viewOf } from './reply.ts'
import { errorOfReply } from './reply-error.ts'
import type { Steps } from '../steps/time-slices.ts'
import type { TextList } from './joined-texts.ts'

/** What the bodies belong to. */
interface Owner {
  /** Whether it is sampled out, as far as the request tells: then nothing more of it is read. */
  isOut(): boolean
}

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
  /** What redaction does to all of it. */
  readonly cleaner: Cleaner
  readonly #context: ExchangeContext
  readonly #headers: IncomingHttpHeaders
  readonly #owner: Owner
  #asked: Asked | undefined
  /** What was set since the outputs were read, in order. How it is merged depends on the request. */
  #given: GivenOutputs[] | undefined
  /** What is read at the end. */
  #laterRequest: { readonly body: unknown } | undefined
  #laterReply: Reply | undefined

  constructor(context: ExchangeContext, headers: IncomingHttpHeaders, owner: Owner) {
    this.#context = context
    this.#headers = headers
    this.#owner = owner
    this.cleaner = cleanerBy(context.startRedaction())
  }

  /** Whether the request's body is known. */
  get hasRequest(): boolean {
    return this.#asked !== undefined || this.#laterRequest !== undefined
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
      if (this.#asked?.isOrdinary && this.#readOrdinaryReply(body)) return
      const reply = streamed(given, this.#context.maxBodyBytes)
      if (reply.body instanceof EventStream) this.#readEvents(reply)
      else if (this.#laterRequest !== undefined || this.#context.readsLater(body))
        this.#laterReply = { ...reply, body: snapshotOf(body) }
      else this.#readReply(reply)
    } catch (error) {
      this.#unreadable('reply', body, error)
    }
  }

  set(outputs: GivenOutputs): void {
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

  /** A body that is not read; `value` says what it is. */
  unread(path: 'body' | 'reply', reason: string, value: unknown): void {
    this.cleaner.unread()
    this.note(path, reason, value)
  }

  /** What an error reply says. */
  errorOf(body: unknown): string | undefined {
    try {
      return errorOfReply(body, this.cleaner.ofReply)
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

  fault(kind: string, error: unknown, unread?: unknown): void {
    this.#context.fault(kind, this.cleaner.fault(error, unread))
  }

  noteCount(outputs: number): void {
    const instances = instancesOf(this.#asked)
    if (outputs !== instances && !this.#asked?.isUnknown)
      this.note('instances', `the request has ${instances} instances, the reply ${outputs}`)
  }

  /** The straight way, which most requests take; false: a format has to read it. */
  #readOrdinaryRequest(body: unknown): boolean {
    const { ordinary } = this.#context
    if (ordinary === undefined || this.cleaner.hasRules || !isOrdinaryRequest(body)) return false
    const text = JSON.stringify(body)
    if (!isWithinLimit(text.length, this.#context.maxBodyBytes)) return false
    this.#asked = ordinary()
    if (!this.#owner.isOut()) this.features = [text]
    return true
  }

  /** The same of its reply, with what was set so far. */
  #readOrdinaryReply(body: unknown): boolean {
    if (!isOrdinaryReply(body, this.#context.outputNames)) return false
    const given = this.#given
    if (given?.some(Array.isArray)) return false
    // Spread, unlike `Object.assign`, makes a member of any name.
    const text =
      given === undefined
        ? JSON.stringify(body)
        : encode(given.reduce<object>((all, some) => ({ ...all, ...some }), body))
    if (!isWithinLimit(text.length, this.#context.maxBodyBytes)) return false
    this.#given = undefined
    this.outputs = [text]
    return true
  }

  #readRequest(body: unknown): void {
    const request = this.#requestOf(body)
    const parts = this.#openRequest(this.cleaner.hasRules ? toParts(request) : request)
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
    const view = viewOf(reply)
    const parts = this.#openReply(this.cleaner.hasRules ? toParts(view) : view)
    if (parts === undefined) return
    this.outputs = this.#texts('outputs', parts)
    this.#close(parts, 'reply', reply.body)
  }

  *#readReplyInSteps(reply: Reply): Steps {
    try {
      const view = viewOf(reply)
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
    this.#asked = { format, reading, isUnknown: this.#context.isUnread(request) }
    this.requestId = reading.requestId
    this.#takeEnvelope(reading)
    return this.#owner.isOut() ? undefined : partsOf(reading, 'features')
  }

  /** What the outputs are made of; undefined: the request could not be read, so no format knows. */
  #openReply(reply: FormatReply): Parts | undefined {
    // A reply before the request was read (mounted before the body parser): its format is not known yet.
    if (this.#asked === undefined) this.request(undefined)
    const reading = this.#readingOf(reply)
    if (reading === undefined) return undefined
    this.replyId = reading.requestId
    this.#takeEnvelope(reading)
    const parts = partsOf(reading, 'outputs')
    if (parts.count > 0 || isBatchOf(this.#asked)) this.noteCount(parts.count)
    return this.#withGiven(parts)
  }

  /** The events were read as they passed. They only have to wait for a request that is read at the end. */
  #readEvents(reply: Reply): void {
    if (this.#laterRequest === undefined) this.#readReply(reply)
    else this.#laterReply = reply
  }

  #readingOf(reply: FormatReply): ReplyReading | undefined {
    const { format, reading, isUnknown } = this.#asked!
    if (format === undefined) return undefined
    if (reply.body instanceof EventStream) return readStream(reply.body, reading)
    if (!isUnknown) return format.readReply(reply, reading)
    const by = this.#context.asUnread(format, reading, reply)
    return by.format.readReply(reply, by.request)
  }

  #lastOutputs(): Parts | undefined {
    return this.#given === undefined ? undefined : this.#withGiven(partsOfTexts(this.outputs))
  }

  /** Outputs with what was set so far, which wins. */
  #withGiven(parts: Parts): Parts {
    const given = this.#given
    if (given === undefined) return parts
    this.#given = undefined
    return withGiven(parts, given, this.#asked)
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
    return this.#noted(side, makeTexts(parts, this.cleaner.changeOf(side), this.#context.maxBodyBytes))
  }

  *#textsInSteps(side: Side, parts: Parts, bytes: number): Steps<TextList> {
    const options = { change: this.cleaner.changeOf(side), bytes, maxBodyBytes: this.#context.maxBodyBytes }
    return this.#noted(side, yield* makeTextsInSteps(parts, options))
  }

  #noted(side: Side, { texts, leftOut }: InstanceTexts): TextList {
    if (leftOut !== undefined) this.note(side, leftOut.reason, leftOut.value)
    return texts
  }

  #unreadable(what: 'request' | 'reply', body: unknown, error: unknown): void {
    if (what === 'request') this.#asked ??= { format: undefined, reading: { features: [{}] } }
    this.fault(`reading a ${what}`, error, sourceOf(body))
    this.note(what, `could not be read: ${messageOf(error)}`, keptText(encode(sourceOf(body))))
    this.#hideUnread(what, body)
  }

  /** A body that could not be taken apart: no rule of redaction could be applied to it, so it is not kept where there are any. */
  #hideUnread(path: 'body' | 'request' | 'reply', body: unknown): void {
    const note = this.extra?.[path] as { value?: unknown } | undefined
    // Of events the note has only how many there were.
    if (!this.cleaner.hasRules || note?.value === undefined || body instanceof EventStream) return
    this.extra = { ...this.extra, [path]: { ...note, value: this.cleaner.raw(sourceOf(body)) } }
  }
}

const wholeBody = function* (body: unknown): Steps<unknown> {
  return body instanceof LateBody ? yield* body.read() : body
}

const sourceOf = (body: unknown): unknown => (body instanceof Snapshot ? body.value : body)
