import { mysql, type MysqlOptions } from 'capture-predictions/sinks/mysql'
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Sink } from '../../src/sink.ts'
import { startMysql, type MysqlServer } from '../services/mysql/server.ts'
import { service } from '../setup/services.ts'
import { columnsFor, patient, record } from './records.ts'

const isThere = (await service('mysql')) !== undefined

/** What a managed MySQL may have set, beside the defaults: LOAD DATA LOCAL off, caching_sha2_password, its own certificate. */
const settings = ['--max-allowed-packet=1M', '--sql-require-primary-key=ON', '--sql-mode=']

describe.skipIf(!isThere)('MySQL as it comes', () => {
  let server: MysqlServer
  let client: Connection
  const connect = async (): Promise<Connection> => {
    const connection = await createConnection({ uri: server.url, multipleStatements: true })
    // The server is killed under it.
    connection.on('error', () => {})
    return connection
  }
  beforeAll(async () => {
    server = await startMysql('mysql-defaults', settings)
    client = await connect()
    await client.query(`create user app identified by 'a pass@word'; grant all on test.* to app;
      create user reader identified by 'secret'; grant select, insert, update on test.* to reader`)
  })
  afterAll(async () => {
    await client?.end()
    await server?.stop()
  })

  const urlFor = (user: string, password: string, parameters = ''): string => {
    const url = new URL(server.url)
    url.username = user
    url.password = encodeURIComponent(password)
    return url.href + parameters
  }
  const sinks: Sink[] = []
  afterEach(async () => {
    await Promise.all(sinks.splice(0).map((sink) => sink.close!()))
  })
  const make = (table: string, options: Partial<MysqlOptions> = {}): Sink => {
    const sink = mysql({ url: urlFor('app', 'a pass@word'), table, ...options })
    sinks.push(sink)
    return sink
  }
  const opened = async (...args: Parameters<typeof make>): Promise<Sink> => {
    const sink = make(...args)
    await sink.open!(columnsFor())
    return sink
  }
  const count = async (table: string): Promise<number> => {
    const [rows] = await client.query<RowDataPacket[]>('select count(*) as n from ??', [table])
    return rows[0]!['n'] as number
  }
  const errorOf = (promise: Promise<unknown> | void) =>
    promise!.then(
      () => undefined,
      (error: unknown) => error as { code: string; message: string },
    )

  it('takes a row by LOAD DATA that is larger than a packet of the server', async () => {
    await client.query('set global local_infile = 1')
    try {
      const sink = await opened('larger')
      const records = ['a', 'b'.repeat(1_500_000), 'c'].map((text) => record({ features: { text } }))
      expect(await sink.write(records, patient)).toEqual([])
      expect(await count('larger')).toBe(3)
    } finally {
      await client.query('set global local_infile = 0')
    }
  })

  it.each([
    ['without TLS', () => ''],
    ['over TLS', () => '?ssl-mode=required'],
    ['through a socket', () => `?socketPath=${server.socket}`],
    ["over TLS, with the server's authority", () => `?ssl-mode=verify_ca&ssl-ca=${server.data}/ca.pem`],
  ])('takes a user with a password, %s', async (how, parameters) => {
    const table = `login_${how.length}`
    const sink = await opened(table, { url: urlFor('app', 'a pass@word', parameters()) })
    const batch = [record(), record()]
    await sink.write(batch, patient)
    await sink.write(batch, patient)
    expect(await count(table)).toBe(2)
  })

  it('names what a login over TLS lacks', async () => {
    await client.query('set global require_secure_transport = on')
    const error = await errorOf(make('tls').open!(columnsFor()))
    await client.query('set global require_secure_transport = off')
    expect(error).toMatchObject({
      code: 'PREDICTIONS_SINK_UNAVAILABLE',
      message: expect.stringMatching(/insecure transport.*ssl-mode=required/) as string,
    })
    const other = await errorOf(
      make('tls', { url: urlFor('app', 'a pass@word', `?ssl-mode=verify_identity&ssl-ca=${server.data}/ca.pem`) })
        .open!(columnsFor()),
    )
    expect(other!.message).toMatch(/altnames|does not match/)
  })

  it('stores any text, though the server gives connections another character set', async () => {
    await client.query("set global init_connect = 'set names latin1'")
    const sink = await opened('names')
    const text = '東京 😀 é'
    await sink.write([record({ features: { text } })], patient)
    await client.query("set global init_connect = ''")
    const [rows] = await client.query<RowDataPacket[]>('select text from names')
    expect(rows).toEqual([{ text }])
  })

  it.each(['REPEATABLE-READ', 'READ-COMMITTED'])(
    'stores each row once where the binary log has statements, at %s',
    async (isolation) => {
      await client.query(
        `set global binlog_format = 'STATEMENT', global local_infile = on, global transaction_isolation = '${isolation}'`,
      )
      try {
        const table = `statements_${isolation.length}`
        const sink = await opened(table)
        const [format] = await client.query<RowDataPacket[]>(
          'select @@global.binlog_format as format, @@log_bin as logs',
        )
        expect(format).toEqual([{ format: 'STATEMENT', logs: 1 }])
        const first = [record({ features: { double: 1.5 } }), record()]
        expect(await sink.write(first, patient)).toEqual([])
        expect(await sink.write([...first, record()], patient)).toEqual([])
        await client.query('alter table ?? add unique (text(9))', [table])
        await sink.open!(columnsFor())
        expect(await sink.write([...first, record({ features: { text: 'a' } })], patient)).toEqual([])
        expect(await count(table)).toBe(4)
      } finally {
        await client.query(
          "set global binlog_format = 'ROW', global local_infile = off, global transaction_isolation = 'REPEATABLE-READ'",
        )
      }
    },
  )

  it('asks for a database where the URL names none', async () => {
    const error = await errorOf(
      make('none', { url: urlFor('app', 'a pass@word').replace('/test', '/') }).open!(columnsFor()),
    )
    expect(error!.message).toMatch(/No database selected.*mysql:\/\/user@host\/database/)
  })

  it('takes batches larger than a packet, and refuses only the row that is', async () => {
    const sink = await opened('packets')
    const sizes = [300_000, 600_000, 1_200_000, 900_000, 5]
    const batch = sizes.map((size) => record({ features: { text: 'x'.repeat(size) } }))
    expect(await sink.write(batch, patient)).toMatchObject([
      { index: 2, reason: expect.stringMatching(/1200\d\d\d bytes, and the server's max_allowed_packet is 1048576/) },
    ])
    expect(await count('packets')).toBe(4)
  })

  it('cuts nothing, though the server is not strict', async () => {
    await client.query(`create table loose (id char(36) primary key, \`timestamp\` datetime(6), text varchar(3))`)
    const sink = await opened('loose')
    await client.query('alter table loose modify text varchar(2)')
    const batch = [record({ features: { text: 'abc' } })]
    expect(await errorOf(sink.write(batch, patient) as Promise<unknown>)).toBeDefined()
    await sink.open!(columnsFor())
    await sink.write(batch, patient)
    const [rows] = await client.query<RowDataPacket[]>('select text, extra from loose')
    expect(rows).toMatchObject([{ text: null, extra: { 'features.text': { value: 'abc' } } }])
  })

  it('writes for a user without CREATE, ALTER and LOCK TABLES, and says what to run where they are needed', async () => {
    const url = urlFor('reader', 'secret')
    const missing = await errorOf(make('made_by_hand', { url }).open!(columnsFor()))
    expect(missing).toMatchObject({
      code: 'PREDICTIONS_SINK_UNAVAILABLE',
      message: expect.stringMatching(/CREATE command denied .*run the statement as somebody who may/) as string,
    })
    for (const statement of (await make('made_by_hand', { url }).plan!(columnsFor())).statements)
      await client.query(statement)
    const sink = await opened('made_by_hand', { url })
    const batch = [record()]
    await sink.write(batch, patient)
    await sink.write(batch, patient)
    expect(await count('made_by_hand')).toBe(1)
    await client.query('alter table made_by_hand drop column text')
    const lacking = await errorOf(make('made_by_hand', { url }).open!(columnsFor()))
    expect(lacking!.message).toMatch(/ALTER command denied .*run the statement as somebody who may/)
  })

  it('waits while the server is a replica that takes no writes, and says so', async () => {
    const sink = await opened('replica')
    await client.query('set global super_read_only = on')
    const error = await errorOf(sink.write([record()], patient) as Promise<unknown>)
    const other = await errorOf(make('replica_new').open!(columnsFor()))
    await client.query('set global super_read_only = off; set global read_only = off')
    for (const { code, message } of [error!, other!]) {
      expect(code).toBe('PREDICTIONS_SINK_UNAVAILABLE')
      expect(message).toMatch(/read-only.*name the primary in the URL/)
    }
    await sink.open!(columnsFor())
    await sink.write([record()], patient)
    expect(await count('replica')).toBe(1)
  })

  it('loses and doubles nothing when the server is killed in a write', async () => {
    const sink = await opened('killed')
    const first = [record(), record()]
    await sink.write(first, patient)
    const batch = Array.from({ length: 3000 }, () => record({ features: { text: 'k'.repeat(1000) } }))
    // Another session holds the last row: the others are in the write's transaction when the server dies.
    await client.query('begin; insert into killed (id, `timestamp`) values (?, now())', [batch.at(-1)!.id])
    const [error] = await Promise.all([errorOf(sink.write(batch, patient) as Promise<unknown>), server.kill()])
    expect(error).toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
    expect(await errorOf(sink.open!(columnsFor()))).toMatchObject({ code: 'PREDICTIONS_SINK_UNAVAILABLE' })
    await server.restart()
    client = await connect()
    await sink.open!(columnsFor())
    await sink.write(batch, patient)
    await sink.write(first, patient)
    expect(await count('killed')).toBe(3002)
  })

  it('says that transactions only read', async () => {
    await client.query('set global transaction_read_only = on')
    const error = await errorOf(make('only_reads').open!(columnsFor()))
    await client.query('set global transaction_read_only = off')
    expect(error!.message).toMatch(/READ ONLY transaction.*name the primary in the URL/)
  })
})
