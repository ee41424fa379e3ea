/**
 * What the view `<table>_labelled` costs: npm run bench labelled, or
 *
 *     node bench/labelled.ts [prepare|measure|drop] [postgres|postgres18|mysql|mariadb|sqlite]… [--rows 1000000] [--turns 5]
 *
 * Rows of two weeks; seven of ten have an actual, and one of ten a corrected one: 800,000 actuals of 1,000,000 predictions. The sinks make the tables and
 * the view, and fill them. Measured, in turns: `count(*)` and an average over the view, beside the same over a left join of the two tables, which
 * does not ask which actual is the latest. That join is a hash join where the database has one, and as its planner makes it. Medians. And what else
 * is asked of the view: the README's query, a day, the counts. The view took, of a hash join: in PostgreSQL 15 and 18 2.1 times, in MySQL 9.7 2.6 times (1.8 times
 * its own plain join), in MariaDB 10.11 1.5 times (2.5 times its own plain join, which is faster).
 */
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { mysql } from '../sinks/mysql.ts'
import { postgres } from '../sinks/postgres.ts'
import { sqlite } from '../sinks/sqlite.ts'
import { createActuals } from '../src/actuals/actuals.ts'
import { createIds } from '../src/records/id.ts'
import { recordFrom, type PredictionRecord } from '../src/records/record.ts'
import { storedFromJson } from '../src/records/stored.ts'
import { actualColumnsOf, columnsOf } from '../src/schema/columns.ts'
import type { Sink } from '../src/sink.ts'
import { service } from '../test/setup/services.ts'
import { median } from './load.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string', default: '1000000' }, turns: { type: 'string', default: '5' } },
})
const rows = Number(values.rows)
const turns = Number(values.turns)

const TABLE = `labelled_bench_${rows}`
const ACTUALS = `${TABLE}_actuals`
const VIEW = `${TABLE}_labelled`
const BATCH = 1000
const SINCE = Date.parse('2026-11-01T00:00:00Z')
const STEP = (14 * 86_400_000) / rows
/** A correction comes so many predictions later, an actual by half as many. */
const LATE = Math.floor(rows / 20)

const schema = {
  features: {
    type: 'object',
    properties: Object.fromEntries([1, 2, 3, 4].map((n) => [`f${n}`, { type: 'number' }])),
  },
  outputs: { type: 'object', properties: { prediction: { type: 'integer' }, confidence: { type: 'number' } } },
}
const predictionColumns = columnsOf(schema)
const actualColumns = actualColumnsOf(schema)
const readActuals = createActuals({ columns: () => actualColumns })

const { signal } = new AbortController()
const timeOf = (n: number): string => new Date(SINCE + n * STEP).toISOString()

/** Writes what `recordsOf` gives for each number, a batch at a time. @returns rows a second */
const fill = async (sink: Sink, last: number, recordsOf: (n: number) => readonly unknown[]): Promise<number> => {
  const start = performance.now()
  let batch: unknown[] = []
  let written = 0
  for (let n = 0; n < last; n++) {
    batch.push(...recordsOf(n))
    if (batch.length < BATCH && n < last - 1) continue
    const refused = await sink.write(batch as PredictionRecord[], signal)
    if (refused && refused.length > 0) throw new Error(refused[0]!.reason)
    written += batch.length
    batch = []
  }
  return written / ((performance.now() - start) / 1000)
}

const prepare = async (sink: Sink): Promise<string> => {
  let n = 0
  const nextId = createIds(() => Math.floor(SINCE + n * STEP))
  const ids = Array.from({ length: rows }, (_, at) => {
    n = at
    return nextId()
  })
  const actuals = (sink.actuals as Exclude<Sink['actuals'], true | undefined>)({ table: undefined, predictionColumns })
  await sink.open!(predictionColumns)
  await actuals.open!(actualColumns)
  const predictionOf = (n: number) => [
    recordFrom({
      id: ids[n]!,
      timestamp: timeOf(n),
      model: 'iris',
      model_version: '1',
      request_id: `request-${n}`,
      status: 200,
      duration_ms: 0.5,
      features: { f1: n % 80, f2: n % 70, f3: n % 60, f4: n % 50 },
      outputs: { prediction: n % 3, confidence: (n % 1000) / 1000 },
    }),
  ]
  const reported = (n: number, known: number, actual: number) =>
    readActuals([{ id: ids[n], actual, timestamp: timeOf(known) }]).lines.map(storedFromJson)
  const actualOf = (now: number) => {
    const [first, corrected] = [now - LATE / 2, now - LATE]
    return [
      ...(first >= 0 && first < rows && first % 10 < 7 ? reported(first, now, (first + 1) % 3) : []),
      ...(corrected >= 0 && corrected % 10 === 3 ? reported(corrected, now, corrected % 3) : []),
    ]
  }
  const rates = [await fill(sink, rows, predictionOf), await fill(actuals, rows + LATE, actualOf)]
  await Promise.all([sink.close!(), actuals.close!()])
  return rates.map((rate) => `${Math.round(rate / 1000)}k`).join(' and ')
}

interface Place {
  readonly sink: () => Sink
  /** One SQL statement on the only connection. */
  query(sql: string): Promise<readonly unknown[]>
  /** What brings the planner up to date. */
  readonly analyze: readonly string[]
  /** What has the next joins hashed where the planner would rather not, and what undoes it. */
  readonly hashed?: { readonly on?: string; readonly off?: string }
  close(): Promise<void>
}

