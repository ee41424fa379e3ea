import type { ParseArgsConfig } from 'node:util'
import type { CaptureOptions } from '../config/options.ts'

/** Where a command reads and writes: the process, or what a test gives it. */
export interface Terminal {
  /** Results, for people and pipes. */
  out(line: string): void
  /** Progress, warnings, errors. */
  err(line: string): void
  /** A line that replaces the one before: nothing where there is no terminal. */
  progress(line: string): void
  readonly isTerminal: boolean
  /** Calls back once at SIGTERM or SIGINT. */
  onStop(stop: () => void): void
}

export type ArgumentValues = Readonly<Record<string, string | boolean | undefined>>

export interface Invocation {
  readonly values: ArgumentValues
  readonly positionals: readonly string[]
  readonly terminal: Terminal
}

export interface Command {
  readonly summary: string
  /** What `--help` says below the usage. */
  readonly help: string
  readonly usage: string
  readonly options?: NonNullable<ParseArgsConfig['options']>
  /** What options mean that are given without a value: `--html` is `--html report.html`. */
  readonly bare?: Readonly<Record<string, string>>
  /** Whether it takes words beside options. Default: false. */
  readonly positionals?: boolean
  /** Gives the exit code: 0 is well, 1 something was found or failed, 2 it was called wrongly. */
  run(invocation: Invocation): Promise<number>
}

/** Called wrongly: exit code 2, with a hint at the help. */
export class UsageError extends Error {}

/** Options that stand for variables, in every command that reads the configuration. */
export const settingOptions = {
  sink: { type: 'string' },
  table: { type: 'string' },
  schema: { type: 'string' },
  'outbox-dir': { type: 'string' },
} as const

export const settingsHelp = `
  --sink URL        instead of PREDICTIONS_SINK
  --table NAME      instead of PREDICTIONS_TABLE
  --schema FILE     instead of PREDICTIONS_SCHEMA
  --outbox-dir DIR  instead of PREDICTIONS_OUTBOX_DIR`

/** The options that were given, for `resolveSettings`: what is left out comes from the environment. */
export const captureOptions = ({ sink, table, schema, 'outbox-dir': outboxDir }: ArgumentValues): CaptureOptions =>
  Object.fromEntries(Object.entries({ sink, table, schema, outboxDir }).filter(([, value]) => value !== undefined))

/** `1,234,567` */
export const count = (value: number): string => value.toLocaleString('en-US')

/** `3.4 MiB` */
export const size = (bytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10))
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

/** `2 h 5 min` */
export const age = (milliseconds: number): string => {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

/** Text of someone else's (a database's error, a name) on a terminal, in one line: no control character may steer it. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ')

/** The same of a text that may have several lines: those after the first are set in. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n       ')

/** A table in columns, the first row its head. */
export const columns = (rows: readonly (readonly string[])[]): string[] => {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}
