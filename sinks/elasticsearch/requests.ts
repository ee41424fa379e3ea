import { nextTurn } from '../../src/steps/real-timers.ts'
import type { Document } from './documents.ts'

/** Requests at a time. A shard indexes a request on one core: several keep more of them busy. */
const LANES = 4

/** Elasticsearch's own advice is a few megabytes a request, and a proxy's limit is often not much more. */
const REQUEST_CHARACTERS = 4_000_000
/** Fewer are not worth a request: a batch of 1,000 goes in faster as two requests than as four, and than as one. */
const LEAST_DOCUMENTS = 500
const MOST_DOCUMENTS = 2500

/** How many documents of a batch go into a request, so that all lanes have one. */
const shareOf = (batch: number): number => Math.min(MOST_DOCUMENTS, Math.max(LEAST_DOCUMENTS, Math.ceil(batch / LANES)))

/** Documents made without a break: two milliseconds or so, then whoever else needs the event loop has it. */
const TURN = 250

/**
 * Cuts documents, as they are made, into requests.
 * @param batch how many there are, or a few more
 */
export async function* requestsOf(
  documents: AsyncIterable<Document> | Iterable<Document>,
  batch: number,
): AsyncGenerator<readonly Document[]> {
  const most = shareOf(batch)
  let request: Document[] = []
  let length = 0
  let made = 0
  for await (const document of documents) {
    const { source } = document
    if (request.length === most || (request.length > 0 && length + source.length > REQUEST_CHARACTERS)) {
      yield request
      request = []
      length = 0
    }
    request.push(document)
    length += source.length
    if (++made % TURN === 0) await nextTurn()
  }
  if (request.length > 0) yield request
}

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
