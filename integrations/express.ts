import type { NextFunction, Request, Response } from 'express'
import { createActualsReceiver, type ReceiveOptions } from '../src/actuals/receive.ts'
import type { Capture } from '../src/capture/capture.ts'
import { captureFor } from '../src/capture/create-capture.ts'
import type { CaptureOptions } from '../src/config/options.ts'
import { captureRequest, FULL_REPLY, FULL_STATUS, headerText, type HttpExchange } from '../src/http/capture-request.ts'
import type { Prediction } from '../src/prediction.ts'

declare global {
  namespace Express {
    interface Request {
      /** The prediction that this request makes, where it is captured. */
      prediction?: Prediction
    }
  }
}

/** Express middleware, with its capture. */
export interface PredictionsMiddleware {
  (req: Request, res: Response, next: NextFunction): void
  /** For `stats()`, `flush()` and `close()`. */
  readonly capture: Capture
}

/** Where multer puts the files of a form. */
type FileRequest = { readonly file?: unknown; readonly files?: unknown }

interface Route {
  readonly stack?: readonly { readonly handle: unknown; readonly name: string }[]
}

/** What tracers leave of a middleware that they wrap is its name. */
const NAME = 'capturePredictionsMiddleware'

/** A route's own `next` leaves the route at the word `route`, also when it is minified; a tracer's wrapper of it passes its arguments on. */
const isOwnNext = (next: NextFunction): boolean => {
  const source = Function.prototype.toString.call(next)
  return /['"`]route['"`]/.test(source) && !/\barguments\b|\.\.\./.test(source)
}

/**
 * Whether a middleware stands on the route that is running: then that route is captured, whatever its path. What stands on a
 * route may be wrapped, by a tracer or by hand, and is not found among the route's layers then. But a route has a `next` of its own,
 * while `req.next` is the router's; and a route that let a request pass leaves its name on it for whatever comes after.
 */
const isOnRoute = (req: Request, next: NextFunction, middleware: unknown): boolean => {
  const route = req.route as Route | undefined
  if (route === undefined) return false
  const isLayer = route.stack?.some(({ handle, name }) => handle === middleware || name === NAME) ?? false
  return isLayer || (next !== req.next && isOwnNext(next))
}

type Method = (...args: unknown[]) => Response

/**
 * Tells what a method of the response is called with. Express 4 also takes a status beside the body (`res.json(422, body)`): it
 * sets that and calls on with the body alone.
 */
const watchMethod = (res: Response, name: 'json' | 'jsonp' | 'send', tell: (body: unknown) => void): void => {
  const methods = res as unknown as Record<typeof name, Method>
  const own = Object.hasOwn(res, name) ? methods[name] : undefined
  // Not assigned as it is written: V8 would make it in the old generation (see `watchResponse`).
  const watched: Method = (...args) => {
    if (args.length === 1) tell(args[0])
    // Looked up now: a sub-app gives the response a prototype of its own.
    const method = own ?? (Object.getPrototypeOf(res) as typeof methods)[name]
    return method.apply(res, args)
  }
  methods[name] = watched
}

/** The object is known only before Express serialises it; `json` calls `send`, and `send` of an object calls `json`. */
const watchReplies = (res: Response, exchange: HttpExchange): void => {
  const replyValue = (value: unknown): void => exchange.reply(value, true)
  watchMethod(res, 'json', replyValue)
  watchMethod(res, 'jsonp', replyValue)
  watchMethod(res, 'send', (body) => {
    if (typeof body === 'string' || Buffer.isBuffer(body)) exchange.reply(body)
  })
}

/**
 * Captures predictions in Express 4 and 5. On the app it captures the configured routes (`POST /predict` by default), before or
 * after the body parser; on a route it captures that route.
 *
 * @param options see `CaptureOptions`, or a capture made by `createCapture`. Default: the environment's `PREDICTIONS_*`.
 * @throws `PREDICTIONS_BAD_CONFIGURATION`, `PREDICTIONS_MISSING_PACKAGE`, `PREDICTIONS_OUTBOX_UNUSABLE`
 *
 * @example
 * import express from 'express'
 * import { capturePredictions } from 'capture-predictions/express'
 *
 * const app = express()
 * app.use(express.json())
 * app.use(capturePredictions())
 * app.post('/predict', (req, res) => {
 *   const { prediction, confidence } = model.predict(req.body)
 *   req.prediction?.set({ confidence })
 *   res.json({ prediction })
 * })
 * app.listen(3000)
 */
export const capturePredictions = (options?: CaptureOptions | Capture): PredictionsMiddleware => {
  const capture = captureFor(options)

  const capturePredictionsMiddleware = (req: Request, res: Response, next: NextFunction): void => {
    const exchange = captureRequest(capture, {
      req,
      res,
      url: req.originalUrl,
      always: () => isOnRoute(req, next, capturePredictionsMiddleware),
      ignoresCase: !req.app.enabled('case sensitive routing'),
      body: () => req.body as unknown,
      files: () => (req as FileRequest).file ?? (req as FileRequest).files,
      header: (name) => headerText(res.getHeader(name)),
      setHeader: (name, value) => void res.setHeader(name, value),
    })
    if (exchange === undefined) return next()
    if (exchange === 'full') return void res.status(FULL_STATUS).json(FULL_REPLY)
    req.prediction ??= exchange.prediction
    watchReplies(res, exchange)
    exchange.request()
    next()
  }

  capture.start()
  return Object.assign(capturePredictionsMiddleware, { capture })
}

/**
 * A route that takes reports of what predictions really were: one report, a list, `{"reports": [...]}`, NDJSON, or CSV with a header. Put
 * it behind your own authentication: whoever may call it can tell what any prediction really was.
 *
 * It answers 202 `{ accepted, rejected: [{ index, reason }] }` when the reports are in the outbox; see `createActualsReceiver` for the
 * rest. A body that no parser has read is read by it, a little at a time: a parser before it would read it at once.
 *
 * @param predictions what `capturePredictions()` returned, or a capture made by `createCapture`
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: no sink takes actuals
 *
 * @example
 * const predictions = capturePredictions()
 * app.use(predictions)
 * app.post('/actuals', requireToken, receiveActuals(predictions))
 * // curl -d '{"id": "<X-Prediction-Id>", "actual": 2}' -H 'content-type: application/json' …/actuals
 */
export const receiveActuals = (predictions: PredictionsMiddleware | Capture, options?: ReceiveOptions) => {
  const receive = createActualsReceiver(predictions, options)
  return (req: Request, res: Response): void => {
    // Where every request is captured, this one is no prediction.
    req.prediction?.skip()
    void receive({ req, body: req.body as unknown }).then(({ status, body }) => {
      if (!res.headersSent) res.status(status).json(body)
    })
  }
}

export type { ReceiveOptions }

export default capturePredictions
