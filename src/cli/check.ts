import { resolve } from 'node:path'
import type { Settings } from '../config/options.ts'
import { resolveSettings } from '../config/settings.ts'
import { messageOf } from '../errors/errors.ts'
import { inspectOutbox } from '../outbox/inspect.ts'
import type { Plan } from '../sink.ts'
import { openAllSinks, type SinkWithColumns } from '../sinks.ts'
import { whyUnwritable } from '../errors/why-unwritable.ts'
import {
  captureOptions,
  count,
  printable,
  printableLines,
  settingOptions,
  settingsHelp,
  type Command,
  type Terminal,
} from './command.ts'

/** What a sink would change, or why it can't be told. */
const planOf = async ({ sink, columns }: SinkWithColumns): Promise<Plan> => {
  try {
    return (await sink.plan?.(columns)) ?? { statements: [], problems: [] }
  } catch (error) {
    return { statements: [], problems: [messageOf(error).replace(`${sink.name}: `, '')] }
  } finally {
    await sink.close?.()
  }
}

const upcoming = (statements: number, when: string): string =>
  statements === 1
    ? `1 statement at ${when} (capture-predictions ddl prints it)`
    : `${statements} statements at ${when} (capture-predictions ddl prints them)`

/** Nobody has to report actuals: what they go to may be missing as long as there are none. */
const isUnused = ({ kind }: SinkWithColumns, { isNew }: Plan): boolean => kind === 'actual' && isNew === true

const checkSink = async (to: SinkWithColumns, settings: Settings, terminal: Terminal): Promise<boolean> => {
  const plan = await planOf(to)
  const { statements, problems, notes = [] } = plan
  const name = printable(to.sink.name)
  if (isUnused(to, plan)) {
    const how =
      problems.length > 0 ? printableLines(problems.join('; ')) : upcoming(statements.length, 'the first of them')
    terminal.out(
      `ok     ${name}: no actuals yet; ${settings.migrate === 'off' ? `before the first of them run:\n${statements.join('\n')}` : how}`,
    )
    return true
  }
  for (const note of notes) terminal.out(`note   ${name}: ${printableLines(note)}`)
  const missing = settings.migrate === 'off' ? statements : []
  for (const problem of problems) terminal.out(`FOUND  ${name}: ${printableLines(problem)}`)
  if (missing.length > 0)
    terminal.out(`FOUND  ${name} is not as expected, and PREDICTIONS_MIGRATE is off; run:\n${missing.join('\n')}`)
  if (problems.length > 0 || missing.length > 0) return false
  terminal.out(
    `ok     ${name}${statements.length === 0 ? ' is as expected' : `: ${upcoming(statements.length, 'the next start')}`}`,
  )
  return true
}

const checkOutbox = async ({ outboxDir, durability }: Settings, terminal: Terminal): Promise<boolean> => {
  if (durability === 'memory') {
    terminal.out('ok     no outbox: a crash loses what is queued (PREDICTIONS_DURABILITY is memory)')
    return true
  }
  const unwritable = await whyUnwritable(resolve(outboxDir))
  if (unwritable !== undefined) {
    terminal.out(`FOUND  outbox ${outboxDir}: ${unwritable.message}; give a writable folder by PREDICTIONS_OUTBOX_DIR`)
    return false
  }
  const { sinks, damaged } = await inspectOutbox(outboxDir)
  const letters = sinks.reduce((sum, { deadLetters }) => sum + deadLetters, 0)
  const queued = sinks.reduce((sum, { records }) => sum + records, 0)
  if (letters > 0) terminal.out(`FOUND  ${count(letters)} dead letters: see capture-predictions dead-letters list`)
  for (const path of damaged) terminal.out(`FOUND  damaged and set aside: ${path}; look at it, then remove it`)
  if (letters > 0 || damaged.length > 0) return false
  terminal.out(`ok     outbox ${outboxDir}: ${count(queued)} queued`)
  return true
}

export const check: Command = {
  summary: 'looks at configuration, outbox and sinks; says the fix for each finding',
  usage: 'check',
  help: `
Reads the configuration as the service would, connects to each sink, and compares its table with what is expected. Changes nothing.
Exits with 1 when anything was found.
${settingsHelp.slice(1)}`,
  options: settingOptions,
  async run({ values, terminal }) {
    const settings = resolveSettings(captureOptions(values))
    // Its own mistakes a URL tells only when the sink is made.
    const sinks = openAllSinks(settings)
    terminal.out(`ok     configuration: ${settings.routes.join(', ')}`)
    if (!settings.enabled) terminal.out('ok     capture is off: PREDICTIONS_ENABLED is false')
    let well = await checkOutbox(settings, terminal)
    for (const sink of sinks) well = (await checkSink(sink, settings, terminal)) && well
    return well ? 0 : 1
  },
}

export const ddl: Command = {
  summary: 'prints the SQL that PREDICTIONS_MIGRATE=auto would run',
  usage: 'ddl',
  help: `
Connects to each sink and prints what it would run to create or extend its table (for Elasticsearch: the requests). Changes nothing.
${settingsHelp.slice(1)}`,
  options: settingOptions,
  async run({ values, terminal }) {
    const settings = resolveSettings(captureOptions(values))
    let well = true
    for (const to of openAllSinks(settings)) {
      const plan = await planOf(to)
      const { statements } = plan
      const problems = isUnused(to, plan) ? [] : plan.problems
      for (const statement of statements) terminal.out(statement)
      for (const problem of problems) terminal.err(`${printable(to.sink.name)}: ${printableLines(problem)}`)
      well &&= problems.length === 0
    }
    return well ? 0 : 1
  },
}
