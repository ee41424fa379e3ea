import type { ServerResponse } from 'node:http'
import type { Exchange, Header } from './exchange.ts'
import { decompress } from './decompress.ts'
import { byteLength, holdResponse, isEndable } from './hold.ts'
import { createTap, type Tap } from './tap.ts'

export interface ResponseOptions {
  /** The header that carries the prediction's id; empty: none, or another capture has set it. */
  readonly idHeader: string
  /** A reply of more bytes than this is not read. */
  readonly maxBodyBytes: number
  /** A response header by its lower-case name, as the framework knows it. */
  header(name: string): string | undefined
  /** Called once, just before the exchange ends: for what is known only then. */
  readonly beforeEnd?: (() => void) | undefined
}

type Write = (chunk: unknown, encoding?: unknown, callback?: unknown) => boolean
type End = (chunk?: unknown, encoding?: unknown, callback?: unknown) => ServerResponse

/**
 * Ends the exchange before the last byte of its response is handed over, whichever way that happens: `end`, or a `write` that
 * fills the Content-Length. A reply that no integration has seen as an object is read from its bytes as they pass.
 * Closures over one response: another capture on the same response wraps these in turn.
 */
export const watchResponse = (res: ServerResponse, exchange: Exchange, options: ResponseOptions): void => {
  const end = res.end as unknown as End
  const write = res.write as unknown as Write
  const { idHeader, header } = options
  let ended = false
  let tap: Tap | undefined
  let expected = Infinity
  let sent = 0
  let started = false
  let later: ((call: () => void, ends: boolean) => void) | undefined

  /** Some error handlers (Koa's, finalhandler) remove every header before they reply. */
  const keepId = (): void => {
    if (idHeader !== '' && !res.headersSent && !res.hasHeader(idHeader)) res.setHeader(idHeader, exchange.id)
  }

  const finish = (): Promise<void> | undefined => {
    ended = true
    options.beforeEnd?.()
    if (!exchange.hasReply(res.statusCode) && tap !== undefined) replyFromBytes(exchange, tap, res.statusCode, header)
    return exchange.end(res.statusCode)
  }

  /** At the first write. */
  const start = (): void => {
    started = true
    keepId()
    const length = Number(header('content-length'))
    if (length > 0) expected = length
    if (isReadable(header)) tap = createTap(options.maxBodyBytes)
  }

  /** More writes are to come. */
  const startStream = (): void => {
    exchange.firstByte()
    // The client went away in mid-stream: `end` may never come, and no other reply can.
    res.once('close', () => {
      if (ended) return
      exchange.fail('the connection closed before the reply was complete')
      finish()
    })
  }

  res.write = function (chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
    if (later !== undefined) {
      later(() => write.call(res, chunk, encoding, callback), false)
      return true
    }
    if (ended) return write.call(res, chunk, encoding, callback)
    const isFirst = !started
    if (isFirst) start()
    if (!exchange.hasReply(res.statusCode)) tap?.push(chunk, encoding)
    sent += byteLength(chunk, encoding)
    if (sent < expected) {
      if (isFirst) startStream()
      return write.call(res, chunk, encoding, callback)
    }
    const safe = finish()
    if (safe === undefined) return write.call(res, chunk, encoding, callback)
    const call = () => void write.call(res, chunk, encoding, callback)
    later = holdResponse(res, safe, { chunk, encoding, ends: false, call })
    return true
  } as typeof res.write

  res.end = function (chunk?: unknown, encoding?: unknown, callback?: unknown): ServerResponse {
    if (later !== undefined) {
      later(() => end.call(res, chunk, encoding, callback), true)
      return res
    }
    if (ended) return end.call(res, chunk, encoding, callback)
    keepId()
    if (!exchange.hasReply(res.statusCode) && chunk != null && typeof chunk !== 'function') {
      if (!started && isReadable(header)) tap = createTap(options.maxBodyBytes)
      tap?.push(chunk, encoding)
    }
    const safe = finish()
    if (safe === undefined || !isEndable(chunk)) return end.call(res, chunk, encoding, callback)
    const call = () => void end.call(res, chunk, encoding, callback)
    later = holdResponse(res, safe, { chunk, encoding, ends: true, call })
    return res
  } as typeof res.end
}

/** Server-sent events and other endless or opaque streams have no outputs to read: `.set()` gives them. */
const isReadable = (header: Header): boolean =>
  !/^(text\/event-stream|multipart\/|image\/|audio\/|video\/)/i.test(header('content-type') ?? '')

const replyFromBytes = (exchange: Exchange, tap: Tap, status: number, header: Header): void => {
  const body = tap.body()
  if (body === undefined) return
  if (body.bytes === undefined) return exchange.tooLarge('reply', body.size, body.sha256)
  const plain = decompress(body.bytes, header('content-encoding'))
  if (plain.bytes !== undefined) exchange.reply(plain.bytes, status, header)
  else exchange.note('reply', plain.reason, { bytes: body.bytes.length })
}
