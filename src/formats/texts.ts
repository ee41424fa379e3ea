import type { RequestReading } from '../format.ts'
import type { Row } from './rows.ts'

/** On a reading: its features' texts, while nobody looked at the features themselves. */
const kTexts = Symbol('capture-predictions.texts')

/** Features that were cut out of a body, as texts, and how they are parsed. Nothing in them is to be shortened. */
export interface Cut {
  readonly texts: readonly string[]
  parse(): readonly Row[]
}

interface WithTexts {
  [kTexts]?: () => readonly string[] | undefined
}

/**
 * A reading whose features are known as texts. Whoever looks at the features gets objects, made then; from then on these are what
 * counts, as a format around ours may change them.
 */
export const withTexts = (reading: Omit<RequestReading, 'features'>, { texts, parse }: Cut): RequestReading => {
  let features: readonly Row[] | undefined
  return {
    ...reading,
    get features() {
      return (features ??= parse())
    },
    [kTexts]: () => (features === undefined ? texts : undefined),
  } as RequestReading
}

/** Each instance's features as JSON text, if they are at hand: what `encode` would make of them, but for the notation of numbers. */
export const textsOf = (reading: RequestReading & WithTexts): readonly string[] | undefined => reading[kTexts]?.()

/** How many instances a request has, without a look at them. */
export const countOf = (reading: RequestReading): number => textsOf(reading)?.length ?? reading.features.length
