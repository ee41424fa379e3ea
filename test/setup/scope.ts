/** Takes what is to be undone when the scope ends, the last first. */
export type Defer = (undo: () => unknown) => void

/** Runs `work`, then undoes what it deferred, whatever came of it: the same in tests and in long runs. */
export const inScope = async <T>(work: (defer: Defer) => Promise<T>): Promise<T> => {
  const undos: (() => unknown)[] = []
  try {
    return await work((undo) => void undos.push(undo))
  } finally {
    for (const undo of undos.reverse()) await undo()
  }
}
