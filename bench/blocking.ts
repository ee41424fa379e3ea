/**
 * How long a body of nearly a megabyte keeps the event loop of a server, with capture and without: the longest turn from the
 * request to the delivery of its last record, in CPU of its thread, by a ticker in the server's own process. The records go to an
 * outbox, and from there to a sink that discards them.
 *
 *     node bench/blocking.ts
 *
 * `bytes` is a gateway's handler, which looks at no body; `parsed` one behind Express' JSON parser, whose own time is in both figures.
 * BENCH_ROUNDS (7): medians are given, and the longest of all.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createCapture } from 'capture-predictions'
import { capturePredictions } from 'capture-predictions/express'
import { largeBodies, type LargeBody } from './bodies.ts'
import { answerMeasurements, closeConnections, compareTurns, post, startServer, turnsHeader } from './longest-turn.ts'

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

  answerMeasurements(
    (name) => {
      const { reply, replyHeaders } = largeBodies[name]!
      const bytes = Buffer.isBuffer(reply) ? reply : Buffer.from(JSON.stringify(reply))
      replies = { parsed: reply, bytes, headers: { 'content-type': 'application/json', ...replyHeaders } }
    },
    async () => capture?.flush(),
  )
  const server = app.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
}

const send = async (port: number, path: string, { request: sent, headers }: LargeBody): Promise<void> => {
  const body = Buffer.isBuffer(sent) ? sent : Buffer.from(JSON.stringify(sent))
  const status = await post(port, path, body, { 'content-type': 'application/json', ...headers })
  if (status !== 200) throw new Error(`${path}: ${status}`)
}

const measure = async (): Promise<void> => {
  const start = (mode: string) => startServer(fileURLToPath(import.meta.url), [mode])
  const servers = [await start('bare'), await start('captured')] as const
  console.log(turnsHeader)
  for (const [name, body] of Object.entries(largeBodies)) {
    for (const path of Buffer.isBuffer(body.request) ? ['/bytes'] : ['/bytes', '/parsed']) {
      const label = `${name}, ${path.slice(1)}`
      console.log(await compareTurns(servers, { label, name, rounds: ROUNDS }, (port) => send(port, path, body)))
    }
  }
  for (const server of servers) server.close()
  closeConnections()
}

await (process.argv[2] === undefined ? measure() : serve(process.argv[2]))
