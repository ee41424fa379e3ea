import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { cleanup, temporaryFolder } from '../setup/captures.ts'
import { service } from '../setup/services.ts'
import { topicsOn, type Topics } from '../services/kafka/topics.ts'
import { createHttpsProxy, makeCertificates } from '../sinks/elasticsearch/https.ts'
import { talkTo } from '../sinks/elasticsearch/server.ts'
import { freePort } from '../setup/ports.ts'
import { databaseFor, dropTable } from './postgres.ts'
import { onSqlite, schema, type Variables } from './support.ts'

/** A password that no output may have, encoded or not. */
const password = 'hush:tell/nobody@'
export const secret = /nobody/

/** Where a sink's records may go: of a test's own, empty at first, and removed at its end. */
export interface Place {
  readonly url: string
  readonly variables: Variables
  /** A URL where nothing answers, or nothing can be made. */
  readonly away: string
  /** A URL with a login that the server refuses. */
  readonly refused?: string
  /** Runs what `ddl` prints, or what a finding says, as a person would; of no statements nothing. */
  run(statements: string): Promise<unknown>
}

/** How one text becomes another: what `ddl` prints becomes what a person made. */
type Change = readonly [from: string | RegExp, to: string]

/** A sink's system, and what `check` and `ddl` say of it. Of the output `prediction`, an integer. */
export interface System {
  readonly name: string
  /** What `ddl` prints of an empty place. */
  readonly makes: RegExp
  /** What is said of `away`: why, and what helps. */
  readonly saysAway: RegExp
  /** What is said of `refused`. */
  readonly saysRefused?: RegExp
  /** Makes what lacks the column, and what `ddl` prints then. */
  readonly without?: { readonly change: Change; readonly adds: RegExp }
  /** Makes what can't hold our values, and what is found then: both types, and the fix. */
  readonly wrong: { readonly change: Change; readonly found: RegExp }
  /** What a person runs in answer to what was found. */
  fixIn(found: string, ddl: string): string
  place(): Promise<Place>
  /** Ends what the places have in common. */
  close?(): Promise<void>
}

const nameOfOne = (): string => `cli_${randomUUID().replaceAll('-', '')}`

/** What each place needs beside its URL. */
const variablesFor = (table: string): Variables => {
  const folder = temporaryFolder()
  const file = join(folder, 'schema.json')
  writeFileSync(file, JSON.stringify(schema))
  return { PREDICTIONS_TABLE: table, PREDICTIONS_SCHEMA: file, PREDICTIONS_OUTBOX_DIR: join(folder, 'outbox') }
}

const urlAs = (url: string, user: string, password: string): string => {
  const other = new URL(url)
  other.username = user
  other.password = encodeURIComponent(password)
  return other.href
}

const urlAway = async (url: string): Promise<string> => {
  const other = new URL(urlAs(url, 'someone', password))
  other.host = `127.0.0.1:${await freePort()}`
  return other.href
}

const refusedConnection = /^connect ECONNREFUSED.*is the server running/

const sqlFix = (found: string): string => /: (alter table .*)$/m.exec(found)![1]!

const sqlite: System = {
  name: 'SQLite',
  makes: /^create table /,
  saysAway: /(EACCES|ENOTDIR).*the process may not write there/,
  without: { change: [', `prediction` integer', ''], adds: /^alter table .* add column `prediction` integer;$/m },
  wrong: {
    change: ['`timestamp` text not null', '`timestamp` integer not null'],
    found: /`timestamp` is integer, and has to hold timestamp, as text does: alter table .* rename to/,
  },
  fixIn: sqlFix,
  async place() {
    const folder = temporaryFolder()
    const file = join(folder, 'predictions.db')
    writeFileSync(join(folder, 'file'), '')
    return {
      url: `sqlite:${file}`,
      variables: variablesFor('predictions'),
      away: `sqlite:${join(folder, 'file', 'below', 'predictions.db')}`,
      run: async (sql) => onSqlite(file, (database) => database.exec(sql)),
    }
  },
}

