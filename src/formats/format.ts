/**
 * A body's format: how instances' features are read from a request, and their outputs from its reply.
 * It is called on the request's path: it must not keep or change what it is given, and may throw
 * (the record is then kept with the raw body and the error in `extra`).
 */
export interface Format {
  /** What the configuration and the stats call it. */
  readonly name: string
  /** Whether a request looks like this format: asked in turn by `auto`. Absent: only when named. */
  matches?(request: FormatRequest): boolean
  /** Reads the request, before the handler runs. */
  readRequest(request: FormatRequest): RequestReading
  /** Reads the reply's object, before it is serialised. Not called when the handler replied nothing readable. */
  readReply(reply: FormatReply, request: RequestReading): ReplyReading
}

export interface FormatRequest {
  /** The body as the handler receives it: parsed JSON, a string or a Buffer. */
  readonly body: unknown
  readonly contentType: string
  /** A request header by its lower-case name. */
  header(name: string): string | undefined
  /** Feature and output names in the schema's order; empty without a schema. */
  readonly featureNames: readonly string[]
  readonly outputNames: readonly string[]
  /** Those of the features that the schema has as lists or objects. Absent: none. */
  readonly listNames?: ReadonlySet<string> | undefined
}

export interface FormatReply {
  /** What the handler replied: an object, a string or a Buffer. */
  readonly body: unknown
  readonly contentType: string
  readonly status: number
  /** A response header by its lower-case name. */
  header(name: string): string | undefined
}

/** What could not be read or stored as it came, by path: for a record's `extra`. */
export type Extra = Record<string, { value?: unknown; reason: string }>

/** What stands beside the instances in a body. */
export interface Envelope {
  readonly requestId?: string | undefined
  readonly model?: string | undefined
  readonly modelVersion?: string | undefined
  readonly tags?: Readonly<Record<string, unknown>> | undefined
  readonly extra?: Readonly<Extra> | undefined
}

export interface RequestReading extends Envelope {
  /** One object of features for each instance, in order. */
  readonly features: readonly Readonly<Record<string, unknown>>[]
  /** Whether the request held a list of instances, even if only one. Default: it held more than one. */
  readonly isBatch?: boolean | undefined
  /** Anything the format wants to know again when it reads the reply. */
  readonly context?: unknown
}

export interface ReplyReading extends Envelope {
  /** One object of outputs for each instance, in order. A length unlike the request's is noted in `extra`. */
  readonly outputs: readonly Readonly<Record<string, unknown>>[]
}
