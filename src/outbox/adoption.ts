import { existsSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { namesIn, pidOf, removeIfEmpty } from './files.ts'
import { folderOfLock, removeLockFiles, takeLock } from './lock.ts'
import type { ProcessFolder } from './process-folder.ts'

/** A lock's file without a folder is left alone this long: its owner may be about to make the folder. */
const STRAY_LOCK_MS = 60_000

export interface AdoptedLog {
  /** The folder's name of its sink. */
  readonly key: string
  readonly path: string
}

/** Moves the sinks' logs that a dead process left into another's folder: a rename each, so that nobody ever sees half of one. */
const moveLogs = (
  from: string,
  into: ProcessFolder,
  keys: ReadonlySet<string>,
  onMoved: (log: AdoptedLog) => void,
): void => {
  for (const key of namesIn(from)) {
    if (!keys.has(key)) continue
    for (const name of namesIn(join(from, key))) {
      const path = join(into.make(key), name)
      renameSync(join(from, key, name), path)
      onMoved({ key, path })
    }
    removeIfEmpty(join(from, key))
  }
}

const concerns = (folder: string, keys: ReadonlySet<string>) => {
  const names = namesIn(folder)
  return names.length === 0 || names.some((name) => keys.has(name))
}

/**
 * Takes over the logs of processes that are dead: of the given sinks alone, the others' stay for whoever has them. The lock
 * decides among several that try; it is held for the time of a few renames.
 *
 * @param into the own process folder
 * @param keys folder names of the sinks
 * @param onMoved is told of each log at once: it is this process's from then on, whatever happens to the next one
 * @param onTrouble is told what kept a folder from being looked at; the others are looked at all the same
 */
export const adopt = (
  directory: string,
  into: ProcessFolder,
  keys: ReadonlySet<string>,
  onMoved: (log: AdoptedLog) => void,
  onTrouble: (error: unknown) => void,
): void => {
  for (const name of namesIn(directory)) {
    const folder = join(directory, name)
    if (folder === into.path || pidOf(name) === undefined) continue
    try {
      if (concerns(folder, keys)) adoptFrom(folder, into, keys, onMoved)
    } catch (error) {
      onTrouble(error)
    }
  }
}

const adoptFrom = (
  folder: string,
  into: ProcessFolder,
  keys: ReadonlySet<string>,
  onMoved: (log: AdoptedLog) => void,
): void => {
  const lock = takeLock(folder)
  if (!lock) return
  try {
    moveLogs(folder, into, keys, onMoved)
    if (removeIfEmpty(folder) || !existsSync(folder)) removeLockFiles(folder)
  } finally {
    lock.release()
  }
}

/** Removes lock files whose folder is gone: their owner died before it made one, or after it removed it. */
export const removeStrayLocks = (directory: string): void => {
  for (const file of namesIn(directory)) {
    const name = folderOfLock(file)
    if (name === undefined || pidOf(name) === undefined) continue
    const folder = join(directory, name)
    const made = statSync(join(directory, file), { throwIfNoEntry: false })?.mtimeMs
    if (made === undefined || Date.now() - made < STRAY_LOCK_MS || existsSync(folder)) continue
    const lock = takeLock(folder)
    if (!lock) continue
    if (!existsSync(folder)) removeLockFiles(folder)
    lock.release()
  }
}
