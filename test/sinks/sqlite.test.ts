import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqlite } from 'capture-predictions/sinks/sqlite'
import { afterAll, describe } from 'vitest'
import { decode } from '../../src/json.ts'
import { testSink, type Row } from './contract.ts'

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
})
