import type { Socket } from 'node:net'
import { ExchangeBodies } from './exchange-bodies.ts'
import type { Header } from './reply.ts'
import type { EndedExchange, ExchangeContext, ExchangeStart } from './exchange-context.ts'
import type { EventStream } from '../formats/event-stream.ts'
import { headerOf, requestIdOf } from '../http/request-headers.ts'
import { INSTANCES_PER_BASE, instanceId } from '../records/id.ts'
import { keptNotes, keptWords, mostOf } from '../records/cut.ts'
import type { Members } from '../records/members.ts'
import { createLineMaker, type LineMaker, modelMembers } from '../records/record-line.ts'
import { messageOf } from '../errors/errors.ts'
import type { Prediction } from '../prediction.ts'
import type { Sampler } from './sampling.ts'

/** The most records that are made at once. A larger batch is made in steps of `STEP` records. */
const MAX_AT_ONCE = 1000
const STEP = 256

/** The status of a request whose client went away before the reply: what nginx logs for it. */
const CLIENT_LEFT = 499
const CLIENT_LEFT_ERROR = 'the client closed the connection before the reply'

/**
 * One request and its response: what an integration tells of them, in this order, becomes records when it ends.
 *
 *     const exchange = capture.begin(…)
 *     exchange.request(body)       before the handler runs
 *     exchange.reply(object)       when the handler replied, before it is serialised
 *     exchange.fail(error)         where the framework hands the error over
 *     exchange.end(status)         before the last byte goes
 *
 * Nothing here throws. A class, as one is made for each request: its methods cost nothing to make.
 */
export class Exchange implements Prediction, EndedExchange {
  readonly id: string
  readonly #context: ExchangeContext
  readonly #start: ExchangeStart
  readonly #bodies: ExchangeBodies
  readonly #arrival: number
  readonly #startedAt: number
  readonly #sampler: Sampler | undefined
  #base: string
  #skipped = false
  #kept: boolean | undefined
  #ended = false
  #replied = false
  #hasLeft = false
  #status = 0
  #durationMs = 0
  #error: string | undefined

  constructor(context: ExchangeContext, start: ExchangeStart) {
    this.#context = context
    this.#start = start
    this.id = context.nextId()
    this.#base = this.id
    this.#arrival = Date.now()
    this.#startedAt = performance.now()
    this.#sampler = context.samplerOf(start.route)
    this.#bodies = new ExchangeBodies(context, start.headers, this)
  }

  /** Whether the request's body is known already. */
  get hasRequest(): boolean {
    return this.#bodies.hasRequest
  }

  /** Whether the reply is known: its object, or the error where it failed. It may fail after the object was seen: its serialisation threw. */
  hasReply(status: number): boolean {
    return status >= 400 ? this.#error !== undefined : this.#replied
  }

  /** Whether it is sampled out, whatever comes: then nothing more of it is read. While the request is unread, its own id may yet decide. */
  isOut(): boolean {
    const sampler = this.#sampler
    return sampler !== undefined && !sampler.waits && !this.#bodies.isUnopened && !this.#isKept(sampler)
  }

  /** The request's body as the handler receives it. Only the first call counts. */
  request(body: unknown): void {
    if (!this.hasRequest) this.#bodies.request(body)
  }

