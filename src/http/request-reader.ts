import type { IncomingMessage } from 'node:http'
import { decompress } from './decompress.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { isStream } from '../formats/is-stream.ts'
import { sha256 } from '../records/cut.ts'
import { encode } from '../records/json.ts'
import { isEmptyBody } from './empty-body.ts'
import { tapStream, type Tap } from './body-tap.ts'
import { formOf } from './form-body.ts'

export interface RequestOptions {
  /** The body as the framework's parser left it; undefined as long as no parser has run. */
  body(): unknown
  /** The files of a multipart form, where its parser puts them beside the body. */
  files?(): unknown
  /** A body of more bytes than this is not read. */
  readonly maxBodyBytes: number
}

/** JSON with digits enough that its parser may have rounded them: the bytes know better. A form's parser rounds nothing. */
const mayBeRounded = (body: unknown, bytes: Buffer): boolean => {
  if (typeof body !== 'object' || Buffer.isBuffer(body)) return false
  const text = bytes.toString('latin1')
  return /^\s*[[{]/.test(text) && /\d{16}/.test(text)
}

/** HTTP/2 has no Transfer-Encoding: its frames say where a body ends. */
const hasBody = ({ headers, httpVersionMajor }: IncomingMessage): boolean => {
  const length = headers['content-length']
  return length === undefined ? headers['transfer-encoding'] !== undefined || httpVersionMajor > 1 : Number(length) > 0
}

/** The bytes as the body that formats read, behind their Content-Encoding. */
const requestFromBytes = (exchange: Exchange, bytes: Buffer, req: IncomingMessage, maxBodyBytes: number): void => {
  const plain = decompress(bytes, req.headers['content-encoding'], maxBodyBytes)
  exchange.request(plain.bytes)
  if (plain.bytes === undefined) exchange.unread('body', plain.reason, { bytes: bytes.length, sha256: sha256(bytes) })
}

/** Whether a parser's bytes are as they came: Express' are behind their Content-Encoding already, Fastify's are not. */
const isPacked = ({ headers }: IncomingMessage, bytes: Buffer): boolean => {
  const { 'content-encoding': encoding, 'content-length': length } = headers
  return encoding !== undefined && (length === undefined || Number(length) === bytes.length)
}

/** How many bytes a parser has read. Only the length of a body without a Content-Encoding says so; else that of its JSON. */
const sentSize = ({ headers }: IncomingMessage, body: unknown): number => {
  const { 'content-encoding': encoding, 'content-length': length } = headers
  if (Buffer.isBuffer(body)) return body.length
  if (length !== undefined && encoding === undefined) return Number(length)
  return Buffer.byteLength(typeof body === 'string' ? body : encode(body))
}

const isMultipart = ({ headers }: IncomingMessage): boolean =>
  /^multipart\/form-data\b/i.test(headers['content-type'] ?? '')

/** What a parser has read, unless it is more than is to be read: its bytes are gone, so its digest is that of its JSON. */
const readParsed = (req: IncomingMessage, exchange: Exchange, body: unknown, maxBodyBytes: number): void => {
  if (Buffer.isBuffer(body) && isPacked(req, body)) return requestFromBytes(exchange, body, req, maxBodyBytes)
  const size = sentSize(req, body)
  if (!(size > maxBodyBytes)) return exchange.request(body)
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : encode(body))
  exchange.request(undefined)
  exchange.tooLarge('body', size, sha256(bytes))
}

/** A reply before the body was read (authentication, 413), or whose parser refused it and kept no bytes (Fastify's). */
const readNothing = (req: IncomingMessage, exchange: Exchange): void => {
  exchange.request(undefined)
  if (hasBody(req)) exchange.note('body', 'not read, or refused by its parser')
}

const readLate = (req: IncomingMessage, exchange: Exchange, tap: Tap | undefined, options: RequestOptions): void => {
  const parsed = options.body()
  const body = parsed === undefined || isStream(parsed) ? undefined : parsed
  const tapped = tap?.body()
  if (tapped === undefined) {
    // Parsers (Koa's) leave an empty object where they read nothing.
    const isRead = body !== undefined && (req.readableEnded || !isEmptyBody(body))
    if (!isRead) return readNothing(req, exchange)
    return readParsed(req, exchange, body, options.maxBodyBytes)
  }
  if (tapped.bytes === undefined) {
    exchange.request(undefined)
    return exchange.tooLarge('body', tapped.size, tapped.sha256)
  }
  if (isEmptyBody(body) || mayBeRounded(body, tapped.bytes))
    requestFromBytes(exchange, tapped.bytes, req, options.maxBodyBytes)
  else readParsed(req, exchange, body, options.maxBodyBytes)
}

/** Reads the body of one request, once. A class, as one is made for each. */
export class RequestReader {
  readonly #req: IncomingMessage
  readonly #exchange: Exchange
  readonly #options: RequestOptions
  #tap: Tap | undefined

  constructor(req: IncomingMessage, exchange: Exchange, options: RequestOptions) {
    this.#req = req
    this.#exchange = exchange
    this.#options = options
  }

  /** The handler is about to run: reads the body where a parser has run, else taps its bytes on their way to whoever reads them. */
  watch(): void {
    const req = this.#req
    const { maxBodyBytes } = this.#options
    const body = this.#options.body()
    const isRead = req.readableEnded || !hasBody(req) || !isEmptyBody(body)
    if (this.#readForm(body)) return
    if (isRead && body !== undefined && !isStream(body)) readParsed(req, this.#exchange, body, maxBodyBytes)
    else if (hasBody(req))
      this.#tap = tapStream(req, maxBodyBytes, (error) => this.#exchange.fault('watching a request', error))
  }

  /** Reads a multipart form where a parser has run: its bytes, with the files in them, say less. */
  #readForm(body: unknown): boolean {
    if (!isMultipart(this.#req) || isStream(body)) return false
    const form = formOf(body, this.#options.files?.(), (path, reason) => this.#exchange.note(path, reason))
    if (form === undefined) return false
    this.#exchange.request(form)
    return true
  }

  /** The reply is there: reads what could not be read before. */
  read(): void {
    if (this.#exchange.hasRequest || this.#readForm(this.#options.body())) return
    readLate(this.#req, this.#exchange, this.#tap, this.#options)
  }
}
