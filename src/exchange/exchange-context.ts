import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { Format, FormatReply, FormatRequest, RequestReading } from '../formats/format.ts'
import { headerOf } from '../http/request-headers.ts'
import type { Redaction } from '../redact/redaction.ts'
import type { Asked } from './asked.ts'
import type { Sampler } from './sampling.ts'

/** What all exchanges of a capture share, made once. Each function is called on the request's path. */
export interface ExchangeContext {
  nextId(): string
  timestamp(time: number): string
  chooseFormat(request: FormatRequest): Format
  /** Whether nothing of a request could be read. A format of the app's own decides that for itself. */
  isUnread(request: FormatRequest): boolean
  /** How the reply to such a request is read. */
  asUnread(format: Format, request: RequestReading, reply: FormatReply): { format: Format; request: RequestReading }
  /** Whether a body is so large that it is read at the end, in steps. Formats then see a copy of the app's objects. */
  readsLater(body: unknown): boolean
  /**
   * Counts an ordinary request, and gives what a format would have said of it. Undefined: the settings say how bodies are read, so no
   * request is ordinary.
   */
  readonly ordinary: (() => Asked) | undefined
  /** In the schema's order. */
  featureNames: readonly string[]
  outputNames: readonly string[]
  /** Features that the schema has as lists or objects. */
  listNames: ReadonlySet<string>
  readonly model: string
  readonly modelVersion: string
  /** Both as a record's text has them, made once. */
  readonly modelMembers: string
  /** A larger body is not read. */
  readonly maxBodyBytes: number
  /** Request headers, in lower case, that become tags. */
  readonly tagHeaders: readonly string[]
  /** Redaction of one exchange, or undefined without rules. */
  startRedaction(): Redaction | undefined
  /** How a route's requests are sampled, by the caller's id of them or else ours; undefined: all are kept. */
  samplerOf(route: string): Sampler | undefined
  /**
   * Records an exchange that ended, before the last byte of its reply goes.
   * @returns undefined: it is safe by the time that what is written to `socket` goes. A promise: the end of the response is to
   * wait for it; it never rejects.
   */
  record(exchange: EndedExchange, socket: Socket | undefined): Promise<void> | undefined
  /** Its client left before the reply: `finish` is called once, after a while or when the capture is closed. */
  abandon(finish: () => void): void
  count(what: 'captured' | 'sampledOut' | 'skipped'): void
  /** A batch request made so many predictions, whose ids begin with this one. */
  madeBatch(baseId: string, size: number): void
  /** A fault of capture itself: logged, never thrown at the app. */
  fault(kind: string, error: unknown): void
}

/** An exchange that ended, as its capture sees it. */
export interface EndedExchange {
  /** Whether its records are to be made by `steps`, as `lines` would hold up everything else for long. */
  readonly isLarge: boolean
  /** Its records, one an instance, as JSON texts; none: it was skipped or sampled out. Call it once. */
  lines(): readonly string[]
  /** The same in steps: yields some of them, or undefined where there are none yet. */
  steps(): Generator<readonly string[] | undefined, void, undefined>
}

/** A request as formats see it. A class, as one is made for each request. */
export class RequestView implements FormatRequest {
  readonly body: unknown
  readonly contentType: string
  readonly featureNames: readonly string[]
  readonly outputNames: readonly string[]
  readonly listNames: ReadonlySet<string>
  readonly #headers: IncomingHttpHeaders

  constructor(body: unknown, headers: IncomingHttpHeaders, { featureNames, outputNames, listNames }: ExchangeContext) {
    this.body = body
    this.contentType = headers['content-type'] ?? ''
    this.featureNames = featureNames
    this.outputNames = outputNames
    this.listNames = listNames
    this.#headers = headers
  }

  header(name: string): string | undefined {
    return headerOf(this.#headers, name)
  }
}

/** What an integration says of a request when it arrives. */
export interface ExchangeStart {
  /** The configured route that it matched, as it was written. */
  readonly route: string
  readonly headers: IncomingHttpHeaders
}
