/**
 * The Damerau–Levenshtein distance (optimal string alignment): insertions, deletions, substitutions and swaps of neighbours
 * that make `a` into `b`.
 */
export const distance = (a: string, b: string): number => {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, beforeLast[j - 2]! + 1)
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}

/** Longer than this, a name is no slip of the pen, and the distance too dear. */
const MAX_LENGTH = 100

/** The name among `names` that was probably meant, if one is near: within a third of its length. Case does not matter. */
export const nearestName = (given: string, names: readonly string[]): string | undefined => {
  if (given.length > MAX_LENGTH) return undefined
  let found: string | undefined
  let least = Infinity
  for (const name of names) {
    const steps = distance(given.toLowerCase(), name.toLowerCase())
    if (steps < least && steps <= Math.max(1, Math.floor(name.length / 3))) {
      found = name
      least = steps
    }
  }
  return found
}

/** `; did you mean "POST"?`, or nothing. */
export const didYouMean = (given: string, names: readonly string[]): string => {
  const name = nearestName(given, names)
  return name === undefined ? '' : `; did you mean "${name}"?`
}
