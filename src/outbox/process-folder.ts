import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FILE_MODE, makeFolder, newProcessName, removeIfEmpty, sinkKey } from './files.ts'
import { takeLock, type Lock } from './lock.ts'

/** The folder of a process below the outbox directory, under its lock. */
export interface ProcessFolder {
  readonly name: string
  readonly path: string
  /** Makes a folder in it; when someone removed the lock's file, it is taken again first, so that nobody adopts the folder. */
  make(...path: string[]): string
  /** Makes the folder of a sink's log; a file in it says the sink's name. */
  makeLog(sink: string): string
  /** Lets go; an empty folder is removed. */
  close(): void
}

/** A name and its lock. A file that someone tidies away before it is locked gives no lock: then another name is used. */
const takeName = (directory: string): { path: string; name: string; lock: Lock } => {
  for (let attempts = 3; attempts > 0; attempts--) {
    const name = newProcessName()
    const path = join(directory, name)
    const lock = takeLock(path)
    if (lock?.present) return { path, name, lock }
    lock?.release()
  }
  throw new Error('no lock could be taken in it')
}

/**
 * Makes a folder for this process. The lock is taken before the folder is there: nobody finds one without its owner.
 * @throws when the directory can't be written
 */
export const makeProcessFolder = (directory: string): ProcessFolder => {
  makeFolder(directory)
  const { path, name, lock: first } = takeName(directory)
  let lock = first

  const keepLock = () => {
    if (lock.present) return
    makeFolder(directory)
    const next = takeLock(path)
    if (!next) throw new Error(`${path} has been taken by another process, after its lock file was removed`)
    lock.release()
    lock = next
  }

  const make = (...parts: string[]) => {
    keepLock()
    const folder = join(path, ...parts)
    makeFolder(folder)
    return folder
  }
  make()

  const makeLog = (sink: string) => {
    const log = make(sinkKey(sink), name)
    writeFileSync(join(log, 'sink.json'), `${JSON.stringify({ sink })}\n`, { mode: FILE_MODE })
    return log
  }

  return {
    name,
    path,
    make,
    makeLog,
    close() {
      if (removeIfEmpty(path) || !existsSync(path)) lock.remove()
      else lock.release()
    },
  }
}
