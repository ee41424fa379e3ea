import type { Histogram } from '../result.ts'

const BARS = '▁▂▃▄▅▆▇█'

/** Neighbouring shares joined until there are at most `most`. */
const join = (shares: readonly number[], most: number): number[] => {
  const size = Math.ceil(shares.length / most)
  return Array.from({ length: Math.ceil(shares.length / size) }, (_, i) =>
    shares.slice(i * size, (i + 1) * size).reduce((a, b) => a + b, 0),
  )
}

/** Values as a row of bars, the greatest of `most` the highest; what is nothing is a blank. */
export const spark = (values: readonly number[], most = Math.max(...values)): string =>
  values
    .map((value) => {
      if (!(value > 0) || !(most > 0)) return ' '
      return BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))]
    })
    .join('')

/** Both distributions of a histogram as bars on the same scale, at most `width` wide. */
export const sparks = (histogram: Histogram | null, width: number): { current: string; reference: string } => {
  if (!histogram) return { current: '', reference: '' }
  const now = join(histogram.current, width)
  const was = histogram.reference && join(histogram.reference, width)
  const most = Math.max(...now, ...(was ?? []))
  return { current: spark(now, most), reference: was ? spark(was, most) : '' }
}
