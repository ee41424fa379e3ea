import { fractionOf } from '../../exchange/sampling.ts'
import type { Waiting } from '../../outbox/waiting.ts'
import { baseOfId, isUuidV7, timeOfId } from '../../records/id.ts'

/** Why an actual has no prediction in the store. */
export type Reason =
  | 'waiting'
  | 'deadLetter'
  | 'sampledOut'
  | 'perhapsSampledOut'
  | 'pruned'
  | 'noSuchId'
  | 'longerThanBatch'
  | 'ambiguous'
  | 'unknown'

/** What each says, of so many; and whether somebody has to look at it. Those to look at come first. */
export const reasons: Readonly<Record<Reason, { readonly isFinding: boolean; readonly text: string }>> = {
  unknown: { isFinding: true, text: "unknown: the id could be a prediction's, and nothing says where that is" },
  noSuchId: { isFinding: true, text: 'no such id possible: no UUIDv7 of a prediction, or of a time to come' },
  longerThanBatch: {
    isFinding: true,
    text: 'longer than their batch: it made fewer predictions than were reported of',
  },
  ambiguous: {
    isFinding: true,
    text: "ambiguous: the request made several predictions; report instance, or the prediction's id",
  },
  deadLetter: { isFinding: true, text: 'the prediction is a dead letter: see capture-predictions dead-letters list' },
  waiting: { isFinding: false, text: 'the prediction still waits in the outbox' },
  sampledOut: { isFinding: false, text: 'sampled out, by PREDICTIONS_SAMPLE_RATE as it is now' },
  perhapsSampledOut: {
    isFinding: false,
    text: 'sampled out, if of a route with a lower rate by PREDICTIONS_SAMPLE_RATE',
  },
  pruned: { isFinding: false, text: 'from before the oldest prediction that is stored: pruned' },
}

/** Clocks of two machines may differ by so much, in milliseconds. */
const CLOCKS_APART = 3_600_000

/** What is known beside the ids. */
export interface Known {
  readonly now: number
  /** The oldest stored prediction, in milliseconds since 1970. */
  readonly oldest: number | undefined
  /** The least and the greatest rate of the routes. */
  readonly rates: { readonly least: number; readonly greatest: number }
  /** Predictions that are not stored yet, and dead letters. */
  readonly waiting: Waiting
  readonly refused: Waiting
}

const bySampling = (id: string, { least, greatest }: Known['rates']): Reason | undefined => {
  const fraction = fractionOf(id)
  if (fraction >= greatest) return 'sampledOut'
  return fraction >= least ? 'perhapsSampledOut' : undefined
}

/** @param isBatchStored whether the first prediction of its batch is there */
export const reasonOfId = (id: string, known: Known, isBatchStored: boolean): Reason => {
  if (!isUuidV7(id)) return 'noSuchId'
  if (known.waiting.ids.has(id)) return 'waiting'
  if (known.refused.ids.has(id)) return 'deadLetter'
  if (isBatchStored) return 'longerThanBatch'
  if (timeOfId(id) > known.now + CLOCKS_APART) return 'noSuchId'
  // All instances of a batch are kept, or none: the sampler is asked about the request.
  const sampled = bySampling(baseOfId(id), known.rates)
  if (sampled === 'sampledOut') return sampled
  if (known.oldest !== undefined && timeOfId(id) < known.oldest) return 'pruned'
  return sampled ?? 'unknown'
}

/** @param predictions how many the request made, as far as they are stored */
export const reasonOfRequest = (
  { requestId, instance, predictions }: { requestId: string; instance: number | null; predictions: number },
  known: Known,
): Reason => {
  if (known.waiting.requestIds.has(requestId)) return 'waiting'
  if (known.refused.requestIds.has(requestId)) return 'deadLetter'
  if (predictions > 0) return instance === null ? 'ambiguous' : 'longerThanBatch'
  return bySampling(requestId, known.rates) ?? 'unknown'
}
