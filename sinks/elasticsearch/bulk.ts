import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Client } from '@elastic/elasticsearch'
import { PredictionsError } from '../../src/errors/errors.ts'
import type { Document } from './documents.ts'
import {
  batchRefused,
  causeOf,
  elasticsearchCause,
  statusOf,
  unavailable,
  unavailableFor,
  causeWords,
  type Cause,
} from './errors.ts'

/** One item's answer, with only what is asked for by `filter_path`. */
interface Item {
  readonly create: { readonly status: number; readonly _seq_no?: number; readonly error?: Cause }
}

interface BulkAnswer {
  readonly errors?: boolean
  readonly items?: readonly Item[]
}

/** Why a record is not stored, in Elasticsearch's words. */
export interface Rejection {
  readonly reason: string
  /** The item's HTTP status. Absent: it could not even be sent. */
  readonly status?: number
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
 * A 429 that will never pass: this request alone is over the node's limit for indexing pressure. The node counts a request's
 * bytes as they come in, and while it still counts those, what its shards make of them:
 * `… primary_operation_bytes=800036, max_primary_bytes=262144]`.
 */
const neverFits = ({ reason = '' }: Cause, body: string): boolean => {
  const [, max] = /max_(?:coordinating|primary)_bytes=(\d+)/.exec(reason) ?? []
  if (max === undefined) return false
  const [, primary = 0] = /primary_operation_bytes=(\d+)/.exec(reason) ?? []
  return Buffer.byteLength(body) + Number(primary) > Number(max)
}

/** 4xx of items that say nothing about the item: the system is not as needed, for all alike. */
const systemStates = new Set(['security_exception', 'index_not_found_exception', 'validation_exception'])
/** Of an index that nobody may write to. */
const shutStates = new Set(['index_closed_exception', 'cluster_block_exception'])

/**
 * @param isOfNow what is captured now goes to the same index: it is shut to be changed, and opens again. One of the past may be shut for good, and
 * nothing waits for that.
 */
const isSystemState = ({ type = '', reason = '' }: Cause, isOfNow: boolean): boolean =>
  systemStates.has(type) ||
  (isOfNow && shutStates.has(type)) ||
  (type === 'illegal_argument_exception' && reason.startsWith('pipeline with id ['))

/** What became of the documents of one request. */
export interface BulkOutcome {
  /** Stored, now or by an earlier try. */
  readonly stored: readonly Document[]
  readonly refused: readonly (readonly [document: Document, why: Rejection])[]
  /** Indices of which some part had no document before. */
  readonly begun: ReadonlySet<string>
  /**
   * Why the others are not stored. `PREDICTIONS_SINK_UNAVAILABLE`: the same may pass later; `PREDICTIONS_BATCH_REFUSED`: they
   * are too much for one request.
   */
  readonly failure?: PredictionsError | undefined
}

/** Where bulks go. */
export interface Connection {
  readonly client: Client
  readonly address: string
  readonly compression: boolean
}

/** Writes documents by `create` with their ids: 409 says that an earlier try had stored it. */
export const bulk = async (
  connection: Connection,
  documents: readonly Document[],
  indexOfNow: string,
  signal: AbortSignal,
): Promise<BulkOutcome> => {
  const { address } = connection
  const index = documents[0]!.index
  const body = bodyOf(documents, index)
  const answer = await request(connection, index, body, signal)
  const begun = new Set<string>()
  if (answer instanceof PredictionsError) return { stored: [], refused: [], begun, failure: answer }
  for (const [place, { create }] of (answer?.items ?? []).entries())
    if (create._seq_no === 0) begun.add(documents[place]!.index)
  if (answer?.errors === false) return { stored: documents, refused: [], begun }
  const items = answer?.items
  // Whatever else stands behind the URL may answer 200 as well.
  if (!Array.isArray(items) || items.length !== documents.length)
    return {
      stored: [],
      refused: [],
      begun,
      failure: unavailableFor(address, 'what came is no answer to a bulk request'),
    }

  const stored: Document[] = []
  const refused: [Document, Rejection][] = []
  let failure: PredictionsError | undefined
  for (const [place, document] of documents.entries()) {
    const { status, error = {} } = (items as readonly Item[])[place]!.create
    if (status < 300 || status === 409) stored.push(document)
    else if (status === 429 && neverFits(error, body)) failure = batchRefused(address, causeWords(error))
    else if (status === 429 || status >= 500 || isSystemState(error, document.index === indexOfNow))
      failure ??= unavailableFor(address, `${status} ${causeWords(error)}`, status)
    else refused.push([document, { status, reason: causeWords(error) }])
  }
  return { stored, refused, begun, failure }
}

const compress = promisify(gzip)

/** The client's own compression has no level, and the fastest one costs half of the usual one. */
const compressed = async (body: string) => ({
  bulkBody: await compress(body, { level: 1, chunkSize: 128 * 1024 }),
  headers: { 'content-encoding': 'gzip' },
})

const request = async (
  { client, address, compression }: Connection,
  index: string,
  body: string,
  signal: AbortSignal,
) => {
  try {
    const { bulkBody, headers } = compression ? await compressed(body) : { bulkBody: body, headers: {} }
    return (await client.transport.request(
      {
        method: 'POST',
        path: `/${encodeURIComponent(index)}/_bulk`,
        querystring: { filter_path: 'errors,items.create.status,items.create._seq_no,items.create.error' },
        bulkBody,
        meta: { name: 'bulk' },
      },
      { signal, headers, compression: false },
    )) as BulkAnswer | undefined
  } catch (error) {
    const status = statusOf(error)
    const cause = causeOf(error)
    const tooMuch = status === 413 || (status === 429 && neverFits(cause, body))
    return tooMuch || isUnreadable(error)
      ? batchRefused(address, `${status} ${causeWords(cause)}`)
      : unavailable(address, error)
  }
}

/** Whether Elasticsearch could make nothing of a request. A proxy's 400 says nothing of its content, nor does a client too new. */
const isUnreadable = (error: unknown): boolean => {
  const type = elasticsearchCause(error)?.type
  return statusOf(error) === 400 && type !== undefined && type !== 'media_type_header_exception'
}
