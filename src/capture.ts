import type { IncomingHttpHeaders } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { isMembers } from './actuals/members.ts'
import { createActualSteps, type ActualsResult } from './actuals/actuals.ts'
import type { ActualReport } from './actuals/report.ts'
import type { CaptureOptions, Settings } from './config/options.ts'
import { resolveSettings } from './config/settings.ts'
import { createTimestamps } from './records/timestamps.ts'
import type { CaptureStats, SinkStats } from './delivery/counts.ts'
import { createDelivery, type Delivery } from './delivery/delivery.ts'
import { createMemoryQueue } from './delivery/memory-queue.ts'
import { endsWithin, orFalseAfter } from './delivery/waits.ts'
import { messageOf, PredictionsError } from './errors/errors.ts'
import { createAbandoned } from './exchange/abandoned.ts'
import { createBatchSizes } from './exchange/batch-sizes.ts'
import { Exchange, type ExchangeMembers } from './exchange/exchange.ts'
import type { ExchangeContext } from './exchange/exchange-context.ts'
import type { Format } from './formats/format.ts'
import { asUnread, createFormatChooser, isUnread } from './formats/index.ts'
import { json } from './formats/json.ts'
import { ordinaryReading } from './formats/ordinary.ts'
import { isLarge } from './formats/shorten.ts'
import { createIds } from './records/id.ts'
import { modelMembers } from './records/record-line.ts'
import { atMostOnceA } from './logger.ts'
import { lagRecorder, observeStats } from './metrics.ts'
import { openOutbox, type Outbox } from './outbox/outbox.ts'
import type { Queue } from './outbox/queue.ts'
import { createRedactor } from './redact/redaction.ts'
import { createMissNotice } from './exchange/missed-routes.ts'
import { createRecorder, type Hold, storeIn } from './exchange/recorder.ts'
import { createRequestCounts } from './exchange/request-counts.ts'
import { createRouteMatcher } from './exchange/routes.ts'
import { createSamplers } from './exchange/sampling.ts'
import type { Column } from './schema/column.ts'
import { actualColumnsOf, columnsOf, featureNames, listNames, mergeSchemas, outputNames } from './schema/columns.ts'
import { schemaFromRoute, type RouteSchema } from './schema/route.ts'
import type { PredictionSchema } from './schema/schema.ts'
import type { Sink } from './sink.ts'
import { openSinkPairs } from './sinks.ts'
import { monotonicMs } from './steps/real-timers.ts'
import { finish, type Steps } from './steps/time-slices.ts'

export type { CaptureOptions }

/** What the integrations, and you, hold of a running capture. */
export interface Capture {
  /** The configuration in force: options, variables and defaults resolved. */
  readonly settings: Settings
  /** What became of requests and records, now. */
  stats(): CaptureStats
  /**
   * Sends what is queued without waiting for full batches.
   * @returns true when everything captured before the call is stored or a dead letter; false after `timeout` milliseconds (default: none)
   */
  flush(options?: { timeout?: number }): Promise<boolean>
  /**
   * Sends what is queued and lets go of everything, within `timeout` milliseconds (default: 10,000). What could not be sent in time
   * stays in the outbox and is sent at the next start. Later calls return the first one's promise.
   */
  close(options?: { timeout?: number }): Promise<void>

  /**
   * Reports what a prediction really was. Like a prediction it is in the outbox when the call returns; the same report again changes
   * nothing.
   * @param id the prediction's id: `X-Prediction-Id`, or its `.id`
   * @param values the label `actual`, or an object of labels by name
   * @throws PredictionsError `PREDICTIONS_BAD_ACTUAL` that says what is wrong with it
   * @example capture.actual('0199…', 2, { source: 'lab' })
   */
  actual(id: string, values: unknown, options?: { timestamp?: string | Date; source?: string }): void
  /**
   * Reports many at once; never throws for their content.
   * @returns how many were accepted, and of the others why not
   */
  actuals(reports: readonly ActualReport[]): ActualsResult

  /**
   * The same in steps, of what a client sent. `safe`, where there is one, resolves when they are as safe as `PREDICTIONS_DURABILITY`
   * asks. For integrations.
   */
  report(reports: readonly unknown[]): Steps<ActualsResult & { readonly safe: Promise<void> | undefined }>
  /** Whether reports are to be refused now: as requests are by `rejects`, and where no sink's queue would take any. For integrations. */
  rejectsActuals(): boolean
  /** The columns of the table of actuals, as they are known now. For integrations. */
  actualColumns(): readonly Column[]

