import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { didYouMean } from '../config/nearest.ts'
import { hasCode, messageOf } from '../errors/errors.ts'
import { actuals } from './actuals.ts'
import { check, ddl } from './check.ts'
import { type Command, type Terminal, UsageError, type ArgumentValues } from './command.ts'
import { consume } from './consume.ts'
import { deadLetters } from './dead-letters.ts'
import { drain } from './drain.ts'
import { reference, report } from './report.ts'
import { status } from './status.ts'
import { variables } from './variables.ts'

/** `capture-predictions COMMAND`: each reads the same `PREDICTIONS_*` variables as the service. */
const commands: Readonly<Record<string, Command>> = {
  status,
  actuals,
  'dead-letters': deadLetters,
  drain,
  check,
  ddl,
  consume,
  report,
  reference,
}

/** What `help` explains beside the commands. */
const topics: Readonly<Record<string, () => string>> = { variables }

const overview = (): string => {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`)
  return `Usage: capture-predictions COMMAND [--help] | --version

${lines.join('\n')}

Each command reads the same PREDICTIONS_* variables as the service (\`capture-predictions help variables\` lists them); options override
them (COMMAND --help). Exits with 0: well, 1: something was found or failed, 2: called or configured wrongly. report has codes of its own.`
}

const own = <Value>(object: Readonly<Record<string, Value>>, name: string): Value | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined

const commandOf = (name: string): Command => {
  const command = own(commands, name)
  if (command !== undefined) return command
  const hint = didYouMean(name, Object.keys(commands))
  throw new UsageError(`there is no command ${JSON.stringify(name)}${hint}\n\n${overview()}`)
}

const usageOf = ({ usage }: Command): string => `Usage: capture-predictions ${usage}`

const helpFor = (name: string | undefined): string => {
  if (name === undefined) return overview()
  const topic = own(topics, name)
  if (topic !== undefined) return topic()
  const command = commandOf(name)
  return `${usageOf(command)}\n${command.help}`
}

const HELP = ['help', '--help', '-h']
const VERSION = ['--version', '-v']

/** The package's, of which this file is one of the sources or of the build. */
const version = (): string => {
  const file = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url)).find(existsSync)
  return (JSON.parse(readFileSync(file!, 'utf8')) as { version: string }).version
}

const dispatch = async ([name = 'help', ...args]: readonly string[], terminal: Terminal): Promise<number> => {
  if (HELP.includes(name)) {
    terminal.out(helpFor(args[0]))
    return 0
  }
  if (VERSION.includes(name)) {
    terminal.out(version())
    return 0
  }
  const command = commandOf(name)
  const { values, positionals } = parse(command, args)
  if (values['help']) {
    terminal.out(helpFor(name))
    return 0
  }
  return command.run({ values, positionals, terminal })
}

/** Gives a value to each option that has one when it is given without. */
const withValues = (args: readonly string[], bare: Readonly<Record<string, string>>): string[] =>
  args.map((arg, i) => {
    const value = arg.startsWith('--') ? own(bare, arg.slice(2)) : undefined
    const next = args[i + 1]
    return value !== undefined && (next === undefined || /^--?[^-]/.test(next)) ? `${arg}=${value}` : arg
  })

const parse = (command: Command, given: readonly string[]): { values: ArgumentValues; positionals: string[] } => {
  const options = { ...command.options, help: { type: 'boolean', short: 'h' } } as const
  const args = withValues(given, command.bare ?? {})
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: command.positionals ?? false })
    return { values: values as ArgumentValues, positionals }
  } catch (error) {
    const [reason] = messageOf(error).split('. ', 1)
    const unknown = /^Unknown option '--([^']*)'/.exec(reason!)?.[1]
    const hint = unknown === undefined ? '' : didYouMean(unknown, Object.keys(options)).replace('"', '"--')
    throw new UsageError(`${reason}${hint}\n${usageOf(command)}`)
  }
}

/** Runs a command line. @returns the exit code */
export const run = async (argv: readonly string[], terminal: Terminal): Promise<number> => {
  try {
    return await dispatch(argv, terminal)
  } catch (error) {
    // Said without a stack: it is the caller's to mend, not this program's.
    terminal.err(`capture-predictions: ${messageOf(error)}`)
    return error instanceof UsageError || hasCode(error, 'PREDICTIONS_BAD_CONFIGURATION') ? 2 : 1
  }
}
