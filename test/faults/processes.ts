import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { inScope } from '../setup/scope.ts'
import { makeFolder, startService, variables } from './service.ts'
import { startLoad } from './load.ts'
import { startProxy } from './proxy.ts'
import { openTable, portOf, through } from './tables.ts'
import { until } from './until.ts'
import { judge, unbalanced, type Verdict } from './verdict.ts'

const RATE = 200

/** The folders of processes in an outbox directory. */
const foldersIn = (outbox: string): string[] => readdirSync(outbox).filter((name) => /^\d+T\d+Z-\d+-\w+$/.test(name))

export interface Stopped extends Verdict {
  /** Whether the stopped process's folder stood as it was when it went on. */
  readonly kept: boolean
  /** Records that the other process took over. */
  readonly adopted: number
  readonly unbalanced: readonly string[]
}

/** A process with queued records is stopped by SIGSTOP for some seconds while another on the same outbox runs, then continued. */
export const stopAndContinue = ({ seconds }: { readonly seconds: number }): Promise<Stopped> =>
  inScope(async (defer) => {
    const table = openTable(defer, 'postgres')
    const proxy = await startProxy(defer, portOf(table.url))
    const env = variables(makeFolder(defer), through(table.url, proxy.port), table.name)
    const outbox = env['PREDICTIONS_OUTBOX_DIR']!
    await proxy.set('refusing')
    const paused = await startService(defer, { env })
    const pausedLoad = startLoad({ port: paused.port, rate: RATE })
    await pausedLoad.more(100)
    const [folder = ''] = foldersIn(outbox)
    const other = await startService(defer, { env })
    const otherLoad = startLoad({ port: other.port, rate: RATE })
    paused.signal('SIGSTOP')
    await proxy.set('none')
    await otherLoad.more(seconds * RATE)
    const { carriedOver: adopted } = Object.values((await other.report()).stats.sinks)[0]!
    const kept = existsSync(join(outbox, folder)) && foldersIn(outbox).length === 2
    paused.signal('SIGCONT')
    await pausedLoad.more(100)
    await Promise.all([pausedLoad.stop(), otherLoad.stop()])
    const wrong: string[] = []
    for (const service of [paused, other]) {
      await service.flush()
      wrong.push(...unbalanced((await service.report()).stats))
    }
    const answered = new Map([...pausedLoad.answered, ...otherLoad.answered])
    return { ...judge(answered, await table.rows()), kept, adopted, unbalanced: wrong }
  })

export interface Ended extends Verdict {
  readonly code: number | null
  readonly seconds: number
  /** Records that were queued when it ended. */
  readonly left: number
  /** Records that the next start found. */
  readonly carriedOver: number
  readonly unbalanced: readonly string[]
}

/** SIGTERM while the queue is full and the database does not answer: how long it takes, and whether the next start sends the rest. */
export const endWhileBusy = ({ timeoutMs }: { readonly timeoutMs: number }): Promise<Ended> =>
  inScope(async (defer) => {
    const table = openTable(defer, 'postgres')
    const proxy = await startProxy(defer, portOf(table.url))
    const env = variables(makeFolder(defer), through(table.url, proxy.port), table.name)
    const service = await startService(defer, { env: { ...env, CLOSE_TIMEOUT_MS: String(timeoutMs) } })
    const load = startLoad({ port: service.port })
    await load.more(100)
    await until('the first rows', () => table.count())
    await proxy.set('hanging')
    await load.more(2000)
    const start = performance.now()
    const code = await service.stop()
    const seconds = (performance.now() - start) / 1000
    await load.stop()
    const last = service.last().stats
    await proxy.set('none')
    const next = await startService(defer, { env })
    await next.flush()
    const { stats } = await next.report()
    return {
      ...judge(load.answered, await table.rows()),
      code,
      seconds,
      left: Object.values(last.sinks)[0]!.queued,
      carriedOver: Object.values(stats.sinks)[0]!.carriedOver,
      unbalanced: [...unbalanced(last), ...unbalanced(stats)],
    }
  })
