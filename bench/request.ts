/**
 * What capture itself costs on a request's path, in microseconds of CPU, beside JSON.stringify of the same body and reply:
 *   node bench/request.ts
 * Real requests and responses of Node.js without a socket; an outbox as it is by default, and a sink that discards.
 */
import { IncomingMessage, ServerResponse } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCapture, silentLogger, type CaptureOptions } from 'capture-predictions'
import { captureRequest } from '../src/http/capture-request.ts'
import { median } from './load.ts'

const REQUESTS = 50_000
const ROUNDS = 9

const body = () => ({ sepal: { length: 5.1, width: 3.5 }, petal: { length: 1.4, width: 0.2 } })
const socket = new Socket()

const exchangeOf = () => {
  const req = new IncomingMessage(socket)
  req.method = 'POST'
  req.url = '/predict'
  Object.assign(req.headers, { 'content-type': 'application/json', 'content-length': '71', host: 'localhost' })
  return { req, res: new ServerResponse(req) }
}

const folder = mkdtempSync(join(tmpdir(), 'capture-bench-'))
const captureOf = (name: string, options: CaptureOptions) =>
  createCapture({
    sink: { name, async write() {} },
    outboxDir: join(folder, name),
    model: 'iris',
    logger: silentLogger,
    ...options,
  })

const captures = {
  outbox: captureOf('outbox', {}),
  memory: captureOf('memory', { durability: 'memory' }),
}

/** What each mode does with one request; the difference to `none` is what it costs. */
const modes: Record<string, () => void> = {
  none() {
    const { res } = exchangeOf()
    res.setHeader('X-Other', 'none')
    body()
    res.end()
  },
  stringify() {
    const { res } = exchangeOf()
    res.setHeader('X-Other', 'none')
    JSON.stringify(body())
    JSON.stringify({ prediction: 0, confidence: 0.97 })
    res.end()
  },
}
for (const [name, capture] of Object.entries(captures)) {
  capture.start()
  modes[name] = () => {
    const { req, res } = exchangeOf()
    const parsed = body()
    const exchange = captureRequest(capture as never, {
      req,
      res,
      url: '/predict',
      always: () => false,
      ignoresCase: false,
      body: () => parsed,
      header: (name) => (name === 'content-type' ? 'application/json' : undefined),
      setHeader: (name, value) => void res.setHeader(name, value),
    })
    if (exchange === undefined || exchange === 'full') throw new Error('not captured')
    exchange.request()
    exchange.prediction.set({ confidence: 0.97 })
    exchange.reply({ prediction: 0 })
    res.end()
  }
}

const cpuOf = async (run: () => void): Promise<number> => {
  const before = process.cpuUsage()
  for (let i = 0; i < REQUESTS; i++) {
    run()
    // The loop turns as under load: some requests a turn.
    if (i % 50 === 0) await new Promise(setImmediate)
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / REQUESTS
}

const results = new Map<string, number[]>(Object.keys(modes).map((name) => [name, []]))
for (let round = 0; round < ROUNDS; round++)
  for (const [name, run] of Object.entries(modes)) results.get(name)!.push(await cpuOf(run))

const none = median(results.get('none')!.slice(2))
for (const [name, costs] of results) {
  const cost = median(costs.slice(2))
  console.log(`${name.padEnd(10)} ${cost.toFixed(2)} µs of CPU a request, ${(cost - none).toFixed(2)} more than none`)
}
for (const capture of Object.values(captures)) await capture.close()
rmSync(folder, { recursive: true, force: true })
