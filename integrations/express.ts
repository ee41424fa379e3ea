import type { NextFunction, Request, Response } from 'express'
import { asCapture, type Capture, type CaptureOptions } from '../src/capture.ts'
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

/** Whether the middleware stands on the route that is running: then that route is captured, whatever its path. */
const isOnRoute = (req: Request, middleware: unknown): boolean => {
  const route = req.route as { stack?: readonly { handle: unknown }[] } | undefined
  return route?.stack?.some((layer) => layer.handle === middleware) ?? false
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
  const capture = asCapture(options)

  const middleware = (req: Request, res: Response, next: NextFunction): void => {
    const exchange = captureRequest(capture, {
      req,
      res,
      url: req.originalUrl,
      always: isOnRoute(req, middleware),
      body: () => req.body as unknown,
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
  return Object.assign(middleware, { capture })
}

export default capturePredictions
