/**
 * Records stored in Postgres by one process, HTTP included, with the database and the load on the same machine:
 *   node bench/sustained.ts [framework] [requests a second, or 0 for as many as go] [seconds]
 * Prints each five seconds what was captured, written and queued: sustained is a rate at which the queue does not grow.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openLoad, percentile } from './load.ts'

interface Report {
  cpu: number
  rss: number
  sinks: Record<string, { written: number; queued: number; dropped: number }>
}

const [framework = 'fastify', rateText = '15000', secondsText = '60'] = process.argv.slice(2)
const rate = Number(rateText)
const seconds = Number(secondsText)
const child = fork(fileURLToPath(new URL('./server.ts', import.meta.url)), [framework, 'postgres'])
const [{ port }] = (await once(child, 'message')) as [{ port: number }]
const ask = async (): Promise<Report> => {
  child.send('report')
  return ((await once(child, 'message')) as [Report])[0]
}

const load = await openLoad(port, 50)
await load.run(3)
const before = await ask()
const written = (report: Report) => Object.values(report.sinks)[0]!.written
const startedAt = performance.now()
const running = load.run(seconds, rate > 0 ? rate : undefined)
const print = (report: Report) => {
  const { queued, dropped } = Object.values(report.sinks)[0]!
  const elapsed = (performance.now() - startedAt) / 1000
  const perSecond = Math.round((written(report) - written(before)) / elapsed)
  console.log(
    `${elapsed.toFixed(0)} s: ${perSecond} written/s, ${queued} queued, ${dropped} dropped, ${Math.round(report.rss / 2 ** 20)} MiB`,
  )
}
const timer = setInterval(() => void ask().then(print), 5000)
const result = await running
clearInterval(timer)
print(await ask())
console.log(
  `${framework}: ${Math.round(result.requests / result.seconds)} requests/s, p50 ${(percentile(result.latencies, 0.5) / 1000).toFixed(2)} ms, p99 ${(percentile(result.latencies, 0.99) / 1000).toFixed(2)} ms`,
)
load.close()
child.disconnect()
await once(child, 'exit')
