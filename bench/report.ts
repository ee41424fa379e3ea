/**
 * What a report costs: npm run bench report [-- prepare|measure|drop] [postgres|postgres18|mysql|mariadb|sqlite]… [--rows 1000000] [--columns 5]
 *
 * Rows with features, an output, a confidence and an actual each, half of them in the window and half in its reference. Measured: the command from
 * its start to its end, in a process of its own with nothing loaded, beside `select sum(one column)` over the same rows, medians of turns; its memory;
 * and what a user would do instead: pandas.read_sql and scipy (where python3-pandas, python3-scipy and python3-psycopg2 are installed).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { median } from './load.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '1000000' },
    columns: { type: 'string', default: '5' },
    turns: { type: 'string', default: '3' },
  },
})
const rows = Number(values.rows)
const columns = Number(values.columns)
const turns = Number(values.turns)

const TABLE = `report_bench_${rows}_${columns}`
const SINCE = Date.parse('2026-11-01T00:00:00Z')
const WEEKS = 14 * 86_400_000
const STEP = WEEKS / rows
const features = Array.from({ length: columns }, (_, index) => `f${index}`)
const condition = `timestamp >= '2026-11-01 00:00:00' and timestamp < '2026-11-15 00:00:00'`

interface Place {
  readonly url: string
  prepare(): Promise<void>
  /** Milliseconds of `select sum(one column)`. */
  sum(): Promise<number>
  drop(): Promise<void>
}

const timed = async (work: () => unknown): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const postgresAt = (url: string): Place => {
  const run = async <Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query("set timezone = 'UTC'")
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }
  const named = features.map((name) => `${name} double precision`).join(', ')
  const random = features.map(() => 'random() * 10').join(', ')
  const statements = [
    `drop table if exists ${TABLE}, ${TABLE}_actuals`,
    `create table ${TABLE} (id uuid primary key, timestamp timestamptz not null, ${named}, prediction bigint, confidence double precision,
      model text, model_version text, request_id text, instance integer, status smallint, duration_ms double precision, error text, sample_weight double precision, tags jsonb, extra jsonb)`,
    `insert into ${TABLE} select ('01990000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, timestamptz '2026-11-01Z' + i * interval '${STEP} milliseconds', ${random}, i % 3, random(),
      'iris', '1', null, 0, 200, random() * 10, null, 1, null, null from generate_series(0, ${rows - 1}) i`,
    `create index on ${TABLE} (timestamp)`,
    `create table ${TABLE}_actuals (id uuid primary key, timestamp timestamptz, actual bigint, prediction_id uuid, request_id text, instance integer, reported_at timestamptz, retracted boolean, source text, tags jsonb, extra jsonb)`,
    `insert into ${TABLE}_actuals select ('01990000-0000-8000-8000-' || right(id::text, 12))::uuid, timestamp + interval '1 hour', case when random() < 0.1 then 0 else prediction end, id, null, null, timestamp + interval '1 hour', false from ${TABLE}`,
    `create index on ${TABLE}_actuals (prediction_id, timestamp, reported_at, id)`,
    `create index on ${TABLE}_actuals (request_id)`,
    `create index on ${TABLE}_actuals (reported_at)`,
    `vacuum analyze ${TABLE}`,
    `vacuum analyze ${TABLE}_actuals`,
  ]
  return {
    url,
    prepare: () =>
      run(async (client) => {
        for (const statement of statements) await client.query(statement)
      }),
    sum: () => run((client) => timed(() => client.query(`select sum(f0) from ${TABLE} where ${condition}`))),
    drop: () => run(async (client) => void (await client.query(statements[0]!))),
  }
}

