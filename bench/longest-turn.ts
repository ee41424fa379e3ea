/** The longest turn of a server's event loop while it has a request, told by the server's own process: it is asked by `startServer`. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { median } from './load.ts'

/** Milliseconds of CPU of this thread: what others on the machine do is not in it. Before Node.js 23.9 of all that passes. */
const clock = (): number => {
  if (process.threadCpuUsage === undefined) return performance.now()
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Ticks as fast as the loop goes, only while it is measured: another server has its turn in between. */
const createTicker = () => {
  let last = 0
  let longest = 0
  let isTicking = false
  const tick = (): void => {
    const now = clock()
    longest = Math.max(longest, now - last)
    last = now
    if (isTicking) setImmediate(tick)
  }
  return {
    start(): void {
      global.gc?.()
      longest = 0
      last = clock()
      isTicking = true
      tick()
    },
    stop(): number {
      isTicking = false
      return longest
    },
  }
}

/**
 * Answers whoever measures this process.
 * @param prepare is told what is to come
 * @param settled resolves when all that the request caused is done
 */
export const answerMeasurements = (prepare: (name: string) => void, settled: () => Promise<unknown>): void => {
  const ticker = createTicker()
  process.on('message', ({ name }: { name?: string }) => {
    void (async () => {
      if (name === undefined) {
        await settled()
        return process.send!(ticker.stop())
      }
      prepare(name)
      ticker.start()
      return process.send!('ready')
    })()
  })
  process.on('disconnect', () => process.exit())
}

export interface MeasuredServer {
  readonly port: number
  /** @returns the longest turn from before `send` until all is settled, in milliseconds */
  longestTurn(name: string, send: (port: number) => Promise<void>): Promise<number>
  close(): void
}

/** Starts a file in a process of its own, which sends its port. */
export const startServer = async (file: string, args: readonly string[]): Promise<MeasuredServer> => {
  const child = fork(file, args, { execArgv: ['--expose-gc'] })
  const [port] = (await once(child, 'message')) as [number]
  const ask = async (message: { name?: string }): Promise<unknown> => {
    child.send(message)
    return ((await once(child, 'message')) as [unknown])[0]
  }
  return {
    port,
    async longestTurn(name, send) {
      await ask({ name })
      await send(port)
      return (await ask({})) as number
    },
    close: () => child.disconnect(),
  }
}

/** Rounds that warm up. */
const WARM = 3

const cell = (value: number | string): string => (typeof value === 'number' ? value.toFixed(1) : value).padStart(9)

export const turnsHeader = `${'longest turn, ms'.padEnd(52)} ${['bare', 'captured', 'longest'].map(cell).join(' ')}`

/** Measures a server without capture and one with it in turns. @returns a line: both medians, and the longest of all with capture */
export const compareTurns = async (
  servers: readonly [MeasuredServer, MeasuredServer],
  { label, name, rounds }: { label: string; name: string; rounds: number },
  send: (port: number) => Promise<void>,
): Promise<string> => {
  const turns: readonly [number[], number[]] = [[], []]
  for (let round = 0; round < WARM + rounds; round++)
    for (const [i, server] of servers.entries()) {
      const longest = await server.longestTurn(name, send)
      if (round >= WARM) turns[i]!.push(longest)
    }
  const [bare, captured] = turns
  return `${label.padEnd(52)} ${[median(bare), median(captured), Math.max(...captured)].map(cell).join(' ')}`
}

const agent = new Agent({ keepAlive: true })

/** Sends a body, and reads the reply. @returns its status */
export const post = async (
  port: number,
  path: string,
  body: Buffer,
  headers: OutgoingHttpHeaders,
): Promise<number | undefined> => {
  const req = request({ port, path, host: '127.0.0.1', method: 'POST', agent, headers })
  req.end(body)
  const [reply] = (await once(req, 'response')) as [IncomingMessage]
  reply.resume()
  await once(reply, 'end')
  return reply.statusCode
}

export const closeConnections = (): void => agent.destroy()
