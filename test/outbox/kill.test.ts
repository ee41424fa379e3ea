import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { recordFromJson } from '../../src/records/record.ts'
import { leaveLog } from '../../src/outbox/leave-log.ts'
import { openOutbox } from '../../src/outbox/outbox.ts'
import { drain, recorder, startService, texts, type Service } from './support.ts'

let folder: string
let directory: string
let deliveries: string
let services: Service[] = []

const start = (first: number, deliver = false) => {
  const service = startService({ directory, first, ...(deliver && { deliveries }) })
  services.push(service)
  return service
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  directory = join(folder, 'box')
  deliveries = join(folder, 'delivered')
})
afterEach(async () => {
  for (const { child } of services) child.kill('SIGCONT')
  for (const service of services) await service.kill()
  services = []
  rmSync(folder, { recursive: true, force: true })
})

const open = () => openOutbox({ directory, maxBytes: 2 ** 30, logger: recorder().logger, sinks: ['main'] })

const limit = { records: 1000, bytes: 1e7 }
/** Far enough apart that no two services share a number. */
const STEP = 10_000_000

const delivered = () => (existsSync(deliveries) ? readFileSync(deliveries, 'utf8').split('\n').filter(Boolean) : [])

/** Everything that was delivered, or is still in the outbox; the directory is then empty. */
const everything = async (): Promise<string[]> => {
  const outbox = open()
  await outbox.ready
  const rest = await drain(outbox.queue('main'), limit)
  await outbox.close()
  expect(readdirSync(directory)).toEqual([])
  return [...delivered(), ...rest]
}

const missingFrom = (found: readonly string[]) => {
  const there = new Set(found)
  return services.flatMap((service) => service.appended()).filter((id) => !there.has(id))
}

it('loses nothing and doubles nothing when it is killed while it appends, again and again', async () => {
  for (let round = 0; round < 4; round++) {
    const service = start(round * STEP)
    await service.reaches(1 + Math.floor(Math.random() * 8000))
    await service.kill()
    expect(service.said()).toBe('ready')
  }
  const found = await everything()
  expect(missingFrom(found)).toEqual([])
  expect(new Set(found).size).toBe(found.length)
})

it('loses nothing when it is killed while it delivers, and repeats at most the batch that was under way', async () => {
  const rounds = 3
  for (let round = 0; round < rounds; round++) {
    const service = start(round * STEP, true)
    await service.reaches(1 + Math.floor(Math.random() * 8000))
    await service.kill()
  }
  const found = await everything()
  expect(missingFrom(found)).toEqual([])
  expect(found.length - new Set(found).size).toBeLessThanOrEqual(rounds * 100)
})

it('lets four processes share a directory, and the living take over from the dead', async () => {
  const [a, b, c, d] = [0, 1, 2, 3].map((n) => start(n * STEP, true)) as [Service, Service, Service, Service]
  await Promise.all([a, b, c, d].map((service) => service.reaches(1000)))
  await Promise.all([a.kill(), b.kill()])
  const left = [...a.appended(), ...b.appended()]
  // Nothing else is started: c and d alone can bring these in.
  await vi.waitFor(
    () => {
      const there = new Set(delivered())
      expect(left.filter((id) => !there.has(id))).toEqual([])
    },
    { timeout: 15_000, interval: 200 },
  )
  await Promise.all([c.kill(), d.kill()])
  const found = await everything()
  expect(missingFrom(found)).toEqual([])
  expect(found.length - new Set(found).size).toBeLessThanOrEqual(4 * 100)
})

it('never adopts from a process that is stopped, only from one that is dead', async () => {
  const service = start(0)
  await service.reaches(500)
  service.child.kill('SIGSTOP')
  const outbox = open()
  const queue = outbox.queue('main')
  await outbox.ready
  // A dead process's log turns up: once it is adopted, the stopped one's has been looked at as well.
  const found: string[] = []
  for (let look = 1; look <= 2; look++) {
    await leaveLog(directory, [{ sink: 'main', record: recordFromJson(texts(look * STEP, 1)[0]!) }])
    await vi.waitFor(() => expect(queue.size().carriedOver).toBe(look), { timeout: 5000 })
    found.push(...(await drain(queue, limit)))
  }
  expect(found).toHaveLength(2)
  const before = service.appended().length
  service.child.kill('SIGCONT')
  await service.reaches(before + 500)
  await service.kill()
  await vi.waitFor(() => expect(queue.size().carriedOver).toBeGreaterThan(2), { timeout: 5000 })
  found.push(...(await drain(queue, limit)))
  await outbox.close()
  expect(missingFrom(found)).toEqual([])
  expect(new Set(found).size).toBe(found.length)
})

it('decides by the lock when several start at once on what a dead one left', async () => {
  const dead = start(0)
  await dead.reaches(3000)
  await dead.kill()
  const outboxes = await Promise.all([1, 2, 3, 4].map(async () => open()))
  await Promise.all(outboxes.map(({ ready }) => ready))
  const found: string[] = []
  for (const outbox of outboxes) found.push(...(await drain(outbox.queue('main'), limit)))
  for (const outbox of outboxes) await outbox.close()
  expect(missingFrom(found)).toEqual([])
  expect(new Set(found).size).toBe(found.length)
})