const postgres = (name: string, given: string): System => ({
  name,
  makes: /^create table /,
  saysAway: refusedConnection,
  saysRefused: /(stranger.*|password authentication failed.*)check user(,| and) password/,
  without: { change: [', "prediction" bigint', ''], adds: /^alter table .* add column "prediction" bigint;$/m },
  wrong: {
    change: ['"timestamp" timestamp with time zone not null', '"timestamp" bigint not null'],
    found:
      /"timestamp" is bigint, and has to hold timestamp, as timestamp with time zone does: alter table .* rename column/,
  },
  fixIn: sqlFix,
  async place() {
    const { table, query } = databaseFor(given)
    cleanup(() => dropTable(given, table))
    const { username, password: own } = new URL(given)
    return {
      url: own ? given : urlAs(given, username, password),
      variables: variablesFor(table),
      away: await urlAway(given),
      refused: urlAs(given, 'stranger', password),
      run: query,
    }
  },
})

const mysql = async (name: string, given: string): Promise<System> => {
  const client = await createConnection({ uri: given, multipleStatements: true })
  const user = `predictions_${randomUUID().slice(0, 8)}`
  await client.query('create user ? identified by ?', [user, password])
  await client.query(`grant all on \`${new URL(given).pathname.slice(1)}\`.* to ?`, [user])
  return {
    name,
    makes: /^create table /,
    saysAway: refusedConnection,
    saysRefused: /^Access denied for user.*check user and password/,
    without: { change: [', `prediction` bigint', ''], adds: /^alter table .* add `prediction` bigint;$/m },
    wrong: {
      change: ['`timestamp` datetime(6) not null', '`timestamp` bigint not null'],
      found:
        /`timestamp` is bigint(\(20\))?, and has to hold timestamp, as datetime\(6\) does: alter table .* rename column/,
    },
    fixIn: sqlFix,
    async place() {
      const table = nameOfOne()
      cleanup(() => client.query('drop table if exists ??', [table]))
      return {
        url: urlAs(given, user, password),
        variables: variablesFor(table),
        away: await urlAway(given),
        refused: urlAs(given, user, `another-${password}`),
        async run(sql) {
          if (sql !== '') await client.query(sql)
        },
      }
    },
    async close() {
      await client.query('drop user ?', [user])
      await client.end()
    },
  }
}

/** Requests as they are written in Kibana's console. */
const requestsIn = (text: string): { method: string; path: string; body?: object }[] =>
  [...text.matchAll(/^(PUT|POST) (\S+)(?:\n(\{.*\}))?$/gm)].map(([, method, path, body]) => ({
    method: method!,
    path: path!,
    ...(body !== undefined && { body: JSON.parse(body) as object }),
  }))

