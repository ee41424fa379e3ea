import { createHash } from 'node:crypto'
import { opendir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { decode, encode } from '../records/json.ts'
import { storedFromJson, type StoredRecord } from '../records/stored.ts'
import { isMissing, fileNames, makeFolder, removeIfEmpty, sinkKey, syncFolder, writeWhole } from './files.ts'
import { leaveLog } from './leave-log.ts'
import type { DeadLetter } from './queue.ts'

/** A dead letter as it is kept: one JSON file each, shared by all processes of the outbox directory. */
export interface StoredDeadLetter extends DeadLetter {
  /** The record's id, and the file's name. */
  readonly id: string
  /** The name of the sink that refused it. */
  readonly sink: string
  readonly file: string
}

/** Which dead letters; members that are absent match all. */
export interface DeadLetterFilter {
  /** A sink's name. */
  readonly sink?: string | undefined
  /** A sink's name as its folder has it. */
  readonly key?: string | undefined
  /** Record ids. */
  readonly ids?: readonly string[] | undefined
}

/** What one file takes of a disk at least: a letter counts for it, so that a limit in bytes also bounds their number. */
export const LETTER_BYTES = 4096

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const folderOf = (directory: string) => join(directory, 'dead-letters')

/** The file's name of a record: its id; of a record whose text has none, its hash. */
const nameOf = ({ id, json }: StoredRecord) =>
  UUID.test(id) ? id.toLowerCase() : createHash('sha256').update(json).digest('hex').slice(0, 32)

/** The record stands in a line of its own, in its own text: what is put back is what was refused, byte for byte. */
const textOf = (sink: string, { record, error, attempts, at }: DeadLetter) =>
  `${JSON.stringify({ sink, error, attempts, at }).slice(0, -1)},\n"record":${record.json}}\n`

const RECORD_MEMBER = '\n"record":'

/** The record's own text; what a person has edited may have any form, and is written anew. */
const recordText = (text: string, record: unknown): string => {
  const start = text.indexOf(RECORD_MEMBER)
  const json = text.slice(start + RECORD_MEMBER.length, text.lastIndexOf('}'))
  try {
    if (start >= 0 && !json.includes('\n') && decode(json)) return json
  } catch {
    // Members were put behind the record.
  }
  return encode(record)
}

const parse = (text: string, id: string, file: string): StoredDeadLetter => {
  const { sink, error, attempts, at, record } = decode(text) as StoredDeadLetter
  if (typeof sink !== 'string' || typeof record !== 'object' || record === null)
    throw new TypeError('no sink or no record')
  return { id, sink, error, attempts, at, file, record: storedFromJson(recordText(text, record)) }
}

/** Keeps dead letters of a sink, each file whole or not at all. Gives the bytes they take. */
export const writeDeadLetters = async (
  directory: string,
  sink: string,
  letters: readonly DeadLetter[],
): Promise<number> => {
  const folder = join(folderOf(directory), sinkKey(sink))
  makeFolder(folder)
  let bytes = 0
  for (const letter of letters) {
    const text = textOf(sink, letter)
    await writeWhole(join(folder, `${nameOf(letter.record)}.json`), text)
    bytes += Math.max(LETTER_BYTES, Buffer.byteLength(text))
  }
  await syncFolder(folder)
  return bytes
}

/** Undefined: it was discarded at this moment. */
const sizeOf = async (file: string): Promise<number | undefined> => {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** How many dead letters a sink has, by its name or its folder's, and what they take. */
export const measureDeadLetters = async (
  directory: string,
  key: string,
): Promise<{ readonly count: number; readonly bytes: number }> => {
  const folder = join(folderOf(directory), key)
  let count = 0
  let bytes = 0
  try {
    for await (const { name } of await opendir(folder, { bufferSize: 256 })) {
      if (!name.endsWith('.json')) continue
      const size = await sizeOf(join(folder, name))
      if (size === undefined) continue
      count++
      bytes += Math.max(LETTER_BYTES, size)
    }
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  return { count, bytes }
}

/** When a sink's dead letters last changed, in milliseconds since the epoch; 0: there never was one. */
export const deadLettersChanged = async (directory: string, key: string): Promise<number> => {
  try {
    return (await stat(join(folderOf(directory), key))).mtimeMs
  } catch (error) {
    if (isMissing(error)) return 0
    throw error
  }
}

/** The folders' names of the sinks that have dead letters. */
export const deadLetterKeys = (directory: string): Promise<string[]> => fileNames(folderOf(directory))

const readLetter = async (file: string, id: string): Promise<StoredDeadLetter | undefined> => {
  try {
    return parse(await readFile(file, 'utf8'), id, file)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw new Error(`${file} can’t be read as a dead letter`, { cause: error })
  }
}

/**
 * The dead letters of an outbox directory, one after the other, by sink and id: also while a service runs on it.
 * One that is not readable goes to `onDamaged`, and is left as it is.
 *
 * @example
 * for await (const { id, sink, error } of listDeadLetters('.predictions-outbox')) console.log(id, sink, error)
 */
export async function* listDeadLetters(
  directory: string,
  { sink, key = sink === undefined ? undefined : sinkKey(sink), ids }: DeadLetterFilter = {},
  onDamaged: (error: unknown) => void = () => {},
): AsyncGenerator<StoredDeadLetter> {
  const keys = key === undefined ? await deadLetterKeys(directory) : [key]
  const wanted = ids && new Set(ids.map((id) => id.toLowerCase()))
  for (const key of keys) {
    const folder = join(folderOf(directory), key)
    for (const name of await fileNames(folder)) {
      const id = name.slice(0, -'.json'.length)
      if (!name.endsWith('.json') || (wanted && !wanted.has(id))) continue
      try {
        const letter = await readLetter(join(folder, name), id)
        if (letter) yield letter
      } catch (error) {
        onDamaged(error)
      }
    }
  }
}

/** One dead letter by its record's id, of each sink that refused it. */
export const readDeadLetter = async (directory: string, id: string): Promise<StoredDeadLetter[]> => {
  const letters: StoredDeadLetter[] = []
  for await (const letter of listDeadLetters(directory, { ids: [id] })) letters.push(letter)
  return letters
}

const remove = async (letter: StoredDeadLetter): Promise<number> => {
  try {
    await unlink(letter.file)
    return 1
  } catch (error) {
    if (isMissing(error)) return 0
    throw error
  }
}

const removeEmptyFolders = async (directory: string) => {
  for (const key of await deadLetterKeys(directory)) removeIfEmpty(join(folderOf(directory), key))
}

/** How many letters are put back at once: they are held in memory. */
const RETRY_GROUP = 1000

/**
 * Puts dead letters back into the outbox: a service that runs on it takes them within 5 s, else the next start does. They are removed
 * once the outbox has them; killed in between, this may send a record again, which its sink stores once.
 * @returns how many
 */
export const retryDeadLetters = async (directory: string, filter: DeadLetterFilter = {}): Promise<number> => {
  let count = 0
  let group: StoredDeadLetter[] = []
  const putBack = async () => {
    const letters = group
    group = []
    // One that a service took and buried again meanwhile would be removed with its new letter.
    await leaveLog(directory, letters, async () => {
      for (const letter of letters) count += await remove(letter)
    })
  }
  for await (const letter of listDeadLetters(directory, filter)) {
    const last = group.at(-1)
    if (last && (group.length >= RETRY_GROUP || last.sink !== letter.sink)) await putBack()
    group.push(letter)
  }
  if (group.length > 0) await putBack()
  await removeEmptyFolders(directory)
  return count
}

/** Removes dead letters for good. @returns how many */
export const discardDeadLetters = async (directory: string, filter: DeadLetterFilter = {}): Promise<number> => {
  let count = 0
  for await (const letter of listDeadLetters(directory, filter)) count += await remove(letter)
  await removeEmptyFolders(directory)
  return count
}
