/** The share by which batches grow after a write that went through. */
const GROWTH = 0.1

/**
 * How many records a write may have. There is no limit as long as writes take less than their time; after a timeout it is half of what
 * was tried, and grows slowly with each write that goes through.
 *
 * @param most the size at which there is no need for a limit any more
 */
export const createBatchLimit = (most: number) => {
  let size = Infinity
  return {
    size: (): number => size,
    timedOut(records: number): void {
      size = Math.max(1, Math.floor(records / 2))
    },
    passed(records: number): void {
      if (records < size) return
      size += Math.ceil(size * GROWTH)
      if (size >= most) size = Infinity
    },
  }
}

export type BatchLimit = ReturnType<typeof createBatchLimit>
