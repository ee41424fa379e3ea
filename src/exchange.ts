import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { RequestView, type ExchangeContext, type ExchangeStart } from './exchange-context.ts'
import type { Envelope, Format, FormatReply, RequestReading } from './format.ts'
import { countOf, textsOf } from './formats/texts.ts'
import { INSTANCES_PER_BASE, instanceId } from './id.ts'
import { copyOf, givenTo, mergeEach } from './given.ts'
import { headerOf, requestIdOf } from './headers.ts'
import { decode, encode } from './json.ts'
import { modelMembers, recordLine } from './line.ts'
import { messageOf } from './errors.ts'
import type { Prediction } from './prediction.ts'
import type { Redaction } from './redact.ts'
import { errorOfReply } from './reply-error.ts'
import type { Sampler } from './sample.ts'

type Members = Record<string, unknown>

/** A header by its lower-case name. */
export type Header = (name: string) => string | undefined

/** Named features take more text than the array that they came from; past this many times the limit they are not stored. */
const TEXT_FACTOR = 4

/** Where `extra` holds a body that could not be taken apart: no rule of redaction could be applied to it. */
const UNREAD = ['body', 'request', 'reply']

/** A record's `error` is for people: longer ones are cut. In UTF-16 units. */
const MAX_ERROR = 2000

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
export class Exchange implements Prediction {
  readonly id: string
  readonly #context: ExchangeContext
  readonly #start: ExchangeStart
  readonly #arrival: number
  readonly #startedAt: number
  readonly #redaction: Redaction | undefined
  readonly #sampler: Sampler | undefined
  #skipped = false
  #kept: boolean | undefined
  #ended = false
  #status = 0
  #durationMs = 0
  #format: Format | undefined
  #reading: RequestReading | undefined
  #replied = false
  #features: readonly string[] | undefined
  #outputs: readonly string[] | undefined
  #given: Members | readonly Members[] | undefined
  #tags: Members | undefined
  #extra: Members | undefined
  #error: string | undefined
  #model: string | undefined
  #modelVersion: string | undefined
  #requestId: string | undefined

  constructor(context: ExchangeContext, start: ExchangeStart) {
    this.#context = context
    this.#start = start
    this.id = context.nextId()
    this.#arrival = Date.now()
    this.#startedAt = performance.now()
    this.#redaction = context.startRedaction()
    this.#sampler = context.samplerOf(start.route)
  }

  /** Whether the request's body was read already. */
  get hasRequest(): boolean {
    return this.#reading !== undefined
  }

  /** Whether the reply is known: its object, or of a failure its words. It may fail after the object: its serialisation threw. */
  hasReply(status: number): boolean {
    return status >= 400 ? this.#error !== undefined : this.#replied
  }