const drops = [`drop view if exists ${VIEW}`, `drop table if exists ${ACTUALS}`, `drop table if exists ${TABLE}`]

const onPostgres = async (url: string): Promise<Place> => {
  const client = new pg.Client(url)
  await client.connect()
  return {
    sink: () => postgres({ url, table: TABLE }),
    query: async (sql) => (await client.query(sql)).rows as unknown[],
    analyze: [`vacuum analyze ${TABLE}`, `vacuum analyze ${ACTUALS}`],
    close: () => client.end(),
  }
}

const onMysql = async (url: string, hashed: Place['hashed']): Promise<Place> => {
  const connection = await createConnection({ uri: url, timezone: 'Z' })
  return {
    sink: () => mysql({ url, table: TABLE }),
    query: async (sql) => (await connection.query(sql))[0] as unknown[],
    analyze: [`analyze table ${TABLE}, ${ACTUALS}`],
    ...(hashed && { hashed }),
    close: () => connection.end(),
  }
}

const onSqlite = async (): Promise<Place> => {
  const file = join(tmpdir(), `${TABLE}.db`)
  const database = new DatabaseSync(file)
  return {
    sink: () => sqlite({ url: `sqlite:${file}`, table: TABLE }),
    query: async (sql) => database.prepare(sql).all(),
    analyze: ['pragma wal_checkpoint(truncate)'],
    async close() {
      database.close()
      if (step === 'drop' || step === 'all') for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true })
    },
  }
}

const urlOf = async (name: 'postgres' | 'postgres18' | 'mysql' | 'mariadb'): Promise<string> => {
  const url = await service(name)
  if (url === undefined) throw new Error(`no ${name}`)
  return url
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  postgres: async () => onPostgres(await urlOf('postgres')),
  postgres18: async () => onPostgres(await urlOf('postgres18')),
  mysql: async () => onMysql(await urlOf('mysql'), {}),
  mariadb: async () =>
    onMysql(await urlOf('mariadb'), {
      // With the buffer that it has it would read all actuals hundreds of times.
      on: "set join_cache_level = 4, optimizer_switch = 'join_cache_hashed=on', join_buffer_size = 268435456, join_buffer_space_limit = 1073741824",
      off: 'set join_cache_level = default, optimizer_switch = default, join_buffer_size = default, join_buffer_space_limit = default',
    }),
  sqlite: onSqlite,
}

const RIGHT = 'count(*), avg(case when prediction = actual then 1.0 else 0 end)'
const plain = (actuals = `${ACTUALS} a`) =>
  `select count(*), avg(case when p.prediction = a.actual then 1.0 else 0 end) from ${TABLE} p left join ${actuals} on a.prediction_id = p.id`

const measure = async ({ query, hashed }: Place): Promise<string> => {
  const timed = async (sql: string): Promise<number> => {
    const start = performance.now()
    await query(sql)
    return performance.now() - start
  }
  const day = `"timestamp" >= '2026-11-07 00:00:00' and "timestamp" < '2026-11-08 00:00:00'`
  const asked: Record<string, () => Promise<number>> = {
    join: () => timed(plain()),
    ...(hashed && {
      'hash join': async () => {
        if (hashed.on) await query(hashed.on)
        const taken = await timed(plain(`${ACTUALS} a ignore index (${ACTUALS}_prediction_index)`))
        if (hashed.off) await query(hashed.off)
        return taken
      },
    }),
    view: () => timed(`select ${RIGHT} from ${VIEW}`),
    labelled: () => timed(`select model_version, ${RIGHT} from ${VIEW} where actual is not null group by 1`),
    counts: () => timed(`select sum(actual_count) from ${VIEW}`),
    day: () => timed(`select ${RIGHT} from ${VIEW} where ${day.replaceAll('"', '')}`),
  }
  const taken = Object.fromEntries(Object.keys(asked).map((name) => [name, [] as number[]]))
  for (let turn = 0; turn <= turns; turn++)
    for (const [name, ask] of Object.entries(asked)) {
      const milliseconds = await ask()
      // The first turn warms the caches.
      if (turn > 0) taken[name]!.push(milliseconds)
    }
  const medians = Object.fromEntries(Object.entries(taken).map(([name, all]) => [name, median(all)]))
  const times = Object.entries(medians).map(([name, milliseconds]) => `${name} ${Math.round(milliseconds)} ms`)
  const ratio = (name: string) => (medians['view']! / medians[name]!).toFixed(2)
  const ratios = [`view/join ${ratio('join')}`, ...(hashed ? [`view/hash join ${ratio('hash join')}`] : [])]
  return [...times, ...ratios].join(', ')
}

const [step = 'all', ...named] = positionals
for (const name of named.length > 0 ? named : Object.keys(places)) {
  const place = await places[name]!()
  const drop = async () => {
    for (const statement of drops) await place.query(statement)
  }
  if (step === 'prepare' || step === 'all') {
    await drop()
    const rates = await prepare(place.sink())
    for (const statement of place.analyze) await place.query(statement)
    console.log(`${name}: ${rates} predictions and actuals a second written`)
  }
  if (step === 'measure' || step === 'all') console.log(`${name}: ${await measure(place)}`)
  if (step === 'drop' || step === 'all') await drop()
  await place.close()
}
