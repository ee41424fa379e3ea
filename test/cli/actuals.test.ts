import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../setup/captures.ts'
import { onSqlite, runHere, schema, workplace } from './support.ts'

const idOf = (k: number): string => `0199b1f2-6a3c-7a41-9d2e-${k.toString(16).padStart(8, '0')}0000`

const place = (declared: object = schema) => {
  const folder = temporaryFolder()
  const at = (name: string): string => join(folder, name)
  writeFileSync(at('schema.json'), JSON.stringify(declared))
  const variables = {
    PREDICTIONS_SINK: `sqlite:${at('p.db')}`,
    PREDICTIONS_OUTBOX_DIR: at('outbox'),
    PREDICTIONS_SCHEMA: at('schema.json'),
    PREDICTIONS_FLUSH_INTERVAL_MS: '10',
  }
  return {
    at,
    write: (name: string, content: string | Buffer) => writeFileSync(at(name), content),
    run: (name: string, ...args: string[]) => runHere(['actuals', 'import', name === '-' ? name : at(name), ...args], variables),
    rows(columns = 'prediction_id, actual, timestamp') {
      const database = new DatabaseSync(at('p.db'), { readOnly: true })
      const rows = database.prepare(`select ${columns} from predictions_actuals order by prediction_id, request_id`).all()
      database.close()
      return rows.map((row) => Object.values(row))
    },
  }
} // prettier-ignore

