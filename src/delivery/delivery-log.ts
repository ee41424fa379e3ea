import { messageOf } from '../errors/errors.ts'
import { atMostOnceA, type Logger } from '../logger.ts'

const LONGEST = 1000

/** Whatever stands before an @ in a URL: user and password. */
const CREDENTIALS = /:\/\/\S*@/g

/** A text of another system's, fit for logs and stats: one line, not too long, and no URL with its password. */
export const oneLine = (text: string): string => {
  const line = text
    .slice(0, 4 * LONGEST)
    .replace(/\s+/g, ' ')
    .replace(CREDENTIALS, '://***@')
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line
}

/** What an error says, with its kind where that tells more (a TypeError is a bug, not an outage). */
export const says = (error: unknown): string => {
  // Several addresses were tried: the error itself says nothing, the first one why.
  if (error instanceof AggregateError && error.message === '' && error.errors.length > 0) return says(error.errors[0])
  const kind = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError
  return oneLine(kind ? `${error.name}: ${messageOf(error)}` : messageOf(error))
}

/** A logger that lets one line a kind through each minute. */
export const createDeliveryLog = (logger: Logger) => ({
  info: atMostOnceA(60_000, (message) => logger.info(message)),
  warn: atMostOnceA(60_000, (message) => logger.warn(message)),
  error: atMostOnceA(60_000, (message) => logger.error(message)),
})

export type DeliveryLog = ReturnType<typeof createDeliveryLog>
