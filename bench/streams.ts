/**
 * What a capture delays the events of a stream: node bench/streams.ts
 * A process streams 10,000 events as a chat does, each with the time when it was written; this one takes the time when it has come. With and
 * without capture take turns. The clock is the system's monotonic one, the same in both processes.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { silentLogger } from 'capture-predictions'
import { capturePredictions } from 'capture-predictions/express'
import { median, percentile } from './load.ts'

const EVENTS = 10_000
const ROUNDS = 9
/** Between events, in milliseconds: a queue of them would hide what each costs. */
const PACE = 0.2

const nanoseconds = (): number => Number(process.hrtime.bigint())

const event = (content: string): string =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1694268190,
    model: 'gpt-4o-mini',
    sent: nanoseconds(),
    choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }],
  })}\n\n`

const serve = async (isCaptured: boolean): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'capture-bench-'))
  const app = express()
  const records: string[] = []
  const sink = {
    name: 'kept',
    write: async (batch: readonly { json: string }[]) => void records.push(...batch.map(({ json }) => json)),
  }
  const middleware = isCaptured
    ? capturePredictions({
        sink,
        outboxDir: join(folder, 'outbox'),
        model: 'm',
        logger: silentLogger,
        flushIntervalMs: 1,
      })
    : undefined
  app.use(express.json())
  if (middleware) app.use(middleware)
  app.post('/predict', async (_req, res) => {
    res.set('content-type', 'text/event-stream').flushHeaders()
    for (let i = 0; i < EVENTS; i++) {
      res.write(event(`word ${i} `))
      for (const next = performance.now() + PACE; performance.now() < next;) await turn()
    }
    res.end('data: [DONE]\n\n')
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send!({ port: (server.address() as AddressInfo).port })
  process.on('message', async () => {
    await middleware?.capture.flush()
    const { tags, outputs } = JSON.parse(records.at(-1) ?? '{}') as {
      tags?: { events?: number }
      outputs?: { prediction?: string | { shape: number[] } }
    }
    process.send!({ events: tags?.events, prediction: outputs?.prediction })
  })
  process.on('disconnect', () => {
    rmSync(folder, { recursive: true, force: true })
    process.exit()
  })
}

/** Milliseconds from the writing of each event to its arrival. */
const delaysOf = async (port: number): Promise<number[]> => {
  const req = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/predict',
    headers: { 'content-type': 'application/json' },
  })
  req.end('{"model":"m","messages":[{"role":"user","content":"Hello!"}],"stream":true}')
  const [reply] = (await once(req, 'response')) as [IncomingMessage]
  const delays: number[] = []
  reply.on('data', (chunk: Buffer) => {
    const now = nanoseconds()
    for (const [, sent] of chunk.toString('latin1').matchAll(/"sent":(\d+)/g)) delays.push((now - Number(sent)) / 1e6)
  })
  await once(reply, 'end')
  return delays
}

const compare = async (): Promise<void> => {
  const start = async (mode: string) => {
    const child = fork(fileURLToPath(import.meta.url), [mode])
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    return { child, port }
  }
  const none = await start('none')
  const captured = await start('captured')
  const rounds: [number[], number[]][] = []
  for (let round = 0; round < ROUNDS; round++) rounds.push([await delaysOf(none.port), await delaysOf(captured.port)])
  const measured = rounds.slice(2)
  const of = (side: 0 | 1, figure: (delays: readonly number[]) => number) =>
    median(measured.map((round) => figure(round[side])))
  const p99 = (delays: readonly number[]) => percentile(delays, 0.99)
  for (const [name, figure] of [
    ['median', median],
    ['99th percentile', p99],
  ] as const)
    console.log(
      `${EVENTS} events, ${name}: ${of(0, figure).toFixed(4)} ms without capture, ${of(1, figure).toFixed(4)} ms with, ` +
        `${median(measured.map(([a, b]) => figure(b) - figure(a))).toFixed(4)} ms more`,
    )
  captured.child.send('report')
  const [record] = (await once(captured.child, 'message')) as [unknown]
  console.log('the last record of it:', JSON.stringify(record))
  for (const { child } of [none, captured]) child.disconnect()
}

const mode = process.argv[2]
await (mode === undefined ? compare() : serve(mode === 'captured'))
