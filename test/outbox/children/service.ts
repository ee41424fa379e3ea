import { appendFileSync, writeSync } from 'node:fs'
import { openOutbox } from '../../../src/outbox/outbox.ts'
import { texts } from '../support.ts'

/**
 * A service in a process of its own: appends records as fast as it can, and prints the number of each once it has been appended.
 * With a file for deliveries it also delivers: it appends a batch's ids to the file, then commits.
 *
 * node service.ts DIRECTORY FIRST_NUMBER [DELIVERIES]
 */
const [directory = '', first = '0', deliveries] = process.argv.slice(2)

const outbox = openOutbox({
  directory,
  maxBytes: 2 ** 30,
  memoryBytes: 100_000,
  logger: console,
  sinks: ['main'],
})
const queue = outbox.queue('main')
writeSync(1, 'ready\n')

const deliver = async (file: string) => {
  for (;;) {
    const batch = await queue.read({ records: 100, bytes: 1e6 })
    if (batch) {
      appendFileSync(file, batch.records.map(({ id }) => `${id}\n`).join(''))
      await queue.commit(batch)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Some requests have one record, some many. */
const append = (from: number) => {
  const count = from % 7 === 0 ? 20 : 1
  if (queue.append(texts(from, count))) writeSync(1, Array.from({ length: count }, (_, i) => `${from + i}\n`).join(''))
  else writeSync(1, `refused\n`)
  return from + count
}

if (deliveries !== undefined) void deliver(deliveries)
for (let next = Number(first), turn = 0; ; turn++) {
  next = append(next)
  if (turn % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
}
