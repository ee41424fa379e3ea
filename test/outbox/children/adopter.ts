import { once } from 'node:events'
import { openOutbox } from '../../../src/outbox/outbox.ts'

/**
 * `node adopter.ts DIRECTORY`: says that it is up, opens the outbox when it gets a line, and prints how many records it has taken over
 * from dead processes whenever there are more. What the outbox logs is printed as well. It ends with its input.
 */
const [directory = ''] = process.argv.slice(2)

console.log('up')
await once(process.stdin, 'data')
process.stdin.once('end', () => process.exit()).resume()

const outbox = openOutbox({ directory, maxBytes: 2 ** 30, logger: console, sinks: ['main'] })
let last = 0
for (;;) {
  const { carriedOver } = outbox.queue('main').size()
  if (carriedOver > last) console.log(`adopted ${carriedOver}`)
  last = carriedOver
  await new Promise((resolve) => setImmediate(resolve))
}