describe('actuals import', () => {
  it('stores a file once, however often it is run, and tells the refused lines', async () => {
    const { at, rows, run, write } = place()
    const lines = Array.from({ length: 3000 }, (_, k) => `${idOf(k)},${k % 3},2026-11-23T12:00:00Z`)
    lines.splice(10, 0, 'x,1,', `${idOf(1)},1`, `${idOf(1)},1,soon`)
    write('labels.csv', ['id,actual,timestamp', ...lines].join('\r\n'))
    const first = await run('labels.csv')
    expect(first).toEqual({
      code: 1,
      stdout: `3,000 reports accepted, 3 refused (${at('labels.csv')}.rejected); 3,000 records written or there already, 0 dead letters, 0 left\n`,
      stderr: '',
    })
    expect(readFileSync(at('labels.csv.rejected'), 'utf8').trim().split('\n').sort()).toEqual([
      expect.stringMatching(/^line 12: id "x" is no prediction's id/),
      expect.stringMatching(/^line 13: has 2 cells, and the header has 3$/),
      expect.stringMatching(/^line 14: timestamp "soon" must be ISO 8601/),
    ])
    const stored = rows('*')
    expect(stored).toHaveLength(3000)
    expect((await run('labels.csv')).code).toBe(1)
    expect(rows('*')).toEqual(stored)
  })

  it('reads columns of any name, UTF-16, quoted line breaks, and more labels than one', async () => {
    const { rows, run, write } = place({ actuals: { properties: { Species: { type: 'string' }, yield: { type: 'number' } } } })
    const text = `\uFEFFPrediction Id\tTrue species\tkg\tKnown at\tnote\n${idOf(1)}\t"iris\nsetosa"\t2.5\t2026-11-23 12:00\tx\n`
    write('labels.tsv', Buffer.from(text, 'utf16le'))
    const options = ['--id', 'Prediction Id', '--actual', 'True species=Species', '--actual', 'kg=yield', '--timestamp', 'Known at']
    expect(await run('labels.tsv', ...options)).toMatchObject({ code: 0, stderr: '' })
    expect(rows('prediction_id, Species, yield, timestamp')).toEqual([[idOf(1), 'iris\nsetosa', 2.5, '2026-11-23T12:00:00.000Z']])
  }) // prettier-ignore

  it('reads NDJSON, by request_id too, and leaves no file where nothing was refused', async () => {
    const { at, rows, run, write } = place()
    write('labels.ndjson', `{"rid":"r-1","truth":2}\n\n{"rid":"r-2","truth":null}\n`)
    const { code, stdout } = await run('labels.ndjson', '--request-id', 'rid', '--actual', 'truth')
    expect({ code, stdout }).toMatchObject({ code: 1, stdout: expect.stringMatching(/^1 reports accepted, 1 refused/) as string }) // prettier-ignore
    expect(rows('request_id, actual')).toEqual([['r-1', 2]])
    write('labels.ndjson', `{"id":"${idOf(1)}","actual":1}\n`)
    expect((await run('labels.ndjson')).code).toBe(0)
    expect(existsSync(at('labels.ndjson.rejected'))).toBe(false)
  })

  it.each([
    ['truth,id\n1,2', /column "truth" is none of a report's: id, request_id, .*actual/],
    ['identifier,actual\n1,2', /there is no column "id" nor "request_id".*; the header has identifier, actual/],
    ['', /is empty/],
    ['[{"id":1}]', /is a list in JSON: give a report a line/],
    [Buffer.from('id,actual\n\xe9,1', 'latin1'), /is not UTF-8/],
  ])('says why nothing can be read of %j', async (content, reason) => {
    const { run, write } = place()
    write('labels', content)
    const { code, stderr } = await run('labels')
    expect(code).toBe(1)
    expect(stderr).toMatch(reason)
  })

  it.each([
    [['actuals'], /say actuals import FILE/],
    [['actuals', 'import'], /name one file/],
    [['actuals', 'import', '/nowhere.csv'], /can't be read/],
    [['actuals', 'import', 'x', '--format', 'xls'], /--format is csv or ndjson|can't be read/],
    [['actuals', 'import', '-', '--id', 'a', '--request-id', 'b'], /not both/],
  ])('is called wrongly by %j', async (args, reason) => {
    const { code, stderr } = await runHere(args)
    expect(code).toBe(2)
    expect(stderr).toMatch(reason)
  })

  it.each(['a file', 'standard input'])('that Ctrl-C stops leaves whole rows of %s alone, and the next run stores the rest', async (from) => {
    const { folder, spawnCli, cli } = workplace('sqlite:p.db', { PREDICTIONS_OUTBOX_DIR: 'outbox' })
    const all = <Row>(sql: string): Row[] => onSqlite(join(folder, 'p.db'), (database) => database.prepare(sql).all() as Row[])
    const stored = () => all<{ n: number }>('select count(*) as n from predictions_actuals')[0]!.n
    const rows = () => all<{ line: string }>("select prediction_id || ',' || actual || ',' || timestamp as line from predictions_actuals order by prediction_id").map(({ line }) => line)
    const count = 100_000
    const expected = Array.from({ length: count }, (_, k) => `${idOf(k)},${k % 1000},2026-11-23T12:00:00.000Z`)
    const text = ['id,actual,timestamp', ...expected].join('\n')
    writeFileSync(join(folder, 'labels.csv'), text)
    const { child, outcome } = spawnCli(['actuals', 'import', from === 'a file' ? 'labels.csv' : '-'])
    // What it has not read when it is stopped breaks the pipe.
    child.stdin?.on('error', (error) => expect(error).toMatchObject({ code: 'EPIPE' }))
    // It waits for more when it is stopped, within a line.
    if (from !== 'a file') child.stdin!.write(text.slice(0, text.length / 20))
    await vi.waitFor(() => expect(stored()).toBeGreaterThan(100), { timeout: 30_000, interval: 5 })
    child.kill('SIGINT')
    const { code, stdout, stderr } = await outcome
    expect(code).toBe(1)
    expect(stderr).toMatch(/^stopped: what was accepted is stored or in the outbox/m)
    const found = rows()
    expect(found.length).toBeLessThan(count)
    expect(found.join('\n')).toBe(expected.slice(0, found.length).join('\n'))
    expect(stdout).toBe(`${found.length.toLocaleString('en')} reports accepted, 0 refused; ${found.length.toLocaleString('en')} records written or there already, 0 dead letters, 0 left\n`)
    expect(await cli(['actuals', 'import', 'labels.csv'])).toEqual({
      code: 0,
      stdout: '100,000 reports accepted, 0 refused; 100,000 records written or there already, 0 dead letters, 0 left\n',
      stderr: '',
    })
    expect(rows().join('\n')).toBe(expected.join('\n'))
  }) // prettier-ignore
})
