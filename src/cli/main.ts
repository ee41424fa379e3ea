#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { hasCode, messageOf } from '../errors.ts'
import { check, ddl } from './check.ts'
import { type Command, type Terminal, UsageError } from './command.ts'
import { consume } from './consume.ts'
import { deadLetters } from './dead-letters.ts'
import { drain } from './drain.ts'
import { status } from './status.ts'

/** `capture-predictions COMMAND`: each reads the same `PREDICTIONS_*` variables as the service. */
const commands: Readonly<Record<string, Command>> = { status, 'dead-letters': deadLetters, drain, check, ddl, consume }

const overview = (): string => {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`)
  return `Usage: capture-predictions COMMAND [--help]\n\n${lines.join('\n')}\n\nThe configuration is the service's: PREDICTIONS_* variables, or the options that --help names.`
}

const terminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  progress: (line) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`)
  },
  isTerminal: process.stderr.isTTY === true,
  onStop(stop) {
    process.once('SIGTERM', stop).once('SIGINT', stop)
  },
}

const run = async (argv: readonly string[]): Promise<number> => {
  const [name = '--help', ...rest] = argv
  if (name === '--help' || name === '-h' || name === 'help') {
    terminal.out(overview())
    return 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) throw new UsageError(`there is no command ${JSON.stringify(name)}\n\n${overview()}`)
  const { values, positionals } = parse(command, rest)
  if (values['help']) {
    terminal.out(`Usage: capture-predictions ${command.usage}\n${command.help}`)
    return 0
  }
  return command.run({ values, positionals, terminal })
}

const parse = (command: Command, args: string[]) => {
  try {
    const options = { ...command.options, help: { type: 'boolean', short: 'h' } } as const
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    return { values: values as Record<string, string | boolean | undefined>, positionals }
  } catch (error) {
    throw new UsageError(`${messageOf(error)}\nUsage: capture-predictions ${command.usage}`)
  }
}

/** What is wrong is said without a stack: it is the caller's to mend, not this program's. */
const explain = (error: unknown): number => {
  terminal.err(`capture-predictions: ${messageOf(error)}`)
  return error instanceof UsageError || hasCode(error, 'PREDICTIONS_BAD_CONFIGURATION') ? 2 : 1
}

process.exitCode = await run(process.argv.slice(2)).catch(explain)
