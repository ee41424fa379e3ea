import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import type { Terminal } from '../../src/cli/command.ts'
import { run } from '../../src/cli/run.ts'
import { cleanup, temporaryFolder } from '../setup/captures.ts'

export const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const serviceFile = fileURLToPath(new URL('./children/service.ts', import.meta.url))

export type Variables = Readonly<Record<string, string>>

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The environment without variables of whoever runs the tests. */
const environment = (variables: Variables): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PREDICTIONS_'))),
  ...variables,
})

const outcomeOf = async (child: ReturnType<typeof spawn>): Promise<Outcome> => {
  let [stdout, stderr] = ['', '']
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** `capture-predictions ARGS` in this process, off a terminal: as quick as a call. One at a time, as the environment is the process's. */
export const runHere = async (args: readonly string[], variables: Variables = {}): Promise<Outcome> => {
  let [stdout, stderr] = ['', '']
  const terminal: Terminal = {
    out: (line) => void (stdout += `${line}\n`),
    err: (line) => void (stderr += `${line}\n`),
    progress() {},
    isTerminal: false,
    onStop() {},
  }
  const { env } = process
  process.env = environment(variables)
  try {
    return { code: await run(args, terminal), stdout, stderr }
  } finally {
    process.env = env
  }
}

/** A folder with a schema, and what runs in it: services, and the command with the same variables. */
export interface Workplace {
  readonly folder: string
  readonly variables: Variables
  /** `capture-predictions ARGS` */
  cli(args: readonly string[], more?: Variables): Promise<Outcome>
  /** The same, to be stopped, read or given input while it runs. */
  spawnCli(args: readonly string[], more?: Variables): { child: ReturnType<typeof spawn>; outcome: Promise<Outcome> }
  /** The same on a pseudo-terminal. */
  cliOnTerminal(args: readonly string[]): Promise<Outcome>
  startService(more?: Variables): Promise<Service>
}

export interface Service {
  readonly pid: number
  /** Predicts each of the numbers; gives the ids in the replies' headers. */
  predict(numbers: readonly number[]): Promise<string[]>
  kill(signal?: NodeJS.Signals): Promise<void>
}

export const schema = {
  features: { type: 'object', properties: { n: { type: 'integer' } } },
  outputs: { type: 'object', properties: { prediction: { type: 'integer' } } },
}

export const workplace = (sink: string, more: Variables = {}): Workplace => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'schema.json'), JSON.stringify(schema))
  const variables = {
    PREDICTIONS_SINK: sink,
    PREDICTIONS_SCHEMA: 'schema.json',
    PREDICTIONS_FLUSH_INTERVAL_MS: '10',
    PREDICTIONS_MODEL: 'iris',
    ...more,
  }
  const start = (file: string, args: readonly string[], more: Variables = {}) => {
    const env = environment({ ...variables, ...more })
    const child = spawn(process.execPath, [file, ...args], { cwd: folder, env, stdio: 'pipe' })
    cleanup(() => child.kill('SIGKILL'))
    return child
  }
  const spawnCli: Workplace['spawnCli'] = (args, more) => {
    const child = start(main, args, more)
    return { child, outcome: outcomeOf(child) }
  }
  return {
    folder,
    variables,
    spawnCli,
    cli: (args, more) => spawnCli(args, more).outcome,
    cliOnTerminal(args) {
      const command = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ')
      const env = environment(variables)
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        cwd: folder,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      return outcomeOf(child)
    },
    startService: async (more) => serviceOf(start(serviceFile, [], more)),
  }
}

const serviceOf = async (child: ReturnType<typeof spawn>): Promise<Service> => {
  child.stderr!.resume()
  const [port] = (await once(createInterface(child.stdout!), 'line')) as [string]
  const predict = async (n: number): Promise<string> => {
    const reply = await fetch(`http://127.0.0.1:${port}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ n }),
    })
    await reply.arrayBuffer()
    return reply.headers.get('x-prediction-id')!
  }
  return {
    pid: child.pid!,
    predict: (numbers) => Promise.all(numbers.map(predict)),
    async kill(signal = 'SIGKILL') {
      const closed = once(child, 'close')
      child.kill(signal)
      await closed
    },
  }
}

/** Runs a task on a SQLite file of a workplace. */
export const onSqlite = <Result>(file: string, task: (database: DatabaseSync) => Result): Result => {
  const database = new DatabaseSync(file, { timeout: 5000 })
  try {
    return task(database)
  } finally {
    database.close()
  }
}

/** The ids and predictions that a SQLite sink has. */
export const rowsOf = (file: string): { id: string; prediction: number }[] =>
  onSqlite(file, (database) =>
    database.prepare('select id, prediction from predictions order by id').all(),
  ) as unknown as { id: string; prediction: number }[]
