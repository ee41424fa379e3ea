/**
 * Actuals: how long 10,000 reports keep a server's event loop, what a report costs in code, and how fast a file is imported.
 *
 *     node bench/actuals.ts [turns | cost | import]…
 *
 * `turns`: `POST /actuals` of 10,000 reports, by the longest turn of the loop, in CPU of its thread, until the last record has left the
 * outbox (to a sink that discards). Bare is a server without capture that parses the same body and replies. BENCH_ROUNDS (15).
 * `cost`: microseconds of CPU of `capture.actual()` and of a captured request, in turns; the outbox as it is by default.
 * `import`: `capture-predictions actuals import` of BENCH_LINES (1,000,000) into SQLite, twice, by the memory of its process on Linux.
 * BENCH_FORMATS (csv,ndjson).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import express, { type RequestHandler } from 'express'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { createCapture, type Capture } from 'capture-predictions'
import { receiveActuals as receiveInExpress } from 'capture-predictions/express'
import { capturePredictions, receiveActuals as receiveInFastify } from 'capture-predictions/fastify'
import { createIds, instanceId } from '../src/records/id.ts'
import { list } from './bodies.ts'
import { median } from './load.ts'
import { answerMeasurements, closeConnections, compareTurns, post, startServer, turnsHeader } from './longest-turn.ts'
import { captured, cpuOf, uncaptured } from './one-request.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15)
const COUNT = 10_000
const LIMIT = 16 * 1024 * 1024
const known = '2026-11-23T12:00:00Z'

const folder = mkdtempSync(join(tmpdir(), 'capture-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const captureTo = (name: string): Capture =>
  createCapture({
    sink: { name, actuals: true, async write() {} },
    outboxDir: join(folder, name),
    model: 'iris',
    logger: { info() {}, warn: console.error, error: console.error },
  })

const nextId = createIds()
const reports = () => list(COUNT, (i) => ({ id: nextId(), actual: i % 3, timestamp: known, source: 'lab' }))

/** By name: the content type, and a body. */
const bodies: Readonly<Record<string, readonly [type: string, body: () => string]>> = {
  'a JSON list': ['application/json', () => JSON.stringify(reports())],
  'JSON lines': ['application/x-ndjson', () => reports().map((report) => JSON.stringify(report)).join('\n')],
  CSV: ['text/csv', () => ['id,actual,timestamp', ...reports().map(({ id, actual }) => `${id},${actual},${known}`)].join('\n')],
  'a list of a batch': ['application/json', () => JSON.stringify({ id: nextId(), actuals: list(COUNT, (i) => i % 3) })],
} // prettier-ignore

/** What any server does with such a body: parses it, and replies. */
const parseText = (text: string, type: string): number => {
  const lines = text.split('\n')
  return (type === 'text/csv' ? lines.map((line) => line.split(',')) : lines.map((line) => JSON.parse(line) as unknown))
    .length
}

const reply = (count: number) => ({ accepted: count, rejected: [] })

const servers = {
  /** Nobody parses the body before; bare: Express' parsers do. */
  async express(capture: Capture | undefined) {
    const app = express()
    if (capture) app.post('/actuals', receiveInExpress(capture))
    else app.post('/actuals', express.json({ limit: LIMIT }), express.text({ limit: LIMIT, type: '*/*' }), bareHandler)
    return app.listen(0, '127.0.0.1')
  },
  /** The app parses JSON before, for all of its routes. */
  async parsed(capture: Capture | undefined) {
    const app = express()
    app.use(express.json({ limit: LIMIT }))
    if (capture) app.post('/actuals', receiveInExpress(capture))
    else app.post('/actuals', express.text({ limit: LIMIT, type: '*/*' }), bareHandler)
    return app.listen(0, '127.0.0.1')
  },
  async fastify(capture: Capture | undefined) {
    const app = Fastify({ bodyLimit: LIMIT })
    if (capture) {
      await app.register(capturePredictions, { capture })
      app.post('/actuals', receiveInFastify(capture))
    } else {
      app.addContentTypeParser(['application/x-ndjson', 'text/csv'], { parseAs: 'string' }, (_, body, done) => done(null, body)) // prettier-ignore
      app.post('/actuals', async ({ body, headers }: FastifyRequest, answer: FastifyReply) => {
        const type = headers['content-type']!
        return answer.code(202).send(reply(typeof body === 'string' ? parseText(body, type) : COUNT))
      })
    }
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server
  },
}

const bareHandler: RequestHandler = ({ body, headers }, res) => {
  const type = headers['content-type']!
  res.status(202).json(reply(typeof body === 'string' ? parseText(body, type) : COUNT))
}

const serve = async (framework: keyof typeof servers, mode: string): Promise<void> => {
  const capture = mode === 'captured' ? captureTo('discard') : undefined
  const server: Server = await servers[framework](capture)
  if (!server.listening) await once(server, 'listening')
  answerMeasurements(
    () => {},
    async () => capture?.flush(),
  )
  process.send!((server.address() as AddressInfo).port)
}

