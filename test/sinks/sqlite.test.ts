import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqlite } from 'capture-predictions/sinks/sqlite'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { decode } from '../../src/records/json.ts'
import type { Sink } from '../../src/sink.ts'
import { testSink, type Row } from './contract.ts'
import { columnsFor, patient, record, TIMESTAMP } from './records.ts'
import { exits } from './sql/exits.ts'

const folder = mkdtempSync(join(tmpdir(), 'predictions-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const urlOf = (table: string) => `sqlite:${join(folder, `${table}.db`)}`

const jsonColumns = new Set(['json', 'tags', 'extra', 'features', 'outputs'])
const read = (name: string, value: unknown): unknown => {
  if (typeof value === 'string' && jsonColumns.has(name)) return decode(value)
  if (name === 'boolean' && value !== null) return value === 1n
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}

const readAll = (table: string): Row[] => {
  const database = new DatabaseSync(join(folder, `${table}.db`), { readOnly: true })
  const statement = database.prepare(`select * from "${table}" order by id`)
  statement.setReadBigInts(true)
  const rows = statement.all()
  database.close()
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, read(name, value)])))
}

describe('sqlite', () => {
  testSink({
    name: 'SQLite',
    createSink: (table, options) => sqlite({ url: urlOf(table), table, ...options }),
    readAll: async (table) => readAll(table),
    drop: async () => {},
    child: (table) => ({ module: 'sqlite', name: 'sqlite', options: { url: urlOf(table), table } }),
    supports: { migration: true, spelled: /\p{Surrogate}/gu },
  })

  const sinks: Sink[] = []
  afterEach(async () => {
    await Promise.all(sinks.splice(0).map((sink) => sink.close!()))
  })
  const make = (table: string, options: { migrate?: 'auto' | 'off' } = {}): Sink => {
    const sink = sqlite({ url: urlOf(table), table, ...options })
    sinks.push(sink)
    return sink
  }
  const opened = async (table: string): Promise<Sink> => {
    const sink = make(table)
    await sink.open!(columnsFor())
    return sink
  }
  const execute = (table: string, sql: string): void => {
    const database = new DatabaseSync(join(folder, `${table}.db`))
    database.exec(sql)
    database.close()
  }
  const errorOf = (promise: Promise<unknown> | void) =>
    promise!.then(
      () => undefined,
      (error: unknown) => error as { code: string; message: string },
    )

  it('makes the folder, and no file where it is only asked to look', async () => {
    const file = join(folder, 'below', 'another', 'p.db')
    const options = { url: `sqlite:${file}`, table: 'ml.predictions' }
    const looking = sqlite({ ...options, migrate: 'off' })
    await looking.plan!(columnsFor())
    expect((await errorOf(looking.open!(columnsFor())))!.message).toContain('create table `predictions`')
    expect(existsSync(join(folder, 'below'))).toBe(false)
    const sink = sqlite(options)
    sinks.push(sink)
    await sink.open!(columnsFor())
    expect(existsSync(file)).toBe(true)
  })

  it('is told at once for a URL of another kind', () => {
    expect(() => sqlite({ url: 'mysql://root@localhost/x' })).toThrow(/sqlite:FILE/)
  })

  it('takes a table that a person made', async () => {
    execute(
      'person',
      `create table person (id varchar(36) primary key, timestamp datetime, text varchar(3), "double" decimal(5, 2),
      "boolean" boolean, "json" json, prediction int, confidence float)`,
    )
    const sink = await opened('person')
    const features = { text: 'longer', double: 0.5, boolean: false, json: [5] }
    await sink.write([record({ features, outputs: { prediction: 1, confidence: 0.25 } })], patient)
    expect(readAll('person')[0]).toMatchObject({
      ...features,
      timestamp: TIMESTAMP,
      prediction: 1,
      confidence: 0.25,
      extra: null,
    })
  })

  it("reports what can't hold our values, with SQL that helps", async () => {
    execute('wrong', 'create table wrong (id integer, timestamp text not null, text integer, owner text not null)')
    const { problems } = await make('wrong').plan!(columnsFor())
    // A new table in its place is the end of the other problems too, and told alone.
    expect(problems).toHaveLength(1)
    const error = await errorOf(make('wrong').open!(columnsFor()))
    for (const problem of problems) expect(error!.message).toContain(problem)
    const last = problems.find((problem) => problem.includes('`owner`'))!
    execute('wrong', last.slice(last.indexOf(': ') + 2))
    await (await opened('wrong')).write([record()], patient)
    expect(readAll('wrong')).toHaveLength(1)
  })

  it('refuses a batch for its content: another unique index, a check', async () => {
    await opened('picky')
    execute(
      'picky',
      'create unique index picky_text on picky (text); create trigger t before insert on picky when new."bigint" < 0 begin select raise(abort, \'too small\'); end',
    )
    const sink = await opened('picky')
    await sink.write([record({ features: { text: 'a' } })], patient)
    for (const features of [{ text: 'a' }, { bigint: -1 }])
      expect(await errorOf(sink.write([record({ features })], patient) as Promise<unknown>)).toMatchObject({
        code: 'PREDICTIONS_BATCH_REFUSED',
      })
    await sink.write([record({ features: { text: 'b' } })], patient)
    expect(readAll('picky').map(({ text }) => text)).toEqual(['a', 'b'])
  })

  it('waits for another process that writes, and never on the event loop', async () => {
    const sink = await opened('busy')
    const other = new DatabaseSync(join(folder, 'busy.db'))
    other.exec('begin immediate')
    const write = sink.write([record()], patient)
    let turns = 0
    while (turns < 50) {
      await new Promise((resolve) => setImmediate(resolve))
      turns++
    }
    expect(readAll('busy')).toHaveLength(0)
    other.exec('commit')
    await write
    other.close()
    expect(readAll('busy')).toHaveLength(1)
  })

  it('makes the file again when it was removed', async () => {
    const sink = await opened('removed')
    await sink.write([record()], patient)
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(folder, `removed.db${suffix}`), { force: true })
    expect((await errorOf(sink.write([record()], patient) as Promise<unknown>))!.message).toMatch(/removed or replaced/)
    await sink.open!(columnsFor())
    await sink.write([record()], patient)
    expect(readAll('removed')).toHaveLength(1)
  })

  it('notices that its file was replaced between an opening and the next write', async () => {
    const sink = await opened('replaced')
    await sink.write([record()], patient)
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(folder, `replaced.db${suffix}`), { force: true })
    const other = make('replaced')
    await other.open!(columnsFor())
    await sink.open!(columnsFor())
    expect((await errorOf(sink.write([record()], patient) as Promise<unknown>))!.message).toMatch(/removed or replaced/)
    await sink.open!(columnsFor())
    await sink.write([record()], patient)
    expect(readAll('replaced')).toHaveLength(1)
  })

  it('says what is wrong with a file that is no database', async () => {
    writeFileSync(
      join(folder, 'text.db'),
      'this is a text, and long enough to be read as the header of a database file\n'.repeat(20),
    )
    expect(await errorOf(make('text').open!(columnsFor()))).toMatchObject({
      code: 'PREDICTIONS_SINK_UNAVAILABLE',
      message: expect.stringMatching(/no SQLite database: name another/) as string,
    })
  })

  it('keeps the write-ahead log short, though it makes no checkpoint itself', async () => {
    const sink = await opened('log')
    const text = 'w'.repeat(1000)
    const size = () => statSync(join(folder, 'log.db-wal')).size
    let largest = 0
    for (let batch = 0; batch < 30; batch++) {
      await sink.write(
        Array.from({ length: 500 }, () => record({ features: { text } })),
        patient,
      )
      largest = Math.max(largest, size())
      if (size() > 4_096_000) await vi.waitFor(() => expect(size()).toBeLessThan(4_096_000), { timeout: 20_000 })
    }
    expect(largest).toBeLessThan(12_000_000)
    expect(statSync(join(folder, 'log.db')).size).toBeGreaterThan(8_000_000)
    expect(readAll('log')).toHaveLength(15_000)
  })

  it.each([
    ['sqlite::memory:', /in memory .* write sqlite:FILE/],
    ['sqlite:p.db?mode=rwc', /no.* for SQLite .*: write sqlite:p\.db$/],
    ['sqlite:', /write sqlite:FILE/],
    ['postgres://h/d', /must be sqlite:FILE/],
  ])('is no %s: says at once what would be right', (url, message) => {
    expect(() => sqlite({ url })).toThrow(message)
  })

  it('keeps no process alive', async () => {
    await exits('sqlite', { url: urlOf('exits'), table: 'exits' })
    expect(readAll('exits')).toHaveLength(1)
  })
})
