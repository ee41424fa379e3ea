import type { Next, ParameterizedContext } from 'koa'
import { createActualsReceiver, type ReceiveOptions } from '../src/actuals/receive.ts'
import type { Capture } from '../src/capture/capture.ts'
import { captureFor } from '../src/capture/create-capture.ts'
import type { CaptureOptions } from '../src/config/options.ts'
import { isStream } from '../src/formats/is-stream.ts'
import { captureRequest, FULL_REPLY, FULL_STATUS, headerText } from '../src/http/capture-request.ts'
import type { Prediction } from '../src/prediction.ts'

declare module 'koa' {
  interface DefaultContext {
    /** The prediction that this request makes, where it is captured. */
    prediction?: Prediction
  }
}

/** Koa middleware, with its capture. */
export interface PredictionsMiddleware {
  (ctx: ParameterizedContext, next: Next): Promise<void>
  /** For `stats()`, `flush()` and `close()`. */
  readonly capture: Capture
}

/** A layer of @koa/router that matched: those of routes have methods, those of `router.use` none. */
interface Layer {
  readonly methods: readonly string[]
  readonly path: unknown
  readonly stack: readonly unknown[]
}

/**
 * Whether the middleware stands on the route that runs. Tracers wrap what stands there, so it may not be found among the route's
 * layers: but the router says of which layer's path it is running the functions.
 */
const isOnRoute = (ctx: ParameterizedContext, middleware: unknown, isOnApp: boolean): boolean => {
  const matched = ctx['matched'] as readonly Layer[] | undefined
  return (
    matched?.some(
      ({ methods, path, stack }) =>
        methods.length > 0 && (stack.includes(middleware) || (!isOnApp && path === ctx['routerPath'])),
    ) ?? false
  )
}

/** Web streams and responses (Koa 3) are read by Koa alone. */
const isWebBody = (body: unknown): boolean =>
  body instanceof ReadableStream || body instanceof Response || body instanceof Blob

/**
 * Captures predictions in Koa 2 and 3. On the app it captures the configured routes (`POST /predict` by default), before or after
 * the body parser; on a route of @koa/router it captures that route.
 *
 * @param options see `CaptureOptions`, or a capture made by `createCapture`. Default: the environment's `PREDICTIONS_*`.
 * @throws `PREDICTIONS_BAD_CONFIGURATION`, `PREDICTIONS_MISSING_PACKAGE`, `PREDICTIONS_OUTBOX_UNUSABLE`
 *
 * @example
 * import Koa from 'koa'
 * import { bodyParser } from '@koa/bodyparser'
 * import { capturePredictions } from 'capture-predictions/koa'
 *
 * const app = new Koa()
 * app.use(bodyParser())
 * app.use(capturePredictions())
 * app.use((ctx) => {
 *   const { prediction, confidence } = model.predict(ctx.request.body)
 *   ctx.prediction?.set({ confidence })
 *   ctx.body = { prediction }
 * })
 * app.listen(3000)
 */
export const capturePredictions = (options?: CaptureOptions | Capture): PredictionsMiddleware => {
  const capture = captureFor(options)

  /** It was called before any router: so that is where it stands. */
  let isOnApp = false

  const capturePredictionsMiddleware = async (ctx: ParameterizedContext, next: Next): Promise<void> => {
    isOnApp ||= ctx['matched'] === undefined
    const exchange = captureRequest(capture, {
      req: ctx.req,
      res: ctx.res,
      url: ctx.originalUrl,
      always: () => isOnRoute(ctx, capturePredictionsMiddleware, isOnApp),
      // As @koa/router does, unless it is told to be sensitive.
      ignoresCase: true,
      body: () => (ctx.request as { body?: unknown }).body,
      // Where koa-body puts the files of a form.
      files: () => (ctx.request as { files?: unknown }).files,
      header: (name) => headerText(ctx.res.getHeader(name)),
      setHeader: (name, value) => void ctx.res.setHeader(name, value),
    })
    if (exchange === undefined) return next() as Promise<void>
    if (exchange === 'full') {
      ctx.status = FULL_STATUS
      ctx.body = FULL_REPLY
      return
    }
    const { prediction } = exchange
    ctx['prediction'] ??= prediction
    exchange.request()
    try {
      await next()
    } catch (error) {
      prediction.fail(error)
      // The client went away: Koa will not reply, and no end of the response will come.
      if (!ctx.writable) exchange.end()
      throw error
    }
    const body: unknown = ctx.body
    if (body != null && !isStream(body) && !isWebBody(body)) exchange.reply(body)
    if (!ctx.writable) exchange.end()
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
 * router.post('/actuals', requireToken, receiveActuals(predictions))
 */
export const receiveActuals = (predictions: PredictionsMiddleware | Capture, options?: ReceiveOptions) => {
  const receive = createActualsReceiver(predictions, options)
  return async (ctx: ParameterizedContext): Promise<void> => {
    // Where every request is captured, this one is no prediction.
    ;(ctx['prediction'] as Prediction | undefined)?.skip()
    const { status, body } = await receive({ req: ctx.req, body: (ctx.request as { body?: unknown }).body })
    ctx.status = status
    ctx.body = body
  }
}

export type { ReceiveOptions }

export default capturePredictions
