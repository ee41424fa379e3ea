const isMidnight = (iso: string): boolean => iso.slice(11) === '00:00:00.000Z'

/** `2026-03-01`, or to the minute where it is not midnight; UTC. */
const day = (iso: string): string => (isMidnight(iso) ? iso.slice(0, 10) : iso.slice(0, 16).replace('T', ' '))

/** Seconds since 1970, as a column of times has them. */
export const timeOf = (seconds: number): string => {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? String(seconds) : day(date.toISOString())
}
