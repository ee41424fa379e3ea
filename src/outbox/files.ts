import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Where everything stands below the outbox directory:
 *
 * ```
 * 20260301T120000Z-4711-5f0c2a/                      a process's folder
 *   postgres-3f9ac2d1/                               a sink's logs
 *     20260301T120000Z-4711-5f0c2a/                  the log of the process that began it; adopted ones stand beside it
 *       000000000001.log                             a segment: one record a line
 *       cursor                                       what its sink has
 * 20260301T120000Z-4711-5f0c2a.lock                  held while the process lives
 * dead-letters/postgres-3f9ac2d1/<record id>.json    shared by all processes
 * damaged/                                           what could not be read, as it was found
 * ```
 */

export const DIRECTORY_MODE = 0o700
export const FILE_MODE = 0o600

/** Makes a folder and what is missing above it, for the owner only, whatever the umask. */
export const makeFolder = (path: string): void => {
  const first = mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) chmodSync(made, DIRECTORY_MODE)
}

/** The folder's name of a sink: readable, and safe and unique whatever the sink is called. */
export const sinkKey = (sink: string): string => {
  const words = sink.toLowerCase().match(/[a-z0-9]+/g) ?? []
  const slug = words.join('-').slice(0, 40)
  return `${slug || 'sink'}-${createHash('sha256').update(sink).digest('hex').slice(0, 8)}`
}

const PROCESS_FOLDER = /^\d{8}T\d{6}Z-(\d+)-[0-9a-f]{6}$/

/** A new name for a process folder. The time is for people: nothing is ordered by it. */
export const newProcessName = (): string => {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  return `${time}-${process.pid}-${randomBytes(3).toString('hex')}`
}

/** Whose folder this is; undefined: it is none. */
export const pidOf = (name: string): number | undefined => {
  const pid = PROCESS_FOLDER.exec(name)?.[1]
  return pid === undefined ? undefined : Number(pid)
}

/** Whether an error says that the file or folder is not there. */
export const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

/** Of a descriptor that was closed, or is stale, a new one may serve. */
const PASSING = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR', 'EBADF', 'ESTALE']

/** Whether an error is trouble of the moment, not of the file. */
export const isPassing = (error: unknown): boolean => PASSING.includes((error as NodeJS.ErrnoException).code ?? '')

/** The names in a folder, sorted; none when it isn't there. */
export const namesIn = (path: string): string[] => {
  try {
    return readdirSync(path).sort()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** The same, off the event loop. */
export const fileNames = async (path: string): Promise<string[]> => {
  try {
    return (await readdir(path)).sort()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Removes a folder if it is empty; false: it is not, or was not there. */
export const removeIfEmpty = (path: string): boolean => {
  try {
    rmdirSync(path)
    return true
  } catch {
    return false
  }
}

/** Writes a file that is there whole or not at all, also after a power cut. */
export const writeWhole = async (path: string, text: string): Promise<void> => {
  const unfinished = `${path}.${randomBytes(3).toString('hex')}.tmp`
  const file = await open(unfinished, 'wx', FILE_MODE)
  try {
    try {
      await file.chmod(FILE_MODE)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(unfinished, path)
  } catch (error) {
    // On a full disk it takes the room of the next try.
    await rm(unfinished, { force: true })
    throw error
  }
}

/** Brings a folder's entries to the disk: a new file's name is not safe before. Not everywhere possible (Windows): then left. */
export const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r').catch((error: unknown) => {
    if (isPassing(error)) throw error
    return undefined
  })
  try {
    await folder?.sync()
  } catch (error) {
    if (!['EPERM', 'EISDIR', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    await folder?.close()
  }
}

export const segmentFile = (log: string, number: number): string => join(log, `${String(number).padStart(12, '0')}.log`)

/** A segment's number; undefined: the file is none. */
export const segmentNumber = (file: string): number | undefined => {
  const digits = /^(\d{12})\.log$/.exec(file)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
