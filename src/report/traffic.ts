import { LATENCY_EDGES, type Answers, type Bins, type Bucket, type Traffic } from './answers.ts'
import type { Latency, TrafficBucket, TrafficReport } from './result.ts'
import { shareOf, sum } from './statistics/bins.ts'
import { quantiles } from './statistics/quantiles.ts'

/** Quantiles of bins whose first holds what is under the edges and whose last what is over them. */
export const quantilesWithin = (bins: Bins, edges: readonly number[], at: readonly number[]): number[] | undefined => {
  if (!(sum(bins.w) > 0)) return undefined
  return quantiles([0, ...bins.w, 0], edges, at) as number[]
}

export const latencyOf = (bins: Bins): Latency | null => {
  const found = quantilesWithin(bins, LATENCY_EDGES, [0.5, 0.95, 0.99])
  return found ? { p50: found[0]!, p95: found[1]!, p99: found[2]! } : null
}

const rateOf = ({ errors, instances }: Traffic): number | null => shareOf(errors, instances) ?? null

export const trafficOf = (traffic: Traffic) => ({
  instances: traffic.instances.n,
  represented: traffic.instances.w,
  error_rate: rateOf(traffic),
  latency_ms: latencyOf(traffic.latency),
})

export const iso = (date: Date): string => date.toISOString()

const bucketOf = (bucket: Bucket, reference: boolean): TrafficBucket => ({
  since: iso(bucket.since),
  until: iso(bucket.until),
  reference,
  ...trafficOf(bucket.traffic),
  versions: Object.fromEntries(Object.entries(bucket.versions).map(([name, { w }]) => [name, w])),
})

/** Buckets of both windows in the order of their time. */
export const inOrder = <T extends { since: string }>(buckets: readonly T[]): T[] =>
  buckets.toSorted((a, b) => (a.since < b.since ? -1 : a.since > b.since ? 1 : 0))

/** @param knowsTraffic the reference is of the store; a file of training rows has no traffic */
export const trafficReport = ({ current, reference }: Answers, knowsTraffic: boolean): TrafficReport => ({
  ...trafficOf(current.all.traffic),
  errors: current.all.traffic.errors.n,
  reference: reference && knowsTraffic ? trafficOf(reference.all.traffic) : null,
  over_time: inOrder([
    ...(reference?.buckets ?? []).map((bucket) => bucketOf(bucket, true)),
    ...current.buckets.map((bucket) => bucketOf(bucket, false)),
  ]),
})
