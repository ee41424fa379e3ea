import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { ConsumeStats } from '../../../sinks/kafka/consume.ts'
import { kafka } from '../../../sinks/kafka.ts'
import { hasCode } from '../../../src/errors/errors.ts'
import type { Topics } from '../../services/kafka/topics.ts'
import type { MemberOptions } from './member.ts'
import { createProxy } from '../proxy.ts'
import { idOf, never, recordsOf } from './records.ts'

const SESSION_TIMEOUT_MS = 6000

/** Waits for a condition, not for a time. */
export const until = async (
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 90_000,
): Promise<void> => {
  for (const deadline = performance.now() + timeoutMs; !(await check()); await wait(50))
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`)
}

/** A process of its own that consumes. */
const startMember = (name: string, options: MemberOptions) => {
  const script = fileURLToPath(new URL('member.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const errors: string[] = []
  let stats: ConsumeStats | undefined
  let from: number | undefined
  let to = 0
  createInterface(child.stdout).on('line', (line) => {
    const before = stats?.written ?? 0
    stats = JSON.parse(line) as ConsumeStats
    if (stats.written === before) return
    to = performance.now()
    from ??= to
  })
  createInterface(child.stderr).on('line', (line) => errors.push(line))
  const ended = once(child, 'exit')
  return {
    name,
    errors,
    stats: () => stats,
    written: () => stats?.written ?? 0,
    /** Records a second from the first write to the last, and a write's records. */
    report: () => ({
      written: stats?.written ?? 0,
      perSecond: from === undefined || to === from ? 0 : Math.round((stats?.written ?? 0) / ((to - from) / 1000)),
      batch: Math.round((stats?.written ?? 0) / Math.max(1, stats?.batches ?? 0)),
    }),
    async end(signal: 'SIGTERM' | 'SIGKILL') {
      child.kill(signal)
      const [code] = (await ended) as [number | null]
      return code
    },
  }
}

export type Member = ReturnType<typeof startMember>

export interface ScaleOptions {
  readonly brokers: string
  readonly postgresUrl: string
  readonly topics: Topics
  readonly partitions: number
}

/** A topic, a table behind a proxy, and members between them. */
export const createScale = async ({ brokers, postgresUrl, topics, partitions }: ScaleOptions) => {
  const topic = await topics.create({ partitions })
  const table = `consume_${randomUUID().replaceAll('-', '')}`
  const database = new pg.Client({ connectionString: postgresUrl })
  await database.connect()

  const target = new URL(postgresUrl)
  const port = Number(target.port || 5432)
  let proxy = await createProxy(port)
  const through = new URL(postgresUrl)
  through.host = `127.0.0.1:${proxy.port}`

  const from = `kafka://${brokers}/${topic}`
  const group = `test-${randomUUID()}`
  const sink = kafka({ url: from })
  const members: Member[] = []
  let produced = 0

  const stored = async (): Promise<number> => {
    const { rows } = await database.query<{ n: number }>(
      `select case when to_regclass('${table}') is null then 0 else
       (xpath('/row/n/text()', query_to_xml('select count(*) as n from ${table}', false, true, '')))[1]::text::int end as n`,
    )
    return rows[0]!.n
  }

  return {
    members,
    /** Ends every connection to the database, and takes no new one. */
    cutDatabase: () => proxy.close(),
    async restoreDatabase(): Promise<void> {
      proxy = await createProxy(port, proxy.port)
    },
    stored,
    produced: () => produced,

    start(): Member {
      const name = `member ${members.length + 1}`
      const options = { from, to: through.href, table, group, sessionTimeoutMs: SESSION_TIMEOUT_MS }
      const member = startMember(name, options)
      members.push(member)
      return member
    },

    /** The next records; the same again where the broker is away, as delivery does. */
    async produce(count: number): Promise<void> {
      const records = recordsOf(count, produced)
      await until('records are produced', () =>
        sink.write(records, never).then(
          () => true,
          (error: unknown) => {
            if (hasCode(error, 'PREDICTIONS_SINK_UNAVAILABLE')) return false
            throw error
          },
        ),
      )
      produced += count
    },

    /** Ids of the table that nobody produced, and produced ids that it lacks. */
    async differences(): Promise<{ missing: number; strange: number; rows: number }> {
      const { rows } = await database.query<{ id: string }>(`select id::text as id from ${table}`)
      const ids = new Set(rows.map(({ id }) => id))
      let missing = 0
      for (let request = 0; request < produced; request++) if (!ids.delete(idOf(request))) missing++
      return { missing, strange: ids.size, rows: rows.length }
    },

    async close(): Promise<void> {
      await Promise.all(members.map((member) => member.end('SIGKILL')))
      await sink.close!()
      await proxy.close()
      await database.query(`drop table if exists ${table}`)
      await database.end()
    },
  }
}

export type Scale = Awaited<ReturnType<typeof createScale>>

export interface FaultOptions {
  /** Records that may be produced and not stored yet. */
  readonly backlog: number
  /** Records produced at once. */
  readonly batch: number
  /** One more thing to break under load; resolves when it is whole again. */
  readonly also?: () => Promise<void>
}

/**
 * Three members under load; one is killed with `kill -9` and another added; then the database is cut off until all members have
 * noticed. The load goes on until all of it has happened, and is never further ahead of the table than `backlog`.
 */
export const runFaults = async (scale: Scale, { backlog, batch, also }: FaultOptions) => {
  let isOver = false
  let isCut = false
  const load = async () => {
    while (!isOver) {
      // While nothing can be stored all members need something to store: what waits may be that of one of them.
      if (isCut || scale.produced() - (await scale.stored()) < backlog) await scale.produce(batch)
      if (isCut || scale.produced() - (await scale.stored()) >= backlog) await wait(20)
    }
  }
  const started = performance.now()
  const loading = load()
  const [first, second, third] = [scale.start(), scale.start(), scale.start()]
  const writesMore = (members: readonly Member[]) => {
    const before = members.map((member) => member.written())
    return () => members.every((member, i) => member.written() > before[i]!)
  }
  try {
    await until('all three share the partitions and write', () =>
      [first, second, third].every((member) => member.written() > 0 && (member.stats()?.partitions.length ?? 0) > 0),
    )
    await first.end('SIGKILL')
    const fourth = scale.start()
    const living = [second, third, fourth]
    await until('the new member writes', () => fourth.written() > 0)
    const retries = living.map((member) => member.stats()!.retries)
    isCut = true
    await scale.cutDatabase()
    await until('all notice that the database is away', () =>
      living.every((member, i) => member.stats()!.retries > retries[i]! + 1),
    )
    isCut = false
    await scale.restoreDatabase()
    await until('all write again', writesMore(living))
    if (also) {
      await also()
      await until('all write after that', writesMore(living))
    }
    isOver = true
    await loading
    await until('everything is stored', async () => (await scale.stored()) === scale.produced())
    const seconds = (performance.now() - started) / 1000
    const codes = await Promise.all(living.map((member) => member.end('SIGTERM')))
    return { seconds, codes, living, ...(await scale.differences()) }
  } finally {
    isOver = true
    await loading
  }
}
