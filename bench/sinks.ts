/**
 * Rows a second that the SQL sinks write, against the database's own fastest way on one connection: COPY, LOAD DATA LOCAL (where it is
 * off, one INSERT of a batch), a prepared `node:sqlite` statement in transactions. Same rows, same tables with the same indexes, in turns; the other side's rows were put into the
 * database's form beforehand. Also how long the event loop is kept by a write of 1,000 rows.
 *
 *     node bench/sinks.ts
 *
 * TEST_POSTGRES_URL, TEST_MYSQL_URL and TEST_MARIADB_URL (else local servers), BENCH_ROUNDS (50), BENCH_BATCHES (3 a round, of 1,000 records: short turns, so that a machine whose speed
 * changes does so for all alike), BENCH_SINKS
 * (postgres,mysql,mariadb,sqlite). Medians are given. "parsed": the records' members were read before; "text": they come as the outbox has them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { createConnection } from 'mysql2'
import pg from 'pg'
import { mysql } from '../sinks/mysql.ts'
import { postgres } from '../sinks/postgres.ts'
import { literalsWith, fieldEncoders as mysqlFields } from '../sinks/sql/mysql/write.ts'
import { copyFrom } from '../sinks/sql/postgres/copy.ts'
import { inUtf8 } from '../sinks/sql/postgres/encoding.ts'
import { fieldsIn } from '../sinks/sql/postgres/rows.ts'
import { tabLines, type TextEncoders } from '../sinks/sql/rows.ts'
import { sqlite } from '../sinks/sqlite.ts'
import { createIds } from '../src/records/id.ts'
import { recordFrom, recordFromJson, type PredictionRecord } from '../src/records/record.ts'
import { columnsOf } from '../src/schema/columns.ts'
import { createRowMapper } from '../src/schema/row.ts'
import type { Sink } from '../src/sink.ts'
import { service } from '../test/setup/services.ts'
import { median } from './load.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 50)
const BATCHES = Number(process.env['BENCH_BATCHES'] ?? 3)
const BATCH = 1000

const number = { type: 'number' }
const flower = { type: 'object', properties: { length: number, width: number } }
const columns = columnsOf({
  features: { type: 'object', properties: { sepal: flower, petal: flower } },
  outputs: { type: 'object', properties: { prediction: { type: 'integer' }, confidence: number } },
})
const names = columns.map(({ name }) => name)
const rowOf = createRowMapper(columns)
const nextId = createIds()
const { signal } = new AbortController()

/** Time goes on from record to record, as it does in life: indexes grow at their ends. */
let milliseconds = 1_790_000_000_000

const tenths = (n: number) => (n % 80) / 10
const textOf = (n: number): string =>
  recordFrom({
    id: nextId(),
    timestamp: new Date(milliseconds++).toISOString(),
    model: 'iris',
    model_version: '1.0.0',
    status: 200,
    duration_ms: 0.1 + (n % 1000) / 1000,
    features: {
      sepal: { length: tenths(n), width: tenths(n * 7) },
      petal: { length: tenths(n * 11), width: tenths(n * 13) },
    },
    outputs: { prediction: n % 3, confidence: (n % 1000) / 1000 },
  }).json

/** New records for one turn, with new ids; parsed where `parsed` says so. */
const batchesOf = (parsed: boolean): PredictionRecord[][] =>
  Array.from({ length: BATCHES }, (_, batch) =>
    Array.from({ length: BATCH }, (_, i) => {
      const record = recordFromJson(textOf(batch * BATCH + i))
      if (parsed) void record.model
      return record
    }),
  )

interface Turn {
  readonly rate: number
  /** Microseconds of this process' CPU a row. */
  readonly cpu: number
}

const time = async (work: () => Promise<void>): Promise<Turn> => {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await work()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const rows = BATCHES * BATCH
  return { rate: rows / seconds, cpu: (user + system) / rows }
}

/** A database's own way, over batches that it has got ready. */
interface Own {
  readonly name: string
  prepare(batches: readonly PredictionRecord[][]): () => Promise<void>
  close(): Promise<void>
}

interface Subject {
  readonly name: string
  readonly sink: Sink
  readonly own: Own
}

