import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { deadLetterKeys, listDeadLetters, measureDeadLetters } from './dead-letters.ts'
import { fileNames, pidOf } from './files.ts'
import { isLocked } from './lock.ts'
import { scanLog } from './segment.ts'

/** What stands in an outbox directory. */
export interface OutboxStatus {
  readonly directory: string
  /** By sink, over all processes. */
  readonly sinks: readonly SinkStatus[]
  readonly processes: readonly ProcessStatus[]
  /** Files with damaged lines, and damaged segments, that were set aside. */
  readonly damaged: readonly string[]
}

/** Records that wait for a sink. */
export interface Backlog {
  /** The sink's name. */
  readonly sink: string
  readonly records: number
  /** Bytes of their lines. */
  readonly bytes: number
  /** When the oldest was captured, in milliseconds since the epoch. */
  readonly oldest: number | undefined
}

export interface SinkStatus extends Backlog {
  readonly deadLetters: number
  readonly deadLetterBytes: number
}

export interface ProcessStatus {
  /** Its folder. */
  readonly path: string
  readonly pid: number
  /** Whether it holds its folder's lock: also while it is stopped. */
  readonly alive: boolean
  readonly backlogs: readonly Backlog[]
}

const earliest = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)

const nameOfSink = async (log: string, key: string): Promise<string> => {
  try {
    const { sink } = JSON.parse(await readFile(join(log, 'sink.json'), 'utf8')) as { sink?: unknown }
    return typeof sink === 'string' ? sink : key
  } catch {
    // Damaged, or gone meanwhile: the folder's name says it well enough.
    return key
  }
}

const readBacklog = async (log: string, key: string): Promise<Backlog> => {
  const { cursor, segments, oldest } = await scanLog(log)
  const records = segments.reduce((sum, segment) => sum + segment.unread, 0)
  const bytes = segments.reduce(
    (sum, { number, bytes }) => sum + bytes - (number === cursor.segment ? cursor.offset : 0),
    0,
  )
  return { sink: await nameOfSink(log, key), records, bytes, oldest: records > 0 ? oldest : undefined }
}

const mergeStates = (backlogs: readonly Backlog[]): Backlog[] => {
  const bySink = new Map<string, Backlog>()
  for (const { sink, records, bytes, oldest } of backlogs) {
    const sum = bySink.get(sink) ?? { sink, records: 0, bytes: 0, oldest: undefined }
    bySink.set(sink, {
      sink,
      records: sum.records + records,
      bytes: sum.bytes + bytes,
      oldest: earliest(sum.oldest, oldest),
    })
  }
  return [...bySink.values()]
}

const readProcess = async (path: string, pid: number): Promise<ProcessStatus> => {
  const backlogs: Backlog[] = []
  for (const key of await fileNames(path))
    for (const log of await fileNames(join(path, key))) backlogs.push(await readBacklog(join(path, key, log), key))
  return { path, pid, alive: isLocked(path), backlogs: mergeStates(backlogs) }
}

const nameOfLetters = async (directory: string, key: string): Promise<string> => {
  for await (const { sink } of listDeadLetters(directory, { key })) return sink
  return key
}

/** Every sink has a queue for actuals beside it; as long as nobody reports any there is nothing to say of it. */
const isUnused = ({ sink, records, deadLetters }: SinkStatus): boolean =>
  records + deadLetters === 0 && /[_-]actuals$/.test(sink)

/**
 * Looks into an outbox directory, of a running service or a stopped one. Changes nothing. Records that a running service holds
 * in memory alone (`PREDICTIONS_DURABILITY=memory`, or while its disk is full) are not seen.
 */
export const inspectOutbox = async (path: string): Promise<OutboxStatus> => {
  const directory = resolve(path)
  const processes: ProcessStatus[] = []
  for (const name of await fileNames(directory)) {
    const pid = pidOf(name)
    if (pid !== undefined) processes.push(await readProcess(join(directory, name), pid))
  }
  const letters = new Map<string, { readonly count: number; readonly bytes: number }>()
  for (const key of await deadLetterKeys(directory))
    letters.set(await nameOfLetters(directory, key), await measureDeadLetters(directory, key))
  const none = [...letters.keys()].map((sink) => ({ sink, records: 0, bytes: 0, oldest: undefined }))
  const sinks = mergeStates([...processes.flatMap(({ backlogs }) => backlogs), ...none])
    .map((backlog) => ({
      ...backlog,
      deadLetters: letters.get(backlog.sink)?.count ?? 0,
      deadLetterBytes: letters.get(backlog.sink)?.bytes ?? 0,
    }))
    .filter((sink) => !isUnused(sink))
  const damaged = (await fileNames(join(directory, 'damaged'))).map((name) => join(directory, 'damaged', name))
  return { directory, sinks, processes, damaged }
}