const mysqlAt = (url: string): Place => {
  const run = async <Result>(work: (connection: mysql.Connection) => Promise<Result>): Promise<Result> => {
    const connection = await mysql.createConnection({ uri: url, timezone: 'Z' })
    try {
      return await work(connection)
    } finally {
      await connection.end()
    }
  }
  const named = features.map((name) => `${name} double`).join(', ')
  const random = features.map(() => 'rand() * 10').join(', ')
  const digits =
    '(select 0 d union all select 1 union all select 2 union all select 3 union all select 4 union all select 5 union all select 6 union all select 7 union all select 8 union all select 9)'
  const joins = Array.from({ length: 7 }, (_, index) => `${digits} d${index}`).join(' join ')
  const number = Array.from({ length: 7 }, (_, index) => `d${index}.d * ${10 ** index}`).join(' + ')
  const statements = [
    `drop table if exists ${TABLE}, ${TABLE}_actuals`,
    `create table ${TABLE} (id char(36) character set ascii primary key, timestamp datetime(6) not null, ${named}, prediction bigint, confidence double,
      model varchar(255), model_version varchar(255), request_id varchar(255), instance int, status smallint, duration_ms double, error longtext, sample_weight double, tags json, extra json, index (timestamp))`,
    `insert into ${TABLE} select concat('01990000-0000-7000-8000-', lpad(lower(hex(i)), 12, '0')), '2026-11-01' + interval i * ${STEP * 1000} microsecond, ${random}, i % 3, rand(),
      'iris', '1', null, 0, 200, rand() * 10, null, 1, null, null from (select ${number} as i from ${joins}) s where i < ${rows} order by i`,
    `create table ${TABLE}_actuals (id char(36) character set ascii primary key, timestamp datetime(6), actual bigint, prediction_id char(36) character set ascii, request_id varchar(255), instance int, reported_at datetime(6), retracted boolean, source longtext, tags json, extra json,
      index (prediction_id, timestamp, reported_at, id, actual, retracted), index (request_id), index (reported_at))`,
    `insert into ${TABLE}_actuals select concat('01990000-0000-8000-8000-', right(id, 12)), timestamp + interval 1 hour, case when rand() < 0.1 then 0 else prediction end, id, null, null, timestamp + interval 1 hour, 0, null, null, null from ${TABLE}`,
    `analyze table ${TABLE}, ${TABLE}_actuals`,
  ]
  return {
    url,
    prepare: () =>
      run(async (connection) => {
        for (const statement of statements) await connection.query(statement)
      }),
    sum: () => run((connection) => timed(() => connection.query(`select sum(f0) from ${TABLE} where ${condition}`))),
    drop: () => run(async (connection) => void (await connection.query(statements[0]!))),
  }
}

const sqliteAt = (file: string): Place => {
  const open = <Result>(work: (database: DatabaseSync) => Result): Result => {
    const database = new DatabaseSync(file)
    try {
      return work(database)
    } finally {
      database.close()
    }
  }
  return {
    url: `sqlite:${file}`,
    prepare: async () =>
      open((database) => {
        database.exec(`pragma journal_mode = wal; pragma synchronous = off; drop table if exists ${TABLE}; drop table if exists ${TABLE}_actuals;
          create table ${TABLE} (id text primary key, timestamp text not null, ${features.map((name) => `${name} real`).join(', ')}, prediction integer, confidence real, model text, model_version text, request_id text,
            instance integer, status integer, duration_ms real, error text, sample_weight real, tags text, extra text);
          create index ${TABLE}_t on ${TABLE} (timestamp);
          create table ${TABLE}_actuals (id text primary key, timestamp text, actual integer, prediction_id text, request_id text, instance integer, reported_at text, retracted integer, source text, tags text, extra text);
          create index ${TABLE}_a on ${TABLE}_actuals (prediction_id, timestamp, reported_at, id); create index ${TABLE}_r on ${TABLE}_actuals (reported_at);
          create index ${TABLE}_q on ${TABLE}_actuals (request_id); begin`)
        const insert = database.prepare(
          `insert into ${TABLE} values (?, ?, ${features.map(() => '?').join(', ')}, ?, ?, 'iris', '1', null, 0, 200, ?, null, 1, null, null)`,
        )
        const actual = database.prepare(
          `insert into ${TABLE}_actuals values (?, ?, ?, ?, null, null, ?, 0, null, null, null)`,
        )
        for (let i = 0; i < rows; i++) {
          const end = i.toString(16).padStart(12, '0')
          const id = `01990000-0000-7000-8000-${end}`
          const time = SINCE + i * STEP
          const known = new Date(time + 3_600_000).toISOString()
          insert.run(
            id,
            new Date(time).toISOString(),
            ...features.map(() => Math.random() * 10),
            i % 3,
            Math.random(),
            Math.random() * 10,
          )
          actual.run(`01990000-0000-8000-8000-${end}`, known, Math.random() < 0.1 ? 0 : i % 3, id, known)
        }
        database.exec('commit; analyze')
      }),
    sum: async () =>
      open((database) =>
        timed(() =>
          database
            .prepare(`select sum(f0) from ${TABLE} where timestamp >= '2026-11-01' and timestamp < '2026-11-15'`)
            .get(),
        ),
      ),
    async drop() {
      for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true })
    },
  }
}

