import { resolveSettings } from '../config/settings.ts'
import { messageOf } from '../errors/errors.ts'
import {
  discardDeadLetters,
  listDeadLetters,
  readDeadLetter,
  retryDeadLetters,
  type DeadLetterFilter,
} from '../outbox/dead-letters.ts'
import {
  captureOptions,
  count,
  printable,
  settingOptions,
  settingsHelp,
  UsageError,
  type Command,
  type Invocation,
} from './command.ts'

/** Every letter only where it was said in so many words. */
const filterOf = ({ values, positionals }: Invocation): DeadLetterFilter => {
  const ids = positionals.slice(1)
  if (ids.length === 0 && !values['all']) throw new UsageError('name the ids of dead letters, or say --all')
  return { sink: values['of'] as string | undefined, ...(ids.length > 0 && { ids }) }
}

const list = async ({ values, terminal }: Invocation, directory: string): Promise<number> => {
  let found = 0
  let damaged = 0
  const onDamaged = (error: unknown) => {
    damaged++
    terminal.err(messageOf(error))
  }
  for await (const letter of listDeadLetters(directory, { sink: values['of'] as string | undefined }, onDamaged)) {
    const { id, sink, at, attempts, error } = letter
    found++
    if (values['json']) terminal.out(JSON.stringify({ id, sink, at, attempts, error }))
    else terminal.out(`${id}  ${at}  ${printable(sink)}  ${printable(error)}`)
  }
  if (!values['json']) terminal.err(`${count(found)} dead letters`)
  return damaged > 0 ? 1 : 0
}

const show = async ({ positionals, terminal }: Invocation, directory: string): Promise<number> => {
  const id = positionals[1]
  if (id === undefined) throw new UsageError('name the id of a dead letter')
  const letters = await readDeadLetter(directory, id)
  for (const { sink, at, attempts, error, record } of letters) {
    terminal.out(
      `sink      ${printable(sink)}\nrefused   ${at}\nattempts  ${attempts}\nerror     ${printable(error)}\nrecord    ${record.json}`,
    )
  }
  if (letters.length === 0) terminal.err(`there is no dead letter ${printable(id)}`)
  return letters.length > 0 ? 0 : 1
}

/** An id that was named and is not there is a mistake; of all there may be none. */
const nothingMatches = ({ positionals, terminal }: Invocation): number => {
  terminal.err('there is no such dead letter')
  return positionals.length > 1 ? 1 : 0
}

const retry = async (invocation: Invocation, directory: string): Promise<number> => {
  const moved = await retryDeadLetters(directory, filterOf(invocation))
  if (moved === 0) return nothingMatches(invocation)
  invocation.terminal.out(
    `${count(moved)} put back: a running service takes them within 5 s, else the next start or drain`,
  )
  return 0
}

const discard = async (invocation: Invocation, directory: string): Promise<number> => {
  const removed = await discardDeadLetters(directory, filterOf(invocation))
  if (removed === 0) return nothingMatches(invocation)
  invocation.terminal.out(`${count(removed)} discarded`)
  return 0
}

const actions: Readonly<Record<string, (invocation: Invocation, directory: string) => Promise<number>>> = {
  list,
  show,
  retry,
  discard,
}

export const deadLetters: Command = {
  summary: 'lists, shows, puts back or discards records that a sink refused',
  usage: 'dead-letters list|show|retry|discard [ID …] [--all] [--of SINK]',
  help: `
Works on the outbox of a running or stopped service.

  list              one line each: id, time, sink, the sink's error
  show ID           everything about one, with its record
  retry ID …        puts records back into the outbox: do it once the cause is mended
  discard ID …      throws records away for good

  --all             retry or discard all of them
  --of SINK         only those of one sink, named as list shows it
  --json            list prints JSON, one object per line${settingsHelp}`,
  positionals: true,
  options: { ...settingOptions, all: { type: 'boolean' }, of: { type: 'string' }, json: { type: 'boolean' } },
  async run(invocation) {
    const [name = ''] = invocation.positionals
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (action === undefined) throw new UsageError(`say one of ${Object.keys(actions).join(', ')}`)
    return action(invocation, resolveSettings(captureOptions(invocation.values)).outboxDir)
  },
}
