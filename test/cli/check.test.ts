import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { cleanup } from '../setup/captures.ts'
import { service } from '../setup/services.ts'
import { freePort } from '../setup/ports.ts'
import { databaseFor, dropTable, type Database } from './postgres.ts'
import { rowsOf, onSqlite, workplace } from './support.ts'

const postgres = await service('postgres')

describe('check', () => {
  it('finds nothing wrong with a start from nothing, and changes nothing', async () => {
    const { cli, folder } = workplace('sqlite:predictions.db')
    const { code, stdout, stderr } = await cli(['check'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^ok {5}configuration: POST \/predict$/m)
    expect(stdout).toMatch(/^ok {5}sqlite:.*: 3 statements at the next start/m)
    expect(existsSync(join(folder, 'predictions.db'))).toBe(false)
    expect(existsSync(join(folder, '.predictions-outbox'))).toBe(false)
  })

  it('lists every mistake in the configuration, without secrets', async () => {
    const { cli } = workplace('postgres://me:tellnobody@[/x')
    const { code, stdout, stderr } = await cli(['check'], {
      PREDICTIONS_DURABILITY: 'outbocs',
      PREDICTIONS_TABEL: 'flowers',
      PREDICTIONS_REDACT_KEY: 'tellnobody',
    })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('3 mistakes')
    expect(stderr).toContain('did you mean "outbox"?')
    expect(stderr).toContain('did you mean "PREDICTIONS_TABLE"?')
    expect(stderr).not.toContain('tellnobody')
    expect(stderr).not.toMatch(/^ +at /m)
  })

  it("tells a URL's own mistakes before anything is well", async () => {
    const { cli } = workplace('sqlite:predictions.db mysql://me:tellnobody@localhost/x?sslmod=required')
    const { code, stdout, stderr } = await cli(['check'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^capture-predictions: .*unknown parameter sslmod/)
    expect(stderr).not.toContain('tellnobody')
  })

  it('says the fix of a database that is away, and looks at the other sinks too', async () => {
    const port = await freePort()
    const { cli } = workplace(`postgres://me:tellnobody@127.0.0.1:${port}/test sqlite:predictions.db`)
    const { code, stdout, stderr } = await cli(['check'])
    expect(code).toBe(1)
    expect(stdout).toMatch(
      new RegExp(`^FOUND {2}postgres://127.0.0.1:${port}/test#predictions: .*ECONNREFUSED.*is the server running`, 'm'),
    )
    expect(stdout).toMatch(/^ok {5}sqlite:/m)
    expect(stdout + stderr).not.toContain('tellnobody')
  })

  it('finds an outbox that nobody can write to, and what is damaged in it', async () => {
    const { cli, folder } = workplace('sqlite:predictions.db')
    writeFileSync(join(folder, 'file'), '')
    const unwritable = await cli(['check', '--outbox-dir', 'file/outbox'])
    expect(unwritable.code).toBe(1)
    expect(unwritable.stdout).toMatch(/^FOUND {2}outbox file\/outbox: .*PREDICTIONS_OUTBOX_DIR/m)
    mkdirSync(join(folder, '.predictions-outbox', 'damaged'), { recursive: true })
    writeFileSync(join(folder, '.predictions-outbox', 'damaged', 'noise.log'), 'noise')
    const damaged = await cli(['check'])
    expect(damaged.code).toBe(1)
    expect(damaged.stdout).toMatch(/^FOUND {2}damaged and set aside: .*noise\.log; look at it, then remove it$/m)
  })

  it('with PREDICTIONS_MIGRATE off tells what is missing beside what is wrong', async () => {
    const { cli, folder } = workplace('sqlite:predictions.db', { PREDICTIONS_MIGRATE: 'off' })
    const made = (await cli(['ddl'])).stdout
      .replace('`n` integer, `prediction` integer', '`prediction` integer')
      .replace('`timestamp` text', '`timestamp` integer')
    onSqlite(join(folder, 'predictions.db'), (database) => database.exec(made))
    const { code, stdout } = await cli(['check'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^FOUND {2}sqlite:\S+: column `timestamp` is integer, and has to hold timestamp/m)
    expect(stdout).toMatch(
      /^FOUND {2}sqlite:.*MIGRATE is off; run:\nalter table `predictions` add column `n` integer;$/m,
    )
  })
})

describe('ddl', () => {
  it('prints SQL by which PREDICTIONS_MIGRATE=off starts: SQLite', async () => {
    const { cli, folder, startService } = workplace('sqlite:predictions.db', { PREDICTIONS_MIGRATE: 'off' })
    const file = join(folder, 'predictions.db')
    const { code, stdout, stderr } = await cli(['ddl'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    onSqlite(file, (database) => database.exec(stdout))
    const service = await startService()
    const ids = await service.predict([7])
    await vi.waitFor(() => expect(rowsOf(file)).toEqual([{ id: ids[0], prediction: 7 }]), { timeout: 20_000 })
    await service.kill()
    expect(await cli(['ddl'])).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

describe.skipIf(!postgres)('on Postgres', () => {
  let database: Database
  let work: ReturnType<typeof workplace>
  beforeEach(() => {
    database = databaseFor(postgres!)
    work = workplace(database.url, { PREDICTIONS_TABLE: database.table })
    cleanup(() => dropTable(database.url, database.table))
  })

  it('ddl prints SQL by which PREDICTIONS_MIGRATE=off starts, and what a new column needs', async () => {
    const { cli, startService } = work
    await database.query((await cli(['ddl'])).stdout)
    expect(await cli(['check'])).toMatchObject({ code: 0, stdout: expect.stringContaining('is as expected') })
    const service = await startService({ PREDICTIONS_MIGRATE: 'off' })
    const ids = await service.predict([1, 2])
    await vi.waitFor(
      async () => {
        const { rows } = await database.query(`select id, n::int, prediction::int from ${database.table} order by n`)
        expect(rows).toEqual([
          { id: ids[0], n: 1, prediction: 1 },
          { id: ids[1], n: 2, prediction: 2 },
        ])
      },
      { timeout: 20_000 },
    )
    await database.query(`alter table ${database.table} drop column prediction`)
    const { stdout } = await cli(['ddl'])
    expect(stdout).toBe(`alter table "${database.table}" add column "prediction" bigint;\n`)
  })

  it('check says the fix of a password that is wrong, or a database that is not there', async () => {
    const gone = new URL(database.url)
    gone.pathname = '/no_such_database'
    gone.password = 'tellnobody'
    const { code, stdout, stderr } = await work.cli(['check', '--sink', gone.href])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^FOUND {2}.*no_such_database.*\(.+\)$/m)
    expect(stdout + stderr).not.toContain('tellnobody')
  })
})
