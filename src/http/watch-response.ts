import { createHash } from 'node:crypto'
import { ServerResponse } from 'node:http'
import type { Exchange } from '../exchange/exchange.ts'
import type { Header } from '../exchange/exchange-bodies.ts'
import { decompress } from './decompress.ts'
import { isCorkable } from './cork-socket.ts'
import { byteLength, holdResponse, isEndable } from './hold-response.ts'
import { createTap, type Tap } from './body-tap.ts'

export interface ResponseOptions {
  /** The header that carries the prediction's id; empty: none, or another capture has set it. */
  readonly idHeader: string
  /** A reply of more bytes than this is not read. */
  readonly maxBodyBytes: number
  /** A response header by its lower-case name, as the framework knows it. */
  readonly header: Header
}

/** The exchange of one response, and what is to be done just before it ends. */
interface Ending {
  readonly prediction: Exchange
  beforeEnd(): void
}

type Write = (chunk: unknown, encoding?: unknown, callback?: unknown) => boolean
type End = (chunk?: unknown, encoding?: unknown, callback?: unknown) => ServerResponse

/** The socket of a response of HTTP/2 is only shown: its stream is what is written to. */
const isHttp1 = (res: ServerResponse): boolean => res instanceof ServerResponse

/** Of one response. A class, as one is made for each request. */
class ResponseWatch {
  readonly #res: ServerResponse
  readonly #ending: Ending
  readonly #options: ResponseOptions
  readonly #end: End
  readonly #write: Write
  #ended = false
  #started = false
  #tap: Tap | undefined
  #expected = Infinity
  #sent = 0
  #later: ((call: () => void, ends: boolean) => void) | undefined

  constructor(res: ServerResponse, ending: Ending, options: ResponseOptions) {
    this.#res = res
    this.#ending = ending
    this.#options = options
    this.#end = res.end as unknown as End
    this.#write = res.write as unknown as Write
  }

  write(chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
    const res = this.#res
    const write = this.#write
    if (this.#later !== undefined) {
      this.#later(() => write.call(res, chunk, encoding, callback), false)
      return true
    }
    if (this.#ended) return write.call(res, chunk, encoding, callback)
    const isFirst = !this.#started
    if (isFirst) this.#start()
    if (!this.#hasReply) this.#tap?.push(chunk, encoding)
    this.#sent += byteLength(chunk, encoding)
    if (this.#sent < this.#expected) {
      if (isFirst) this.#startStream()
      return write.call(res, chunk, encoding, callback)
    }
    const safe = this.#finish()
    if (safe === undefined) return write.call(res, chunk, encoding, callback)
    const call = () => void write.call(res, chunk, encoding, callback)
    this.#later = holdResponse(res, safe, { chunk, encoding, ends: false, call })
    return true
  }

  end(chunk?: unknown, encoding?: unknown, callback?: unknown): ServerResponse {
    const res = this.#res
    const end = this.#end
    if (this.#later !== undefined) {
      this.#later(() => end.call(res, chunk, encoding, callback), true)
      return res
    }
    if (this.#ended) return end.call(res, chunk, encoding, callback)
    this.#keepId()
    if (!this.#hasReply && chunk != null && typeof chunk !== 'function') {
      if (!this.#started) this.#openTap()
      this.#tap?.push(chunk, encoding)
    }
    const safe = this.#finish()
    if (safe === undefined || !isEndable(chunk)) return end.call(res, chunk, encoding, callback)
    const call = () => void end.call(res, chunk, encoding, callback)
    this.#later = holdResponse(res, safe, { chunk, encoding, ends: true, call })
    return res
  }

  get #hasReply(): boolean {
    return this.#ending.prediction.hasReply(this.#res.statusCode)
  }

  /** Some error handlers (Koa's, finalhandler) remove every header before they reply. */
  #keepId(): void {
    const { idHeader } = this.#options
    const res = this.#res
    if (idHeader !== '' && !res.headersSent && !res.hasHeader(idHeader))
      res.setHeader(idHeader, this.#ending.prediction.id)
  }

  #finish(): Promise<void> | undefined {
    this.#ended = true
    this.#ending.beforeEnd()
    const { prediction } = this.#ending
    const { statusCode } = this.#res
    if (this.#tap !== undefined && !this.#hasReply) replyFromBytes(prediction, this.#tap, statusCode, this.#options)
    const { socket } = this.#res
    return prediction.end(statusCode, isCorkable(socket) && isHttp1(this.#res) ? socket : undefined)
  }

  /** At the first write. */
  #start(): void {
    this.#started = true
    this.#keepId()
    const length = Number(this.#options.header('content-length'))
    if (length > 0) this.#expected = length
    this.#openTap()
  }

  #openTap(): void {
    if (isReadable(this.#options.header)) this.#tap = createTap(this.#options.maxBodyBytes)
  }

  /** More writes are to come. */
  #startStream(): void {
    this.#ending.prediction.firstByte()
    // The client went away in mid-stream: `end` may never come, and no other reply can.
    this.#res.once('close', () => {
      if (this.#ended) return
      this.#ending.prediction.fail('the connection closed before the reply was complete')
      this.#finish()
    })
  }
}

/**
 * Ends the exchange before the last byte of its response is handed over, whichever way that happens: `end`, or a `write` that
 * fills the Content-Length. A reply that no integration has seen as an object is read from its bytes as they pass.
 * Another capture on the same response wraps these in turn.
 */
export const watchResponse = (res: ServerResponse, ending: Ending, options: ResponseOptions): void => {
  const watch = new ResponseWatch(res, ending, options)
  // Not assigned as they are written: V8 takes a function that is for a method, makes it in the old generation, and with it keeps
  // everything of the request alive until a full collection.
  const write: Write = (chunk, encoding, callback) => watch.write(chunk, encoding, callback)
  const end: End = (chunk, encoding, callback) => watch.end(chunk, encoding, callback)
  res.write = write as typeof res.write
  res.end = end as unknown as typeof res.end
}

/** Server-sent events and other endless or opaque streams have no outputs to read: `.set()` gives them. */
const isReadable = (header: Header): boolean =>
  !/^(text\/event-stream|multipart\/|image\/|audio\/|video\/)/i.test(header('content-type') ?? '')

const replyFromBytes = (
  exchange: Exchange,
  tap: Tap,
  status: number,
  { header, maxBodyBytes }: ResponseOptions,
): void => {
  const body = tap.body()
  if (body === undefined) return
  if (body.bytes === undefined) return exchange.tooLarge('reply', body.size, body.sha256)
  const plain = decompress(body.bytes, header('content-encoding'), maxBodyBytes)
  if (plain.bytes !== undefined) return exchange.reply(plain.bytes, status, header)
  const sha256 = createHash('sha256').update(body.bytes).digest('hex')
  exchange.unread('reply', plain.reason, { bytes: body.bytes.length, sha256 })
}
