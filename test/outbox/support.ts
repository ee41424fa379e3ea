import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../../src/logger.ts'
import type { Queue, ReadLimit } from '../../src/outbox/queue.ts'

/** A record's id from a number: ids and numbers lead to one another. */
export const idFor = (n: number): string => `01890000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`

export const idOf = (text: string): string => text.slice(7, 43)

/** Texts of records of about 250 bytes, numbered. */
export const texts = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      id: idFor(from + i),
      timestamp: '2026-03-01T12:00:00.000Z',
      model: 'iris',
      status: 200,
      duration_ms: 1.25,
      features: { sepal: { length: 5.1, width: 3.5 }, petal: { length: 1.4, width: 0.2 } },
      outputs: { prediction: i % 3, confidence: 0.97 },
    }),
  )

/** A logger that keeps what it is told. */
export const recorder = (): { logger: Logger; lines: string[] } => {
  const lines: string[] = []
  const keep = (message: string) => void lines.push(message)
  return { logger: { info: keep, warn: keep, error: keep }, lines }
}

/** Reads and commits until nothing is left; the records' ids in order. */
export const drain = async (queue: Queue, limit: ReadLimit, onBatch?: (count: number) => void): Promise<string[]> => {
  const ids: string[] = []
  for (let batch = await queue.read(limit); batch; batch = await queue.read(limit)) {
    ids.push(...batch.records.map(({ id }) => id))
    onBatch?.(ids.length)
    await queue.commit(batch)
  }
  return ids
}

/** Everything below a folder, folders too. */
export const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)))

export interface Service {
  readonly child: ChildProcess
  /** The ids that were appended, as far as it has said. */
  appended(): string[]
  /** What else it printed. */
  said(): string
  /** Resolves when it has said so many ids. */
  reaches(count: number): Promise<void>
  /** Kills it by SIGKILL; resolves when it is gone and all it said has been read. */
  kill(): Promise<void>
}

const program = fileURLToPath(new URL('./children/service.ts', import.meta.url))

/** Starts a service in a process of its own (children/service.ts), by a shell line around it if one is given. */
export const startService = (
  { directory, first = 0, deliveries }: { directory: string; first?: number; deliveries?: string },
  shell = 'exec "$@"',
): Service => {
  const args = [process.execPath, program, directory, String(first), ...(deliveries ? [deliveries] : [])]
  const child = spawn('/bin/sh', ['-c', shell, 'sh', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  let seen = 0
  let wake = () => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    for (const character of text) if (character === '\n') seen++
    wake()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (errors += text))
  const gone = new Promise<void>((resolve) => void child.once('close', () => resolve()))
  const lines = () => out.slice(0, out.lastIndexOf('\n') + 1).split('\n')
  return {
    child,
    appended: () =>
      lines()
        .filter((line) => /^\d+$/.test(line))
        .map((line) => idFor(Number(line))),
    said: () =>
      errors +
      lines()
        .filter((line) => !/^\d*$/.test(line))
        .join('\n'),
    async reaches(count) {
      const early = gone.then(() => {
        throw new Error(`the service ended early: ${errors}`)
      })
      const enough = new Promise<void>((resolve) => {
        wake = () => void (seen > count && resolve())
        wake()
      })
      await Promise.race([enough, early])
    },
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
