import { beforeAll, describe, expect, it } from 'vitest'
import { runOutage, type Outage } from './outage.ts'
import type { Fault } from './proxy.ts'
import type { Framework } from './service.ts'
import { has, type Database } from './tables.ts'
import { SOUND } from './verdict.ts'

const databases: [Database, Framework, Fault[]][] = [
  ['postgres', 'fastify', ['refusing', 'unreachable', 'hanging', 'cut']],
  ['mysql', 'express', ['cut']],
  ['mariadb', 'fastify', ['cut']],
]
const present = databases.filter(([database]) => has(database))

/** Megabytes that an outage may take. */
const MORE_MEMORY = 64

describe.each(present)('a service whose %s is away (%s)', { timeout: 300_000 }, (database, framework, faults) => {
  const run = (fault: Fault) => runOutage({ database, framework, fault, rate: 300, seconds: 2 })
  let usual: Outage
  beforeAll(async () => {
    usual = await run('none')
  })

  it.concurrent.each(faults)('%s: fails no request, takes no memory, and brings all in once', async (fault) => {
    const outage = await run(fault)
    expect(outage).toMatchObject({ ...SOUND, failed: 0, unbalanced: [] })
    expect(outage.rows).toBe(outage.answered)
    expect(outage.used).toBeLessThan(usual.used + MORE_MEMORY)
    // A connection that hangs, or is on its way, goes on where it was: nothing need be tried again.
    if (fault === 'refusing' || fault === 'cut') expect(outage.retries).toBeGreaterThan(0)
    if (fault === 'cut') expect(outage.cuts).toBeGreaterThan(1)
  })
})
