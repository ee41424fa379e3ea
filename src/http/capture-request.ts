import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RunningCapture } from '../capture/running-capture.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Header } from '../exchange/reply.ts'
import { givenHeader } from './given-head.ts'
import { isPlainValue } from './plain-value.ts'
import { RequestReader } from './request-reader.ts'
import { watchResponse } from './watch-response.ts'

/** One request as its framework knows it. Express, Koa and Fastify all stand on Node.js' own request and response. */
export interface HttpRequest {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** The path as the client sent it, with the query: before any router has cut a prefix from it. */
  readonly url: string
  /** Captured whatever the configured routes are: the middleware stands on the route itself. */
  always(): boolean
  /** Whether the app's router takes `/PREDICT` for `/predict`. */
  readonly ignoresCase: boolean
  /** The body as the framework's parser left it; undefined as long as no parser has run. */
  body(): unknown
  /** The files of a multipart form, where its parser puts them beside the body. */
  files?(): unknown
  /** A response header by its lower-case name. */
  readonly header: Header
  /** Sets a response header, as the framework does. */
  setHeader(name: string, value: string): void
}

/**
 * What an integration tells of a request that is captured. Nothing here throws: a fault of ours is counted and logged, and the app's
 * own work goes on. A class, as one is made for each.
 */
export class HttpExchange {
  readonly prediction: Exchange
  readonly #res: ServerResponse
  readonly #header: Header
  readonly #reader: RequestReader

  constructor(prediction: Exchange, { req, res, body, files }: HttpRequest, header: Header, maxBodyBytes: number) {
    this.prediction = prediction
    this.#res = res
    this.#header = header
    this.#reader = new RequestReader(req, prediction, { body, maxBodyBytes, ...(files && { files }) })
  }

  /** The handler is about to run: reads the body now if it is parsed, else watches its bytes go by. */
  request(): void {
    try {
      this.#reader.watch()
    } catch (error) {
      this.prediction.fault('reading a request', error)
    }
  }

  /**
   * What the handler replied, before it is serialised. What may not read the same twice is read from the reply's bytes.
   * @param isValue a string is a value, too: it will be serialised
   */
  reply(body: unknown, isValue = false): void {
    try {
      if (!isPlainValue(body)) return
      this.#reader.read()
      this.prediction.reply(body, this.#res.statusCode, this.#header, isValue)
    } catch (error) {
      this.prediction.fault('reading a reply', error)
    }
  }

  /** The error that the framework caught from the handler. */
  fail(error: unknown): void {
    this.prediction.fail(error)
  }

  /** The response is about to end: what could not be read before is read now. */
  beforeEnd(): void {
    this.#reader.read()
  }

  /** The handler has ended and the framework will not end the response, as the client went away: the prediction was made all the same. */
  end(): void {
    try {
      this.#reader.read()
      void this.prediction.clientLeft()
    } catch (error) {
      this.prediction.fault('ending a request', error)
    }
  }
}

/**
 * On a request: the captures that have it already. A capture that is mounted twice on one path makes one record, also where an
 * ESM and a CommonJS copy of the package mount it.
 */
const kCaptures: unique symbol = Symbol.for('capture-predictions.captures')

/** How many captures have the request, this one the last of them; 0: it has it already. */
const place = (capture: RunningCapture, req: IncomingMessage & { [kCaptures]?: RunningCapture[] }): number => {
  const captures = req[kCaptures]
  if (captures === undefined) {
    req[kCaptures] = [capture]
    return 1
  }
  return captures.includes(capture) ? 0 : captures.push(capture)
}

/**
 * Begins to capture a request, if it is one to capture.
 * @returns undefined: let it pass. `'full'`: reply 503 before the model runs (`PREDICTIONS_WHEN_FULL=reject`).
 */
export const captureRequest = (capture: RunningCapture, http: HttpRequest): HttpExchange | 'full' | undefined => {
  try {
    return begin(capture, http)
  } catch (error) {
    capture.fault('beginning a request', error)
    return undefined
  }
}

const begin = (capture: RunningCapture, http: HttpRequest): HttpExchange | 'full' | undefined => {
  const { req, res } = http
  const route = capture.route(req.method ?? '', http.url, http.always(), http.ignoresCase)
  if (route === undefined) return undefined
  const nth = place(capture, req)
  if (nth === 0) return undefined
  if (capture.rejects()) return 'full'
  const prediction = capture.begin({ route, headers: req.headers })
  const { maxBodyBytes } = capture.settings
  // Of several captures on one response the first has the header.
  const taken = nth > 1 && http.header(capture.settings.idHeader) !== undefined
  const idHeader = taken ? '' : capture.settings.idHeader
  if (idHeader !== '' && !res.headersSent) http.setHeader(idHeader, prediction.id)
  const header: Header = (name) => givenHeader(res, name) ?? http.header(name)
  const exchange = new HttpExchange(prediction, http, header, maxBodyBytes)
  watchResponse(res, exchange, { idHeader, maxBodyBytes, header })
  return exchange
}

/** What a client is told when the outbox or queue is full and the service wants no prediction without its record. */
export const FULL_STATUS = 503
export const FULL_REPLY = { error: 'predictions cannot be recorded at the moment, try again later' } as const

export { headerText } from './given-head.ts'
