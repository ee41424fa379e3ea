import { createHash } from 'node:crypto'
import { ServerResponse } from 'node:http'
import type { Exchange } from '../exchange/exchange.ts'
import type { Header } from '../exchange/reply.ts'
import { decompress } from './decompress.ts'
import { isCorkable } from './cork-socket.ts'
import { byteLength, holdResponse, isEndable } from './hold-response.ts'
import { createTap, type Tap } from './body-tap.ts'
import { setId, takeHead } from './given-head.ts'
import { EventStream } from '../formats/event-stream.ts'

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

type WriteChunk = (chunk: unknown, encoding?: unknown, callback?: unknown) => boolean
type EndResponse = (chunk?: unknown, encoding?: unknown, callback?: unknown) => ServerResponse
type WriteHead = (...args: unknown[]) => ServerResponse
/** Takes calls that wait for the end of a hold. */
type Later = (call: () => void, ends: boolean) => void

/** A response of HTTP/2 only shows its socket, and writes to its stream. */
const isHttp1 = (res: ServerResponse): boolean => res instanceof ServerResponse

/**
 * Of one response. What Node.js' methods are called with is looked at before they are called. A fault of ours there ends the
 * looking, and not the response. A class, as one is made for each request.
 */
class ResponseWatch {
  readonly #res: ServerResponse
  readonly #ending: Ending
  readonly #options: ResponseOptions
  readonly #id: { readonly name: string; readonly value: string } | undefined
  readonly #end: EndResponse
  readonly #write: WriteChunk
  readonly #writeHead: WriteHead
  #ended = false
  #started = false
  /** Whether the head was looked at, to know how its bytes are read. */
  #looked = false
  #tap: Tap | undefined
  #events: EventStream | undefined
  /** The type of a body that can't be read: only its bytes are counted. */
  #opaque: string | undefined
  #encoding: string | undefined
  #expected = Infinity
  #sent = 0
  #later: Later | undefined

  constructor(res: ServerResponse, ending: Ending, options: ResponseOptions) {
    this.#res = res
    this.#ending = ending
    this.#options = options
    this.#id = options.idHeader === '' ? undefined : { name: options.idHeader, value: ending.prediction.id }
    this.#end = res.end as unknown as EndResponse
    this.#write = res.write as unknown as WriteChunk
    this.#writeHead = res.writeHead as unknown as WriteHead
  }

  writeHead(args: unknown[]): ServerResponse {
    try {
      this.#tagUpstream(takeHead(this.#res, args, this.#id))
      if (!this.#ended && !this.#hasReply) this.#openTap()
    } catch (error) {
      this.#giveUp(error)
    }
    return this.#writeHead.apply(this.#res, args)
  }

  write(chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
    const res = this.#res
    const write = this.#write
    if (this.#later !== undefined) {
      this.#later(() => write.call(res, chunk, encoding, callback), false)
      return true
    }
    let safe: Promise<void> | undefined
    if (!this.#ended) {
      try {
        safe = this.#beforeWrite(chunk, encoding)
      } catch (error) {
        this.#giveUp(error)
      }
    }
    if (safe === undefined) {
      const goesOn = write.call(res, chunk, encoding, callback)
      // Behind its chunk, which waits for nothing.
      if (this.#events !== undefined && !this.#ended) this.#takeEvents(chunk, encoding)
      return goesOn
    }
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
    let safe: Promise<void> | undefined
    if (!this.#ended) {
      try {
        safe = this.#beforeEnd(chunk, encoding)
      } catch (error) {
        this.#giveUp(error)
      }
    }
    if (safe === undefined || !isEndable(chunk)) return end.call(res, chunk, encoding, callback)
    const call = () => void end.call(res, chunk, encoding, callback)
    this.#later = holdResponse(res, safe, { chunk, encoding, ends: true, call })
    return res
  }

  /** The connection is gone. What has not ended then may never end: a handler may see that and return, or reply all the same. */
  close(): void {
    if (this.#ended) return
    try {
      this.#closedEarly()
    } catch (error) {
      this.#giveUp(error)
    }
  }

  #giveUp(error: unknown): void {
    this.#ended = true
    this.#ending.prediction.fault('watching a response', error)
  }

  get #hasReply(): boolean {
    return this.#ending.prediction.hasReply(this.#res.statusCode)
  }

  /** An id was there already: that of a server behind this one, whose reply the app passes on. */
  #tagUpstream(id: string | undefined): void {
    if (id !== undefined) this.#ending.prediction.tag({ upstream_prediction_id: id })
  }

