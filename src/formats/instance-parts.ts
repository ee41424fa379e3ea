import type { Envelope, ReplyReading, RequestReading } from './format.ts'
import type { Row } from './rows.ts'

export type Side = 'features' | 'outputs'

export type Change = (row: Row) => Row

/** The instances of one side of an exchange, made a few at a time: all at once, those of a large batch would hold up everything else. */
export interface Parts {
  readonly count: number
  /**
   * The rows `from` to before `to`. Call it in order, once for each: what is odd about them is noted as they are made.
   * @param change what is done to each before anything of it is shortened: redaction
   */
  rows(from: number, to: number, change?: Change): readonly Row[]
  /** The same as JSON text, where they were cut out of the body: what `encode` would make of them, but for the notation of numbers. */
  texts?(from: number, to: number): readonly string[]
  /** What is odd about the body, and about the instances that were made so far. */
  extra(): Envelope['extra']
}

/** On a reading: its instances' parts, while nobody looked at the instances themselves. */
const kParts = Symbol('capture-predictions.parts')

interface WithParts {
  [kParts]?: () => Parts | undefined
}

/**
 * A reading whose instances are made in parts. Whoever looks at the instances gets all of them; from then on these are what counts,
 * as a format around ours may change them.
 */
export const withParts = <Reading extends RequestReading | ReplyReading>(
  read: Omit<Reading, Side | 'extra'>,
  side: Side,
  parts: Parts,
): Reading => {
  let rows: readonly Row[] | undefined
  return {
    ...read,
    get [side]() {
      return (rows ??= parts.rows(0, parts.count))
    },
    get extra() {
      return parts.extra()
    },
    [kParts]: () => (rows === undefined ? parts : undefined),
  } as unknown as Reading
}

/** All that a reading has, there already. A class, as there are two for each request. */
class Made implements Parts {
  readonly #reading: RequestReading | ReplyReading
  readonly #rows: readonly Row[]

  constructor(reading: RequestReading | ReplyReading, rows: readonly Row[]) {
    this.#reading = reading
    this.#rows = rows
  }

  get count(): number {
    return this.#rows.length
  }
  rows(from: number, to: number, change?: Change): readonly Row[] {
    const rows = to - from === this.#rows.length ? this.#rows : this.#rows.slice(from, to)
    return change === undefined ? rows : rows.map(change)
  }
  extra(): Envelope['extra'] {
    return this.#reading.extra
  }
}

/** A reading's instances. */
export const partsOf = (reading: (RequestReading | ReplyReading) & WithParts, side: Side): Parts =>
  reading[kParts]?.() ?? new Made(reading, (reading as Record<Side, readonly Row[]>)[side])

/** A reading with one more note for `extra`. It is changed in place, as its instances and notes may be made only when they are asked for. */
export const withNote = <Reading extends RequestReading | ReplyReading>(
  reading: Reading & WithParts,
  path: string,
  note: { reason: string },
): Reading => {
  const { get, value } = Object.getOwnPropertyDescriptor(reading, 'extra') ?? {}
  const extra = (): Envelope['extra'] => ({ ...((get ? get.call(reading) : value) as Envelope['extra']), [path]: note })
  const made = reading[kParts]
  if (made !== undefined)
    reading[kParts] = () => {
      const parts = made()
      return parts && { ...parts, extra: () => ({ ...parts.extra(), [path]: note }) }
    }
  return Object.defineProperty(reading, 'extra', { get: extra, enumerable: true, configurable: true })
}

/** How many instances a request has, without a look at them. */
export const countOf = (reading: RequestReading & WithParts): number =>
  reading[kParts]?.()?.count ?? reading.features.length