  /** The configured route that a request matches, or its own where it is captured `always`. For integrations. */
  route(method: string, url: string, always: boolean, ignoresCase?: boolean): string | undefined
  /** Whether a route is one of the configuration, or all are. For integrations, at the start. */
  isConfigured(method: string, path: string): boolean
  /** Whether requests are to be refused now: the outbox is full and `PREDICTIONS_WHEN_FULL` is `reject`. For integrations. */
  rejects(): boolean
  /** A request of a captured route arrives. For integrations. */
  begin(request: { route: string; headers: IncomingHttpHeaders }): ExchangeMembers
  /** A fault of capture itself: counted, logged at most once a minute a kind, never thrown at the app. For integrations. */
  fault(kind: string, error: unknown): void
  /** A route's own schemas: they give columns that the configured schema does not. For integrations, before `start`. */
  addRouteSchema(schema: RouteSchema, shared?: object): void
  /** Everything is known: says where predictions go, and begins to deliver. For integrations; later calls do nothing. */
  start(): void
}

/** Marks captures, whichever copy of the package made them. */
const kCapture = Symbol.for('capture-predictions.capture')

export const isCapture = (value: unknown): value is Capture =>
  typeof value === 'object' && value !== null && kCapture in value

/** The capture that an integration was given, or a new one of the options it was given. */
export const asCapture = (options: CaptureOptions | Capture | undefined): Capture =>
  isCapture(options) ? options : createCapture(options)

const MINUTE = 60_000
/** How long closing may take, in milliseconds, unless told otherwise. */
const CLOSE_MS = 10_000

const openOutboxOf = (settings: Settings, sinks: readonly Sink[]): Outbox | undefined =>
  settings.durability === 'memory'
    ? undefined
    : openOutbox({
        directory: settings.outboxDir,
        maxBytes: settings.outboxMaxBytes,
        logger: settings.logger,
        sinks: sinks.map(({ name }) => name),
      })

/** How a reply waits until its records are safe; undefined: it does not, as they are safe once they are appended. */
const holdOf = ({ durability, outboxFsync, holdTimeoutMs }: Settings): Hold => {
  if (durability === 'sink') return { by: 'sink', timeoutMs: holdTimeoutMs }
  return durability === 'outbox' && outboxFsync ? { by: 'disk', timeoutMs: holdTimeoutMs } : undefined
}

/** How bodies are looked at beside their format. A format of the app's own reads what the app has, not a copy, and all by itself. */
const bodiesBy = (setting: string | Format): Pick<ExchangeContext, 'readsLater' | 'isUnread' | 'asUnread'> =>
  typeof setting === 'string'
    ? { readsLater: isLarge, isUnread, asUnread: (format, request, reply) => asUnread(setting, format, request, reply) }
    : { readsLater: () => false, isUnread: () => false, asUnread: (format, request) => ({ format, request }) }

/** Whether bodies are read by what they are: nobody says that theirs are something else, or where in them instances stand. */
const readsByLook = ({ format, instances, predictions }: Settings): boolean =>
  (format === 'auto' || format === 'json') && instances === undefined && predictions === undefined

/**
 * Makes a capture: what the middleware of several apps can share, and what tests and shut-down code hold.
 * The environment is read here.
 *
 * @throws PredictionsError `PREDICTIONS_BAD_CONFIGURATION` that lists every mistake, `PREDICTIONS_MISSING_PACKAGE` that names the
 * `npm install` to run, `PREDICTIONS_OUTBOX_UNUSABLE`
 * @example
 * import { createCapture } from 'capture-predictions'
 * import { capturePredictions } from 'capture-predictions/express'
 *
 * const capture = createCapture({ sink: 'postgres://localhost/predictions' })
 * app.use(capturePredictions(capture))
 * process.once('SIGTERM', () => server.close(() => capture.close()))
 */
