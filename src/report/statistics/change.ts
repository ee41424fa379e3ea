/** A mean, or a share, of some rows. */
export interface Level {
  readonly mean: number
  /** How many rows it is of: their effective number, where they have weights. */
  readonly size: number
}

/** The rows of a step of time. */
export interface Step extends Level {
  readonly since: Date
}

/** Fewer steps tell no course. */
const MIN_STEPS = 3

/** Beyond chance: χ² of one degree whose chance is 1 in 10,000, as the best of several steps is taken. */
const MIN_SQUARES = 15

/** Of what a change at the window's start leaves unexplained, one later on has to explain so much. */
const EXPLAINED = 0.5

/** Of each beginning of a list, the squares around its mean. */
const squaresOf = (levels: readonly Level[]): number[] => {
  let [all, mean, squares] = [0, 0, 0]
  return levels.map((level) => {
    const step = level.mean - mean
    all += level.size
    mean += (step * level.size) / all
    return (squares += level.size * step * (level.mean - mean))
  })
}

/**
 * Since when a mean has been another one: the step from which on two levels, the reference's and a new one, fit best (least squares).
 * Undefined: there are too few steps, or it has not changed beyond chance.
 * @param variance of the rows' values
 */
export const changedSince = (before: Level, steps: readonly Step[], variance: number): Date | undefined => {
  const known = steps.filter(({ size }) => size > 0)
  if (known.length < MIN_STEPS || !(before.size > 0)) return undefined
  const early = squaresOf([before, ...known])
  const late = squaresOf(known.toReversed()).toReversed()
  const unexplained = known.map((_, at) => early[at]! + late[at]!)
  const best = unexplained.indexOf(Math.min(...unexplained))
  const [first, least, never] = [unexplained[0]!, unexplained[best]!, early.at(-1)!]
  const isBeyondChance = (squares: number): boolean => squares > MIN_SQUARES * variance
  if (isBeyondChance(first - least) && least < (1 - EXPLAINED) * first) return known[best]!.since
  return isBeyondChance(never - first) ? known[0]!.since : undefined
}
