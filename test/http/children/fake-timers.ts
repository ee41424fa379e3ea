/**
 * Two services, without and with capture, of a program whose timers are faked: node children/fake-timers.ts FAKES WHEN FRAMEWORK FOLDER
 *   FAKES: sinon | node (node:test)
 *   WHEN: before (anything else is loaded) | after
 *   FRAMEWORK: express | koa | fastify
 * Tells both ports; told to end, how many rows its table has, and ends.
 */
import { mock } from 'node:test'
import { createServer, type Server } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import type { Capture } from 'capture-predictions'

const [, , fakes, when, framework, folder] = process.argv
const { setTimeout: realTimeout } = globalThis

const sinon = (await import('sinon')).default
const install = (): void => {
  if (fakes === 'node') mock.timers.enable({ apis: ['setImmediate', 'setTimeout', 'setInterval', 'Date'] })
  // Without nextTick and queueMicrotask, on which Node.js' own streams stand.
  else
    sinon.useFakeTimers({
      toFake: [
        'setTimeout',
        'clearTimeout',
        'setInterval',
        'clearInterval',
        'setImmediate',
        'clearImmediate',
        'Date',
        'performance',
        'hrtime',
      ],
    })
}

if (when === 'before') install()
const { createCapture } = await import('capture-predictions')

const start: Record<string, (capture: Capture | undefined) => Promise<Server>> = {
  async express(capture) {
    const { default: express } = await import('express')
    const { capturePredictions } = await import('capture-predictions/express')
    const app = express().use(express.json())
    if (capture) app.use(capturePredictions(capture))
    app.post('/predict', (_req, res) => void res.json({ prediction: 1 }))
    return createServer(app).listen(0, '127.0.0.1')
  },
  async koa(capture) {
    const { default: Koa } = await import('koa')
    const { capturePredictions } = await import('capture-predictions/koa')
    const app = new Koa()
    if (capture) app.use(capturePredictions(capture))
    app.use((ctx) => void (ctx.body = { prediction: 1 }))
    return createServer(app.callback()).listen(0, '127.0.0.1')
  },
  async fastify(capture) {
    const { default: fastify } = await import('fastify')
    const { capturePredictions } = await import('capture-predictions/fastify')
    const app = fastify()
    if (capture) await app.register(capturePredictions, { capture })
    app.post('/predict', async () => ({ prediction: 1 }))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server
  },
}

const database = `${folder}/predictions.db`
const capture = createCapture({ sink: `sqlite:${database}`, outboxDir: `${folder}/outbox`, flushIntervalMs: 10 })
const ports: number[] = []
for (const given of [undefined, capture]) {
  const server = await start[framework!]!(given)
  if (!server.listening) await new Promise<void>((resolve) => server.once('listening', resolve))
  ports.push((server.address() as { port: number }).port)
}
if (when === 'after') install()
process.send!(ports)

process.on('message', () => {
  // Nothing is flushed or closed: delivery has its own time.
  const look = () => {
    const { written } = Object.values(capture.stats().sinks)[0]!
    if (written < 20) return void realTimeout(look, 10)
    const { rows } = new DatabaseSync(database).prepare('select count(*) rows from predictions').get() as {
      rows: number
    }
    process.send!({ rows, stats: capture.stats() }, () => process.exit())
  }
  look()
})
process.on('disconnect', () => process.exit())
