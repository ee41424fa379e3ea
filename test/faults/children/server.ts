/**
 * The service under faults: node children/server.ts express|fastify [WORKERS]
 * Configured by the environment alone, as a user's is. It tells its port, answers asks (`protocol.ts`), and ends by SIGTERM.
 */
import cluster from 'node:cluster'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import closeWithGrace from 'close-with-grace'
import type { Capture } from 'capture-predictions'
import type { Answer, Ask, Report, Told } from './protocol.ts'

const [, , framework = '', workers = '0'] = process.argv

let runs = 0
/** A model that costs nothing. */
const predict = ({ n }: { n: number }) => {
  runs++
  return { prediction: n % 3, confidence: 0.97 }
}

/** Bytes that are in use once the garbage is collected: of the resident memory V8 decides by how much the machine has. */
const usedMemory = (): number => {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

interface Service {
  readonly server: Server
  readonly capture: Capture
  close(): Promise<void>
}

const closeTimeout = Number(process.env['CLOSE_TIMEOUT_MS'] ?? 10_000)

const services: Record<string, () => Promise<Service>> = {
  async express() {
    const { default: express } = await import('express')
    const { capturePredictions, receiveActuals } = await import('capture-predictions/express')
    const predictions = capturePredictions()
    const app = express()
    app.use(express.json())
    app.use(predictions)
    app.post('/predict', (req, res) => {
      const { prediction, confidence } = predict(req.body)
      req.prediction?.set({ confidence })
      res.json({ prediction })
    })
    app.post('/actuals', receiveActuals(predictions))
    const server = app.listen(0, '127.0.0.1')
    const close = async () => {
      await new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      })
      await predictions.capture.close({ timeout: closeTimeout })
    }
    return { server, capture: predictions.capture, close }
  },
  async fastify() {
    const { default: Fastify } = await import('fastify')
    const { createCapture } = await import('capture-predictions')
    const { capturePredictions, receiveActuals } = await import('capture-predictions/fastify')
    const app = Fastify({ forceCloseConnections: true })
    const capture = createCapture()
    await app.register(capturePredictions, { capture })
    app.addHook('onClose', () => capture.close({ timeout: closeTimeout }))
    app.post<{ Body: { n: number } }>('/predict', async (request) => predict(request.body))
    app.post('/actuals', receiveActuals(capture))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { server: app.server, capture, close: () => app.close() }
  },
}

const serve = async (): Promise<void> => {
  const { server, capture, close } = await services[framework]!()
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  // A connection that was idle for long would be closed, now and then just as the load sends: a request that no service can answer.
  server.keepAliveTimeout = 0

  const report = (): Report => ({
    pid: process.pid,
    runs,
    rss: process.memoryUsage.rss(),
    stats: capture.stats(),
  })
  const answers: Record<Ask['what'], () => Promise<unknown>> = {
    report: async () => report(),
    flush: () => capture.flush({ timeout: 30_000 }),
    memory: async () => usedMemory(),
  }
  process.on('message', (ask: Ask) => {
    void answers[ask.what]().then((value) => process.send!({ answers: ask.number, value } satisfies Answer))
  })
  closeWithGrace({ delay: closeTimeout + 5000 }, async () => {
    await close()
    await new Promise((resolve) => process.send!({ last: report() } satisfies Told, resolve))
  })
  process.send!({ port: (server.address() as AddressInfo).port, pid: process.pid } satisfies Told)
}

/** Passes on what workers tell, asks to the worker that they name, and SIGTERM to all. */
const lead = (): void => {
  const all = () => Object.values(cluster.workers ?? {}).map((worker) => worker!)
  for (let i = 0; i < Number(workers); i++) cluster.fork()
  cluster.on('message', (_worker, message) => void process.send!(message))
  process.on(
    'message',
    (ask: Ask) =>
      void all()
        .find(({ process: { pid } }) => pid === ask.pid)
        ?.send(ask),
  )
  process.once('SIGTERM', () => {
    for (const worker of all()) worker.process.kill('SIGTERM')
    cluster.on('exit', () => all().length === 0 && process.disconnect())
  })
}

if (cluster.isPrimary && Number(workers) > 0) lead()
else await serve()