  /** The request's body as the handler receives it. Only the first call counts. */
  request(body: unknown): void {
    if (this.#reading !== undefined) return
    try {
      this.#readRequest(body)
    } catch (error) {
      this.#reading ??= { features: [{}] }
      this.#unreadable('request', body, error)
    }
  }

  /**
   * What the handler replied, before it is serialised: an object, a string or bytes. Only the first of each counts: the first
   * reply, and the first error.
   * @param header a response header by its lower-case name
   */
  reply(body: unknown, status: number, header: Header): void {
    if (this.#skipped || this.hasReply(status)) return
    this.#replied = true
    if (this.#isOut()) return
    try {
      if (status >= 400) this.#error = errorOfReply(body)
      else this.#readReply(body, status, header)
    } catch (error) {
      this.#unreadable('reply', body, error)
    }
  }

  /** The first bytes of a streamed response are handed over. */
  firstByte(): void {
    this.tag({ time_to_first_byte_ms: this.#elapsed() })
  }

  /** The error that the framework caught from the handler. */
  fail(error: unknown): void {
    this.#error = messageOf(error)
  }

  /** A note for `extra`: something of the request or the reply that can't be kept as it is. */
  note(path: string, reason: string, value?: unknown): void {
    this.#extra = { ...this.#extra, [path]: value === undefined ? { reason } : { value, reason } }
  }

  /** A body past the limit: what is kept of it is its size, in bytes, and its digest. */
  tooLarge(path: string, bytes: number, sha256: string): void {
    this.note(path, 'larger than PREDICTIONS_MAX_BODY_BYTES, not stored', { bytes, sha256 })
  }

  set(outputs: Members | readonly Members[]): void {
    try {
      const copy = copyOf(outputs)
      const given = this.#given
      if (given === undefined) this.#given = copy
      else if (Array.isArray(copy) || Array.isArray(given)) this.#given = mergeEach(given, copy, this.#isBatch)
      else this.#given = { ...given, ...copy }
    } catch (error) {
      this.#fault('set', error, outputs)
    }
  }

  tag(tags: Readonly<Members>): void {
    try {
      this.#tags = { ...this.#tags, ...(copyOf(tags) as Members) }
    } catch (error) {
      this.#fault('tag', error, tags)
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
    this.#status = status
    this.#durationMs = this.#elapsed()
    return this.#context.record(this, socket)
  }

  /** Its records, one an instance, as JSON texts; none: it was skipped or sampled out. To be asked once, after the end. */
  lines(): readonly string[] {
    try {
      return this.#finish()
    } catch (error) {
      this.#fault('record', error)
      return []
    }
  }

  #readRequest(body: unknown): void {
    const context = this.#context
    const request = new RequestView(body, this.#start.headers, context)
    const format = context.chooseFormat(request)
    const reading = format.readRequest(request)
    this.#format = format
    this.#reading = reading
    this.#takeEnvelope(reading)
    this.#hideUnread(body)
    if (!this.#isOut()) this.#features = this.#featureTexts(reading)
  }

  #readReply(body: unknown, status: number, header: Header): void {
    // A reply before the request was read (mounted before the body parser): its format is not known yet.
    if (this.#reading === undefined) this.request(undefined)
    const format = this.#format
    if (format === undefined) return
    const reply: FormatReply = { body, contentType: header('content-type') ?? '', status, header }
    const reading = format.readReply(reply, this.#reading!)
    this.#takeEnvelope(reading)
    this.#hideUnread(body)
    const given = this.#given
    this.#given = undefined
    this.#noteCount(reading.outputs.length)
    this.#outputs = this.#texts(
      'outputs',
      given === undefined ? reading.outputs : this.#withGiven(reading.outputs, given),
    )
  }

  /** Whether the request held a list of instances, even if only one. */
  get #isBatch(): boolean {
    const reading = this.#reading
    return reading?.isBatch ?? this.#instances > 1
  }

  get #instances(): number {
    return this.#reading === undefined ? 1 : Math.max(countOf(this.#reading), 1)
  }

  #noteCount(outputs: number): void {
    const instances = this.#instances
    if (outputs > 0 && outputs !== instances)
      this.note('instances', `the request has ${instances} instances, the reply ${outputs}`)
  }

  /** Outputs with what was set, which wins. */
  #withGiven(outputs: readonly Members[], given: Members | readonly Members[]): Members[] {
    const count = Math.max(outputs.length, Array.isArray(given) ? given.length : this.#instances)
    const isBatch = this.#isBatch
    if (count === 1 && !isBatch && !Array.isArray(given)) return [{ ...outputs[0], ...given }]
    return Array.from({ length: count }, (_, k) => ({ ...outputs[k], ...givenTo(k, given, count, isBatch) }))
  }

  #takeEnvelope(envelope: Envelope): void {
    if (envelope.requestId !== undefined) this.#requestId ??= envelope.requestId
    if (envelope.model !== undefined) this.#model = envelope.model
    if (envelope.modelVersion !== undefined) this.#modelVersion = envelope.modelVersion
    if (hasMembers(envelope.tags)) this.#tags = { ...envelope.tags, ...this.#tags }
    if (hasMembers(envelope.extra)) this.#extra = { ...this.#extra, ...envelope.extra }
  }

  /** Most often cut out of the body. Redaction wants objects. */
  #featureTexts(reading: RequestReading): readonly string[] {
    const texts = this.#redaction === undefined ? textsOf(reading) : undefined
    return texts === undefined ? this.#texts('features', reading.features) : this.#withinLimit('features', texts)
  }

  /** Each instance's members as text, at once: the handler may change its objects later. */
  #texts(source: 'features' | 'outputs', instances: readonly Members[]): readonly string[] {
    const redaction = this.#redaction
    const texts = instances.map((members) =>
      encode(redaction === undefined ? members : redaction.apply(source, members)),
    )
    return this.#withinLimit(source, texts)
  }

  /** The texts, unless they are too long together. */
  #withinLimit(source: 'features' | 'outputs', texts: readonly string[]): readonly string[] {
    let size = 0
    for (const text of texts) size += text.length
    if (size <= TEXT_FACTOR * this.#context.maxBodyBytes) return texts
    this.tooLarge(source, size, createHash('sha256').update(texts.join('')).digest('hex'))
    return texts.map(() => '{}')
  }

  #unreadable(what: string, body: unknown, error: unknown): void {
    this.#fault(`reading a ${what}`, error, body)
    this.note(what, `could not be read: ${messageOf(error)}`, encode(body).slice(0, MAX_ERROR))
    this.#hideUnread(body)
  }

