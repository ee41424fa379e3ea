import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startLoad } from './load.ts'
import { startProxy } from './proxy.ts'
import { inScope, type Defer } from '../setup/scope.ts'
import { makeFolder, startService, variables } from './service.ts'
import { has, openTable, portOf, through } from './tables.ts'
import { until } from './until.ts'
import { judge, SOUND, unbalanced } from './verdict.ts'

/** A service whose database can be away, and what it shares. */
const prepare = async (defer: Defer) => {
  const table = openTable(defer, 'postgres')
  const proxy = await startProxy(defer, portOf(table.url))
  const folder = makeFolder(defer)
  const env = variables(folder, through(table.url, proxy.port), table.name)
  return { table, proxy, folder, env, outbox: env['PREDICTIONS_OUTBOX_DIR']! }
}

/** A file system of one megabyte. */
const mount = (defer: Defer, folder: string): boolean => {
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return false
  }
  defer(() => execFileSync('umount', ['-l', folder]))
  return true
}

const mounts = await inScope(async (defer) => mount(defer, join(makeFolder(defer), 'small')))

describe.skipIf(!has('postgres')).concurrent('an outbox with faults', { timeout: 120_000 }, () => {
  it('full, `drop`: the newest are dropped, counted and logged, and the service goes on', () =>
    inScope(async (defer) => {
      const { table, proxy, env } = await prepare(defer)
      await proxy.set('refusing')
      const service = await startService(defer, { env: { ...env, PREDICTIONS_OUTBOX_MAX_BYTES: '64 KiB' } })
      const load = startLoad({ port: service.port })
      await load.more(1000)
      await load.stop()
      expect([load.refused.size, load.lost()]).toEqual([0, 0])
      const full = await service.report()
      const { dropped, queued } = Object.values(full.stats.sinks)[0]!
      expect(queued).toBeGreaterThan(50)
      expect(dropped).toBe(load.answered.size - queued)
      expect(service.output()).toMatch(/queue of sink postgres:\S+ is full: \d+ records dropped so far/)

      await proxy.set('none')
      expect(await service.flush()).toBe(true)
      // The oldest are kept.
      expect((await table.rows()).length).toBe(queued)
      expect(unbalanced((await service.report()).stats)).toEqual([])
      expect(await service.stop()).toBe(0)
    }))

  it('full, `reject`: 503 before the model runs, and 200 again once there is room', () =>
    inScope(async (defer) => {
      const { table, proxy, env } = await prepare(defer)
      await proxy.set('refusing')
      const full = { PREDICTIONS_OUTBOX_MAX_BYTES: '64 KiB', PREDICTIONS_WHEN_FULL: 'reject' }
      const service = await startService(defer, { framework: 'express', env: { ...env, ...full } })
      const load = startLoad({ port: service.port })
      await until('a rejection', () => load.refused.get(503))
      await load.stop()
      const { runs, stats } = await service.report()
      expect([...load.refused.keys(), load.lost()]).toEqual([503, 0])
      expect(runs).toBe(load.answered.size)
      expect(stats.requests).toMatchObject({ seen: runs, captured: runs, rejected: load.refused.get(503) })
      expect(Object.values(stats.sinks)).toMatchObject([{ dropped: 0 }])

      await proxy.set('none')
      expect(await service.flush()).toBe(true)
      const again = startLoad({ port: service.port, rate: 100 })
      await again.more(100)
      await again.stop()
      expect(again.refused.size).toBe(0)
      expect(await service.stop()).toBe(0)
      const answered = new Map([...load.answered, ...again.answered])
      expect(judge(answered, await table.rows())).toMatchObject({ ...SOUND, rows: answered.size })
      expect(unbalanced(service.last().stats)).toEqual([])
    }))

  it('removed while it runs: the service goes on, says so, and nothing is lost', () =>
    inScope(async (defer) => {
      const { table, proxy, env, outbox } = await prepare(defer)
      await proxy.set('refusing')
      const service = await startService(defer, { env })
      const load = startLoad({ port: service.port, rate: 300 })
      await load.more(200)
      rmSync(outbox, { recursive: true })
      await until('a loud log', () => service.output().includes('removed, cut or closed'))
      await load.more(200)
      await load.stop()
      expect([load.refused.size, load.lost()]).toEqual([0, 0])
      await proxy.set('none')
      expect(await service.flush()).toBe(true)
      expect(judge(load.answered, await table.rows())).toMatchObject({ ...SOUND, rows: load.answered.size })
      expect(unbalanced((await service.report()).stats)).toEqual([])
      expect(await service.stop()).toBe(0)
      await startService(defer, { env })
    }))

  it.skipIf(!mounts)('on a full disk: the service goes on from memory, says so, and the next start succeeds', () =>
    inScope(async (defer) => {
      const { table, proxy, folder, env } = await prepare(defer)
      const small = join(folder, 'small')
      mount(defer, small)
      await proxy.set('refusing')
      const onSmall = { ...env, PREDICTIONS_OUTBOX_DIR: join(small, 'outbox') }
      const service = await startService(defer, { framework: 'express', env: onSmall })
      const load = startLoad({ port: service.port })
      await until('a full disk', () => statfsSync(small).bavail === 0)
      await load.more(500)
      await until('a loud log', () => /ENOSPC.*kept in memory/.test(service.output()))
      await load.stop()
      expect([load.refused.size, load.lost()]).toEqual([0, 0])
      await proxy.set('none')
      expect(await service.flush()).toBe(true)
      expect(judge(load.answered, await table.rows())).toMatchObject({ ...SOUND, rows: load.answered.size })
      expect(unbalanced((await service.report()).stats)).toEqual([])

      // Full at once, and killed: what the disk had is sent by the next start, once there is room, and nothing twice.
      await proxy.set('refusing')
      const filler = join(small, 'filler')
      const before = service.port
      const room = () => statfsSync(small).bavail * statfsSync(small).bsize
      // What was delivered is removed from the disk a little later.
      await until('room', () => room() > 400_000)
      writeFileSync(filler, Buffer.alloc(room() - 200_000))
      const again = startLoad({ port: before })
      await until('a full disk', () => statfsSync(small).bavail === 0)
      await service.kill()
      await again.stop()
      rmSync(filler)
      await proxy.set('none')
      const next = await startService(defer, { env: onSmall })
      await until('what was left', async () => Object.values((await next.report()).stats.sinks)[0]!.carriedOver)
      expect(await next.flush()).toBe(true)
      expect(unbalanced((await next.report()).stats)).toEqual([])
      const rows = await table.rows()
      expect(judge(load.answered, rows)).toMatchObject(SOUND)
      expect(rows.length).toBeGreaterThan(load.answered.size)
    }),
  )
})
