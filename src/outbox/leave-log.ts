import { writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { StoredRecord } from '../records/stored.ts'
import { FILE_MODE, segmentFile, syncFolder } from './files.ts'
import { encodeLines } from './line.ts'
import { makeProcessFolder } from './process-folder.ts'

/**
 * Leaves records of one sink in an outbox, as a process that died would: a living one, or the next start, adopts them.
 *
 * @param beforeAdoption runs when the records are on the disk, and nobody can take them over yet
 */
export const leaveLog = async (
  directory: string,
  letters: readonly { readonly sink: string; readonly record: StoredRecord }[],
  beforeAdoption: () => Promise<void> = async () => {},
): Promise<void> => {
  const [first] = letters
  if (!first) return
  const folder = makeProcessFolder(directory)
  try {
    const log = folder.makeLog(first.sink)
    const { buffer, bytes } = encodeLines(letters.map(({ record }) => record.json))
    writeFileSync(segmentFile(log, 1), buffer.subarray(0, bytes), { mode: FILE_MODE, flush: true })
    for (const path of [log, dirname(log), folder.path, directory]) await syncFolder(path)
    await beforeAdoption()
  } finally {
    folder.close()
  }
}