  /** The log is no place for what redaction hides either: of what could not be read, no word is told. */
  #fault(kind: string, error: unknown, unread?: unknown): void {
    const redaction = this.#redaction
    if (redaction !== undefined && unread !== undefined) redaction.raw(unread)
    this.#context.fault(kind, redaction === undefined ? error : redaction.text(messageOf(error)))
  }

  #finish(): readonly string[] {
    const context = this.#context
    if (this.#skipped) {
      context.count('skipped')
      return []
    }
    this.#requestId ??= requestIdOf(this.#start.headers)
    const sampleWeight = this.#sampleWeight()
    if (sampleWeight === 0) {
      context.count('sampledOut')
      return []
    }
    this.#takeHeaderTags()
    context.count('captured')
    return this.#lines(sampleWeight)
  }

  /** Whether its id falls within the sample: decided once, as soon as the request's body may have told the id. */
  #isKept(sampler: Sampler): boolean {
    return (this.#kept ??= sampler.keep(this.#requestId ?? requestIdOf(this.#start.headers) ?? this.id))
  }

  /** Sampled out whatever comes: nothing more of it is read. */
  #isOut(): boolean {
    const sampler = this.#sampler
    return sampler !== undefined && !sampler.waits && !this.#isKept(sampler)
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
    for (const name of this.#context.tagHeaders) {
      const value = headerOf(this.#start.headers, name)
      if (value !== undefined) this.#tags = { [name]: value, ...this.#tags }
    }
  }

  #lines(sampleWeight: number): readonly string[] {
    const context = this.#context
    const status = this.#status
    const features = this.#features ?? []
    const outputs = this.#finalOutputs()
    const count = Math.max(features.length, outputs.length, 1)
    this.#noteCount(outputs.length)
    // Tags and extra first: what redaction takes out of these is taken out of the texts as well.
    const tags = this.#finalTags()
    const extra = this.#finalExtra()
    const error = this.#cleaned(this.#error ?? (status >= 400 ? `status ${status}` : undefined))
    const record = {
      id: this.id,
      timestamp: context.timestamp(this.#arrival),
      model: this.#modelMembers(),
      requestId: this.#cleaned(this.#requestId),
      instance: 0,
      status,
      durationMs: this.#durationMs,
      error: error?.slice(0, MAX_ERROR),
      sampleWeight,
      tags,
      features: features[0],
      outputs: outputs[0],
      extra,
    }
    const lines = [recordLine(record)]
    let base = this.id
    for (let k = 1; k < count; k++) {
      const index = k % INSTANCES_PER_BASE
      if (index === 0) base = context.nextId()
      record.id = instanceId(base, index)
      record.instance = k
      record.features = features[k]
      record.outputs = outputs[k]
      lines.push(recordLine(record))
    }
    return lines
  }

  /** Outputs after the last `.set()`, which may have come after the reply. */
  #finalOutputs(): readonly string[] {
    const outputs = this.#outputs ?? []
    const given = this.#given
    if (given === undefined) return outputs
    const known = outputs.map((text) => decode(text) as Members)
    return this.#texts('outputs', this.#withGiven(known, given))
  }

  #cleaned(text: string | undefined): string | undefined {
    return text === undefined || this.#redaction === undefined ? text : this.#redaction.text(text)
  }

  #finalTags(): Members | undefined {
    const tags = this.#tags
    return tags === undefined || this.#redaction === undefined ? tags : (this.#redaction.apply('tags', tags) as Members)
  }

  #finalExtra(): Members | undefined {
    const extra = this.#extra
    return extra === undefined || this.#redaction === undefined ? extra : this.#redaction.extra(extra)
  }

  /** A body that could not be taken apart: no rule of redaction could be applied to it, so it is not kept where there are any. */
  #hideUnread(body: unknown): void {
    const redaction = this.#redaction
    if (redaction === undefined || this.#extra === undefined) return
    for (const path of UNREAD) {
      const note = this.#extra[path] as { value?: unknown } | undefined
      if (note?.value !== undefined) this.#extra[path] = { ...note, value: redaction.raw(body) }
    }
  }

  #modelMembers(): string {
    const { model, modelVersion } = this.#context
    if (this.#model === undefined && this.#modelVersion === undefined) return this.#context.modelMembers
    return modelMembers(this.#model ?? model, this.#modelVersion ?? modelVersion)
  }
}

const hasMembers = (members: Readonly<Members> | undefined): members is Members => {
  for (const _name in members) return true
  return false
}
