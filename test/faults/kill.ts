import { existsSync, readdirSync } from 'node:fs'
import { inScope, type Defer } from '../setup/scope.ts'
import { makeFolder, startService, variables, type Framework, type Service } from './service.ts'
import { startLoad } from './load.ts'
import type { Reports } from './reports.ts'
import { openTable, type Database, type Table } from './tables.ts'
import { judge, unbalanced, type Verdict } from './verdict.ts'
import { until } from './until.ts'

export interface Killed extends Verdict {
  /** What clients reported meanwhile; without reports there is nothing to lose. */
  readonly actuals: Verdict
  readonly unbalanced: readonly string[]
  /** Exit code of the last service, which was ended by SIGTERM. */
  readonly code: number | null
  /** What the last service left in the outbox directory. */
  readonly left: readonly string[]
}

/** How many replies a service gives before it dies: somewhere between its first batches. */
const someReplies = (most: number): number => 1 + Math.floor(Math.random() * most)

interface Seen {
  readonly answered: ReadonlyMap<string, number>
  readonly reports: Reports | undefined
  readonly table: Table
  readonly outbox: string
}

const judgeBoth = async ({ answered, reports, table }: Omit<Seen, 'outbox'>) => ({
  ...judge(answered, await table.rows()),
  actuals: judge(reports?.given ?? new Map(), await table.actuals()),
})

/** Sends the rest, ends the service in peace, and compares. */
const settle = async (service: Service, { outbox, ...seen }: Seen): Promise<Killed> => {
  const wrong: string[] = []
  for (const pid of service.pids.slice(-1)) {
    // Asked again: by its clock, one that was stopped meanwhile is late.
    await until(`all is sent: ${service.output()}`, () => service.flush(pid), 100)
    wrong.push(...unbalanced((await service.report(pid)).stats))
  }
  const code = await service.stop()
  const left = existsSync(outbox) ? readdirSync(outbox) : []
  return { ...(await judgeBoth(seen)), unbalanced: wrong, code, left }
}

export interface KillOptions {
  readonly database: Database
  readonly framework: Framework
  readonly rounds: number
  /** What clients report as well, over all rounds. Default: nothing. */
  readonly reports?: Reports
}

/** `kill -9` at a random moment under load, and a start on the same outbox, again and again; the last run ends in peace. */
export const killAgainAndAgain = ({ database, framework, rounds, reports }: KillOptions): Promise<Killed> =>
  inScope(async (defer) => {
    const table = openTable(defer, database)
    const folder = makeFolder(defer)
    const env = variables(folder, table.url, table.name)
    const answered = new Map<string, number>()
    const run = async (service: Service, replies: number, end: () => Promise<void>) => {
      const load = startLoad({ port: service.port, ...(reports && { reports }) })
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
    return settle(service, { answered, reports, table, outbox: env['PREDICTIONS_OUTBOX_DIR']! })
  })

/** Waits until living processes have brought in what dead ones were asked for. */
const allIn = (seen: Omit<Seen, 'outbox'>) =>
  until(
    'the rows of processes that died',
    async () => {
      const { lost, actuals } = await judgeBoth(seen)
      return lost + actuals.lost === 0
    },
    20_000,
  )

const serveFour = (defer: Defer, framework: Framework, env: Record<string, string>) =>
  startService(defer, { framework, workers: 4, env })

/** Four workers share a port and an outbox directory; two are killed under load, and the others take over what they left. */
export const killTwoOfFour = ({ database, framework, rounds, reports }: KillOptions): Promise<Killed> =>
  inScope(async (defer) => {
    const table = openTable(defer, database)
    const env = variables(makeFolder(defer), table.url, table.name)
    const answered = new Map<string, number>()
    let wrong: string[] = []
    let code: number | null = 0
    for (let round = 0; round < rounds; round++)
      await inScope(async (defer) => {
        const service = await serveFour(defer, framework, env)
        const load = startLoad({ port: service.port, ...(reports && { reports }) })
        for (const pid of service.pids.slice(0, 2)) {
          await load.more(someReplies(1000))
          service.signal('SIGKILL', pid)
        }
        await load.more(500)
        await load.stop()
        for (const [id, n] of load.answered) answered.set(id, n)
        // Nothing is started: the living alone bring these in.
        await allIn({ answered, reports, table })
        for (const pid of service.pids.slice(2)) {
          await service.flush(pid)
          wrong = [...wrong, ...unbalanced((await service.report(pid)).stats)]
        }
        code = await service.stop()
      })
    const outbox = env['PREDICTIONS_OUTBOX_DIR']!
    return { ...(await judgeBoth({ answered, reports, table })), unbalanced: wrong, code, left: readdirSync(outbox) }
  })
