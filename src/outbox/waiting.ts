import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isActualText } from '../records/actual.ts'
import { recordFromJson } from '../records/record.ts'
import { listDeadLetters } from './dead-letters.ts'
import { isMissing, fileNames, pidOf, segmentFile } from './files.ts'
import { readChunk, scanLog } from './segment.ts'

/** Predictions that are in an outbox, queued or as dead letters, and so in no store yet. */
export interface Waiting {
  /** Their own. */
  readonly ids: ReadonlySet<string>
  /** Those of their requests. */
  readonly requestIds: ReadonlySet<string>
}

const collect = () => {
  const [ids, requestIds] = [new Set<string>(), new Set<string>()]
  const add = (text: string): void => {
    if (isActualText(text)) return
    const record = recordFromJson(text)
    ids.add(record.id)
    if (text.includes('"request_id"') && record.request_id !== null) requestIds.add(record.request_id)
  }
  return { ids, requestIds, add }
}

/** Calls back with the texts of a segment's records from an offset on. One that is gone has been stored meanwhile. */
const readSegment = async (
  log: string,
  number: number,
  from: number,
  to: number,
  onText: (text: string) => void,
): Promise<void> => {
  try {
    await using file = await open(segmentFile(log, number), 'r')
    for (let at = from; at < to;) {
      const { entries, end } = await readChunk(file, number, at, to)
      for (const { text } of entries) onText(text)
      at = end
    }
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

const readLog = async (log: string, onText: (text: string) => void): Promise<void> => {
  const { cursor, segments } = await scanLog(log)
  for (const { number, bytes } of segments)
    await readSegment(log, number, number === cursor.segment ? cursor.offset : 0, bytes, onText)
}

/** Looks which predictions wait in an outbox directory, of a running service or a stopped one. Changes nothing. */
export const readWaiting = async (path: string): Promise<Waiting> => {
  const directory = resolve(path)
  const { ids, requestIds, add } = collect()
  for (const process of await fileNames(directory)) {
    if (pidOf(process) === undefined) continue
    for (const key of await fileNames(join(directory, process)))
      for (const log of await fileNames(join(directory, process, key)))
        await readLog(join(directory, process, key, log), add)
  }
  return { ids, requestIds }
}

/** Predictions that sinks have refused for good. A letter that can't be read tells nothing. */
export const readRefused = async (path: string): Promise<Waiting> => {
  const { ids, requestIds, add } = collect()
  for await (const { record } of listDeadLetters(resolve(path))) add(record.json)
  return { ids, requestIds }
}