export const createCapture = (options?: CaptureOptions): Capture => {
  const settings = resolveSettings(options)
  if (!settings.enabled) return disabledCapture(settings)
  const { logger } = settings
  let schema = settings.schema
  let columns: readonly Column[] = columnsOf(schema)
  let actualColumns: readonly Column[] = actualColumnsOf(schema)
  const pairs = openSinkPairs(settings)
  const sinks = pairs.map(({ predictions }) => predictions)
  const actualSinks = pairs.flatMap(({ actuals }) => actuals ?? [])
  const outbox = openOutboxOf(settings, [...sinks, ...actualSinks])
  const queueOf = (sink: Sink): Queue => outbox?.queue(sink.name) ?? createMemoryQueue({ logger })
  const deliveryOf = (sink: Sink, columns: () => readonly Column[]): Delivery =>
    createDelivery({ sink, queue: queueOf(sink), columns, settings, logger })
  /** Of predictions, and of actuals: each record goes to those of its kind. */
  const deliveries = sinks.map((sink) => deliveryOf(sink, () => columns))
  const actualDeliveries = actualSinks.map((sink) => deliveryOf(sink, () => actualColumns))
  const allDeliveries = [...deliveries, ...actualDeliveries]
  const counts = createRequestCounts()
  const batchSizes = createBatchSizes()
  const warn = atMostOnceA(MINUTE, (message) => logger.error(message))
  const advise = atMostOnceA(MINUTE, (message) => logger.warn(message))
  const match = createRouteMatcher(settings.routes)
  const matchAnyCase = createRouteMatcher(settings.routes, true)
  const samplerOf = createSamplers(settings.sampleRate, settings.sampleAlways)
  const choose = createFormatChooser(settings)
  const redactor = createRedactor(settings.redact, settings.redactKey, (message) => logger.warn(message))
  const hold = holdOf(settings)
  /** As long as no request has matched. */
  let missed: ReturnType<typeof createMissNotice> | undefined = createMissNotice(settings.routes, (message) =>
    advise('routes', message),
  )
  let started = false
  let closing: Promise<void> | undefined

  const fault = (kind: string, error: unknown): void => {
    counts.fault()
    warn(kind, `a fault while ${kind}, the response was not touched: ${messageOf(error)}`)
  }

  const recorder = createRecorder(deliveries, hold, fault)
  const abandoned = createAbandoned(fault)
  let ordinary = { format: json, reading: ordinaryReading(outputNames(columns)), isOrdinary: true }
  const context: ExchangeContext = {
    nextId: createIds(),
    timestamp: createTimestamps(),
    chooseFormat(request) {
      const format = choose(request)
      counts.format(format.name)
      return format
    },
    ...bodiesBy(settings.format),
    ordinary: readsByLook(settings)
      ? () => {
          counts.format(json.name)
          return ordinary
        }
      : undefined,
    featureNames: featureNames(columns),
    outputNames: outputNames(columns),
    listNames: listNames(columns),
    model: settings.model,
    modelVersion: settings.modelVersion,
    modelMembers: modelMembers(settings.model, settings.modelVersion),
    maxBodyBytes: settings.maxBodyBytes,
    tagHeaders: settings.tagHeaders,
    startRedaction: () => redactor?.start(),
    samplerOf,
    record: recorder.record,
    count: counts.request,
    madeBatch: batchSizes.add,
    fault,
    abandon: abandoned.add,
  }

  const readActuals = createActualSteps({
    columns: () => actualColumns,
    redactor,
    batchSizeOf: batchSizes.of,
    lag: lagRecorder(),
  })

  const setSchema = (next: PredictionSchema | undefined): void => {
    columns = columnsOf(next)
    actualColumns = sameOr(actualColumns, actualColumnsOf(next))
    schema = next
    context.featureNames = featureNames(columns)
    context.outputNames = outputNames(columns)
    ordinary = { ...ordinary, reading: ordinaryReading(context.outputNames) }
    context.listNames = listNames(columns)
  }

  const capture: Capture = {
    settings,
    stats: () => ({
      ...counts.stats(),
      sinks: Object.fromEntries([
        ...deliveries.map((delivery) => [delivery.name, delivery.stats()] as const),
        // A service that reports none sees nothing of them.
        ...actualDeliveries.map((delivery) => [delivery.name, delivery.stats()] as const).filter(hasRecords),
      ]),
    }),
    flush({ timeout = Infinity } = {}) {
      recorder.flush()
      const flushAll = async (): Promise<boolean> => {
        await recorder.idle()
        // What earlier runs left is queued as well, as soon as it is found.
        await outbox?.ready
        const flushed = await Promise.all(allDeliveries.map((delivery) => delivery.flush({ timeoutMs: timeout })))
        return flushed.every(Boolean)
      }
      return orFalseAfter(timeout, flushAll())
    },
    close({ timeout = CLOSE_MS } = {}) {
      abandoned.endAll()
      recorder.flush()
      closing ??= (async () => {
        const deadline = monotonicMs() + timeout
        await endsWithin(recorder.idle(), timeout)
        const timeoutMs = Math.max(0, deadline - monotonicMs())
        await Promise.all(allDeliveries.map((delivery) => delivery.close({ timeoutMs })))
        await outbox?.close()
        // Last, so that the metrics count what closing has written.
        unobserve()
      })()
      return closing
    },
    actual(id, values, options) {
      const labels = isMembers(values) ? { actuals: values } : { actual: values }
      const [rejected] = finish(capture.report([{ ...options, id, ...labels }])).rejected
      if (rejected !== undefined) throw new PredictionsError('PREDICTIONS_BAD_ACTUAL', `An actual ${rejected.reason}`)
    },
    actuals(reports) {
      const { accepted, rejected } = finish(capture.report(reports))
      return { accepted, rejected }
    },
    *report(reports) {
      if (actualDeliveries.length === 0) throw noActuals(sinks)
      const waits: Promise<void>[] = []
      const steps = readActuals(reports)
      for (;;) {
        const { done, value } = steps.next()
        if (done === true) return { ...value, safe: waits.length === 0 ? undefined : allOf(waits) }
        capture.start()
        const safe = storeIn(actualDeliveries, value, hold)
        if (safe !== undefined) waits.push(safe)
        yield
      }
    },
    rejectsActuals() {
      if (actualDeliveries.length === 0) return false
      // A client can report again: it is told where its reports would be dropped.
      return actualDeliveries[settings.whenFull === 'reject' ? 'some' : 'every'](({ full }) => full)
    },
    actualColumns: () => actualColumns,
    route(method, url, always, ignoresCase = false) {
      const route =
        (ignoresCase ? matchAnyCase : match)(method, url) ??
        (always || settings.always ? `${method} ${pathOf(url)}` : undefined)
      if (missed !== undefined && (route !== undefined || !missed(method, pathOf(url)))) missed = undefined
      return route
    },
    isConfigured: (method, path) => settings.always || match(method, path) !== undefined,
    rejects: () => settings.whenFull === 'reject' && deliveries.some((delivery) => delivery.full) && counts.rejected(),
    begin: (request) => new Exchange(context, request),
    fault,
    addRouteSchema(routeSchema, shared) {
      const route = schemaFromRoute(routeSchema, shared)
      try {
        setSchema(mergeSchemas(schema, route))
      } catch (error) {
        logger.warn(`a route's schema gives no columns, its values go to features and outputs: ${messageOf(error)}`)
      }
    },
    start() {
      if (started) return
      started = true
      logger.info(startLine(settings, sinks))
      for (const delivery of allDeliveries) delivery.start()
    },
  }
  const unobserve = observeStats(capture.stats)
  return Object.assign(capture, { [kCapture]: true })
}