  /**
   * What the handler replied, before it is serialised: an object, a string or bytes. Only the first of each counts: the first
   * reply, and the first error.
   * @param header a response header by its lower-case name
   * @param isValue a string is a value that is yet to be serialised, as in `res.json('setosa')`; else it is the reply's text
   */
  reply(body: unknown, status: number, header: Header, isValue = false): void {
    if (this.#skipped || this.hasReply(status)) return
    this.#replied = true
    if (this.isOut()) return
    if (status < 400) this.#bodies.reply({ body, status, header, isValue })
    else this.#error = this.#bodies.errorOf(body)
  }

  /** The reply was a stream of events, which has ended, or was ended. */
  stream(events: Pick<EventStream, 'end' | 'error'>, status: number, header: Header): void {
    if (this.#skipped || this.hasReply(status)) return
    events.end()
    if (events.error !== undefined) this.fail(events.error)
    if (status < 400) this.reply(events, status, header)
  }

  /** The first bytes of a streamed response are handed over. */
  firstByte(): void {
    this.tag({ time_to_first_byte_ms: this.#elapsed() })
  }

  /** The error that the framework caught from the handler. */
  fail(error: unknown): void {
    this.#error = messageOf(error)
  }

  /** A fault of capture itself. */
  fault(kind: string, error: unknown): void {
    this.#bodies.fault(kind, error)
  }

  /**
   * The client went away before the reply. The handler may still make the prediction, so the record waits for a while.
   * @param finish ends the response's part of it. Absent: the handler has ended, and the record is made now.
   */
  clientLeft(finish?: () => void): void {
    if (this.#ended) return
    this.#hasLeft = true
    if (finish !== undefined) this.#context.abandon(() => void (this.#ended || finish()))
    else void this.end(CLIENT_LEFT)
  }

  /** A note for `extra`: something of the request or the reply that can't be kept as it is. */
  note(path: string, reason: string, value?: unknown): void {
    this.#bodies.note(path, reason, value)
  }

  /** A body that is not read: what is kept of it is its size, in bytes, and its digest. */
  unread(path: 'body' | 'reply', reason: string, of: { bytes: number; sha256: string }): void {
    this.#bodies.unread(path, reason, of)
  }

  tooLarge(path: 'body' | 'reply', bytes: number, sha256: string): void {
    this.unread(path, 'larger than PREDICTIONS_MAX_BODY_BYTES, not stored', { bytes, sha256 })
  }

  set(outputs: Members | readonly Members[]): void {
    try {
      this.#bodies.set(outputs)
    } catch (error) {
      this.#bodies.fault('set', error, outputs)
    }
  }

  tag(tags: Readonly<Members>): void {
    try {
      this.#bodies.tag(tags)
    } catch (error) {
      this.#bodies.fault('tag', error, tags)
    }
  }

  skip(): void {
    this.#skipped = true
  }

  /**
   * The response is about to end with `status`. Only the first call counts.
   * @param socket the connection that its last bytes go to, where they can be kept back there
   * @returns undefined: go on. A promise: hold the end of the response until it resolves; it never rejects.
   */
  end(status: number, socket?: Socket): Promise<void> | undefined {
    if (this.#ended) return undefined
    this.#ended = true
    this.#status = this.#hasLeft ? CLIENT_LEFT : status
    if (this.#hasLeft)
      this.#error = this.#error === undefined ? CLIENT_LEFT_ERROR : `${CLIENT_LEFT_ERROR}; ${this.#error}`
    this.#durationMs = this.#elapsed()
    return this.#context.record(this, socket)
  }

  get isLarge(): boolean {
    const { isLate, features, outputs } = this.#bodies
    return isLate || features.length > MAX_AT_ONCE || outputs.length > MAX_AT_ONCE
  }

  lines(): readonly string[] {
    try {
      const weight = this.#weigh()
      if (weight === 0) return []
      this.#bodies.finish()
      return this.#linesOf(this.#lineMaker(weight), 0, this.#count)
    } catch (error) {
      this.#bodies.fault('record', error)
      return []
    }
  }

  *steps(): Generator<readonly string[] | undefined, void, undefined> {
    try {
      if (this.#skipped) this.#bodies.drop()
      else yield* this.#bodies.readInSteps()
      const weight = this.#weigh()
      if (weight === 0) return
      yield* this.#bodies.finishInSteps()
      const makeLine = this.#lineMaker(weight)
      const count = this.#count
      for (let from = 0; from < count; from += STEP) yield this.#linesOf(makeLine, from, Math.min(from + STEP, count))
    } catch (error) {
      this.#bodies.fault('record', error)
    }
  }

  get #count(): number {
    const { features, outputs } = this.#bodies
    return Math.max(features.length, outputs.length, 1)
  }

  /** How many requests its records stand for; 0: there are none. Call it once: it counts the request. */
  #weigh(): number {
    if (this.#skipped) {
      this.#context.count('skipped')
      return 0
    }
    const weight = this.#sampleWeight()
    this.#context.count(weight === 0 ? 'sampledOut' : 'captured')
    return weight
  }

  #lineMaker(sampleWeight: number): LineMaker {
    const context = this.#context
    const bodies = this.#bodies
    const status = this.#status
    this.#takeHeaderTags()
    if (bodies.outputs.length > 0) bodies.noteCount(bodies.outputs.length)
    // Tags and extra first: what redaction takes out of these is taken out of the texts as well.
    const { cleaner } = bodies
    const { tags, extra } = cleaner.beside(bodies.tags, bodies.extra)
    const count = this.#count
    const error =
      cleaner.error(this.#error) ?? (status >= 400 || this.#error !== undefined ? `status ${status}` : undefined)
    return createLineMaker({
      timestamp: context.timestamp(this.#arrival),
      model: this.#modelMembers(),
      requestId: cleaner.text(this.#callersId ?? bodies.replyId),
      status,
      durationMs: this.#durationMs,
      error: error === undefined ? undefined : keptWords(error, mostOf(count)),
      sampleWeight,
      tags,
      extra: extra === undefined ? undefined : keptNotes(extra, count),
    })
  }

  /** The lines of the instances from `from` to before `to`. Call it in order: each base of ids is made once. */
  #linesOf(makeLine: LineMaker, from: number, to: number): readonly string[] {
    const { features, outputs, cleaner } = this.#bodies
    const count = this.#count
    const lines: string[] = []
    for (let k = from; k < to; k++) {
      const index = k % INSTANCES_PER_BASE
      if (k > 0 && index === 0) this.#base = this.#context.nextId()
      if (index === 0 && count > 1) this.#context.madeBatch(this.#base, Math.min(count - k, INSTANCES_PER_BASE))
      lines.push(makeLine(instanceId(this.#base, index), k, cleaner.json(features.at(k)), cleaner.json(outputs.at(k))))
    }
    return lines
  }

  /** The caller's id of it, if it gave one. */
  get #callersId(): string | undefined {
    return this.#bodies.requestId ?? requestIdOf(this.#start.headers)
  }

  /**
   * Whether its id falls within the sample: decided once, as soon as the request's body may have told the id. A model server's id
   * of it would be another one in each service.
   */
  #isKept(sampler: Sampler): boolean {
    return (this.#kept ??= sampler.keep(this.#callersId ?? this.id))
  }

  #sampleWeight(): number {
    const sampler = this.#sampler
    if (sampler === undefined) return 1
    const kept = this.#isKept(sampler)
    return sampler.weight({ status: this.#status, durationMs: this.#durationMs, error: this.#error, kept })
  }

  /** Milliseconds since the arrival, in whole microseconds. */
  #elapsed(): number {
    return Math.round((performance.now() - this.#startedAt) * 1000) / 1000
  }

  #takeHeaderTags(): void {
    const bodies = this.#bodies
    for (const name of this.#context.tagHeaders) {
      const value = headerOf(this.#start.headers, name)
      if (value !== undefined) bodies.tags = { [name]: value, ...bodies.tags }
    }
  }

  #modelMembers(): string {
    const { model, modelVersion, modelMembers: ours } = this.#context
    const bodies = this.#bodies
    if (bodies.model === undefined && bodies.modelVersion === undefined) return ours
    const { cleaner } = bodies
    return modelMembers(cleaner.text(bodies.model) ?? model, cleaner.text(bodies.modelVersion) ?? modelVersion)
  }
}
