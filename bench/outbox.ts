/**
 * What the outbox costs a request, and how fast a backlog is read: an append of one record of 260 bytes (encoding, checksum, `write`, its
 * place in memory) against a bare `write` of the same bytes, in turns; then records a second read back from the disk.
 *
 *     node bench/outbox.ts
 *
 * BENCH_ROUNDS (7): medians are given.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stderrLogger } from '../src/logger.ts'
import { openOutbox } from '../src/outbox/outbox.ts'
import { texts } from '../test/outbox/support.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7)
const COUNT = 50_000
/** Requests in one turn of the loop. */
const PER_TURN = 50

const records = texts(0, COUNT)
const lines = records.map((text) => Buffer.from(`00000000 ${text}\n`))
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Microseconds of each call, sorted. */
const time = async (call: (i: number) => void): Promise<Float64Array> => {
  const times = new Float64Array(COUNT)
  for (let i = 0; i < COUNT; i++) {
    const start = performance.now()
    call(i)
    times[i] = (performance.now() - start) * 1000
    if (i % PER_TURN === 0) await turn()
  }
  return times.sort()
}

const at = (times: Float64Array, share: number) => times[Math.floor(times.length * share)]!
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!

const folder = mkdtempSync(join(tmpdir(), 'outbox-'))
const open = () =>
  openOutbox({ directory: join(folder, 'box'), maxBytes: 2 ** 33, logger: stderrLogger, sinks: ['bench'] })

const benchAppend = async () => {
  const outbox = open()
  const queue = outbox.queue('bench')
  const bare = openSync(join(folder, 'bare'), 'a')
  const rounds: { append: Float64Array; write: Float64Array }[] = []
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    const append = await time((i) => queue.append([records[i]!]))
    const write = await time((i) => writeSync(bare, lines[i]!))
    if (round > 0) rounds.push({ append, write })
  }
  closeSync(bare)
  await outbox.close()
  for (const [name, share] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ] as const) {
    const append = median(rounds.map((round) => at(round.append, share)))
    const write = median(rounds.map((round) => at(round.write, share)))
    console.log(
      `append ${name}: ${append.toFixed(1)} µs, a bare write ${write.toFixed(1)} µs (× ${(append / write).toFixed(2)})`,
    )
  }
}

const benchRead = async () => {
  const outbox = open()
  const queue = outbox.queue('bench')
  await outbox.ready
  let count = 0
  const start = performance.now()
  const cpu = process.cpuUsage()
  for (let batch; (batch = await queue.read({ records: 1000, bytes: 4e6 })); await queue.commit(batch))
    count += batch.records.length
  const { user, system } = process.cpuUsage(cpu)
  const rate = count / (performance.now() - start)
  console.log(`read back: ${Math.round(rate)}k records/s, ${((user + system) / count).toFixed(1)} µs of CPU a record`)
  await outbox.close()
}

try {
  await benchAppend()
  await benchRead()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
