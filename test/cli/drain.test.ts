import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { databaseFor, dropTable, urlWithPort } from './postgres.ts'
import { service } from '../setup/services.ts'
import { freePort } from '../setup/ports.ts'
import { createProxy } from '../sinks/proxy.ts'
import { cleanup } from '../setup/captures.ts'
import { rowsOf, workplace } from './support.ts'

const CLEAR_LINE = '\r\u001b[K'

const postgres = await service('postgres')

it('ships what a killed service left, once', async () => {
  const { cli, folder, startService } = workplace('sqlite:predictions.db')
  // A full batch never comes, nor the time: all is in the outbox when the service is killed.
  const killed = await startService({ PREDICTIONS_FLUSH_INTERVAL_MS: '600000' })
  const ids = await killed.predict([0, 1, 2, 3, 4])
  await killed.kill()
  expect(await cli(['drain'])).toEqual({ code: 0, stdout: '5 written, 0 dead letters, 0 left\n', stderr: '' })
  const file = join(folder, 'predictions.db')
  expect(rowsOf(file).map(({ id }) => id)).toEqual(ids.sort())
  expect(await cli(['drain'])).toEqual({ code: 0, stdout: '0 written, 0 dead letters, 0 left\n', stderr: '' })
  expect((await cli(['status'])).stdout).toContain('nothing is queued')
})

it('leaves a running service and other sinks their records, and says so', async () => {
  const { cli, startService } = workplace('sqlite:predictions.db')
  const running = await startService({ PREDICTIONS_FLUSH_INTERVAL_MS: '600000' })
  await running.predict([0, 1])
  const elsewhere = await startService({ PREDICTIONS_FLUSH_INTERVAL_MS: '600000', PREDICTIONS_SINK: 'sqlite:else.db' })
  await elsewhere.predict([2])
  await elsewhere.kill()
  const { code, stdout, stderr } = await cli(['drain'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: '0 written, 0 dead letters, 0 left\n' })
  expect(stderr).toMatch(/^2 records for sqlite:.*predictions\.db.* stay/m)
  expect(stderr).toMatch(/^1 records for sqlite:.*else\.db.* stay/m)
})

it('draws a bar on a terminal', async () => {
  const { cliOnTerminal, startService } = workplace('sqlite:predictions.db')
  const killed = await startService({ PREDICTIONS_FLUSH_INTERVAL_MS: '600000' })
  await killed.predict([0, 1, 2])
  await killed.kill()
  const { code, stdout } = await cliOnTerminal(['drain'])
  expect(code).toBe(0)
  const [, ...draws] = stdout.replaceAll('\r\n', '\n').split(CLEAR_LINE)
  expect(draws[0]).toMatch(/^\[#*-*\] +\d+ % +\d of 3$/)
  expect(draws.at(-1)).toBe('3 written, 0 dead letters, 0 left\n')
})

describe.skipIf(!postgres)('from a database that is away', () => {
  it('gives up after --timeout or at SIGTERM, says why, and loses nothing', async () => {
    const port = await freePort()
    const { url, table } = databaseFor(postgres!)
    const away = urlWithPort(url, port)
    const { cli, spawnCli, startService } = workplace(away, { PREDICTIONS_TABLE: table })
    const service = await startService()
    const ids = await service.predict([0, 1, 2, 3, 4])
    await service.kill()
    const gaveUp = await cli(['drain', '--timeout', '0.5'])
    expect(gaveUp).toMatchObject({ code: 1, stdout: '0 written, 0 dead letters, 5 left\n' })
    expect(gaveUp.stderr).toContain('ECONNREFUSED')

    const { child, outcome } = spawnCli(['drain'])
    await new Promise((resolve) => child.stderr!.once('data', resolve))
    child.kill('SIGTERM')
    expect(await outcome).toMatchObject({ code: 1, stdout: '0 written, 0 dead letters, 5 left\n' })
    expect((await cli(['status', '--json'])).stdout).toContain('"records": 5')

    const proxy = await createProxy(Number(new URL(url).port || 5432), port)
    cleanup(() => proxy.close())
    cleanup(() => dropTable(url, table))
    const waiting = spawnCli(['drain', '--timeout', '20'])
    expect(await waiting.outcome).toMatchObject({ code: 0, stdout: '5 written, 0 dead letters, 0 left\n' })
    const { rows } = await vi.waitFor(() => databaseFor(postgres!).query(`select id from ${table} order by id`))
    expect(rows.map(({ id }) => id)).toEqual(ids.sort())
  }, 60_000)
})
