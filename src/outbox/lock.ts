import { chmodSync, existsSync, rmSync } from 'node:fs'
import { DatabaseSync } from '../node.ts'
import { isMissing } from './files.ts'

/**
 * An operating-system lock, held for life: a transaction that stays open on an empty SQLite file. It is free the moment its owner
 * dies, by whatever death, and refused while the owner is stopped or frozen; a lease with a heartbeat is not.
 *
 * Such a file must never be opened by `node:fs`: closing it there would let go of the process's lock (POSIX `fcntl`).
 */
export interface Lock {
  /** Whether its file still stands where others look for it. */
  readonly present: boolean
  release(): void
  /** Removes the file, then lets go. */
  remove(): void
}

/** SQLite's result codes: https://sqlite.org/rescode.html */
const BUSY = 5
const CORRUPT = 11
const NOT_A_DATABASE = 26

/** Files that noise got into are left where they are, and the next name is used by everyone: replacing one could give two owners. */
const NAMES = ['.lock', '.lock2', '.lock3', '.lock4'] as const

const codeOf = (error: unknown) => (error as { errcode?: number }).errcode

const lockFile = (path: string): Lock => {
  const database = new DatabaseSync(path)
  try {
    chmodSync(path, 0o600)
    database.exec('PRAGMA journal_mode=memory; PRAGMA locking_mode=exclusive; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw error
  }
  return {
    get present() {
      return existsSync(path)
    },
    release: () => database.close(),
    remove() {
      rmSync(path, { force: true })
      database.close()
    },
  }
}

/**
 * Takes the lock of a process folder, which stands beside it; undefined: its owner is alive, or removed the file at this moment.
 * @throws whatever SQLite says when the file can't be made or opened
 */
export const takeLock = (folder: string): Lock | undefined => {
  for (const name of NAMES) {
    try {
      return lockFile(folder + name)
    } catch (error) {
      const code = codeOf(error)
      if (code === BUSY || isMissing(error)) return undefined
      if (code !== NOT_A_DATABASE && code !== CORRUPT) throw error
    }
  }
  throw new Error(`${folder}${NAMES[0]}: not a lock file, and no other name is left for one`)
}

/** Whether the owner of a process folder is alive. Changes nothing. */
export const isLocked = (folder: string): boolean => {
  for (const name of NAMES) {
    if (!existsSync(folder + name)) return false
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(folder + name, { readOnly: true })
      database.exec('PRAGMA schema_version')
      return false
    } catch (error) {
      const code = codeOf(error)
      if (code === BUSY) return true
      if (!existsSync(folder + name)) return false
      if (code !== NOT_A_DATABASE && code !== CORRUPT) throw error
    } finally {
      database?.close()
    }
  }
  return false
}

/** Removes what is left of a folder's lock files, noise too. Only under the lock. */
export const removeLockFiles = (folder: string): void => {
  for (const name of NAMES) rmSync(folder + name, { force: true })
}

/** The process folder that a file beside it belongs to, if it is a lock's. */
export const folderOfLock = (file: string): string | undefined => /^(.+)\.lock\d?$/.exec(file)?.[1]
