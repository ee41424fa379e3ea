import { appendFile, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { messageOf } from '../errors/errors.ts'
import { FILE_MODE, isMissing, makeFolder, segmentFile } from './files.ts'
import type { Chunk } from './segment.ts'

/** What can't be read is put into a folder of its own, as it was found, and said aloud; nothing here throws. */
export interface Damage {
  /** Sets the lines of a chunk that can't be read aside. */
  lines(log: string, segment: number, chunk: Pick<Chunk, 'damaged' | 'torn'>): Promise<void>
  /** Sets a whole segment aside. */
  segment(log: string, segment: number, error: unknown): Promise<void>
  /** Something about the log's upkeep failed; records are not at stake. */
  report(kind: 'cursor' | 'remove', log: string, error: unknown): void
}

export type Warn = (kind: string, message: string) => void

const upkeep = {
  cursor: 'can’t write its cursor: records may be sent again after a restart (they are stored once)',
  remove: 'can’t remove what is sent: it stays until the next start',
}

/** @param directory where damaged lines and segments go */
export const openDamage = (directory: string, warn: Warn): Damage => {
  /** `<sink>-<process>-<segment>.log`: unique, as the log's path is. */
  const placeFor = (log: string, segment: number) => {
    makeFolder(directory)
    return join(
      directory,
      `${basename(dirname(log))}-${basename(segmentFile(log, segment))}`.replace(/\.log$/, `-${basename(log)}.log`),
    )
  }

  return {
    async lines(log, segment, { damaged, torn }) {
      if (torn > 0)
        warn(
          'torn',
          `The outbox’s ${segmentFile(log, segment)} ended in a record that was not written to its end; it was cut off.`,
        )
      if (damaged.length === 0) return
      const count = `${damaged.length} damaged line${damaged.length === 1 ? '' : 's'} of ${segmentFile(log, segment)}`
      try {
        const place = placeFor(log, segment)
        await appendFile(place, Buffer.concat(damaged), { mode: FILE_MODE })
        warn('damaged', `The outbox set ${count} aside, to ${place}. The other records are delivered.`)
      } catch (error) {
        warn('damaged', `The outbox passed over ${count}, and could not set them aside: ${messageOf(error)}`)
      }
    },

    async segment(log, segment, error) {
      const path = segmentFile(log, segment)
      if (isMissing(error)) {
        warn('gone', `The outbox’s ${path} was removed by someone: its records that were not in memory are lost.`)
        return
      }
      try {
        const place = placeFor(log, segment)
        await rename(path, place)
        warn('damaged', `The outbox can’t read ${path} (${messageOf(error)}); it was set aside, to ${place}.`)
      } catch (renaming) {
        warn('damaged', `The outbox can’t read ${path} (${messageOf(error)}), nor set it aside: ${messageOf(renaming)}`)
      }
    },

    report: (kind, log, error) => warn(kind, `The outbox ${log} ${upkeep[kind]}: ${messageOf(error)}`),
  }
}
