import { metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CaptureStats, SinkStats } from '../src/delivery/counts.ts'
import { lagRecorder, loadApi, observeStats } from '../src/metrics.ts'
import { deliver, lines, memorySink } from './delivery/support.ts'

const noRequests = { seen: 0, captured: 0, sampledOut: 0, skipped: 0, rejected: 0 }

const statsOf = (
  sinks: Record<string, SinkStats>,
  requests: Partial<CaptureStats['requests']> = {},
): (() => CaptureStats) => {
  return () => ({ requests: { ...noRequests, ...requests }, formats: {}, converted: {}, faults: 0, sinks })
}

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  metrics.disable()
})

/** The real SDK with a Prometheus exporter, on a port of its own; resolves with a function that scrapes it. */
const startSdk = async () => {
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const provider = new MeterProvider({ readers: [exporter] })
  metrics.setGlobalMeterProvider(provider)
  ends.push(
    () => provider.shutdown(),
    () => server.close(),
  )
  return async (): Promise<Map<string, number>> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const samples = text.split('\n').filter((row) => row.startsWith('predictions_'))
    return new Map(
      samples.map((row) => {
        const space = row.lastIndexOf(' ')
        return [
          row
            .slice(0, space)
            .replace(/,?otel_scope_\w+="[^"]*"/g, '')
            .replace('{}', ''),
          Number(row.slice(space)),
        ]
      }),
    )
  }
}

const observe = (stats: () => CaptureStats): (() => void) => {
  const end = observeStats(stats)
  ends.push(end)
  return end
}

describe('metrics', () => {
  it('show the counts of a delivery, as Prometheus reads them, and they reconcile', async () => {
    const scrape = await startSdk()
    let refused = 2
    const { sink, state } = memorySink({
      name: 'postgres',
      write: async () => (refused-- > 0 ? [{ index: 0, reason: 'no' }] : []),
    })
    const { delivery } = deliver(sink, { batchSize: 10, flushIntervalMs: 60_000 })
    const requests = { seen: 9, captured: 5, sampledOut: 3, skipped: 1, rejected: 2 }
    observe(() => statsOf({ postgres: delivery.stats() }, requests)())
    delivery.append(lines(25))
    await delivery.flush()
    state.write = async () => Promise.reject(new Error('away'))
    delivery.append(lines(4))
    const values = await scrape()
    const of = (name: string): number | undefined => values.get(`predictions_records_${name}{sink="postgres"}`)
    expect(of('captured_total')).toBe(29)
    expect(of('carried_over_total')).toBe(0)
    expect(of('written_total')).toBe(23)
    expect(of('queued')).toBe(4)
    expect(of('dead_lettered_total')).toBe(2)
    expect(of('discarded_total')).toBe(0)
    expect(of('dropped_total')).toBe(0)
    expect(of('unconfirmed_total')).toBe(0)
    expect(values.get('predictions_retries_total{sink="postgres"}')).toBe(0)
    expect(values.get('predictions_queue_oldest_age{sink="postgres"}')).toBeGreaterThanOrEqual(0)
    expect(values.get('predictions_requests_seen_total')).toBe(9)
    expect(values.get('predictions_requests_captured_total')).toBe(5)
    expect(values.get('predictions_requests_sampled_out_total')).toBe(3)
    expect(values.get('predictions_requests_skipped_total')).toBe(1)
    expect(values.get('predictions_requests_rejected_total')).toBe(2)
    await delivery.close()
  })

  it('of several captures are summed by sink, and a closed one keeps its counts, not its queue', async () => {
    const scrape = await startSdk()
    const first = deliver(memorySink({ name: 'summed' }).sink, { flushIntervalMs: 60_000 }).delivery
    const second = deliver(memorySink({ name: 'summed' }).sink, { flushIntervalMs: 60_000 }).delivery
    const end = observe(() => statsOf({ summed: first.stats() })())
    observe(() => statsOf({ summed: second.stats() })())
    first.append(lines(3))
    second.append(lines(4))
    expect((await scrape()).get('predictions_records_queued{sink="summed"}')).toBe(7)
    await first.close()
    end()
    end()
    const values = await scrape()
    expect(values.get('predictions_records_captured_total{sink="summed"}')).toBe(7)
    expect(values.get('predictions_records_written_total{sink="summed"}')).toBe(3)
    expect(values.get('predictions_records_queued{sink="summed"}')).toBe(4)
    await second.close()
  })

  it('show with an SDK that is registered after the capture was made', async () => {
    const { delivery } = deliver(memorySink({ name: 'late' }).sink, { flushIntervalMs: 60_000 })
    delivery.append(lines(3))
    observe(() => statsOf({ late: delivery.stats() })())
    const scrape = await startSdk()
    await vi.waitFor(
      async () => expect((await scrape()).get('predictions_records_captured_total{sink="late"}')).toBe(3),
      { timeout: 20_000, interval: 100 },
    )
    await delivery.close()
  })

  it('are no error where the API is not installed', () => {
    expect(loadApi([`${tmpdir()}/app.js`])).toBeUndefined()
    const end = observeStats(statsOf({}), loadApi([`${tmpdir()}/app.js`]) ?? null)
    expect(end()).toBeUndefined()
  })
})

it('the lag of actuals is a histogram, from when an SDK is there', async () => {
  const record = lagRecorder()!
  record(1)
  const scrape = await startSdk()
  record(59)
  record(90_000)
  const samples = await scrape()
  const of = (bound: string) =>
    [...samples].find(([name]) => name.includes('lag') && name.includes(`le="${bound}"`))?.[1]
  expect([of('10'), of('60'), of('604800'), of('+Inf')]).toEqual([0, 1, 2, 2])
})
