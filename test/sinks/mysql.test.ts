import { mysql, type MysqlOptions } from 'capture-predictions/sinks/mysql'
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise'
import { afterAll, beforeAll, describe } from 'vitest'
import { decode } from '../../src/json.ts'
import { service } from '../setup/services.ts'
import { testSink, type Row } from './contract.ts'

const url = await service('mysql')

const jsonColumns = new Set(['json', 'tags', 'extra', 'features', 'outputs'])
const read = (name: string, value: unknown): unknown => {
  if (value === null || value === undefined) return null
  if (jsonColumns.has(name)) return typeof value === 'string' ? decode(value) : value
  if (name === 'boolean') return value === 1
  if (name === 'timestamp' || name === 'moment') return `${(value as string).slice(0, 23).replace(' ', 'T')}Z`
  if (name !== 'bigint') return value
  const integer = BigInt(value as string)
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer
}

describe.skipIf(!url)('mysql', () => {
  let client: Connection
  beforeAll(async () => {
    client = await createConnection({
      uri: url!,
      timezone: 'Z',
      dateStrings: true,
      supportBigNumbers: true,
      jsonStrings: true,
      charset: 'utf8mb4',
    })
  })
  afterAll(() => client.end())

  const at = (port?: number): string => {
    const address = new URL(url!)
    if (port !== undefined) address.host = `127.0.0.1:${port}`
    return address.href
  }
  const create = (table: string, options: Partial<MysqlOptions> = {}) => mysql({ url: at(), table, ...options })
  const readAll = async (table: string): Promise<Row[]> => {
    // By aliases: mysql2 breaks on a column that is called __proto__.
    const [columns] = await client.query<RowDataPacket[]>(
      'select column_name as name from information_schema.columns where table_schema = database() and table_name = ? order by ordinal_position',
      [table],
    )
    const names = columns.map(({ name }) => name as string)
    const aliases = names.map((name, i) => `\`${name.replaceAll('`', '``')}\` as c${i}`)
    const [rows] = await client.query<RowDataPacket[]>(`select ${aliases.join()} from \`${table}\` order by id`)
    return rows.map((row) => Object.fromEntries(names.map((name, i) => [name, read(name, row[`c${i}`])])))
  }

  describe.each([
    ['by LOAD DATA', true],
    ['by INSERT', false],
  ])('%s', (how, loadData) => {
    testSink({
      name: `MySQL ${how}`,
      createSink: (table, { port, ...options } = {}) => create(table, { url: at(port), loadData, ...options }),
      readAll,
      drop: async (table) => void (await client.query('drop table if exists ??', [table])),
      port: Number(new URL(url ?? 'mysql://x').port || 3306),
      child: (table) => ({ module: 'mysql', name: 'mysql', options: { url: at(), table, loadData } }),
      supports: { migration: true, spelled: /\p{Surrogate}/gu },
    })
  })
})
