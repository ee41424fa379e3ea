import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqlite } from 'capture-predictions/sinks/sqlite'
import { afterAll } from 'vitest'
import { testStore } from './contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'report-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = join(folder, 'predictions.db')
const url = `sqlite:${file}`

const run = async (sql: string) => {
  const database = new DatabaseSync(file)
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

testStore('SQLite', () => ({
  url,
  table: 'predictions',
  createSink: (table) => sqlite({ url, table }),
  copy: (table, to) => [`create table ${to} as select * from ${table}`],
  quote: (name) => `"${name}"`,
  run,
}))
