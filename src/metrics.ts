import type * as OpenTelemetry from '@opentelemetry/api'
import type { Histogram, MeterProvider, Observable } from '@opentelemetry/api'
import { createRequire } from 'node:module'
import type { CaptureStats, RequestStats, SinkStats } from './delivery/counts.ts'
import { places } from './peer.ts'
import { everyMs } from './steps/real-timers.ts'

type Api = typeof OpenTelemetry

/** One metric: the promise's counts under their own names. https://opentelemetry.io/docs/specs/semconv/general/metrics/ */
interface Metric<Stats> {
  readonly name: string
  readonly description: string
  readonly unit: string
  /** Counters only grow; up-down counters can be summed over processes; gauges can't. */
  readonly kind: 'Counter' | 'UpDownCounter' | 'Gauge'
  readonly value: (stats: Stats) => number
}

type AnyMetric = Metric<SinkStats> | Metric<RequestStats>

const records = (name: string, description: string, value: (stats: SinkStats) => number): Metric<SinkStats> => ({
  name: `predictions.records.${name}`,
  description,
  unit: '{record}',
  kind: 'Counter',
  value,
})

const ageInSeconds = ({ oldestQueuedAt }: SinkStats): number =>
  oldestQueuedAt === null ? 0 : Math.max(0, (Date.now() - Date.parse(oldestQueuedAt)) / 1000)

/** With the attribute `sink`. */
const sinkMetrics: readonly Metric<SinkStats>[] = [
  records('captured', 'Records given to the sink’s queue', (stats) => stats.captured),
  records('carried_over', 'Records found from earlier runs', (stats) => stats.carriedOver),
  records('written', 'Records that the sink has stored', (stats) => stats.written),
  { ...records('queued', 'Records that wait for the sink', (stats) => stats.queued), kind: 'UpDownCounter' },
  records('dead_lettered', 'Records that the sink refused for good', (stats) => stats.deadLettered),
  records('discarded', 'Records that were damaged and set aside', (stats) => stats.discarded),
  records('dropped', 'Records that the queue had no room for', (stats) => stats.dropped),
  records('unconfirmed', 'Records whose reply did not wait to the end', (stats) => stats.unconfirmed),
  {
    name: 'predictions.retries',
    description: 'Writes that failed and were tried again',
    unit: '{retry}',
    kind: 'Counter',
    value: (stats) => stats.retries,
  },
  {
    name: 'predictions.queue.oldest_age',
    description: 'Age of the oldest queued record',
    unit: 's',
    kind: 'Gauge',
    value: ageInSeconds,
  },
]

const requests = (name: string, description: string, value: (stats: RequestStats) => number): Metric<RequestStats> => ({
  name: `predictions.requests.${name}`,
  description,
  unit: '{request}',
  kind: 'Counter',
  value,
})

const requestMetrics: readonly Metric<RequestStats>[] = [
  requests('seen', 'Requests of captured routes', (stats) => stats.seen),
  requests('captured', 'Requests that were captured', (stats) => stats.captured),
  requests('sampled_out', 'Requests that sampling left out', (stats) => stats.sampledOut),
  requests('skipped', 'Requests that the handler skipped', (stats) => stats.skipped),
  requests('rejected', 'Requests refused as a queue was full', (stats) => stats.rejected),
]

/** `@opentelemetry/api`, beside this package or in the app; undefined where it is not installed. */
export const loadApi = (from: readonly string[] = places()): Api | undefined => {
  for (const place of from) {
    try {
      return createRequire(place)('@opentelemetry/api') as Api
    } catch {
      // Not installed here: metrics are optional.
    }
  }
  return undefined
}

/** Values by metric, and in each by sink. */
type MetricValues = ReadonlyMap<AnyMetric, ReadonlyMap<string | undefined, number>>

/** Adds the stats of captures: two of a process may share a sink's name. */
const sum = (before: MetricValues, all: Iterable<CaptureStats>): MetricValues => {
  const values = new Map([...before].map(([metric, bySink]) => [metric, new Map(bySink)]))
  const add = (metric: AnyMetric, sink: string | undefined, value: number): void => {
    const bySink = values.get(metric) ?? new Map<string | undefined, number>()
    const other = bySink.get(sink) ?? 0
    bySink.set(sink, metric.kind === 'Gauge' ? Math.max(other, value) : other + value)
    values.set(metric, bySink)
  }
  for (const stats of all) {
    for (const metric of requestMetrics) add(metric, undefined, metric.value(stats.requests))
    for (const [sink, sinkStats] of Object.entries(stats.sinks))
      for (const metric of sinkMetrics) add(metric, sink, metric.value(sinkStats))
  }
  return values
}

/** What is left in a closed capture's queues is nobody's to show: the next run counts it. */
const withoutQueues = (stats: CaptureStats): CaptureStats => ({
  ...stats,
  sinks: Object.fromEntries(
    Object.entries(stats.sinks).map(([sink, counts]) => [sink, { ...counts, queued: 0, oldestQueuedAt: null }]),
  ),
})

