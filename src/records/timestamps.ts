/**
 * The time of a request's arrival as ISO 8601 in UTC with milliseconds. Requests come many a millisecond, so the text is kept
 * for as long as it holds: `toISOString` alone would cost a tenth of a capture.
 */
export const createTimestamps = (): ((time: number) => string) => {
  let millisecond = Number.NaN
  let text = ''
  return (time) => {
    if (time !== millisecond) {
      text = new Date(time).toISOString()
      millisecond = time
    }
    return text
  }
}
