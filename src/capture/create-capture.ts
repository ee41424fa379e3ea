import { isDeepStrictEqual } from 'node:util'
import { isMembers } from '../records/members.ts'
import { createActualSteps } from '../actuals/actuals.ts'
import type { CaptureOptions, Settings } from '../config/options.ts'
import { resolveSettings } from '../config/settings.ts'
import { createTimestamps } from '../records/timestamps.ts'
import type { SinkStats } from '../delivery/counts.ts'
import { createDelivery, type Delivery } from '../delivery/delivery.ts'
import { createMemoryQueue } from '../delivery/memory-queue.ts'
import { endsWithin, orFalseAfter } from '../delivery/waits.ts'
import { messageOf, PredictionsError } from '../errors/errors.ts'
import { createAbandoned } from '../exchange/abandoned.ts'
import { createBatchSizes } from '../exchange/batch-sizes.ts'
import { Exchange } from '../exchange/exchange.ts'
import type { ExchangeContext } from '../exchange/exchange-context.ts'
import type { Format } from '../formats/format.ts'
import { asUnread, createFormatChooser, isUnread } from '../formats/index.ts'
import { json } from '../formats/json.ts'
import { ordinaryReading } from '../formats/ordinary.ts'
import { isLarge } from '../formats/shorten.ts'
import { createIds } from '../records/id.ts'
import { modelMembers } from '../records/record-line.ts'
import { atMostOnceA } from '../logger.ts'
import { lagRecorder, observeStats } from '../metrics.ts'
import { openOutbox, type Outbox } from '../outbox/outbox.ts'
import type { Queue } from '../outbox/queue.ts'
import { createRedactor } from '../redact/redaction.ts'
import { createMissNotice } from '../exchange/missed-routes.ts'
import { createRecorder, type Hold, storeIn } from '../exchange/recorder.ts'
import { createRequestCounts } from '../exchange/request-counts.ts'
import { createRouteMatcher } from '../exchange/routes.ts'
import { createSamplers } from '../exchange/sampling.ts'
import type { Column } from '../schema/column.ts'
import { actualColumnsOf, columnsOf, featureNames, listNames, mergeSchemas, outputNames } from '../schema/columns.ts'
import { schemaFromRoute } from '../schema/route.ts'
import type { PredictionSchema } from '../schema/schema.ts'
import type { Sink } from '../sink.ts'
import { openSinkPairs } from '../sinks.ts'
import { monotonicMs } from '../steps/real-timers.ts'
import { finish } from '../steps/time-slices.ts'
import type { Capture } from './capture.ts'
import { disabledCapture } from './disabled-capture.ts'
import { asRunning, isCapture, markAsCapture, type RunningCapture } from './running-capture.ts'

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

/** What a reply waits for; undefined: nothing, as its records are safe once they are appended. */
const holdOf = ({ durability, outboxFsync, holdTimeoutMs }: Settings): Hold => {
  if (durability === 'sink') return { by: 'sink', timeoutMs: holdTimeoutMs }
  return durability === 'outbox' && outboxFsync ? { by: 'disk', timeoutMs: holdTimeoutMs } : undefined
}

/** How bodies are treated beside their format. A format of the app's own gets the app's own objects, never a copy. */
const bodiesBy = (setting: string | Format): Pick<ExchangeContext, 'readsLater' | 'isUnread' | 'asUnread'> =>
  typeof setting === 'string'
    ? { readsLater: isLarge, isUnread, asUnread: (format, request, reply) => asUnread(setting, format, request, reply) }
    : { readsLater: () => false, isUnread: () => false, asUnread: (format, request) => ({ format, request }) }

/** Whether bodies are read by what they look like: the settings name no other format, nor where instances stand. */
const readsByLook = ({ format, instances, predictions }: Settings): boolean =>
  (format === 'auto' || format === 'json') && instances === undefined && predictions === undefined

/** `createCapture`, with what integrations need. */
export const createRunningCapture = (options?: CaptureOptions): RunningCapture => {
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
  /** Set until a request has matched. */
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

  const capture: RunningCapture = {
    settings,
    stats: () => ({
      ...counts.stats(),
      sinks: Object.fromEntries([
        ...deliveries.map((delivery) => [delivery.name, delivery.stats()] as const),
        // A service that reports no actuals sees no counts of them.
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
      const [rejected] = finish(capture.takeReports([{ ...options, id, ...labels }])).rejected
      if (rejected !== undefined) throw new PredictionsError('PREDICTIONS_BAD_ACTUAL', `An actual ${rejected.reason}`)
    },
    actuals(reports) {
      const { accepted, rejected } = finish(capture.takeReports(reports))
      return { accepted, rejected }
    },
    *takeReports(reports) {
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
  return markAsCapture(capture)
}

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
export const createCapture: (options?: CaptureOptions) => Capture = createRunningCapture

/** The capture that an integration was given, or a new one of the options it was given. */
export const captureFor = (given: CaptureOptions | Capture | undefined): RunningCapture =>
  isCapture(given) ? asRunning(given) : createRunningCapture(given)

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