const measureTurns = async (): Promise<void> => {
  const file = fileURLToPath(import.meta.url)
  console.log(`${COUNT} reports\n${turnsHeader}`)
  for (const framework of Object.keys(servers)) {
    const both = [await startServer(file, ['serve', framework, 'bare']), await startServer(file, ['serve', framework, 'captured'])] as const // prettier-ignore
    for (const [name, [type, body]] of Object.entries(bodies)) {
      const label = `${name}, ${framework === 'parsed' ? 'express.json() before' : framework}`
      console.log(
        await compareTurns(both, { label, name, rounds: ROUNDS }, async (port) => {
          const status = await post(port, '/actuals', Buffer.from(body()), { 'content-type': type })
          if (status !== 202) throw new Error(`${label}: ${status}`)
        }),
      )
    }
    for (const server of both) server.close()
  }
  closeConnections()
}

const measureCost = async (): Promise<void> => {
  const [predictions, actuals] = [captureTo('predictions'), captureTo('actuals')]
  const modes = {
    none: uncaptured,
    'a captured request': captured(predictions),
    'capture.actual(id, 2)': () => actuals.actual(nextId(), 2),
    'capture.actual(id, labels, options)': () =>
      actuals.actual(nextId(), { species: 'setosa', yield: 2.5 }, { timestamp: known, source: 'lab' }),
  }
  const results = new Map<string, number[]>()
  for (let round = 0; round < 9; round++)
    for (const [name, run] of Object.entries(modes)) {
      const cost = await cpuOf(run, 50_000)
      if (round > 1) results.set(name, [...(results.get(name) ?? []), cost])
    }
  const none = median(results.get('none')!)
  results.delete('none')
  for (const [name, costs] of results) {
    const cost = median(costs) - (name === 'a captured request' ? none : 0)
    console.log(`${name.padEnd(36)} ${cost.toFixed(2)} µs of CPU`)
  }
  await Promise.all([predictions.close(), actuals.close()])
}

const LINES = Number(process.env['BENCH_LINES'] ?? 1_000_000)

/** A file's lines. */
const lineOf: Readonly<Record<string, (k: number) => string>> = {
  csv: (k) => `${idOf(k)},${k % 3},${known}`,
  ndjson: (k) => JSON.stringify({ id: idOf(k), actual: k % 3, timestamp: known }),
}

const bases = list(Math.ceil(LINES / 1000), () => nextId())
const idOf = (k: number): string => instanceId(bases[Math.floor(k / 1000)]!, k % 1000)

const writeReports = async (file: string, format: string): Promise<void> => {
  const texts = function* () {
    if (format === 'csv') yield 'id,actual,timestamp\n'
    for (let k = 0; k < LINES; k += 1000)
      yield `${list(Math.min(1000, LINES - k), (i) => lineOf[format]!(k + i)).join('\n')}\n`
  }
  await pipeline(texts, createWriteStream(file))
}

/** Megabytes that a process has in memory; NaN: nobody can tell. */
const memoryOf = (pid: number): number => {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return Number.NaN
  }
}

const importFile = async (file: string, variables: NodeJS.ProcessEnv): Promise<string> => {
  const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url))
  const env = { ...process.env, ...variables }
  const started = performance.now()
  const child = spawn(process.execPath, [main, 'actuals', 'import', file], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const memory: number[] = []
  const timer = setInterval(() => void memory.push(memoryOf(child.pid!)), 100)
  const [code] = (await once(child, 'exit')) as [number]
  clearInterval(timer)
  if (code !== 0) throw new Error(`the import ended with ${code}`)
  const seconds = (performance.now() - started) / 1000
  const half = memory.length >> 1
  const [early, late] = [Math.max(...memory.slice(0, half)), Math.max(...memory.slice(half))]
  return `${Math.round(LINES / seconds)} lines/s, ${early.toFixed(0)} MB in the first half, ${late.toFixed(0)} MB in the second`
} // prettier-ignore

/** Rows, and when the first and the last came. */
const stored = (file: string): string => {
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database
    .prepare('select count(*) as n, min(reported_at) as first, max(reported_at) as last from predictions_actuals')
    .get()
  database.close()
  return Object.values(row!).join(' ')
}

const measureImport = async (): Promise<void> => {
  for (const format of (process.env['BENCH_FORMATS'] ?? 'csv,ndjson').split(',')) {
    const [file, database] = [join(folder, `labels.${format}`), join(folder, `${format}.db`)]
    await writeReports(file, format)
    const variables = { PREDICTIONS_SINK: `sqlite:${database}`, PREDICTIONS_OUTBOX_DIR: join(folder, 'imported') }
    console.log(`${LINES} lines of ${format}: ${await importFile(file, variables)}`)
    const before = stored(database)
    console.log(`   the same again: ${await importFile(file, variables)}`)
    const [rows] = before.split(' ')
    if (Number(rows) !== LINES || stored(database) !== before)
      throw new Error(`rows changed: ${before}, ${stored(database)}`)
    rmSync(file)
  }
}

const parts = { turns: measureTurns, cost: measureCost, import: measureImport }
const [first, ...more] = process.argv.slice(2)
if (first === 'serve') await serve(more[0] as keyof typeof servers, more[1]!)
else
  for (const [name, measure] of Object.entries(parts))
    if (first === undefined || [first, ...more].includes(name)) await measure()
