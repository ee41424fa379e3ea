/** SQLite's result code, without what extends it: https://www.sqlite.org/rescode.html */
const codeOf = (error: unknown): number => {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : 0
}

/** Somebody else writes just now. */
export const isBusy = (error: unknown): boolean => [5, 6].includes(codeOf(error))

/** Too large, against a constraint, of a wrong type. */
export const isRefusal = (error: unknown): boolean => [18, 19, 20, 25].includes(codeOf(error))

const fixes: Readonly<Record<number, string>> = {
  5: 'another process is writing to the file for a long time',
  8: 'the process may not write to the file, or to its folder',
  11: 'the file is damaged: set it aside, and a new one is made',
  13: 'the disk is full',
  14: 'the process may not write to the folder',
  26: 'the file is no SQLite database: name another',
}

/** What Node.js says of a file or folder, before SQLite is asked. */
const refusedByFileSystem = new Set(['EACCES', 'EEXIST', 'ENOTDIR', 'EPERM', 'EROFS'])

export const fixFor = (error: unknown): string | undefined =>
  refusedByFileSystem.has(String((error as { code?: unknown } | null)?.code))
    ? 'the process may not write there: name another file'
    : fixes[codeOf(error)]
