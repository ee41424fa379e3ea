import { setImmediate } from 'node:timers/promises'
import type { Document } from './documents.ts'

/** Elasticsearch's own advice is a few megabytes a request, and a proxy's limit is often not much more. */
const REQUEST_CHARACTERS = 4_000_000
const REQUEST_DOCUMENTS = 1000

/** Documents made without a break: two milliseconds or so, then whoever else needs the event loop has it. */
const TURN = 250

/** Cuts documents, as they are made, into requests. */
export async function* requestsOf<D extends Document>(documents: Iterable<D>): AsyncGenerator<readonly D[]> {
  let request: D[] = []
  let length = 0
  let made = 0
  for (const document of documents) {
    const { source } = document
    if (request.length === REQUEST_DOCUMENTS || (request.length > 0 && length + source.length > REQUEST_CHARACTERS)) {
      yield request
      request = []
      length = 0
    }
    request.push(document)
    length += source.length
    if (++made % TURN === 0) await setImmediate()
  }
  if (request.length > 0) yield request
}

/** A shard indexes one request on one core: more requests at a time keep more of them busy. */
const LANES = 4

/**
 * Works on items, some at a time. Ends when all that was begun has ended; after a failure nothing more is begun.
 * @throws the first failure
 */
export const inLanes = async <T>(items: AsyncIterable<T>, work: (item: T) => Promise<void>): Promise<void> => {
  const lane = async () => {
    for await (const item of items) await work(item)
  }
  const ends = await Promise.allSettled(Array.from({ length: LANES }, lane))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}