const tabTexts = (batches: readonly PredictionRecord[][], texts: TextEncoders): string[] => {
  const lineOf = tabLines(
    { columns: columns.map((column) => ({ ...column, storedAs: '', check: undefined })), rowOf },
    ({ type }) => texts[type],
  )
  return batches.map((records) => records.map(lineOf).join(''))
}

const onPostgres = async (url: string): Promise<Subject> => {
  const client = new pg.Client(url)
  await client.connect()
  const drop = 'drop table if exists bench_own, bench_sink'
  await client.query(drop)
  await makeTable(postgres({ url, table: 'bench_own' }))
  const copy = `copy bench_own (${names.map((name) => `"${name}"`).join()}) from stdin`
  return {
    name: 'postgres',
    sink: postgres({ url, table: 'bench_sink' }),
    own: {
      name: 'COPY',
      prepare(batches) {
        const texts = tabTexts(batches, fieldsIn(inUtf8))
        return async () => {
          for (const text of texts) await copyFrom(client, copy, [text], (text) => text)
        }
      },
      async close() {
        await client.query(drop)
        await client.end()
      },
    },
  }
}

/** MySQL and MariaDB, by LOAD DATA LOCAL and, as where the server has it off, by INSERT. */
const onMysql = async (server: string, url: string, loadData: boolean): Promise<Subject> => {
  const connection = createConnection({ uri: url, timezone: 'Z', charset: 'utf8mb4' })
  const query = (options: Parameters<typeof connection.query>[0]) =>
    new Promise<void>((resolve, reject) => connection.query(options, (error) => (error ? reject(error) : resolve())))
  const drop = { sql: 'drop table if exists bench_own, bench_sink' }
  await query(drop)
  await makeTable(mysql({ url, table: 'bench_own' }))
  const quoted = names.map((name) => `\`${name}\``).join()
  const load = `load data local infile 'bench' into table bench_own character set utf8mb4 (${quoted})`
  const byLoad: Subject['own']['prepare'] = (batches) => {
    const texts = tabTexts(batches, mysqlFields).map((text) => Buffer.from(text))
    return async () => {
      for (const text of texts) await query({ sql: load, infileStreamFactory: () => Readable.from([text]) })
    }
  }
  const literals = literalsWith((text) => connection.escape(text))
  const valuesOf = (record: PredictionRecord): string => {
    const row = rowOf(record)
    return `(${columns.map(({ type }, i) => (row[i] === null ? 'null' : literals[type](row[i] as never))).join()})`
  }
  const byInsert: Subject['own']['prepare'] = (batches) => {
    const statements = batches.map(
      (records) => `insert into bench_own (${quoted}) values ${records.map(valuesOf).join()}`,
    )
    return async () => {
      for (const sql of statements) await query({ sql })
    }
  }
  return {
    name: `${server}, ${loadData ? 'local_infile on' : 'local_infile off'}`,
    sink: mysql({ url, table: 'bench_sink', loadData }),
    own: {
      name: loadData ? 'LOAD DATA LOCAL' : 'INSERT of 1,000 rows',
      prepare: loadData ? byLoad : byInsert,
      async close() {
        await query(drop)
        connection.end()
      },
    },
  }
}

const onSqlite = async (): Promise<Subject> => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-sinks-'))
  const file = (name: string) => join(folder, `${name}.db`)
  await makeTable(sqlite({ url: `sqlite:${file('own')}` }))
  const database = new DatabaseSync(file('own'))
  database.exec('pragma journal_mode = wal; pragma synchronous = normal')
  const insert = database.prepare(
    `insert into predictions (${names.map((name) => `"${name}"`).join()}) values (${names.map(() => '?').join()}) on conflict (id) do nothing`,
  )
  return {
    name: 'sqlite',
    sink: sqlite({ url: `sqlite:${file('sink')}` }),
    own: {
      name: 'a prepared statement',
      prepare(batches) {
        const rows = batches.map((records) => records.map((record) => rowOf(record) as SQLInputValue[]))
        return async () => {
          for (const batch of rows) {
            database.exec('begin')
            for (const row of batch) insert.run(...row)
            database.exec('commit')
          }
        }
      },
      async close() {
        database.close()
        rmSync(folder, { recursive: true, force: true })
      },
    },
  }
}

