import { mock } from 'node:test'
import * as timers from 'node:timers'

/** Twenty requests at once, while the timers were faked before anything was loaded: node children/fake-timers.ts OUTBOX */
const [, , outboxDir = ''] = process.argv
const { setTimeout: realTimeout } = timers
mock.timers.enable({ apis: ['setImmediate', 'setTimeout', 'setInterval', 'Date'] })
const { default: fastify } = await import('fastify')
const { createCapture } = await import('capture-predictions')
const { capturePredictions } = await import('capture-predictions/fastify')

const capture = createCapture({ sink: { name: 'none', write: async () => {} }, outboxDir })
const app = fastify()
await app.register(capturePredictions, { capture })
app.post('/predict', async () => ({ prediction: 1 }))
const url = await app.listen({ port: 0, host: '127.0.0.1' })
const ask = async () => {
  const reply = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"a":1}',
  })
  return reply.status
}
// The test's own patience, with a real timer: no reply comes where one waits for a faked one.
realTimeout(() => {
  process.stdout.write('not all were answered\n', () => process.exit(1))
}, 10_000).unref()
const replies = await Promise.all(Array.from({ length: 20 }, ask))
process.stdout.write(`${replies.filter((status) => status === 200).length}\n`, () => process.exit(0))
