import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  RequestPayload,
  RouteOptions,
} from 'fastify'
import { Readable } from 'node:stream'
import fp from 'fastify-plugin'
import { actualsSchema } from '../src/actuals/actuals-schema.ts'
import {
  createActualsReceiver,
  DEFAULT_MAX_BODY_BYTES,
  readBody,
  type ReadBody,
  type ReceiveOptions,
} from '../src/actuals/receive.ts'
import type { Capture } from '../src/capture/capture.ts'
import { createRunningCapture } from '../src/capture/create-capture.ts'
import { asRunning, isCapture, type RunningCapture } from '../src/capture/running-capture.ts'
import type { CaptureOptions } from '../src/config/options.ts'
import { captureRequest, FULL_REPLY, FULL_STATUS, headerText, type HttpExchange } from '../src/http/capture-request.ts'
import type { RouteSchema } from '../src/schema/route.ts'
import type { Prediction } from '../src/prediction.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The prediction that this request makes, where it is captured. */
    prediction: Prediction | undefined
  }
  interface FastifyInstance {
    /** For `stats()`, `flush()` and `close()` of the capture. */
    predictions: Capture
  }
  interface FastifyContextConfig {
    /** true: capture this route whatever the configured routes are; false: never. */
    predictions?: boolean
  }
}

/** A plugin of any Fastify: another package (NestJS' adapter) may bring a copy of its own, whose types know nothing of ours. */
export type PredictionsPlugin = (fastify: unknown, options: PredictionsPluginOptions) => Promise<void>

/** What the plugin takes: options of a capture, or `{ capture }` made by `createCapture`. */
export type PredictionsPluginOptions = CaptureOptions | { readonly capture: Capture }

/** 4.23 is the first whose requests know their route's `config`. */
const SUPPORTED = '^4.23.0 || ^5.0.0'

/** What Fastify itself reads of a plugin's options. */
const FASTIFY_OPTIONS = ['prefix', 'logLevel', 'logSerializers'] as const

/** Without a logger Fastify's own does nothing, at every level: warnings of ours would be lost with it. */
const isSilent = ({ log }: FastifyInstance): boolean => log.error === log.info

const captureOf = (
  fastify: FastifyInstance,
  options: PredictionsPluginOptions,
): { capture: RunningCapture; own: boolean } => {
  if (isCapture(options)) return { capture: asRunning(options), own: false }
  if ('capture' in options) return { capture: asRunning(options.capture), own: false }
  const given: Record<string, unknown> = { ...(isSilent(fastify) ? {} : { logger: fastify.log }), ...options }
  for (const name of FASTIFY_OPTIONS) delete given[name]
  return { capture: createRunningCapture(given), own: true }
}

/** Where NestJS' interceptors put the files of a form, and `saveRequestFiles` of @fastify/multipart, which has functions by the other names. */
const filesOf = (request: FastifyRequest): unknown => {
  const { file, files, savedRequestFiles } = request as unknown as Record<string, unknown>
  return [file, files].find((given) => given !== undefined && typeof given !== 'function') ?? savedRequestFiles
}

/** Each of the files that were saved knows all parts of its form. */
const savedFields = (request: FastifyRequest): unknown => {
  const { savedRequestFiles } = request as { savedRequestFiles?: readonly { readonly fields?: unknown }[] | null }
  return savedRequestFiles?.[0]?.fields
}

interface RouterOptions {
  readonly caseSensitive?: boolean
  readonly ignoreDuplicateSlashes?: boolean
  readonly useSemicolonDelimiter?: boolean
}

/** Fastify 5 has them in a place of their own as well, where they win. */
const routerOptionsOf = ({ initialConfig }: FastifyInstance): RouterOptions => ({
  ...initialConfig,
  ...(initialConfig as { routerOptions?: RouterOptions }).routerOptions,
})

