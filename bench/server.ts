/**
 * A server under measurement: node bench/server.ts FRAMEWORK MODE
 *   MODE: none | log (no capture; pino writes its line a request to a file) | insert (an insert by Knex awaited in the handler) |
 *         outbox (captured, to a sink that discards) | memory (the same, without the outbox) | postgres (captured, to Postgres)
 * Reports its port, and on each message its CPU time, event-loop delay and capture's stats.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createCapture, type Capture, type PredictionRecord } from 'capture-predictions'

const [, , framework, mode] = process.argv
const url = process.env['BENCH_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test'
const table = `bench_${process.pid}`

const number = { type: 'number' } as const
const size = { type: 'object', properties: { length: number, width: number } } as const
const schema = {
  features: { type: 'object', properties: { sepal: size, petal: size } },
  outputs: { type: 'object', properties: { prediction: { type: 'integer' }, confidence: number } },
}

interface Iris {
  sepal: { length: number; width: number }
  petal: { length: number; width: number }
}
/** A model that costs nothing: what is measured is what stands around it. */
const predict = ({ petal }: Iris) => ({ prediction: petal.length < 2.5 ? 0 : 1, confidence: 0.97 })

let written = 0
const discard = {
  name: 'discard',
  async write(records: readonly PredictionRecord[]) {
    written += records.length
  },
}

const directory = mkdtempSync(join(tmpdir(), 'capture-bench-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

const capture: Capture | undefined =
  mode === 'none' || mode === 'log' || mode === 'insert'
    ? undefined
    : createCapture({
        sink: mode === 'postgres' ? url : discard,
        table,
        schema,
        durability: mode === 'memory' ? 'memory' : 'outbox',
        outboxDir: join(directory, 'outbox'),
        model: 'iris',
        logger: { info() {}, warn: console.error, error: console.error },
      })

/** What writes a line a request to a file, in Express and Koa; Fastify has pino built in. */
const logFile = join(directory, 'requests.log')
const log =
  mode === 'log'
    ? (await import('pino-http')).pinoHttp({}, (await import('pino')).default.destination(logFile))
    : undefined

const insert = await (async () => {
  if (mode !== 'insert') return undefined
  const { default: knex } = await import('knex')
  const db = knex({ client: 'pg', connection: url, pool: { min: 0, max: 10 } })
  await db.schema.createTable(table, (t) => {
    t.uuid('id').primary()
    t.timestamp('timestamp')
    for (const name of ['sepal_length', 'sepal_width', 'petal_length', 'petal_width', 'confidence']) t.double(name)
    t.integer('prediction')
  })
  process.on('disconnect', () => void db.schema.dropTableIfExists(table).then(() => process.exit()))
  return async ({ sepal, petal }: Iris, { prediction, confidence }: ReturnType<typeof predict>) => {
    await db(table).insert({
      id: crypto.randomUUID(),
      timestamp: new Date(),
      sepal_length: sepal.length,
      sepal_width: sepal.width,
      petal_length: petal.length,
      petal_width: petal.width,
      prediction,
      confidence,
    })
  }
})()

const servers: Record<string, () => Promise<Server>> = {
  async express() {
    const { default: express } = await import('express')
    const { capturePredictions } = await import('capture-predictions/express')
    const app = express()
    if (log) app.use(log)
    app.use(express.json())
    if (capture) app.use(capturePredictions(capture))
    app.post('/predict', async (req, res) => {
      const outputs = predict(req.body)
      await insert?.(req.body, outputs)
      req.prediction?.set({ confidence: outputs.confidence })
      res.json({ prediction: outputs.prediction })
    })
    return app.listen(0, '127.0.0.1')
  },
  async koa() {
    const { default: Koa } = await import('koa')
    const { bodyParser } = await import('@koa/bodyparser')
    const { capturePredictions } = await import('capture-predictions/koa')
    const app = new Koa()
    if (log)
      app.use((ctx, next) => {
        log(ctx.req, ctx.res)
        return next()
      })
    app.use(bodyParser())
    if (capture) app.use(capturePredictions(capture))
    app.use(async (ctx) => {
      const body = ctx.request.body as Iris
      const outputs = predict(body)
      await insert?.(body, outputs)
      ctx.prediction?.set({ confidence: outputs.confidence })
      ctx.body = { prediction: outputs.prediction }
    })
    return app.listen(0, '127.0.0.1')
  },
  async fastify() {
    const { default: Fastify } = await import('fastify')
    const { capturePredictions } = await import('capture-predictions/fastify')
    const app = Fastify(mode === 'log' ? { logger: { file: logFile } } : {})
    if (capture) await app.register(capturePredictions, { capture })
    app.post('/predict', async (request) => {
      const body = request.body as Iris
      const outputs = predict(body)
      await insert?.(body, outputs)
      request.prediction?.set({ confidence: outputs.confidence })
      return { prediction: outputs.prediction }
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server
  },
}

const server = await servers[framework!]!()
if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
// The load keeps its connections while the other servers have their turns.
server.keepAliveTimeout = 0
server.headersTimeout = 0
server.requestTimeout = 0
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()

process.on('message', (message) => {
  if (message === 'reset') delay.reset()
  const { user, system } = process.cpuUsage()
  const stats = capture?.stats()
  process.send!({
    cpu: user + system,
    loopDelayP99: delay.percentile(99) / 1e6,
    rss: process.memoryUsage().rss,
    written,
    sinks: stats?.sinks,
  })
})
process.on('disconnect', () => {
  if (capture === undefined) return mode === 'insert' ? undefined : process.exit()
  void dropTable().finally(() => process.exit())
})

const dropTable = async () => {
  if (mode !== 'postgres') return
  await capture!.close({ timeout: 5000 })
  const { default: knex } = await import('knex')
  const db = knex({ client: 'pg', connection: url })
  await db.schema.dropTableIfExists(table)
  await db.destroy()
}

process.send!({ port: (server.address() as AddressInfo).port })
