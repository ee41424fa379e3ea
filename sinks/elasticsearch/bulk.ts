import type { Client } from '@elastic/elasticsearch'
import type { Document } from './documents.ts'
import { batchRefused, causeOf, statusOf, unavailable, unavailableFor, words, type Cause } from './errors.ts'

/** One item's answer, with only what is asked for by `filter_path`. */
interface Item {
  readonly create: { readonly status: number; readonly error?: Cause }
}

interface BulkAnswer {
  readonly errors: boolean
  readonly items: readonly Item[]
}

/** Why a record is not stored, in Elasticsearch's words. */
export interface Rejection {
  readonly reason: string
  /** The item's HTTP status. Absent: it could not even be sent. */
  readonly status?: number
}

/** Characters of one request: Elasticsearch's own advice is a few megabytes, and a proxy's limit is often not much more. */
const REQUEST_LENGTH = 8_000_000

/** Cuts documents into requests; yields where each starts and ends. */
export function* requestsOf(documents: readonly Document[]): Generator<readonly [start: number, end: number]> {
  let start = 0
  let length = 0
  for (const [index, { source }] of documents.entries()) {
    if (length + source.length > REQUEST_LENGTH && index > start) {
      yield [start, index]
      start = index
      length = 0
    }
    length += source.length
  }
  if (start < documents.length) yield [start, documents.length]
}

/** NDJSON of one request. The index stands in the path, and only where it is another in the line. */
const bodyOf = (documents: readonly Document[], index: string): string => {
  let text = ''
  for (const document of documents) {
    const elsewhere = document.index === index ? '' : `"_index":"${document.index}",`
    text += `{"create":{${elsewhere}"_id":"${document.id}"}}\n${document.source}\n`
  }
  return text
}

/**
 * A 429 that will never pass: this request alone is over the node's limit for indexing pressure.
 * `… coordinating_operation_bytes=92160, max_coordinating_bytes=65536]`. The primary's part of a request is judged while its
 * coordinating part is still counted.
 */
const neverFits = ({ reason = '' }: Cause, bytes: number): boolean => {
  const [, kind, operation] = /(coordinating|primary)_operation_bytes=(\d+)/.exec(reason) ?? []
  const [, max] = /max_\w+_bytes=(\d+)/.exec(reason) ?? []
  if (operation === undefined || max === undefined) return false
  return Number(operation) + (kind === 'primary' ? bytes : 0) > Number(max)
}

/** 4xx of items that say nothing about the item: the system is not as needed, for all alike. */
const systemStates = new Set(['security_exception', 'index_not_found_exception', 'validation_exception'])

/**
 * Writes documents by `create` with their ids: 409 says that an earlier try had stored it.
 *
 * @returns the refused ones, by their place
 * @throws PredictionsError `PREDICTIONS_SINK_UNAVAILABLE`: some are not written, and the same may pass later
 * @throws PredictionsError `PREDICTIONS_BATCH_REFUSED`: they are too much for one request
 */
export const bulk = async (
  client: Client,
  address: string,
  documents: readonly Document[],
  signal: AbortSignal,
): Promise<Map<number, Rejection>> => {
  const index = documents[0]!.index
  const body = bodyOf(documents, index)
  const answer = await request(client, address, index, body, signal)
  const rejections = new Map<number, Rejection>()
  if (!answer.errors) return rejections
  if (answer.items.length !== documents.length) throw unavailableFor(address, 'the answer to a bulk lacks items')

  for (const [place, { create }] of answer.items.entries()) {
    const { status, error = {} } = create
    if (status < 300 || status === 409) continue
    if (status === 429 && neverFits(error, body.length)) throw batchRefused(address, words(error))
    if (status === 429 || status >= 500 || systemStates.has(error.type ?? ''))
      throw unavailableFor(address, `${status} ${words(error)}`, status)
    rejections.set(place, { status, reason: words(error) })
  }
  return rejections
}

const request = async (client: Client, address: string, index: string, body: string, signal: AbortSignal) => {
  try {
    return (await client.transport.request(
      {
        method: 'POST',
        path: `/${encodeURIComponent(index)}/_bulk`,
        querystring: { filter_path: 'errors,items.create.status,items.create.error' },
        bulkBody: body,
        meta: { name: 'bulk' },
      },
      { signal },
    )) as BulkAnswer
  } catch (error) {
    const status = statusOf(error)
    const cause = causeOf(error)
    const tooMuch = status === 413 || (status === 429 && neverFits(cause, body.length))
    const unreadable = status === 400 && cause.type !== 'media_type_header_exception'
    if (tooMuch || unreadable) throw batchRefused(address, `${status} ${words(cause)}`)
    throw unavailable(address, error)
  }
}
