import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bodyParser } from '@koa/bodyparser'
import express5 from 'express'
import express4 from 'express4'
import fastify5 from 'fastify'
import fastify4 from 'fastify4'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import type * as Core from 'capture-predictions'
import type * as ForExpress from 'capture-predictions/express'
import type * as ForFastify from 'capture-predictions/fastify'
import type * as ForKoa from 'capture-predictions/koa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { cleanup, temporaryFolder } from '../setup/captures.ts'
import { comparable, rawReplyTo } from './raw.ts'

/** What runs between a request and the end of its reply. */
const ON_THE_WAY = /^src\/(capture|http|exchange|formats|records|redact)\//
/** Nothing of ours stands above these: Node.js calls them in place of its own, or they let go of what was kept back. */
const TOP =
  /^src\/http\/(cork-socket|held-reply|reply-groups)\.ts|(write|end|writeHead|close|request|reply|fail|set|tag|skip|tellClosed|watched|watchResponse|captureRequest)\b.*\{$|=> watch\.|const push = /

/** The head of a function with a body of statements, as the build writes them. */
const HEADS = [
  /^\s*(?:async )?\*?(?:get |set |static )?#?[\w$]+\(.*\) \{$/,
  /^\s*(?:async )?function\*? ?[\w$]*\(.*\) \{$/,
  /(?:\)|[\w$]+) => \{$/,
]
const NO_FUNCTION = /^\s*(?:\} )?(?:if|for|while|switch|catch|else|do|return|super)\b/

const isHead = (line: string): boolean => !NO_FUNCTION.test(line) && HEADS.some((head) => head.test(line))

/** The build's text in which each function on the way throws when it is the one that is asked to, and these functions' names. */
const withFaults = (text: string): { text: string; places: string[] } => {
  const places: string[] = []
  let module = ''
  const lines = text.split('\n').map((line, number) => {
    module = /^\/\/ (\S+\.ts)$/.exec(line)?.[1] ?? module
    if (!ON_THE_WAY.test(module) || !isHead(line)) return line
    const place = `${module}:${number + 1} ${line.trim().slice(0, 60)}`
    if (TOP.test(place)) return line
    places.push(place)
    return `${line}\nif (globalThis.__injectedFault === ${JSON.stringify(place)}) throw new Error('injected');`
  })
  return { text: lines.join('\n'), places }
}

const root = fileURLToPath(new URL('../../', import.meta.url))
// Where the build's own imports are found.
const folder = join(root, 'node_modules', `.faulty-${process.pid}`)
const places: string[] = []
const state = globalThis as { __injectedFault?: string | undefined }

beforeAll(() => {
  mkdirSync(folder, { recursive: true })
  cpSync(join(root, 'dist'), folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  for (const file of globSync(['chunk-*.js', 'integrations/*.js'], { cwd: folder })) {
    const faulty = withFaults(readFileSync(join(folder, file), 'utf8'))
    writeFileSync(join(folder, file), faulty.text)
    places.push(...faulty.places)
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const load = async <Module>(file: string): Promise<Module> =>
  (await import(pathToFileURL(join(folder, file)).href)) as Module

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    cleanup(() => {
      server.closeAllConnections()
      server.close()
    })
    server.once('listening', () => resolve((server.address() as AddressInfo).port))
  })

type Start = (capture: Core.Capture | undefined) => Promise<number>

const onExpress =
  (express: typeof express5): Start =>
  async (capture) => {
    const { capturePredictions } = await load<typeof ForExpress>('integrations/express.js')
    const app = express()
    app.use(express.json())
    if (capture) app.use(capturePredictions(capture))
    app.post('/predict', (req, res) => {
      req.prediction?.set({ confidence: 0.5 })
      res.json({ prediction: 1 })
    })
    return listening(app.listen(0))
  }

const onKoa =
  (Koa: typeof Koa3): Start =>
  async (capture) => {
    const { capturePredictions } = await load<typeof ForKoa>('integrations/koa.js')
    const app = new Koa().use(bodyParser())
    if (capture) app.use(capturePredictions(capture))
    app.use((ctx) => {
      ctx.prediction?.tag({ a: 1 })
      ctx.body = { prediction: 1 }
    })
    return listening(app.listen(0))
  }

const onFastify =
  (fastify: typeof fastify5): Start =>
  async (capture) => {
    const { capturePredictions } = await load<typeof ForFastify>('integrations/fastify.js')
    const app = fastify()
    cleanup(() => app.close())
    if (capture) await app.register(capturePredictions, { capture })
    app.post('/predict', async () => ({ prediction: 1 }))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (app.server.address() as AddressInfo).port
  }

const frameworks: Record<string, Start> = {
  'Express 4': onExpress(express4 as unknown as typeof express5),
  'Express 5': onExpress(express5),
  async 'Express, before the parser'(capture) {
    const { capturePredictions } = await load<typeof ForExpress>('integrations/express.js')
    const app = express5()
    if (capture) app.use(capturePredictions(capture))
    app.use(express5.json())
    app.post('/predict', (_req, res) => {
      res.write('{"prediction"')
      res.end(':1}')
    })
    return listening(app.listen(0))
  },
  'Koa 2': onKoa(Koa2),
  'Koa 3': onKoa(Koa3),
  'Fastify 4': onFastify(fastify4 as unknown as typeof fastify5),
  'Fastify 5': onFastify(fastify5),
}

/** Ordinary, a batch, a form, and nothing that a parser takes. */
const requests = [
  { type: 'application/json', body: '{"a":1,"email":"x@example.org"}' },
  { type: 'application/json', body: '{"instances":[[1,2],[3,4]]}' },
  { type: 'text/csv', body: 'a,b\n1,2\n' },
]

/** Every byte of the reply, or that there was none. */
const ask = (port: number, { type, body }: (typeof requests)[number]): Promise<string> => {
  const head = `POST /predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`
  const { promise: late, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(resolve, 5000, 'no reply')
  return Promise.race([rawReplyTo(port, head, body).then(comparable), late]).finally(() => clearTimeout(timer))
}

it.each(Object.keys(frameworks))('whatever throws on the way, %s replies as without capture', async (name) => {
  const core = await load<typeof Core>('src/index.js')
  const capture = core.createCapture({
    sink: { name: 'none', write: async () => {} },
    outboxDir: join(temporaryFolder(), 'outbox'),
    redact: ['email'],
    logger: core.silentLogger,
  })
  cleanup(() => capture.close())
  const start = frameworks[name]!
  const [bare, captured] = [await start(undefined), await start(capture)]
  const expected = await Promise.all(requests.map((request) => ask(bare, request)))
  const wrong: string[] = []
  const met = new Set<string>()
  for (const place of places) {
    const before = capture.stats().faults
    state.__injectedFault = place
    try {
      for (const [i, request] of requests.entries()) {
        const reply = await ask(captured, request).catch((error: Error) => error.message)
        if (JSON.stringify(reply) !== JSON.stringify(expected[i])) wrong.push(`${place}: ${JSON.stringify(reply)}`)
      }
    } finally {
      state.__injectedFault = undefined
    }
    if (capture.stats().faults > before) met.add(place.split(':', 1)[0]!)
  }
  expect(wrong).toEqual([])
  // It would prove nothing if no function had been met.
  expect([...met].map((module) => basename(module))).toEqual(
    expect.arrayContaining([
      'exchange.ts',
      'exchange-bodies.ts',
      'watch-response.ts',
      'capture-request.ts',
      'given-head.ts',
    ]),
  )
})
