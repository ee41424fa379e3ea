import { existsSync, readdirSync } from 'node:fs'
import { inScope, type Defer } from './scope.ts'
import { makeFolder, startService, variables, type Framework, type Service } from './service.ts'
import { startLoad } from './load.ts'
import { openTable, type Database, type Table } from './tables.ts'
import { judge, unbalanced, type Verdict } from './verdict.ts'
import { until } from './until.ts'

export interface Killed extends Verdict {
  readonly unbalanced: readonly string[]
  /** Exit code of the last service, which was ended by SIGTERM. */
  readonly code: number | null
  /** What the last service left in the outbox directory. */
  readonly left: readonly string[]
}

/** How many replies a service gives before it dies: somewhere between its first batches. */
const someReplies = (most: number): number => 1 + Math.floor(Math.random() * most)

/** Sends the rest, ends the service in peace, and compares. */
const settle = async (
  service: Service,
  { answered, table, outbox }: { answered: ReadonlyMap<string, number>; table: Table; outbox: string },
): Promise<Killed> => {
  const wrong: string[] = []
  for (const pid of service.pids.slice(-1)) {
    if (!(await service.flush(pid))) throw new Error(`not all was sent: ${service.output()}`)
    wrong.push(...unbalanced((await service.report(pid)).stats))
  }
  const code = await service.stop()
  const left = existsSync(outbox) ? readdirSync(outbox) : []
  return { ...judge(answered, await table.rows()), unbalanced: wrong, code, left }
}

export interface KillOptions {
  readonly database: Database
  readonly framework: Framework
  readonly rounds: number
}

/** `kill -9` at a random moment under load, and a start on the same outbox, again and again; the last run ends in peace. */
export const killAgainAndAgain = ({ database, framework, rounds }: KillOptions): Promise<Killed> =>
  inScope(async (defer) => {
    const table = openTable(defer, database)
    const folder = makeFolder(defer)
    const env = variables(folder, table.url, table.name)
    const answered = new Map<string, number>()
    const run = async (service: Service, replies: number, end: () => Promise<void>) => {
      const load = startLoad({ port: service.port })
      await load.more(replies)
      await end()
      await load.stop()
      for (const [id, n] of load.answered) answered.set(id, n)
    }
    for (let round = 0; round < rounds; round++)
      await inScope(async (defer) => {
        const service = await startService(defer, { framework, env })
        await run(service, someReplies(1000), service.kill)
      })
    const service = await startService(defer, { framework, env })
    await run(service, 200, async () => {})
    return settle(service, { answered, table, outbox: env['PREDICTIONS_OUTBOX_DIR']! })
  })

/** Waits until living processes have brought in what dead ones were asked for. */
const allIn = (table: Table, answered: ReadonlyMap<string, number>) =>
  until('the rows of processes that died', async () => judge(answered, await table.rows()).lost === 0, 20_000)

const serveFour = (defer: Defer, framework: Framework, env: Record<string, string>) =>
  startService(defer, { framework, workers: 4, env })

/** Four workers share a port and an outbox directory; two are killed under load, and the others take over what they left. */
export const killTwoOfFour = ({ database, framework, rounds }: KillOptions): Promise<Killed> =>
  inScope(async (defer) => {
    const table = openTable(defer, database)
    const env = variables(makeFolder(defer), table.url, table.name)
    const answered = new Map<string, number>()
    let wrong: string[] = []
    let code: number | null = 0
    for (let round = 0; round < rounds; round++)
      await inScope(async (defer) => {
        const service = await serveFour(defer, framework, env)
        const load = startLoad({ port: service.port })
        for (const pid of service.pids.slice(0, 2)) {
          await load.more(someReplies(1000))
          service.signal('SIGKILL', pid)
        }
        await load.more(500)
        await load.stop()
        for (const [id, n] of load.answered) answered.set(id, n)
        // Nothing is started: the living alone bring these in.
        await allIn(table, answered)
        for (const pid of service.pids.slice(2)) {
          await service.flush(pid)
          wrong = [...wrong, ...unbalanced((await service.report(pid)).stats)]
        }
        code = await service.stop()
      })
    const outbox = env['PREDICTIONS_OUTBOX_DIR']!
    return { ...judge(answered, await table.rows()), unbalanced: wrong, code, left: readdirSync(outbox) }
  })
