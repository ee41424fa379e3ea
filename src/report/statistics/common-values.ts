import { sharesOf } from './bins.ts'

/** Below this a value says nothing by itself: rows that the smaller window would have of it. */
const LEAST_EXPECTED = 5
/** Standard deviations of a count between a value that is common for sure and one that was chosen by luck. */
const SURE = 3

/**
 * Which values of a category can be compared one by one, as the index of each bin's group: 0 for all others together, then one a value. The last
 * two bins are `other` and `new`.
 *
 * The names come from the reference, and that alone makes them look too common there: of a thousand values that are all equally common, the fifty
 * that happened to be counted most are rarer in any other window. So a value counts by itself only where it is common in both windows together,
 * and, if the reference has more values than names, where it would have been named in any other sample too.
 *
 * @param sizes effective sizes of both windows
 */
export const commonValues = (
  current: readonly number[],
  reference: readonly number[],
  sizes: readonly [number, number],
): number[] => {
  const [n, m] = sizes
  const now = sharesOf(current).map((share) => share * n)
  const before = sharesOf(reference).map((share) => share * m)
  const named = before.length - 2
  const hasMore = before[named]! > 0
  const cut = Math.min(...before.slice(0, named))
  const sure = hasMore ? cut + SURE * Math.sqrt(cut) : -Infinity
  const smaller = Math.min(n, m) / (n + m)
  let group = 0
  return before.map((count, i) => {
    // Of both windows together: a count of the reference alone would choose what came out high there.
    const both = now[i]! + count
    const expected = (both / (n + m)) * m
    const isCommon = i < named && both * smaller >= LEAST_EXPECTED && expected - SURE * Math.sqrt(expected) > sure
    return isCommon ? ++group : 0
  })
}
