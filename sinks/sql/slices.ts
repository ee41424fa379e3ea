import { nextTurn } from '../../src/steps/real-timers.ts'

/** How long work may keep the event loop, in milliseconds: a share of the 5 that a write of 1,000 rows is allowed. */
const SLICE_MS = 1

/**
 * Calls `work` for each item, and lets the event loop run in between: the app shares it.
 *
 * @param pause called before each pause and at the end, to hand over what has been gathered
 */
export const inSlices = async <Item>(
  items: readonly Item[],
  work: (item: Item, index: number) => void,
  pause: () => void | Promise<void> = () => {},
): Promise<void> => {
  let end = performance.now() + SLICE_MS
  for (let index = 0; index < items.length; index++) {
    work(items[index] as Item, index)
    if (performance.now() < end) continue
    await pause()
    await nextTurn()
    end = performance.now() + SLICE_MS
  }
  await pause()
}
