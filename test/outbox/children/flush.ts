import { setTimeout } from 'node:timers/promises'
import { silentLogger } from '../../../src/logger.ts'
import { openOutbox } from '../../../src/outbox/outbox.ts'
import { texts } from '../support.ts'

/**
 * `node flush.ts DIRECTORY REQUESTS`: so many requests wait for the disk at once; it then ends without a word to the outbox.
 * `node flush.ts DIRECTORY second`: one request waits for nothing, and the process lives for the second that is promised.
 */
const [directory = '', requests] = process.argv.slice(2)

const outbox = openOutbox({ directory, maxBytes: 2 ** 30, logger: silentLogger, sinks: ['main'] })
const queue = outbox.queue('main')
await outbox.ready
await queue.flushed()

if (requests === 'second') {
  queue.append(texts(0, 1))
  await setTimeout(1000)
}

await Promise.all(
  Array.from({ length: requests === 'second' ? 0 : Number(requests) }, async (_, i) => {
    queue.append(texts(i, 1))
    await queue.flushed()
  }),
)
