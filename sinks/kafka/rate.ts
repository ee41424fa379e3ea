/** How many a second, over the last seconds. */
export const createRate = (windowMs = 10_000, now: () => number = () => performance.now()) => {
  const started = now()
  let samples: { at: number; count: number }[] = []

  const recent = (): typeof samples => {
    const from = now() - windowMs
    samples = samples.filter(({ at }) => at > from)
    return samples
  }

  return {
    add(count: number): void {
      const at = now()
      const last = samples.at(-1)
      // One sample a tenth of a second is enough, and keeps the list short.
      if (last && at - last.at < windowMs / 100) last.count += count
      else recent().push({ at, count })
    },
    perSecond(): number {
      const seconds = Math.min(windowMs, now() - started) / 1000
      return seconds === 0 ? 0 : recent().reduce((sum, { count }) => sum + count, 0) / seconds
    },
  }
}
