/**
 * How long a body of nearly a megabyte keeps the event loop of a server, with capture and without: the longest turn from the
 * request to the delivery of its last record, by a ticker in the server's own process. The records go to an outbox, and from there
 * to a sink that discards them.
 *
 *     node bench/blocking.ts
 *
 * `bytes` is a gateway's handler, which looks at no body; `parsed` one behind Express' JSON parser, whose own time is in both figures.
 * BENCH_ROUNDS (7): medians are given, and the longest of all.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createCapture } from 'capture-predictions'
import { capturePredictions } from 'capture-predictions/express'
import { largeBodies, type LargeBody } from './bodies.ts'
import { median } from './load.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7)

const serve = async (mode: string): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), 'capture-bench-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  let replies: { parsed: unknown; bytes: Buffer; headers: Record<string, string> }
  const capture =
    mode === 'captured'
      ? createCapture({
          sink: { name: 'discard', write: async () => {} },
          outboxDir: directory,
          route: 'POST /*',
          logger: { info() {}, warn: console.error, error: console.error },
        })
      : undefined
  const app = express()
  if (capture) app.use('/bytes', capturePredictions(capture))
  app.post('/bytes', (req, res) => {
    req.on('end', () => res.writeHead(200, replies.headers).end(replies.bytes)).resume()
  })
  app.use(express.json({ limit: '2mb' }))
  if (capture) app.use(capturePredictions(capture))
  app.post('/parsed', (_req, res) => void res.json(replies.parsed))

  let last = 0
  let longest = 0
  // Only while it is measured: the other server has its turn in between.
  let isTicking = false
  const tick = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (isTicking) setImmediate(tick)
  }
  process.on('message', (name: string) => {
    void (async () => {
      const body = largeBodies[name]
      if (body !== undefined) {
        const bytes = Buffer.isBuffer(body.reply) ? body.reply : Buffer.from(JSON.stringify(body.reply))
        replies = { parsed: body.reply, bytes, headers: { 'content-type': 'application/json', ...body.replyHeaders } }
        global.gc?.()
        longest = 0
        last = performance.now()
        isTicking = true
        tick()
        return process.send!('ready')
      }
      await capture?.flush()
      isTicking = false
      process.send!(longest)
    })()
  })
  process.on('disconnect', () => process.exit())
  const server = app.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
}

const agent = new Agent({ keepAlive: true })

const post = async (port: number, path: string, { request: sent, headers }: LargeBody): Promise<void> => {
  const body = Buffer.isBuffer(sent) ? sent : Buffer.from(JSON.stringify(sent))
  const options = { port, path, host: '127.0.0.1', method: 'POST', agent }
  const req = request({ ...options, headers: { 'content-type': 'application/json', ...headers } })
  req.end(body)
  const [reply] = (await once(req, 'response')) as [IncomingMessage]
  if (reply.statusCode !== 200) throw new Error(`${path}: ${reply.statusCode}`)
  reply.resume()
  await once(reply, 'end')
}

const ask = async <Answer>(child: ChildProcess, message: string): Promise<Answer> => {
  child.send(message)
  return ((await once(child, 'message')) as [Answer])[0]
}

const measure = async (): Promise<void> => {
  const start = async (mode: string) => {
    const child = fork(fileURLToPath(import.meta.url), [mode], { execArgv: ['--expose-gc'] })
    const [port] = (await once(child, 'message')) as [number]
    return { child, port }
  }
  const servers = [await start('bare'), await start('captured')]
  const times = async (name: string, path: string): Promise<number[][]> => {
    const all: number[][] = servers.map(() => [])
    for (let round = 0; round < ROUNDS + 3; round++) {
      for (const [i, { child, port }] of servers.entries()) {
        await ask(child, name)
        await post(port, path, largeBodies[name]!)
        const longest = await ask<number>(child, 'longest')
        if (round >= 3) all[i]!.push(longest)
      }
    }
    return all
  }
  const cell = (value: number) => value.toFixed(1).padStart(9)
  console.log(
    `${'longest turn, ms'.padEnd(52)} ${'bare'.padStart(9)} ${'captured'.padStart(9)} ${'longest'.padStart(9)}`,
  )
  for (const [name, { request: sent }] of Object.entries(largeBodies)) {
    for (const path of Buffer.isBuffer(sent) ? ['/bytes'] : ['/bytes', '/parsed']) {
      const [bare, captured] = (await times(name, path)) as [number[], number[]]
      console.log(
        `${`${name}, ${path.slice(1)}`.padEnd(52)} ${cell(median(bare))} ${cell(median(captured))} ${cell(Math.max(...captured))}`,
      )
    }
  }
  for (const { child } of servers) child.disconnect()
}

await (process.argv[2] === undefined ? measure() : serve(process.argv[2]))
if (process.argv[2] === undefined) agent.destroy()
