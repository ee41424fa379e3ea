import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { startServer } from '../http-servers.ts'
import { largeBodies } from '../bodies.ts'
import { post, startServer as startMeasured } from '../longest-turn.ts'

/** Figures by what they are, with their unit. */
export type Figures = Readonly<Record<string, number>>

/** What is measured of a copy of the sources. */
export interface Measure {
  readonly name: string
  /** Rounds beside those that warm up. */
  readonly rounds: number
  readonly warmUps: number
  start(folder: string): Promise<Runner>
}

interface Runner {
  run(): Promise<Figures>
  stop(): Promise<void> | void
}

const CONNECTIONS = 50
const WARM_UP_SECONDS = Number(process.env['BENCH_WARM_UP'] ?? 8)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15)

/** A captured server under load. @param rate requests a second; absent: as many as go */
export const requests = (framework: string, mode = 'outbox', rate?: number): Measure => ({
  name: `${framework}${mode === 'outbox' ? '' : `, ${mode}`}, ${rate === undefined ? 'full load' : `${rate} requests/s`}`,
  rounds: ROUNDS,
  warmUps: 0,
  async start(folder) {
    const program = join(folder, 'bench/server.ts')
    const server = await startServer(folder, { framework, mode, connections: CONNECTIONS, program })
    await server.drive(WARM_UP_SECONDS)
    if (rate !== undefined) await server.drive(WARM_UP_SECONDS / 2, rate)
    return {
      async run() {
        const turn = await server.turn(1, rate)
        const cpu = { 'µs of CPU a request': turn.cpu }
        return rate === undefined ? { 'requests/s': turn.rate, ...cpu } : cpu
      },
      stop: server.stop,
    }
  },
})

/** A captured server that gets a body of a megabyte. */
export const largeBody = (body: string, path: '/bytes' | '/parsed'): Measure => ({
  name: `${body}, ${path.slice(1)}`,
  rounds: ROUNDS,
  // Until the code that makes thousands of records is compiled.
  warmUps: 40,
  async start(folder) {
    const server = await startMeasured(join(folder, 'bench/blocking.ts'), ['captured'])
    const { request, headers } = largeBodies[body]!
    const bytes = Buffer.isBuffer(request) ? request : Buffer.from(JSON.stringify(request))
    return {
      async run() {
        let replied = 0
        const longest = await server.longestTurn(body, async (port) => {
          const start = performance.now()
          const status = await post(port, path, bytes, { 'content-type': 'application/json', ...headers })
          if (status !== 200) throw new Error(`${body}, ${path}: ${status}`)
          replied = performance.now() - start
        })
        return { 'ms of the longest turn': longest, 'ms until the reply': replied }
      },
      stop: server.close,
    }
  },
})

/** In processes of their own, by turns: what V8 makes of one and the same code differs from process to process, now and then by half. */
const PROCESSES = 3

interface WorkOptions {
  readonly rounds?: number
  /** In each process. */
  readonly warmUps?: number
  readonly processes?: number
  /** Of Node.js. */
  readonly flags?: readonly string[]
}

/** A piece of work of `work.ts`. */
export const work = (
  name: string,
  { rounds = ROUNDS, warmUps = 3, processes = PROCESSES, flags = [] }: WorkOptions = {},
): Measure => ({
  name,
  rounds,
  warmUps: warmUps * processes,
  async start(folder) {
    const all = Array.from({ length: processes }, () => {
      const child = fork(join(folder, 'bench/mechanisms/work.ts'), [name], { execArgv: [...flags] })
      const exit = once(child, 'exit')
      const failed = exit.then(([code]) => Promise.reject(new Error(`${name} in ${folder} ended with ${code}`)))
      failed.catch(() => {})
      return { child, exit, failed }
    })
    let turn = 0
    return {
      async run() {
        const { child, failed } = all[turn++ % processes]!
        child.send('run')
        const [figures] = (await Promise.race([once(child, 'message'), failed])) as [Figures]
        return figures
      },
      async stop() {
        for (const { child } of all) child.disconnect()
        await Promise.all(all.map(({ exit }) => exit))
      },
    }
  },
})
