import { resolveSettings } from '../config/settings.ts'
import { inspectOutbox, type OutboxStatus } from '../outbox/inspect.ts'
import {
  age,
  captureOptions,
  columns,
  count,
  printable,
  settingOptions,
  settingsHelp,
  size,
  type Command,
} from './command.ts'

const ageOf = (oldest: number | undefined) => (oldest === undefined ? '' : age(Date.now() - oldest))

const statusLines = ({ directory, sinks, processes, damaged }: OutboxStatus): string[] => {
  const lines = [`outbox ${directory}`]
  if (sinks.length === 0) lines.push('nothing is queued')
  else {
    const rows = sinks.map(({ sink, records, bytes, oldest, deadLetters }) => [
      printable(sink),
      count(records),
      size(bytes),
      ageOf(oldest),
      count(deadLetters),
    ])
    lines.push('', ...columns([['sink', 'queued', 'size', 'oldest', 'dead letters'], ...rows]))
  }
  for (const { pid, alive, path } of processes)
    lines.push(`process ${pid} ${alive ? 'is running' : 'has ended, the next start takes its records over'}: ${path}`)
  for (const path of damaged) lines.push(`damaged, set aside: ${path}`)
  return lines
}

export const status: Command = {
  summary: 'what is queued, how old it is, and what was refused',
  usage: 'status [--json]',
  help: `
Reads the outbox of a running or stopped service, and changes nothing. Shows for each sink: how many records wait, their size, the age of
the oldest, and how many dead letters there are.

  --json            prints it as JSON${settingsHelp}`,
  options: { ...settingOptions, json: { type: 'boolean' } },
  async run({ values, terminal }) {
    const { outboxDir } = resolveSettings(captureOptions(values))
    const found = await inspectOutbox(outboxDir)
    for (const line of values['json'] ? [JSON.stringify(found, null, 2)] : statusLines(found)) terminal.out(line)
    return 0
  },
}