const createRegistry = () => {
  const running = new Set<() => CaptureStats>()
  /** What captures that are closed have counted: counters must not fall. */
  let ended: MetricValues = new Map()
  const attached = new WeakSet<MeterProvider>()
  let endLooking: (() => void) | undefined

  const now = (): MetricValues =>
    sum(
      ended,
      [...running].map((stats) => stats()),
    )

  const attach = (provider: MeterProvider): void => {
    attached.add(provider)
    const meter = provider.getMeter('capture-predictions')
    const instruments = new Map<AnyMetric, Observable>()
    for (const metric of [...requestMetrics, ...sinkMetrics]) {
      const { name, description, unit, kind } = metric
      instruments.set(metric, meter[`createObservable${kind}`](name, { description, unit }))
    }
    meter.addBatchObservableCallback(
      (result) => {
        for (const [metric, bySink] of now())
          for (const [sink, value] of bySink)
            result.observe(instruments.get(metric)!, value, sink === undefined ? {} : { sink })
      },
      [...instruments.values()],
    )
  }

  /** Whether the app's SDK is registered, and with it our metrics. The API has no word for it, but gives one meter to all without an SDK. */
  const tryAttach = (api: Api): boolean => {
    const provider = api.metrics.getMeterProvider()
    if (provider.getMeter('capture-predictions') === api.createNoopMeter()) return false
    if (!attached.has(provider)) attach(provider)
    return true
  }

  const stopLooking = (): void => {
    endLooking?.()
    endLooking = undefined
  }

  /** An SDK may be registered after the capture was made, and meters, unlike tracers, do not find out by themselves. */
  const lookFor = (api: Api): void => {
    if (tryAttach(api) || endLooking) return
    endLooking = everyMs(1000, () => {
      if (tryAttach(api)) stopLooking()
    })
  }

  return {
    add(stats: () => CaptureStats, api: Api): void {
      running.add(stats)
      lookFor(api)
    },
    end(stats: () => CaptureStats): void {
      if (!running.delete(stats)) return
      ended = sum(ended, [withoutQueues(stats())])
      if (running.size === 0) stopLooking()
    },
  }
}

/** Bounds in seconds: from a click a moment later to a loan repaid a year later. */
const LAG_BOUNDARIES = [1, 10, 60, 600, 3600, 21_600, 86_400, 604_800, 2_592_000, 7_776_000, 31_536_000]

/**
 * Records how long truths took to become known, as the histogram `predictions.actuals.lag`, where `@opentelemetry/api` is installed and the
 * app has registered an SDK; undefined where it is not installed.
 */
export const lagRecorder = (api: Api | undefined = loadApi()): ((seconds: number) => void) | undefined => {
  if (api === undefined) return undefined
  const histograms = new WeakMap<MeterProvider, Histogram>()
  return (seconds) => {
    // Looked up each time: an SDK may be registered later, and a provider gives one instrument to all who ask for it by the same name.
    const provider = api.metrics.getMeterProvider()
    let histogram = histograms.get(provider)
    if (histogram === undefined) {
      histogram = provider.getMeter('capture-predictions').createHistogram('predictions.actuals.lag', {
        description: 'From a prediction to when its actual became known',
        unit: 's',
        advice: { explicitBucketBoundaries: LAG_BOUNDARIES },
      })
      histograms.set(provider, histogram)
    }
    histogram.record(seconds)
  }
}

/** One for the process, whichever copies of the package are loaded. */
const kRegistry = Symbol.for('capture-predictions.metrics')

const registry = (): ReturnType<typeof createRegistry> => {
  const shared = globalThis as { [kRegistry]?: ReturnType<typeof createRegistry> }
  return (shared[kRegistry] ??= createRegistry())
}

/**
 * Shows a capture's stats as OpenTelemetry metrics, where `@opentelemetry/api` is installed and the app has registered an SDK.
 * They are asked for when the SDK collects: a request pays nothing.
 *
 * | metric | kind | attributes |
 * |---|---|---|
 * | `predictions.records.captured`, `.carried_over`, `.written`, `.dead_lettered`, `.discarded`, `.dropped`, `.unconfirmed` | counter, `{record}` | `sink` |
 * | `predictions.records.queued` | up-down counter, `{record}` | `sink` |
 * | `predictions.retries` | counter, `{retry}` | `sink` |
 * | `predictions.queue.oldest_age` | gauge, `s` | `sink` |
 * | `predictions.actuals.lag` (see `lagRecorder`) | histogram, `s` | |
 * | `predictions.requests.seen`, `.captured`, `.sampled_out`, `.skipped`, `.rejected` | counter, `{request}` | |
 *
 * @returns a function that ends it, to be called when the capture is closed and its counts are final
 */
export const observeStats = (stats: () => CaptureStats, api: Api | null = loadApi() ?? null): (() => void) => {
  if (!api) return () => {}
  const { add, end } = registry()
  add(stats, api)
  return () => end(stats)
}
