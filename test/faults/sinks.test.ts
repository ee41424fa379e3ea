import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { startLoad } from './load.ts'
import { startProxy } from './proxy.ts'
import { inScope } from '../setup/scope.ts'
import { makeFolder, startService, variables } from './service.ts'
import { has, openTable, portOf, through } from './tables.ts'
import { until } from './until.ts'
import { judge, SOUND, unbalanced } from './verdict.ts'

const program = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

/** The command, as a person runs it beside the service. */
const command = async (env: Readonly<Record<string, string>>, ...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], {
    env: { ...process.env, ...env },
  })
  return stdout
}

const needed = has('postgres') && has('mysql')

describe.skipIf(!needed).concurrent('sinks with faults of their own', { timeout: 120_000 }, () => {
  it('one record in 1,000 is refused: a dead letter with the database’s words; mended and retried, it is in', () =>
    inScope(async (defer) => {
      const table = openTable(defer, 'postgres')
      await table.knex.raw(
        `create table ?? (id uuid primary key, "timestamp" timestamptz, n bigint,
         constraint no_round_numbers check (n % 1000 <> 0))`,
        [table.name],
      )
      const env = variables(makeFolder(defer), table.url, table.name)
      const service = await startService(defer, { env })
      const load = startLoad({ port: service.port })
      const refused = () => [...load.answered].filter(([, n]) => n % 1000 === 0).map(([id]) => id)
      await load.more(2500)
      // The loads of other tests take numbers too: a round one may be theirs.
      await until('a record to be refused', () => refused().length > 0)
      await load.stop()
      expect(await service.flush()).toBe(true)

      const bad = refused()
      const { stats } = await service.report()
      expect(Object.values(stats.sinks)).toMatchObject([{ deadLettered: bad.length, queued: 0 }])
      expect(unbalanced(stats)).toEqual([])
      const stored = new Set((await table.rows()).map(({ id }) => id))
      expect([...load.answered.keys()].filter((id) => !stored.has(id))).toEqual(bad)

      const letters = (await command(env, 'dead-letters', 'list', '--json')).trim().split('\n')
      expect(letters.map((line) => JSON.parse(line).id).sort()).toEqual([...bad].sort())
      expect(letters[0]).toContain('violates check constraint \\"no_round_numbers\\"')

      await table.knex.raw('alter table ?? drop constraint no_round_numbers', [table.name])
      await command(env, 'dead-letters', 'retry', '--all')
      await until('the dead letters’ rows', async () => (await table.count()) === load.answered.size, 10_000)
      expect(judge(load.answered, await table.rows())).toMatchObject(SOUND)
      await service.flush()
      expect(unbalanced((await service.report()).stats)).toEqual([])
    }))

  it('one of two is away: the other is not delayed, and the first catches up', () =>
    inScope(async (defer) => {
      const away = openTable(defer, 'postgres')
      const other = openTable(defer, 'mysql')
      const proxy = await startProxy(defer, portOf(away.url))
      await proxy.set('refusing')
      const sinks = `${through(away.url, proxy.port)} ${other.url}`
      const table = away.name
      const env = variables(makeFolder(defer), sinks, table)
      defer(() => other.knex.schema.dropTableIfExists(table))
      const service = await startService(defer, { env })
      const load = startLoad({ port: service.port, rate: 300 })
      // Rows of the other come in while requests do, not after them.
      const rows = async () => Number((await other.knex(table).count({ count: '*' }))[0]!['count'])
      await load.more(100)
      await until('the other sink’s table', () => other.knex.schema.hasTable(table))
      for (let look = 0; look < 3; look++) {
        const soFar = load.answered.size
        await load.more(100)
        await until('what was answered before', async () => (await rows()) >= soFar, 5000)
      }
      expect(await away.count()).toBe(0)
      expect((await service.report()).stats.sinks).toMatchObject({
        [`mysql://${new URL(other.url).host}/test#${table}`]: { retries: 0, lastError: null },
      })

      await proxy.set('none')
      await load.stop()
      expect(await service.flush()).toBe(true)
      expect(judge(load.answered, await away.rows())).toMatchObject({ ...SOUND, rows: load.answered.size })
      expect(judge(load.answered, await other.knex(table).select('id', 'n'))).toMatchObject(SOUND)
      expect(unbalanced((await service.report()).stats)).toEqual([])
    }))
})