const allOf = async (waits: readonly Promise<void>[]): Promise<void> => void (await Promise.all(waits))

const noActuals = (sinks: readonly Sink[]): PredictionsError =>
  new PredictionsError(
    'PREDICTIONS_BAD_CONFIGURATION',
    `no sink takes actuals (${sinks.map(({ name }) => name).join(', ')}): a sink of your own says so by its member actuals`,
  )

const hasRecords = ([, { captured, carriedOver }]: readonly [string, SinkStats]): boolean => captured + carriedOver > 0

/** The columns as they were, where they are still the same: then no sink has to be opened anew. */
const sameOr = (before: readonly Column[], after: readonly Column[]): readonly Column[] =>
  isDeepStrictEqual(before, after) ? before : after

const pathOf = (url: string): string => {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/** One line at the start: which routes go where. */
const startLine = (settings: Settings, sinks: readonly Sink[]): string => {
  const { routes, always, durability, outboxDir } = settings
  const safe = durability === 'memory' ? 'kept in memory until then' : `kept in ${outboxDir} until then`
  return `capturing ${always ? 'every request' : routes.join(', ')} -> ${sinks.map(({ name }) => name).join(', ')} (${safe})`
}

/** `PREDICTIONS_ENABLED=false`: captures nothing, opens nothing. */
const disabledCapture = (settings: Settings): Capture =>
  Object.assign(
    {
      settings,
      stats: () => ({ ...createRequestCounts().stats(), sinks: {} }),
      actual: () => {},
      actuals: (reports: readonly ActualReport[]) => ({ accepted: reports.length, rejected: [] }),
      *report(reports: readonly unknown[]) {
        yield
        return { accepted: reports.length, rejected: [], safe: undefined }
      },
      rejectsActuals: () => false,
      actualColumns: () => actualColumnsOf(settings.schema),
      flush: async () => true,
      close: async () => {},
      route: () => undefined,
      isConfigured: () => false,
      rejects: () => false,
      begin: (): ExchangeMembers => {
        throw new PredictionsError('PREDICTIONS_BAD_CONFIGURATION', 'capture is off: PREDICTIONS_ENABLED is false')
      },
      fault: () => {},
      addRouteSchema: () => {},
      start: () => {},
    },
    { [kCapture]: true },
  )
