import { writeFileSync } from 'node:fs'
import { didYouMean } from '../config/nearest.ts'
import { messageOf } from '../errors/errors.ts'
import type { BucketSize, Progress } from '../report/answers.ts'
import type { Report } from '../report/result.ts'
import { UsageError, type Command, type Terminal, type ArgumentValues } from './command.ts'

/** What both commands read rows by. */
const readOptions = {
  sink: { type: 'string' },
  table: { type: 'string' },
  schema: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  model: { type: 'string' },
  where: { type: 'string', multiple: true },
  'time-zone': { type: 'string' },
} as const

const readHelp = `
  --since TIME      start of the window: 7d (m, h, d, w before its end), 2026-11-01, 2026-11-01T12:00:00Z. Default: 7d
  --until TIME      end of the window. Default: now
  --model NAME      only this model's rows, if the table has several models
  --where NAME=VALUE  only rows with this value in a column or a tag; may be given again
  --time-zone ZONE  the zone of days, and of times without an offset: Europe/Berlin. Default: UTC
  --sink URL        instead of PREDICTIONS_SINK: postgres://…, mysql://…, sqlite:FILE
  --table NAME      instead of PREDICTIONS_TABLE
  --schema FILE     instead of PREDICTIONS_SCHEMA`

const text = (values: ArgumentValues, name: string): string | undefined => values[name] as string | undefined
const list = (values: ArgumentValues, name: string): readonly string[] =>
  (values[name] ?? []) as unknown as readonly string[]

const whereOf = (values: ArgumentValues): Record<string, string> =>
  Object.fromEntries(
    list(values, 'where').map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new UsageError(`--where is ${JSON.stringify(pair)}: write NAME=VALUE, as in --where country=DE`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )

const BAR = 30

/** A bar on a terminal, and nothing elsewhere. */
const progressOn =
  (terminal: Terminal): Progress =>
  (share, step) => {
    const done = Math.round(Math.min(1, share) * BAR)
    terminal.progress(
      `[${'#'.repeat(done)}${' '.repeat(BAR - done)}] ${Math.floor(Math.min(1, share) * 100)} %  ${step}`,
    )
  }

const readOf = (values: ArgumentValues, terminal: Terminal) => ({
  sink: text(values, 'sink'),
  table: text(values, 'table'),
  schema: text(values, 'schema'),
  since: text(values, 'since'),
  until: text(values, 'until'),
  model: text(values, 'model'),
  where: whereOf(values),
  timeZone: text(values, 'time-zone'),
  onProgress: progressOn(terminal),
})

const writeTo = (path: string, option: string, content: string): void => {
  try {
    writeFileSync(path, content)
  } catch (error) {
    throw new UsageError(`${option} ${path} can't be written: ${messageOf(error)}`)
  }
}

const FAIL_ON = ['warn', 'alert']

const failOnOf = (values: ArgumentValues): string | undefined => {
  const given = text(values, 'fail-on')
  if (given !== undefined && !FAIL_ON.includes(given))
    throw new UsageError(
      `--fail-on is ${JSON.stringify(given)}: it must be ${FAIL_ON.join(' or ')}${didYouMean(given, FAIL_ON)}`,
    )
  return given
}

const exitCode = ({ verdict }: Report, failOn: string | undefined): number => {
  if (verdict === 'unknown') return 3
  return failOn !== undefined && (verdict === 'alert' || verdict === failOn) ? 1 : 0
}

/** Whatever stands in a report's way is no finding: exit code 2, which no verdict has. */
const orCalledWrongly = async (terminal: Terminal, work: () => Promise<number>): Promise<number> => {
  try {
    return await work()
  } catch (error) {
    terminal.err(`capture-predictions: ${messageOf(error)}`)
    return 2
  }
}

export const report: Command = {
  summary: 'says what has changed and how right the model is, from the stored rows',
  usage: 'report [--since TIME] [--reference WHAT] [--html [FILE]] [--json [FILE|-]] [--fail-on warn|alert] …',
  help: `
Compares the rows of a window of time with a reference, and prints a verdict, then what is wrong, worst first. Without options: the last
7 days against the 7 before. Nothing is written to the store; a read-only user or a replica is enough.

  --reference WHAT  previous (as long, just before; the default), SINCE..UNTIL, version:V, or a file that the command reference made
  --by NAME         also reports on slices: one for each value of this column or tag; may be given again
  --bucket SIZE     the steps of charts over time: hour, day or week. Default: what fits the window
  --html [FILE]     writes the report as a page: one file, nothing else needed. Without FILE: report.html
  --json [FILE|-]   writes the report as JSON; - prints it in place of the text, as without FILE
  --fail-on LEVEL   warn: exit with 1 if the verdict is warn or alert; alert: only if it is alert. Default: never 1
  --config FILE     thresholds as JSON, instead of PREDICTIONS_REPORT_CONFIG
${readHelp.slice(1)}

Exits with 0: nothing at or above --fail-on, 1: a verdict at or above it, 2: called wrongly, or the store can't be read, 3: not enough
data to judge.`,
  options: {
    ...readOptions,
    reference: { type: 'string' },
    by: { type: 'string', multiple: true },
    bucket: { type: 'string' },
    html: { type: 'string' },
    json: { type: 'string' },
    'fail-on': { type: 'string' },
    config: { type: 'string' },
  },
  bare: { html: 'report.html', json: '-' },
  run: ({ values, terminal }) =>
    orCalledWrongly(terminal, async () => {
      const failOn = failOnOf(values)
      const { report: make, htmlView, jsonView, terminalView } = await import('../report/index.ts')
      const made = await make({
        ...readOf(values, terminal),
        reference: text(values, 'reference'),
        by: list(values, 'by'),
        bucket: text(values, 'bucket') as BucketSize | undefined,
        config: text(values, 'config'),
      })
      const [html, json] = [text(values, 'html'), text(values, 'json')]
      if (html !== undefined) writeTo(html, '--html', htmlView(made))
      if (json !== undefined && json !== '-') writeTo(json, '--json', jsonView(made))
      const colours = process.stdout.isTTY === true && !process.env['NO_COLOR']
      terminal.out((json === '-' ? jsonView(made) : terminalView(made, { colours })).trimEnd())
      if (html !== undefined) terminal.err(`The page is in ${html}`)
      return exitCode(made, failOn)
    }),
}

export const reference: Command = {
  summary: 'makes a reference for reports, from the rows of a good week or from a training set',
  usage: 'reference [--since TIME --until TIME | --csv FILE] > reference.json',
  help: `
Prints how the values of a window of stored rows are distributed, as at most 100 bins per column: "report --reference reference.json"
compares with it. It holds counts, and of the values only the names of categories.

  --csv FILE        takes the rows of a CSV file with a header instead, of a training set for instance; needs no store
${readHelp.slice(1)}`,
  options: { ...readOptions, csv: { type: 'string' } },
  run: ({ values, terminal }) =>
    orCalledWrongly(terminal, async () => {
      const csv = text(values, 'csv')
      const { reference: make, referenceOfCsv, referenceText } = await import('../report/index.ts')
      const made =
        csv === undefined
          ? await make(readOf(values, terminal))
          : await referenceOfCsv(csv, { model: text(values, 'model') })
      terminal.out(referenceText(made).trimEnd())
      return 0
    }),
}