const places: Readonly<Record<string, () => Place>> = {
  postgres: () => postgresAt(process.env['TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test'),
  postgres18: () => postgresAt(process.env['TEST_POSTGRES18_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test'),
  mysql: () => mysqlAt(process.env['TEST_MYSQL_URL'] ?? 'mysql://root@127.0.0.1:3306/test'),
  mariadb: () => mysqlAt(process.env['TEST_MARIADB_URL'] ?? 'mysql://root@127.0.0.1:3306/test'),
  sqlite: () => sqliteAt(join(tmpdir(), `${TABLE}.db`)),
}

const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url))
const pandas = fileURLToPath(new URL('./report_pandas.py', import.meta.url))

/** The most memory that a command had, in MiB: it says so itself at its end. */
const memoryOf = (args: readonly string[]): number => {
  const hook =
    'data:text/javascript,process.on("exit",()=>process.stderr.write("MAXRSS "+process.resourceUsage().maxRSS+"\\n"))'
  const { stderr } = spawnSync(process.execPath, ['--import', hook, ...args], { encoding: 'utf8' })
  return Number(/MAXRSS (\d+)/.exec(stderr)?.[1]) / 1024
}

const [step = 'all', ...named] = positionals
const chosen = named.length > 0 ? named : ['postgres', 'mysql', 'sqlite']
for (const name of chosen) {
  const place = places[name]!()
  if (step === 'prepare' || step === 'all') await place.prepare()
  if (step === 'measure' || step === 'all') {
    const args = [main, 'report', '--sink', place.url, '--table', TABLE, '--until', '2026-11-15']
    const sums: number[] = []
    const reports: number[] = []
    await place.sum()
    for (let turn = 0; turn < turns; turn++) {
      sums.push(await place.sum())
      const start = performance.now()
      const { status, stderr } = spawnSync(process.execPath, args, {
        stdio: ['ignore', 'ignore', 'pipe'],
        encoding: 'utf8',
      })
      reports.push((performance.now() - start) / 1000)
      if (status !== 0 && status !== 3) throw new Error(`the report ended with ${status}: ${stderr}`)
    }
    const [sum, report] = [median(sums) / 1000, median(reports)]
    console.log(
      `${name}, ${rows.toLocaleString('en-US')} rows, ${columns} features: sum of one column ${sum.toFixed(3)} s, report ${report.toFixed(2)} s, ${(report / sum).toFixed(1)} times; ${Math.round(memoryOf(args))} MiB`,
    )
    if ((name === 'postgres' || name === 'sqlite') && existsSync('/usr/bin/python3')) {
      const { stdout, stderr, status } = spawnSync('/usr/bin/python3', [pandas, place.url, TABLE], { encoding: 'utf8' })
      console.log(status === 0 ? stdout.trim() : `pandas: ${stderr.trim().split('\n').at(-1)}`)
    }
  }
  if (step === 'drop' || step === 'all') await place.drop()
}
