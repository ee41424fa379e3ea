/** So many batches are known, the last ones: about 2 MB. */
const KEPT = 10_000

/** How many predictions each of the last batches made, by its id: whoever reports actuals of more is told so. */
export const createBatchSizes = (kept = KEPT) => {
  const sizes = new Map<string, number>()
  return {
    add(baseId: string, size: number): void {
      sizes.set(baseId, size)
      if (sizes.size > kept) sizes.delete(sizes.keys().next().value!)
    },
    /** undefined: it is not known, or was no batch. */
    of: (baseId: string): number | undefined => sizes.get(baseId),
  }
}