  #beforeWrite(chunk: unknown, encoding: unknown): Promise<void> | undefined {
    const isFirst = !this.#started
    if (isFirst) this.#start()
    if (!this.#hasReply) this.#tap?.push(chunk, encoding)
    this.#sent += byteLength(chunk, encoding)
    if (this.#sent >= this.#expected) {
      this.#events?.push(chunk, encoding)
      return this.#finish()
    }
    if (isFirst) this.#ending.prediction.firstByte()
    return undefined
  }

  #beforeEnd(chunk: unknown, encoding: unknown): Promise<void> | undefined {
    this.#keepId()
    if (!this.#hasReply && chunk != null && typeof chunk !== 'function') {
      this.#openTap()
      this.#tap?.push(chunk, encoding)
      this.#events?.push(chunk, encoding)
      this.#sent += byteLength(chunk, encoding)
    }
    return this.#finish()
  }

  #takeEvents(chunk: unknown, encoding: unknown): void {
    try {
      this.#events!.push(chunk, encoding)
    } catch (error) {
      this.#giveUp(error)
    }
  }

  #closedEarly(): void {
    const { prediction } = this.#ending
    if (!this.#started) return prediction.clientLeft(() => void this.#finish())
    prediction.fail('the connection closed before the reply was complete')
    this.#finish()
  }

  /** Some error handlers (Koa's, finalhandler) remove every header before they reply. */
  #keepId(): void {
    if (this.#id !== undefined && !this.#res.headersSent) this.#tagUpstream(setId(this.#res, this.#id))
  }

  #finish(): Promise<void> | undefined {
    this.#ended = true
    this.#ending.beforeEnd()
    const { prediction } = this.#ending
    const { statusCode, socket } = this.#res
    if (this.#events !== undefined && !this.#hasReply) prediction.stream(this.#events, statusCode, this.#options.header)
    if (this.#opaque !== undefined && !this.#hasReply)
      prediction.note('reply', `a stream of ${this.#opaque}: .set() gives its outputs`, { bytes: this.#sent })
    if (this.#tap !== undefined && !this.#hasReply)
      replyFromBytes(prediction, this.#tap, statusCode, this.#encoding, this.#options)
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

  /**
   * At the head or the first bytes, once. The encoding belongs to the bytes that come by here: what stands outside of capture may
   * compress them, and says so when the head passes it.
   */
  #openTap(): void {
    if (this.#looked) return
    this.#looked = true
    const { header, maxBodyBytes } = this.#options
    this.#encoding = header('content-encoding')
    if (this.#encoding === undefined && isEventStream(header)) this.#events = new EventStream(maxBodyBytes)
    else if (isReadable(header)) this.#tap = createTap(maxBodyBytes)
    else this.#opaque = opaqueName(header('content-type'), this.#encoding)
  }
}

const kWatches = Symbol('capture-predictions.watches')

/** One function for all responses: a closure for each would be one more to make. */
function tellClosed(this: ServerResponse & { [kWatches]?: ResponseWatch[] }): void {
  for (const watch of this[kWatches]!) watch.close()
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
  const write: WriteChunk = (chunk, encoding, callback) => watch.write(chunk, encoding, callback)
  const end: EndResponse = (chunk, encoding, callback) => watch.end(chunk, encoding, callback)
  const writeHead: WriteHead = (...args) => watch.writeHead(args)
  res.write = write as typeof res.write
  res.end = end as unknown as typeof res.end
  res.writeHead = writeHead as unknown as typeof res.writeHead
  const watched = res as ServerResponse & { [kWatches]?: ResponseWatch[] }
  if (watched[kWatches] !== undefined) watched[kWatches].push(watch)
  else {
    watched[kWatches] = [watch]
    res.on('close', tellClosed)
  }
}

const opaqueName = (contentType = '', encoding: string | undefined): string => {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase().slice(0, 100)
  return encoding === undefined ? type : `${type}, content-encoding ${encoding.slice(0, 100)}`
}

const isEventStream = (header: Header): boolean => /^text\/event-stream/i.test(header('content-type') ?? '')

/** Endless or opaque streams have no outputs to read, nor have events that are compressed: `.set()` gives them. */
const isReadable = (header: Header): boolean =>
  !/^(text\/event-stream|multipart\/|image\/|audio\/|video\/)/i.test(header('content-type') ?? '')

const replyFromBytes = (
  exchange: Exchange,
  tap: Tap,
  status: number,
  encoding: string | undefined,
  { header, maxBodyBytes }: ResponseOptions,
): void => {
  const body = tap.body()
  if (body === undefined) return
  if (body.bytes === undefined) return exchange.tooLarge('reply', body.size, body.sha256)
  const plain = decompress(body.bytes, encoding, maxBodyBytes)
  if (plain.bytes !== undefined) return exchange.reply(plain.bytes, status, header)
  const sha256 = createHash('sha256').update(body.bytes).digest('hex')
  exchange.unread('reply', plain.reason, { bytes: body.bytes.length, sha256 })
}