const makeTable = async (sink: Sink): Promise<void> => {
  await sink.open!(columns)
  await sink.close!()
}

const write = async (sink: Sink, batches: readonly PredictionRecord[][]): Promise<void> => {
  for (const records of batches) await sink.write(records, signal)
}

/** Milliseconds that the longest of each write's turns of the event loop took: by the clock, and of this thread's CPU. */
const loopTimes = async (sink: Sink): Promise<{ clock: number[]; cpu: number[] }> => {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  const clock: number[] = []
  const cpu: number[] = []
  for (const records of [...batchesOf(true), ...batchesOf(true), ...batchesOf(true)]) {
    let writing = true
    let longest = 0
    const watch = (): void => {
      const before = process.threadCpuUsage()
      setImmediate(() => {
        const { user, system } = process.threadCpuUsage(before)
        longest = Math.max(longest, (user + system) / 1000)
        if (writing) watch()
      })
    }
    watch()
    await sink.write(records, signal)
    writing = false
    cpu.push(longest)
  }
  for (const records of [...batchesOf(true), ...batchesOf(true), ...batchesOf(true)]) {
    // The delay of making the records is not the write's.
    await new Promise((resolve) => setTimeout(resolve, 5))
    histogram.reset()
    histogram.enable()
    await sink.write(records, signal)
    histogram.disable()
    clock.push(histogram.max / 1e6)
  }
  return { clock, cpu }
}

const rateOf = (turns: readonly Turn[]): string => `${Math.round(median(turns.map(({ rate }) => rate)) / 1000)}k rows/s`
const cpuOf = (turns: readonly Turn[]): string => `${median(turns.map(({ cpu }) => cpu)).toFixed(1)} µs CPU a row`

const measure = async ({ name, sink, own }: Subject): Promise<void> => {
  await sink.open!(columns)
  const turns = { own: [] as Turn[], parsed: [] as Turn[], text: [] as Turn[] }
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    const run = own.prepare(batchesOf(true))
    const found = { own: await time(run), parsed: undefined as Turn | undefined, text: undefined as Turn | undefined }
    for (const kind of round % 2 === 0 ? (['parsed', 'text'] as const) : (['text', 'parsed'] as const)) {
      const batches = batchesOf(kind === 'parsed')
      found[kind] = await time(() => write(sink, batches))
    }
    if (round === 0) continue
    for (const kind of ['own', 'parsed', 'text'] as const) turns[kind].push(found[kind]!)
  }
  const ratio = (kind: 'parsed' | 'text') =>
    median(turns[kind].map(({ rate }, i) => rate / turns.own[i]!.rate)).toFixed(2)
  const { clock, cpu } = await loopTimes(sink)
  console.log(`${name}: ${own.name} ${rateOf(turns.own)}, ${cpuOf(turns.own)}`)
  console.log(`  sink, parsed: ${rateOf(turns.parsed)} (${ratio('parsed')}), ${cpuOf(turns.parsed)}`)
  console.log(`  sink, text:   ${rateOf(turns.text)} (${ratio('text')}), ${cpuOf(turns.text)}`)
  const longest = (times: number[]) => `${median(times).toFixed(1)} ms, at most ${Math.max(...times).toFixed(1)} ms`
  console.log(`  longest turn of the event loop in a write: ${longest(clock)} by the clock; ${longest(cpu)} of CPU`)
  await sink.close!()
  await own.close()
}

/** Measures each sink whose database is there. */
export const run = async (): Promise<void> => {
  const wanted = (process.env['BENCH_SINKS'] ?? 'postgres,mysql,mariadb,sqlite').split(',')
  const postgresUrl = await service('postgres')
  if (wanted.includes('postgres') && postgresUrl) await measure(await onPostgres(postgresUrl))
  for (const server of ['mysql', 'mariadb'] as const) {
    const url = wanted.includes(server) ? await service(server) : undefined
    if (url === undefined) continue
    for (const loadData of [true, false]) await measure(await onMysql(server, url, loadData))
  }
  if (wanted.includes('sqlite')) await measure(await onSqlite())
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await run()
