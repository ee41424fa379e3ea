import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openOutbox } from '../../../src/outbox/outbox.ts'
import { idFor } from '../support.ts'

/**
 * `node backlog.ts DIRECTORY COUNT BYTES` leaves a backlog of records of that size; without a count, it drains it and prints what that took, as JSON.
 * A memory limit is the caller's: `node --max-old-space-size=…`
 */
const [directory = '', count, bytes] = process.argv.slice(2)
const MEGABYTE = 1024 * 1024

const open = () => openOutbox({ directory, maxBytes: 2 ** 33, logger: console, sinks: ['main'] })

const leave = async (total: number, size: number) => {
  const outbox = open()
  const rest = `","timestamp":"2026-03-01T12:00:00.000Z","model":"${'m'.repeat(size - 108)}"}`
  for (let n = 0; n < total; n++) {
    if (!outbox.queue('main').append([`{"id":"${idFor(n)}${rest}`])) throw new Error(`refused at ${n}`)
    if (n % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await outbox.close()
}

const drain = async () => {
  const outbox = open()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const scanStart = performance.now()
  await outbox.ready
  const scanMs = performance.now() - scanStart
  const queue = outbox.queue('main')
  const { carriedOver } = queue.size()

  const before = process.memoryUsage().rss
  let most = before
  let records = 0
  const start = performance.now()
  for (let batch; (batch = await queue.read({ records: 1000, bytes: MEGABYTE }));) {
    records += batch.records.length
    await queue.commit(batch)
    most = Math.max(most, process.memoryUsage.rss())
  }
  const seconds = (performance.now() - start) / 1000
  await outbox.close()

  console.log(
    JSON.stringify({
      records,
      carriedOver,
      scanMs: Math.round(scanMs),
      recordsPerSecond: Math.round(records / seconds),
      moreMemoryMb: Math.round((most - before) / MEGABYTE),
      loopDelayP99Ms: Number((delay.percentile(99) / 1e6).toFixed(2)),
      loopDelayMaxMs: Number((delay.max / 1e6).toFixed(2)),
    }),
  )
}

await (count === undefined ? drain() : leave(Number(count), Number(bytes)))
