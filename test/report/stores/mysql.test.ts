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
    run,
  }))
})
