import { randomBytes } from 'node:crypto'
import { mysql } from 'capture-predictions/sinks/mysql'
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe } from 'vitest'
import { service } from '../../setup/services.ts'
import { testStore } from './contract.ts'

const servers = [
  { server: 'MySQL', url: await service('mysql') },
  { server: 'MariaDB', url: await service('mariadb') },
]

describe.each(servers.filter(({ url }) => url))('$server', ({ server, url }) => {
  const schema = `report_test_${randomBytes(6).toString('hex')}`
  const run = async (sql: string) => {
    const connection = await createConnection(url!)
    const [rows] = await connection.query(sql)
    await connection.end()
    return rows as Readonly<Record<string, unknown>>[]
  }
  beforeAll(() => run(`create database \`${schema}\``))
  afterAll(() => run(`drop database \`${schema}\``))

  testStore(server, () => ({
    url: url!,
    table: `${schema}.predictions`,
    createSink: (table) => mysql({ url: url!, table }),
    copy: (table, to) => [
      `create table ${to} like ${table}`,
      `alter table ${to} modify id varchar(64) character set utf8mb4`,
      `insert into ${to} select * from ${table}`,
    ],
    quote: (name) => `\`${name}\``,
    timeType: 'datetime(6)',
    types: {
      date: ["'0001-01-01'", "'2026-01-01'", 'null'],
      time: ["'-10:00:01'"],
      year: ['1901', '2155'],
      'bit(8)': ["b'101'"],
      'tinyint(1)': ['0', '1'],
      blob: ["x'00ff'"],
      'varbinary(20)': ["x'ff'"],
      "enum('a','b')": ["'a'", "'b'"],
      "set('x','y')": ["''", "'x,y'"],
      'decimal(65,30)': ["'12345678901234567890123456789012345.5'", '0.1'],
      float: ['3.4e38', '1.5'],
      double: ['1e308', '-1e308', '1'],
      'bigint unsigned': ['18446744073709551615', '1'],
      longtext: ["repeat('x', 100000)", "'a'"],
      point: ["st_geomfromtext('POINT(1 2)')"],
      json: ["'[1, 2]'", "'1'", "'{}'"],
    },
    run,
  }))
})