/** A URL's path as Fastify's router reads it; the query stays. */
const createUrlReader =
  ({ ignoreDuplicateSlashes, useSemicolonDelimiter }: RouterOptions) =>
  (url: string): string => {
    const read = useSemicolonDelimiter && url.includes(';') ? url.replace(/^([^?#;]*);/, '$1?') : url
    return ignoreDuplicateSlashes ? read.replace(/^[^?#]*/, (path) => path.replace(/\/{2,}/g, '/')) : read
  }

/** On handlers that `receiveActuals` made: how large a body may be. */
const kMaxBodyBytes = Symbol.for('capture-predictions.actuals')

/** Bodies that no parser of Fastify's has to know, by their requests. */
const bodies = new WeakMap<FastifyRequest, ReadBody>()

/**
 * Fastify refuses types that it has no parser for, and would parse JSON in one piece, however long that takes. So bodies are read before,
 * and its parser of plain text has nothing left to read.
 */
const readAhead = async (
  request: FastifyRequest,
  payload: RequestPayload,
  maxBodyBytes: number,
): Promise<RequestPayload> => {
  // With two captures in one app this is asked twice.
  if (bodies.has(request)) return payload
  const { 'content-length': length } = request.headers
  bodies.set(request, await readBody(request.raw, maxBodyBytes, payload as Readable))
  request.headers = { ...request.headers, 'content-type': 'text/plain' }
  return Object.assign(Readable.from([]), { receivedEncodedLength: Number(length ?? 0) })
}

const isPlainJson = ({
  headers: { 'content-type': type = '', 'content-encoding': encoding },
}: FastifyRequest): boolean => /^application\/json\b/i.test(type) && encoding === undefined

/** Gives a route of actuals what it needs: its schema for the app's documentation, room for its bodies, and a way in for NDJSON and CSV. */
const prepareActuals = (route: RouteOptions): void => {
  const maxBodyBytes = (route.handler as unknown as { [kMaxBodyBytes]?: number })[kMaxBodyBytes]
  if (maxBodyBytes === undefined) return
  route.schema ??= actualsSchema
  // What a schema of the app's own is to check, Fastify parses.
  const { body } = route.schema as RouteSchema
  const isChecked = body !== undefined && body !== actualsSchema.body
  route.bodyLimit ??= maxBodyBytes
  const read = async (request: FastifyRequest, _reply: FastifyReply, payload: RequestPayload) =>
    isChecked && isPlainJson(request) ? payload : readAhead(request, payload, maxBodyBytes)
  route.preParsing = [...[route.preParsing ?? []].flat(), read] as NonNullable<RouteOptions['preParsing']>
}

const plugin: FastifyPluginAsync<PredictionsPluginOptions> = async (fastify, options) => {
  const { capture, own } = captureOf(fastify, options)
  const router = routerOptionsOf(fastify)
  const ignoresCase = router.caseSensitive === false
  const readUrl = createUrlReader(router)
  // With two captures in one app each finds its own exchange, and the first whose route matches owns the handle.
  const kExchange = Symbol('capture-predictions.exchange')
  type Captured = FastifyRequest & { [kExchange]: HttpExchange | null }
  fastify.decorateRequest(kExchange, null)
  if (!fastify.hasRequestDecorator('prediction')) fastify.decorateRequest('prediction', undefined)
  if (!fastify.hasDecorator('predictions')) fastify.decorate('predictions', capture)

  /** Routes' schemas that were looked at. */
  const known = new WeakSet<object>()
  const addSchema = (schema: RouteSchema, shared: object): void => {
    known.add(schema)
    capture.addRouteSchema(schema, shared)
  }

  fastify.addHook('onRoute', function predictionsOnRoute({ method, url, schema, config }) {
    if (config?.predictions === false) return
    const methods = Array.isArray(method) ? method : [method]
    const always = config?.predictions === true
    if (schema !== undefined && (always || methods.some((name) => capture.isConfigured(name, url))))
      addSchema(schema, fastify.getSchemas())
  })

  fastify.addHook('onRoute', prepareActuals)

  fastify.addHook('onRequest', function predictionsOnRequest(request, reply, done) {
    const predictions = request.routeOptions.config?.predictions
    if (predictions === false) return done()
    const exchange = captureRequest(capture, {
      req: request.raw,
      res: reply.raw,
      url: readUrl(request.originalUrl),
      ignoresCase,
      always: () => predictions === true,
      // Fastify gives null to requests without a body.
      body: () => request.body ?? savedFields(request),
      files: () => filesOf(request),
      header: (name) => headerText(reply.getHeader(name)),
      setHeader: (name, value) => void reply.header(name, value),
    })
    if (exchange === undefined) return done()
    if (exchange === 'full') return void reply.code(FULL_STATUS).send(FULL_REPLY)
    // A route that was there before: `register` without `await` loads this plugin after the routes that follow.
    const { schema } = request.routeOptions as { schema?: RouteSchema }
    if (schema && !known.has(schema)) addSchema(schema, request.server.getSchemas())
    request.prediction ??= exchange.prediction
    ;(request as Captured)[kExchange] = exchange
    done()
  })
  // After validation: the body as the handler receives it.
  fastify.addHook('preHandler', function predictionsPreHandler(request, _reply, done) {
    ;(request as Captured)[kExchange]?.request()
    done()
  })
  // Before the response's schema strips what it does not name: a confidence is stored although the reply does not carry it.
  // Strings and buffers skip the serialisation: they are read on their way out, as streams are.
  fastify.addHook('preSerialization', function predictionsPreSerialization(request, _reply, payload, done) {
    ;(request as Captured)[kExchange]?.reply(payload)
    done(null, payload)
  })
  fastify.addHook('onError', function predictionsOnError(request, _reply, error, done) {
    ;(request as Captured)[kExchange]?.fail(error)
    done()
  })
  fastify.addHook('onReady', function predictionsOnReady(done) {
    capture.start()
    done()
  })
  // Whoever made a capture closes it.
  if (own)
    fastify.addHook('onClose', async function predictionsOnClose() {
      await capture.close()
    })
}

/**
 * Captures predictions in Fastify 4 and 5. Register it before the routes: their own `body` and `response` schemas then give the
 * table its typed columns. A route is captured when its method and path are configured (`POST /predict` by default), or when it
 * says `config: { predictions: true }`.
 *
 * @param options see `CaptureOptions`, or `{ capture }` made by `createCapture`. Default: the environment's `PREDICTIONS_*`.
 * @throws `PREDICTIONS_BAD_CONFIGURATION`, `PREDICTIONS_MISSING_PACKAGE`, `PREDICTIONS_OUTBOX_UNUSABLE` (by `ready` or `listen`)
 *
 * @example
 * import Fastify from 'fastify'
 * import { capturePredictions } from 'capture-predictions/fastify'
 *
 * const app = Fastify()
 * await app.register(capturePredictions)
 * app.post('/predict', async (request) => {
 *   const { prediction, confidence } = model.predict(request.body)
 *   request.prediction?.set({ confidence })
 *   return { prediction }
 * })
 * await app.listen({ port: 3000 })
 */
export const capturePredictions = fp(plugin, {
  fastify: SUPPORTED,
  name: 'capture-predictions',
}) as unknown as PredictionsPlugin

/**
 * A route that takes reports of what predictions really were: one report, a list, `{"reports": [...]}`, NDJSON, or CSV with a header. Put
 * it behind your own authentication: whoever may call it can tell what any prediction really was.
 *
 * It answers 202 `{ accepted, rejected: [{ index, reason }] }` when the reports are in the outbox; see `createActualsReceiver` for the
 * rest. The plugin gives the route its schema (for documentation alone), where it has none, and a `bodyLimit`. Bodies are read before
 * `preHandler` hooks, and `request.body` is empty; authentication in an `onRequest` hook comes before. JSON is Fastify's to parse where
 * the route has a schema of its own for the body.
 *
 * @param predictions `app.predictions`, or a capture made by `createCapture`
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION`: no sink takes actuals
 *
 * @example
 * await app.register(capturePredictions)
 * app.post('/actuals', { onRequest: requireToken }, receiveActuals(app.predictions))
 */
export const receiveActuals = (predictions: Capture, options?: ReceiveOptions) => {
  const receive = createActualsReceiver(predictions, options)
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    // Where every request is captured, this one is no prediction.
    request.prediction?.skip()
    const { status, body } = await receive({ req: request.raw, body: request.body, read: bodies.get(request) })
    return reply.code(status).send(body)
  }
  return Object.assign(handler, { [kMaxBodyBytes]: options?.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES })
}

export type { ReceiveOptions }

export default capturePredictions
