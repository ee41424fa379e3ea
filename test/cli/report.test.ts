import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqlite } from 'capture-predictions/sinks/sqlite'
import { report } from 'capture-predictions/report'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Report } from '../../src/report/result.ts'
import { actualColumnsOf, columnsOf } from '../../src/schema/columns.ts'
import type { Sink } from '../../src/sink.ts'
import { makeRows, schema } from '../report/stores/rows.ts'
import { patient } from '../sinks/records.ts'
import { onSqlite, runHere } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'report-cli-'))
const file = join(folder, 'predictions.db')
const inFolder = (name: string) => join(folder, name)
const variables = {
  PREDICTIONS_SINK: `sqlite:${file}`,
  PREDICTIONS_SCHEMA: inFolder('schema.json'),
  PREDICTIONS_MODEL: 'loans',
}
const window = ['--since', '2026-11-03', '--until', '2026-11-05']

const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  runHere(args, { ...variables, ...more })

beforeAll(async () => {
  writeFileSync(variables.PREDICTIONS_SCHEMA, JSON.stringify(schema))
  const { predictions, actuals } = makeRows()
  const sink = sqlite({ url: variables.PREDICTIONS_SINK })
  await sink.open!(columnsOf(schema))
  await sink.write(predictions, patient)
  const labels = (sink.actuals as (options: object) => Sink)({ table: undefined, predictionColumns: [] })
  await labels.open!(actualColumnsOf(schema))
  await labels.write(actuals as never, patient)
  await labels.close!()
  await sink.close!()
  onSqlite(file, (database) => database.exec('create table people (name text)'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('report', () => {
  it('prints a verdict first, and what is wrong', async () => {
    const { code, stdout, stderr } = await run(['report', ...window])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^loans, 3 Nov 2026 – 5 Nov 2026 \(UTC\), against 1 Nov 2026 – 3 Nov 2026\n\nALERT {2}/)
    expect(stdout).toMatch(/✖ alert +.*amount/)
    expect(stdout).toContain('Zürich')
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('is the same as JSON, as a page, and in code', async () => {
    const json = await run(['report', ...window, '--json', '-', '--html', inFolder('report.html'), '--by', 'country'])
    const made = JSON.parse(json.stdout) as Report
    expect(made).toMatchObject({
      version: 1,
      model: 'loans',
      verdict: 'alert',
      performance: { task: 'classification' },
    })
    expect(made.columns['amount']!.drift).toMatchObject({ drifted: true })
    expect(made.columns['notes']!.drift).toBeNull()
    expect(made.slices.map(({ name, value }) => `${name}=${value}`).toSorted()).toEqual(['country=DE', 'country=FR'])
    expect(made.quality.extra[0]).toMatchObject({ path: 'features.amount', reason: 'not a number' })
    expect(readFileSync(inFolder('report.html'), 'utf8')).toContain('<svg')
    const inCode = await report({
      sink: variables.PREDICTIONS_SINK,
      schema,
      model: 'loans',
      since: '2026-11-03',
      until: '2026-11-05',
      by: ['country'],
    })
    expect(JSON.parse(JSON.stringify({ ...inCode, findings: [] }))).toEqual({ ...made, findings: [] })
  })

  it('takes --html and --json without a file', async () => {
    const before = process.cwd()
    process.chdir(folder)
    try {
      const { stdout, stderr } = await run(['report', '--html', ...window, '--json'])
      expect(JSON.parse(stdout)).toMatchObject({ version: 1, model: 'loans' })
      expect(stderr).toBe('The page is in report.html\n')
    } finally {
      process.chdir(before)
    }
    expect(readFileSync(inFolder('report.html'), 'utf8')).toContain('<svg')
  })

  it('says by its exit code what was found', async () => {
    expect(await run(['report', ...window, '--fail-on', 'alert'])).toMatchObject({ code: 1 })
    expect(await run(['report', ...window, '--fail-on', 'warn'])).toMatchObject({ code: 1 })
    expect(await run(['report', '--since', '2020-01-01', '--until', '2020-01-02'])).toMatchObject({ code: 3 })
  })

  it('compares with a file, a version, or other times', async () => {
    const made = await run(['reference', '--since', '2026-11-01', '--until', '2026-11-03'])
    expect(made.stderr).toBe('')
    writeFileSync(inFolder('reference.json'), made.stdout)
    const files = await run(['report', ...window, '--reference', inFolder('reference.json'), '--json', '-'])
    const times = await run(['report', ...window, '--reference', '2026-11-01..2026-11-03', '--json', '-'])
    const [byFile, byTimes] = [JSON.parse(files.stdout) as Report, JSON.parse(times.stdout) as Report]
    for (const name of ['amount', 'count', 'city', 'member', 'prediction', 'confidence'])
      expect(byFile.columns[name]!.drift).toEqual(byTimes.columns[name]!.drift)
    const version = await run(['report', ...window, '--reference', 'version:1', '--json', '-'])
    const byVersion = JSON.parse(version.stdout) as Report
    expect(byVersion.reference).toMatchObject({ from: 'version 1' })
    expect(byVersion.versions.map(({ value }) => value)).toEqual(['2'])
  })

  it('compares with a training set from a CSV file', async () => {
    const rows = Array.from({ length: 500 }, (_, i) => `${i % 100},${i % 4},${['Köln', 'Paris'][i % 2]},${i % 3 === 0}`)
    writeFileSync(inFolder('training.csv'), ['amount,count,city,member', ...rows].join('\n'))
    const made = await run(['reference', '--csv', inFolder('training.csv')])
    expect(made).toMatchObject({ code: 0, stderr: '' })
    writeFileSync(inFolder('training.json'), made.stdout)
    const compared = await run(['report', ...window, '--reference', inFolder('training.json'), '--json', '-'])
    const { columns } = JSON.parse(compared.stdout) as Report
    expect(columns['amount']!.drift).toMatchObject({ drifted: true })
    expect(columns['count']!.drift).toMatchObject({ drifted: false })
  })

  it('takes thresholds from a file', async () => {
    writeFileSync(inFolder('thresholds.json'), JSON.stringify({ columns: { amount: { ignore: true } } }))
    const { stdout } = await run(['report', ...window, '--json', '-'], {
      PREDICTIONS_REPORT_CONFIG: inFolder('thresholds.json'),
    })
    const { findings } = JSON.parse(stdout) as Report
    expect(findings.filter(({ column }) => column === 'amount')).toEqual([])
    writeFileSync(inFolder('wrong.json'), JSON.stringify({ pssi: { warn: 1 } }))
    const wrong = await run(['report', ...window, '--config', inFolder('wrong.json')])
    expect(wrong).toMatchObject({ code: 2 })
    expect(wrong.stderr).toContain('pssi is unknown; did you mean "psi"?')
  })

  it.each([
    [['--since', 'yesterday'], '--since is "yesterday": write a time as 2026-11-01'],
    [['--until', '2026-02-30'], '--until is "2026-02-30"'],
    [['--time-zone', 'Berlin'], '--time-zone is "Berlin": write a name such as Europe/Berlin'],
    [['--by', 'contry'], '--by names "contry", which is neither a column nor a tag; did you mean "country"?'],
    [['--where', 'citi=Paris'], '--where names "citi", which is neither a column nor a tag; did you mean "city"?'],
    [['--where', 'city'], '--where is "city": write NAME=VALUE'],
    [['--bucket', 'month'], '--bucket is "month": it must be hour, day, week'],
    [
      ['--reference', 'nowhere.json'],
      '--reference is "nowhere.json": write previous, SINCE..UNTIL, version:V, or the path',
    ],
    [['--fail-on', 'error'], '--fail-on is "error": it must be warn or alert'],
    [['--model', 'loan'], '--model is "loan", and the windows hold none of its rows; did you mean "loans"?'],
    [['--table', 'prediction'], 'has no table "prediction"'],
    [['--table', 'people'], 'people is no table of predictions: it has no column "id"'],
    [['--table', 'predictions_actuals'], 'predictions_actuals is a table of actuals: name that of the predictions'],
    [['--sink', 'kafka://localhost:9092/t'], "A report can't be made of kafka://localhost:9092/t: name a store"],
    [['--sink', 'sqlite:./nowhere.db'], 'nowhere.db does not exist'],
    [['--html', '/nowhere/report.html'], "--html /nowhere/report.html can't be written"],
  ])('%j is refused in a sentence', async (args, sentence) => {
    const { code, stderr, stdout } = await run(['report', ...window, ...args])
    expect(stderr).toContain(sentence)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  it('names a reference that is none, of another model, or of another version of the format', async () => {
    const { stdout } = await run(['reference', '--since', '2026-11-01', '--until', '2026-11-03'])
    const made = JSON.parse(stdout) as object
    const refused = async (name: string, change: object) => {
      writeFileSync(inFolder(name), JSON.stringify({ ...made, ...change }))
      return (await run(['report', ...window, '--reference', inFolder(name)])).stderr
    }
    expect(await refused('model.json', { model: 'wine' })).toContain(
      'a reference of the model wine, and the rows are of loans',
    )
    expect(await refused('version.json', { version: 2 })).toContain('it is of version 2')
    expect(await refused('format.json', { format: 'x' })).toContain('is no reference')
  })

  it('says which model has to be meant where there are several', async () => {
    const { code, stderr } = await run(['report', ...window], { PREDICTIONS_MODEL: 'none' })
    expect(stderr).toContain('The table holds rows of 2 models, loans, other: say which by --model')
    expect(code).toBe(2)
  })

  it('writes nothing to the file', async () => {
    const state = () =>
      onSqlite(file, (database) =>
        database.prepare('select total_changes() as n, (select count(*) from predictions) as rows').get(),
      )
    const before = readFileSync(file)
    await run(['report', ...window])
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(state()).toMatchObject({ rows: 600 })
  })
})
