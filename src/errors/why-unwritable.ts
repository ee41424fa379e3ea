import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Why this process can't write to a directory that may not be there yet, as Node.js' own error; undefined: it can. */
export const whyUnwritable = async (path: string): Promise<NodeJS.ErrnoException | undefined> => {
  try {
    await access(path, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    const failure = error as NodeJS.ErrnoException
    return failure.code === 'ENOENT' && path !== dirname(path) ? whyUnwritable(dirname(path)) : failure
  }
}
