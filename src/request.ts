import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { decompress } from './decompress.ts'
import type { Exchange } from './exchange.ts'
import { encode } from './json.ts'
import { tapStream, type Tap } from './tap.ts'

export interface RequestOptions {
  /** The body as the framework's parser left it; undefined as long as no parser has run. */
  body(): unknown
  /** A body of more bytes than this is not read. */
  readonly maxBodyBytes: number
}

/** Digits enough that a JSON parser may have rounded them: the bytes know better. */
const LONG_DIGITS = /\d{16}/

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0

const isStream = (body: unknown): boolean => typeof (body as { pipe?: unknown } | null)?.pipe === 'function'

/** No body, or the empty object that Express 4's parser leaves where it refused the bytes. */
const isEmpty = (body: unknown): boolean =>
  body == null || (typeof body === 'object' && !Buffer.isBuffer(body) && Object.keys(body).length === 0)

/** The bytes as the body that formats read, behind their Content-Encoding. */
const requestFromBytes = (exchange: Exchange, bytes: Buffer, req: IncomingMessage): void => {
  const plain = decompress(bytes, req.headers['content-encoding'])
  exchange.request(plain.bytes)
  if (plain.bytes === undefined) exchange.note('body', plain.reason, { bytes: bytes.length })
}

/** Bytes that a parser left: Express' are behind their Content-Encoding already, Fastify's are as they came. */
const unpacked = ({ headers }: IncomingMessage, bytes: Buffer): Buffer => {
  const encoding = headers['content-encoding']
  const length = headers['content-length']
  if (encoding === undefined || (length !== undefined && Number(length) !== bytes.length)) return bytes
  return decompress(bytes, encoding).bytes ?? bytes
}

/** What a parser has read, unless it is more than is to be read: its bytes are gone, so its digest is that of its JSON. */
const readParsed = (req: IncomingMessage, exchange: Exchange, body: unknown, maxBodyBytes: number): void => {
  const size = Number(req.headers['content-length'])
  if (!(size > maxBodyBytes)) return exchange.request(Buffer.isBuffer(body) ? unpacked(req, body) : body)
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : encode(body))
  exchange.request(undefined)
  exchange.tooLarge('body', size, createHash('sha256').update(bytes).digest('hex'))
}

const readLate = (req: IncomingMessage, exchange: Exchange, tap: Tap | undefined, options: RequestOptions): void => {
  const parsed = options.body()
  const body = parsed === undefined || isStream(parsed) ? undefined : parsed
  const tapped = tap?.body()
  if (tapped === undefined) return readParsed(req, exchange, body, options.maxBodyBytes)
  if (tapped.bytes === undefined) {
    exchange.request(undefined)
    return exchange.tooLarge('body', tapped.size, tapped.sha256)
  }
  const rounded =
    typeof body === 'object' && !Buffer.isBuffer(body) && LONG_DIGITS.test(tapped.bytes.toString('latin1'))
  if (isEmpty(body) || rounded) requestFromBytes(exchange, tapped.bytes, req)
  else readParsed(req, exchange, body, options.maxBodyBytes)
}

export interface RequestReader {
  /** The handler is about to run: reads the body where a parser has run, else taps its bytes on their way to whoever reads them. */
  watch(): void
  /** The reply is there: reads what could not be read before. */
  read(): void
}

/** Reads the body of one request, once. */
export const requestReader = (req: IncomingMessage, exchange: Exchange, options: RequestOptions): RequestReader => {
  let tap: Tap | undefined
  return {
    watch() {
      const body = options.body()
      if (body !== undefined && !isStream(body)) readParsed(req, exchange, body, options.maxBodyBytes)
      else if (hasBody(req)) tap = tapStream(req, options.maxBodyBytes)
    },
    read() {
      if (!exchange.hasRequest) readLate(req, exchange, tap, options)
    },
  }
}
