import type { Settings } from '../../config/options.ts'
import { rateOf } from '../../exchange/sampling.ts'
import { readRefused, readWaiting } from '../../outbox/waiting.ts'
import { baseOfId, instanceId, instanceOfId, INSTANCES_PER_BASE, isUuidV7 } from '../../records/id.ts'
import type { ActualsStore, DayOfVersion } from './answers.ts'
import { reasonOfId, reasonOfRequest, reasons, type Known, type Reason } from './reasons.ts'

/** An actual without its prediction, by one of both ids. */
export interface Unmatched {
  readonly reason: Reason
  readonly id?: string
  readonly requestId?: string
  readonly instance?: number | null
  /** How many reports say something of it. */
  readonly reports: number
  /** Of a list that is longer than its batch: how many predictions that made. */
  readonly batch?: number
}

export interface ActualsCheck {
  readonly store: string
  /** ISO 8601: predictions made, and actuals reported, from then on. */
  readonly since: string
  readonly hasActuals: boolean
  readonly predictions: number
  readonly labelled: number
  readonly days: readonly DayOfVersion[]
  /** How many predictions' and requests' ids are without a prediction, by reason. */
  readonly unmatched: Readonly<Partial<Record<Reason, number>>>
  /** At most 20 of them, those that somebody has to look at first. */
  readonly examples: readonly Unmatched[]
}

const EXAMPLES = 20

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

const ratesOf = ({ routes, sampleRate }: Settings): Known['rates'] => {
  const rates = routes.length === 0 ? [sampleRate.rate] : routes.map((route) => rateOf(sampleRate, route))
  return { least: Math.min(...rates), greatest: Math.max(...rates) }
}

/** Counts by reason, and keeps the first of those to look at, and of the others. */
const createTally = () => {
  const counts: Partial<Record<Reason, number>> = {}
  const findings: Unmatched[] = []
  const others: Unmatched[] = []
  return {
    add(unmatched: Unmatched) {
      counts[unmatched.reason] = (counts[unmatched.reason] ?? 0) + 1
      const list = reasons[unmatched.reason].isFinding ? findings : others
      if (list.length < EXAMPLES) list.push(unmatched)
    },
    counts,
    examples: () => [...findings, ...others].slice(0, EXAMPLES),
  }
}

const tallyIds = async (store: ActualsStore, since: Date, known: Known, add: (each: Unmatched) => void) => {
  for await (const page of store.unmatchedIds(since)) {
    const later = page.filter(({ id }) => isUuidV7(id) && instanceOfId(id) > 0)
    const batches = await store.stored([...new Set(later.map(({ id }) => baseOfId(id)))])
    for (const { id, reports } of page)
      add({ id, reports, reason: reasonOfId(id, known, isUuidV7(id) && batches.has(baseOfId(id))) })
  }
}

const withBatch = async (store: ActualsStore, unmatched: Unmatched): Promise<Unmatched> => {
  const { id, reason } = unmatched
  if (id === undefined || reason !== 'longerThanBatch') return unmatched
  return {
    ...unmatched,
    batch: await store.countBetween(baseOfId(id), instanceId(baseOfId(id), INSTANCES_PER_BASE - 1)),
  }
}

/**
 * How many predictions have an actual, and why actuals have none.
 * @param open gives the store. It is asked after the outbox is read: what leaves that meanwhile is found in one of both.
 */
export const checkActuals = async (
  settings: Settings,
  since: Date,
  open: () => Promise<ActualsStore>,
): Promise<ActualsCheck> => {
  const waiting = await readWaiting(settings.outboxDir)
  const refused = await readRefused(settings.outboxDir)
  const store = await open()
  try {
    if (!(await store.hasActuals()))
      return { store: store.name, since: since.toISOString(), hasActuals: false, predictions: 0, labelled: 0, days: [], unmatched: {}, examples: [] } // prettier-ignore
    const days = await store.days(since)
    const oldest = (await store.oldest())?.getTime()
    const known = { now: Date.now(), oldest, rates: ratesOf(settings), waiting, refused }
    const tally = createTally()
    await tallyIds(store, since, known, tally.add)
    for await (const page of store.unmatchedRequests(since))
      for (const { requestId, instance, reports, ...request } of page)
        tally.add({ requestId, instance, reports, reason: reasonOfRequest({ requestId, instance, ...request }, known) })
    const examples: Unmatched[] = []
    for (const example of tally.examples()) examples.push(await withBatch(store, example))
    return {
      store: store.name,
      since: since.toISOString(),
      hasActuals: true,
      predictions: sum(days.map(({ predictions }) => predictions)),
      labelled: sum(days.map(({ labelled }) => labelled)),
      days,
      unmatched: tally.counts,
      examples,
    }
  } finally {
    await store.close()
  }
}
