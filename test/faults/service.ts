import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { Answer, Ask, Report, Told } from './children/protocol.ts'
import type { Defer } from '../setup/scope.ts'
import { until } from './until.ts'

export type Framework = 'express' | 'fastify'

export interface ServiceOptions {
  readonly framework?: Framework
  /** Processes that share the port by node:cluster. Default: one, without cluster. */
  readonly workers?: number
  /** `PREDICTIONS_*` variables, and others. */
  readonly env?: Readonly<Record<string, string>>
}

/** A server process, or a cluster of them, that captures its predictions. */
export interface Service {
  readonly port: number
  /** Of the processes that serve. */
  readonly pids: readonly number[]
  /** What it has written to stdout and stderr. */
  output(): string
  report(pid?: number): Promise<Report>
  /** Bytes of memory in use in the process, garbage collected. */
  memory(pid?: number): Promise<number>
  /** `capture.flush()` in the process. */
  flush(pid?: number): Promise<boolean>
  /** What it said of itself at its end. */
  last(): Report
  /** Sends a signal to a serving process. */
  signal(signal: NodeJS.Signals, pid?: number): void
  /** Kills it by SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** Ends it by SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>
}

const program = fileURLToPath(new URL('./children/server.ts', import.meta.url))

/** A numbered flower: each request can be told from any other. */
const schema = {
  features: { type: 'object', properties: { n: { type: 'integer' }, sepal_length: { type: 'number' } } },
  outputs: { type: 'object', properties: { prediction: { type: 'integer' }, confidence: { type: 'number' } } },
}

/** A folder for an outbox and all else that a scenario puts on the disk. */
export const makeFolder = (defer: Defer): string => {
  const folder = mkdtempSync(join(tmpdir(), 'capture-faults-'))
  defer(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The variables that all scenarios share. */
export const variables = (folder: string, sink: string, table: string): Record<string, string> => {
  const file = join(folder, 'schema.json')
  writeFileSync(file, JSON.stringify(schema))
  return {
    PREDICTIONS_SINK: sink,
    PREDICTIONS_TABLE: table,
    PREDICTIONS_SCHEMA: file,
    PREDICTIONS_OUTBOX_DIR: join(folder, 'outbox'),
    PREDICTIONS_FLUSH_INTERVAL_MS: '100',
  }
}

/** Starts a service; resolves when it listens. It is killed when the scope ends. */
export const startService = async (defer: Defer, options: ServiceOptions): Promise<Service> => {
  const { framework = 'fastify', workers = 0, env = {} } = options
  const child = spawn(process.execPath, [program, framework, String(workers)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data: Buffer) => (output += data.toString()))
  const exit = once(child, 'close') as Promise<[number | null]>
  const pids: number[] = []
  const waiting = new Map<number, (value: unknown) => void>()
  let port = 0
  let last: Report | undefined
  let number = 0
  child.on('message', (message: Answer | Told) => {
    if ('answers' in message) waiting.get(message.answers)?.(message.value)
    else if ('last' in message) last = message.last
    else {
      port = message.port
      pids.push(message.pid)
    }
  })
  const kill = async (): Promise<void> => {
    for (const pid of pids) signal('SIGKILL', pid)
    child.kill('SIGKILL')
    await exit
  }
  const signal = (name: NodeJS.Signals, pid = pids[0]!): void => {
    try {
      process.kill(pid, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  const ask = <T>(what: Ask['what'], pid = pids[0]!): Promise<T> =>
    new Promise((resolve, reject) => {
      waiting.set(++number, (value) => resolve(value as T))
      child.once('close', () => reject(new Error(`the service ended before it answered: ${output}`)))
      child.send({ number, pid, what } satisfies Ask)
    })
  defer(kill)
  await until(`a service that listens: ${output}`, () => {
    if (child.exitCode !== null) throw new Error(`the service did not start: ${output}`)
    return pids.length === Math.max(1, workers)
  })
  child.setMaxListeners(0)
  return {
    port,
    pids,
    output: () => output,
    report: (pid) => ask('report', pid),
    memory: (pid) => ask('memory', pid),
    flush: (pid) => ask('flush', pid),
    last() {
      if (!last) throw new Error(`the service did not end in peace: ${output}`)
      return last
    },
    signal,
    kill,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exit
      return code
    },
  }
}
