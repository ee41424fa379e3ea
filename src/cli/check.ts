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
  type ArgumentValues,
} from './command.ts'

/** `isUnknown`: the problem is that it can't be told. */
type KnownPlan = Plan & { readonly isUnknown?: true }

/** What a sink would change, or why it can't be told. */
const planOf = async ({ sink, columns }: SinkWithColumns): Promise<KnownPlan> => {
  try {
    return (await sink.plan?.(columns)) ?? { statements: [], problems: [] }
  } catch (error) {
    return { statements: [], problems: [messageOf(error).replace(`${sink.name}: `, '')], isUnknown: true }
  } finally {
    await sink.close?.()
  }
}

const upcoming = (statements: number): string =>
  statements === 1
    ? '1 statement at the next start (capture-predictions ddl prints it)'
    : `${statements} statements at the next start (capture-predictions ddl prints them)`

/** Whether actuals are asked for, by the configuration or by the flag. */
const wantsActuals = ({ schema, actualsTable }: Settings, values: ArgumentValues): boolean =>
  values['actuals'] === true || schema?.actuals !== undefined || actualsTable !== undefined

/** Nobody has to report actuals: as long as there are none, nothing is said of what they go to. */
const isOfInterest = ({ kind }: SinkWithColumns, { isNew, isUnknown }: KnownPlan, wanted: boolean): boolean =>
  kind === 'prediction' || wanted || (isNew !== true && isUnknown !== true)

const checkSink = async (
  to: SinkWithColumns,
  settings: Settings,
  terminal: Terminal,
  wantsActuals: boolean,
): Promise<boolean> => {
  const plan = await planOf(to)
  if (!isOfInterest(to, plan, wantsActuals)) return true
  const { statements, problems, notes = [] } = plan
  const name = printable(to.sink.name)
  for (const note of notes) terminal.out(`note   ${name}: ${printableLines(note)}`)
  const missing = settings.migrate === 'off' ? statements : []
  for (const problem of problems) terminal.out(`FOUND  ${name}: ${printableLines(problem)}`)
  if (missing.length > 0)
    terminal.out(`FOUND  ${name} is not as expected, and PREDICTIONS_MIGRATE is off; run:\n${missing.join('\n')}`)
  if (problems.length > 0 || missing.length > 0) return false
  terminal.out(`ok     ${name}${statements.length === 0 ? ' is as expected' : `: ${upcoming(statements.length)}`}`)
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
  summary: 'checks configuration, outbox and sinks; names the fix for each fault',
  usage: 'check [--actuals]',
  help: `
Reads the configuration as the service would, connects to each sink, and compares its table with what is expected. Changes nothing.
Exits with 1 if it found a fault.

  --actuals         also the table of actuals and the view of predictions with actuals, even if they do not exist yet
${settingsHelp.slice(1)}`,
  options: { ...settingOptions, actuals: { type: 'boolean' } },
  async run({ values, terminal }) {
    const settings = resolveSettings(captureOptions(values))
    // A mistake in a URL shows only when its sink is made.
    const sinks = openAllSinks(settings)
    terminal.out(`ok     configuration: ${settings.routes.join(', ')}`)
    if (!settings.enabled) terminal.out('ok     capture is off: PREDICTIONS_ENABLED is false')
    let well = await checkOutbox(settings, terminal)
    for (const sink of sinks) well = (await checkSink(sink, settings, terminal, wantsActuals(settings, values))) && well
    return well ? 0 : 1
  },
}

export const ddl: Command = {
  summary: 'prints the SQL that PREDICTIONS_MIGRATE=auto would run',
  usage: 'ddl [--actuals]',
  help: `
Connects to each sink and prints what it would run to create or extend its table (for Elasticsearch: the requests). Changes nothing.

  --actuals         also the table of actuals and the view of predictions with actuals, even if they do not exist yet
${settingsHelp.slice(1)}`,
  options: { ...settingOptions, actuals: { type: 'boolean' } },
  async run({ values, terminal }) {
    const settings = resolveSettings(captureOptions(values))
    let well = true
    for (const to of openAllSinks(settings)) {
      const plan = await planOf(to)
      if (!isOfInterest(to, plan, wantsActuals(settings, values))) continue
      const { statements, problems } = plan
      for (const statement of statements) terminal.out(statement)
      for (const problem of problems) terminal.err(`${printable(to.sink.name)}: ${printableLines(problem)}`)
      well &&= problems.length === 0
    }
    return well ? 0 : 1
  },
}
