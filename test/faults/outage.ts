import { inScope } from '../setup/scope.ts'
import { makeFolder, startService, variables, type Framework } from './service.ts'
import { percentile, startLoad } from './load.ts'
import { startProxy, type Fault } from './proxy.ts'
import { openTable, portOf, through, type Database } from './tables.ts'
import { until } from './until.ts'
import { judge, unbalanced, type Verdict } from './verdict.ts'

export interface OutageOptions {
  readonly database: Database
  readonly framework: Framework
  readonly fault: Fault
  /** Requests a second. */
  readonly rate: number
  /** How long the fault lasts. */
  readonly seconds: number
}

export interface Outage extends Verdict {
  readonly fault: Fault
  /** Requests without a complete 200 reply. */
  readonly failed: number
  /** The route's latency while the fault lasted, in milliseconds. */
  readonly p50: number
  readonly p99: number
  /** The largest resident memory of the service, in MB. */
  readonly rss: number
  /** What of its memory was in use at the end of the fault, in MB, garbage collected. */
  readonly used: number
  /** From the end of the fault until all rows were in. */
  readonly catchUpMs: number
  /** Connections that were cut while they stored a batch. */
  readonly cuts: number
  readonly retries: number
  readonly unbalanced: readonly string[]
}

/** A service under a steady load, whose database is away for some seconds. */
export const runOutage = ({ database, framework, fault, rate, seconds }: OutageOptions): Promise<Outage> =>
  inScope(async (defer) => {
    const table = openTable(defer, database)
    const proxy = await startProxy(defer, portOf(table.url))
    const env = variables(makeFolder(defer), through(table.url, proxy.port), table.name)
    const service = await startService(defer, { framework, env })
    let rss = 0
    const look = async () => {
      const report = await service.report()
      rss = Math.max(rss, report.rss / 1e6)
      return report
    }
    const load = startLoad({ port: service.port, rate, connections: 64 })
    await load.more(rate / 2)
    await until('the first rows', () => table.count())

    await proxy.set(fault)
    const before = load.latencies.length
    for (let second = 0; second < seconds; second++) {
      await load.more(rate)
      await look()
    }
    if (fault === 'cut') await until('cuts of both kinds', () => proxy.cuts() >= 2)
    const latencies = load.latencies.slice(before)
    const used = (await service.memory()) / 1e6
    await proxy.set('none')
    const start = performance.now()
    await load.stop()
    await until('all rows', async () => (await table.count()) >= load.answered.size)
    const catchUpMs = performance.now() - start

    await service.flush()
    const { stats } = await look()
    const [sink] = Object.values(stats.sinks)
    return {
      fault,
      ...judge(load.answered, await table.rows()),
      failed: load.lost() + [...load.refused.values()].reduce((sum, count) => sum + count, 0),
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      rss,
      used,
      catchUpMs,
      cuts: proxy.cuts(),
      retries: sink!.retries,
      unbalanced: unbalanced(stats),
    }
  })
