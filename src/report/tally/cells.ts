import type { Bins, Cell, Moments } from '../answers.ts'

/** Sums that grow: of rows as they come, or of a store's partial sums. */

export type OpenCell = { -readonly [Key in keyof Cell]: Cell[Key] }

export const newCell = (): OpenCell => ({ n: 0, w: 0, w2: 0 })

export const addCell = (cell: OpenCell, { n, w, w2 }: Cell): void => {
  cell.n += n
  cell.w += w
  cell.w2 += w2
}

export interface OpenBins extends Bins {
  readonly n: number[]
  readonly w: number[]
  readonly w2: number[]
}

const zeros = (count: number): number[] => new Array<number>(count).fill(0)

export const newBins = (count: number): OpenBins => ({ n: zeros(count), w: zeros(count), w2: zeros(count) })

export const addToBin = (bins: OpenBins, index: number, n: number, w: number, w2: number): void => {
  bins.n[index]! += n
  bins.w[index]! += w
  bins.w2[index]! += w2
}

export const addBins = (bins: OpenBins, { n, w, w2 }: Bins): void => {
  for (let i = 0; i < n.length; i++) if (n[i] !== 0) addToBin(bins, i, n[i]!, w[i]!, w2[i]!)
}

/** Weighted moments, kept so that they neither cancel nor overflow: https://doi.org/10.2307/2683386 (Chan, Golub, LeVeque). */
export interface OpenMoments {
  w: number
  mean: number
  m2: number
  min: number
  max: number
}

export const newMoments = (): OpenMoments => ({ w: 0, mean: 0, m2: 0, min: Infinity, max: -Infinity })

export const addValue = (moments: OpenMoments, value: number, w: number): void => {
  if (value < moments.min) moments.min = value
  if (value > moments.max) moments.max = value
  if (w === 0) return
  moments.w += w
  const step = value - moments.mean
  moments.mean += (step * w) / moments.w
  moments.m2 += w * step * (value - moments.mean)
}

export const addMoments = (moments: OpenMoments, added: OpenMoments): void => {
  if (added.min < moments.min) moments.min = added.min
  if (added.max > moments.max) moments.max = added.max
  if (added.w === 0) return
  const w = moments.w + added.w
  const step = added.mean - moments.mean
  moments.mean += (step * added.w) / w
  moments.m2 += added.m2 + (step * step * moments.w * added.w) / w
  moments.w = w
}

/** Undefined: there were no values. */
export const momentsOf = ({ mean, m2, min, max }: OpenMoments): Moments | undefined =>
  min > max ? undefined : { mean, m2, min, max }

/** The last of ascending edges that is at most `value`; -1: it is under the first. */
export const edgeBelow = (edges: readonly number[], value: number): number => {
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (edges[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The bin of a value among as many bins as edges have room for; what is outside is in the first and the last. */
export const clippedBin = (edges: readonly number[], value: number): number =>
  Math.min(Math.max(edgeBelow(edges, value), 0), edges.length - 2)

/** The bin of a chance among bins of the same width. What a subtraction leaves out (1 − 0.887) is less than any difference that counts. */
export const evenBin = (count: number, chance: number): number => Math.min(count - 1, Math.floor(chance * count + 1e-9))