/** Behind a proxy with TLS and a login: the server of the tests has neither. */
const elasticsearch = async (given: string): Promise<System> => {
  const es = talkTo(given)
  const certificates = makeCertificates()
  const login = `Basic ${Buffer.from(`someone:${password}`).toString('base64')}`
  const proxy = await createHttpsProxy(given, certificates, (authorization) => (authorization === login ? 200 : 401))
  const urlOf = (prefix: string, password: string, port = proxy.port): string =>
    `elasticsearch+https://someone:${encodeURIComponent(password)}@127.0.0.1:${port}/${prefix}`
  return {
    name: 'Elasticsearch',
    makes: /^PUT \/_index_template\/\S+\n\{/,
    saysAway: refusedConnection,
    saysRefused: /^401 security_exception.*the login is wrong: check user and password/,
    without: {
      change: ['"prediction":{"type":"long"}', ''],
      adds: /^PUT \/_index_template\/\S+\n.*"prediction":\{"type"/,
    },
    wrong: {
      change: ['"timestamp":{"type":"date"}', '"timestamp":{"type":"keyword"}'],
      found: /timestamp is of type keyword and must be date; .*change it there \(PUT \/_index_template\//,
    },
    fixIn: (_found, ddl) => ddl,
    async place() {
      const prefix = nameOfOne()
      cleanup(() => es.drop(prefix))
      return {
        url: urlOf(prefix, password),
        variables: { ...variablesFor(prefix), PREDICTIONS_ELASTICSEARCH_CA: certificates.caFile },
        away: urlOf(prefix, password, await freePort()),
        refused: urlOf(prefix, `another-${password}`),
        async run(text) {
          for (const { method, path, body } of requestsIn(text)) await es.request(method, path, body)
        },
      }
    },
    async close() {
      await proxy.close()
      certificates.remove()
    },
  }
}

/** What Kafka's own tools do with these words: they come with a broker, and not with the tests. */
const runKafkaTool = async ({ admin, configure }: Topics, line: string): Promise<void> => {
  const [tool, ...words] = line.split(' ')
  const after = (flag: string): string | undefined => words[words.indexOf(flag, 0) + 1 || words.length]
  const config = (after('--config') ?? after('--add-config'))?.split('=') as [string, string] | undefined
  if (tool === 'kafka-configs.sh') return configure(after('--entity-name')!, ...config!)
  const shape = {
    topic: after('--topic')!,
    partitions: Number(after('--partitions') ?? -1),
    replicas: Number(after('--replication-factor') ?? -1),
  }
  const configs = config ? [{ name: config[0], value: config[1] }] : []
  await admin.createTopics({ topics: [shape], configs })
}

/** A topic has no columns; it is made where that was asked for. */
const kafka = (brokers: string): System => {
  const topics = topicsOn(brokers)
  return {
    name: 'Kafka',
    makes: /^kafka-topics\.sh .* --create --topic \S+ --partitions 2$/m,
    saysAway: refusedConnection,
    // The broker of the tests takes no login at all; one that does is in kafka-faults.test.ts.
    saysRefused: /^login as someone was refused.*check user name, password/,
    wrong: {
      change: [/$/m, ' --config cleanup.policy=compact'],
      found: /cleanup\.policy compact, .* it must be delete: kafka-configs\.sh .*--alter/,
    },
    fixIn: (found) => /kafka-configs\.sh .*$/m.exec(found)![0],
    async place() {
      const topic = topics.name()
      const login = `someone:${encodeURIComponent(password)}@`
      return {
        url: `kafka://${brokers}/${topic}?partitions=2`,
        variables: variablesFor('predictions'),
        away: `kafka://${login}127.0.0.1:${await freePort()}/${topic}?partitions=2`,
        refused: `kafka://${login}${brokers}/${topic}?partitions=2`,
        async run(text) {
          for (const line of text.split('\n').filter((line) => line !== '')) await runKafkaTool(topics, line)
        },
      }
    },
    close: () => topics.close(),
  }
}

/** All systems that are to be had here. */
export const findSystems = async (): Promise<readonly System[]> => {
  const [postgresUrl, postgres18Url, mysqlUrl, mariadbUrl, elasticsearchUrl, brokers] = await Promise.all(
    (['postgres', 'postgres18', 'mysql', 'mariadb', 'elasticsearch', 'kafka'] as const).map(service),
  )
  return [
    sqlite,
    ...(postgresUrl ? [postgres('Postgres', postgresUrl)] : []),
    ...(postgres18Url ? [postgres('Postgres 18', postgres18Url)] : []),
    ...(mysqlUrl ? [await mysql('MySQL', mysqlUrl)] : []),
    ...(mariadbUrl ? [await mysql('MariaDB', mariadbUrl)] : []),
    ...(elasticsearchUrl ? [await elasticsearch(elasticsearchUrl)] : []),
    ...(brokers ? [kafka(brokers)] : []),
  ]
}
