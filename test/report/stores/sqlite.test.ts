import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqlite } from 'capture-predictions/sinks/sqlite'
import { afterAll } from 'vitest'
import { testStore } from './contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'report-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const url = `sqlite:${join(folder, 'predictions.db')}`

testStore('SQLite', () => ({ url, table: 'predictions', createSink: (table) => sqlite({ url, table }) }))
