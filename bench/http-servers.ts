/** Servers of `server.ts` under load, which take turns. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadResult } from './load.ts'
import { forkLoad } from './load-process.ts'
import { hasWrk, runWrk } from './wrk.ts'

interface Report {
  readonly cpu: number
  readonly loopDelayP99: number
}

/** What a server did in one turn. */
export interface Turn {
  /** Requests a second. */
  readonly rate: number
  /** Microseconds of CPU a request. */
  readonly cpu: number
  /** The event loop's delay at its 99th percentile, in milliseconds. */
  readonly delay: number
  readonly latencies: readonly number[]
}

export interface RunningServer {
  readonly name: string
  /** @param rate requests a second over all connections; undefined: as many as go */
  drive(seconds: number, rate?: number): Promise<LoadResult>
  /** The same, measured. */
  turn(seconds: number, rate?: number): Promise<Turn>
  stop(): Promise<void>
}

export interface ServerOptions {
  readonly framework: string
  /** See `server.ts`. */
  readonly mode: string
  readonly connections: number
  /** The program, where it is not `server.ts` beside this file. */
  readonly program?: string
}

/** Whether the load is wrk's where as many requests as go are wanted, or a load of our own, which takes its part of the machine. */
export const isWrkThere = await hasWrk()

export const startServer = async (
  name: string,
  { framework, mode, connections, program = fileURLToPath(new URL('./server.ts', import.meta.url)) }: ServerOptions,
): Promise<RunningServer> => {
  const child = fork(program, [framework, mode])
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const load = await forkLoad(port, connections)

  const ask = async (message: 'reset' | 'report'): Promise<Report> => {
    child.send(message)
    const [report] = (await once(child, 'message')) as [Report]
    return report
  }

  const drive: RunningServer['drive'] = (seconds, rate) =>
    rate === undefined && isWrkThere ? runWrk(port, connections, seconds) : load.run(seconds, rate)

  return {
    name,
    drive,
    async turn(seconds, rate) {
      const before = await ask('reset')
      const { requests, seconds: taken, latencies } = await drive(seconds, rate)
      const after = await ask('report')
      return { rate: requests / taken, cpu: (after.cpu - before.cpu) / requests, delay: after.loopDelayP99, latencies }
    },
    async stop() {
      load.close()
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
    },
  }
}
