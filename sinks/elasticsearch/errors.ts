import { STATUS_CODES } from 'node:http'
import { messageOf, PredictionsError } from '../../src/errors/errors.ts'
import { networkFix } from '../../src/errors/network-fixes.ts'

/** An error as Elasticsearch writes it: of a request, or of an item of a bulk. */
export interface Cause {
  readonly type?: string
  readonly reason?: string
  readonly caused_by?: Cause
}

/** What the client's errors have in common. Not `instanceof`: the client is the application's, of version 8 or 9. */
interface ClientError {
  readonly name?: string
  readonly statusCode?: number
  readonly body?: { readonly error?: Cause | string } | string | null
}

const LONGEST = 1000

/** Elasticsearch's words in one line: `document_parsing_exception: … (caused by illegal_argument_exception: …)`. */
export const causeWords = (cause: Cause): string => {
  const { type = 'error', reason, caused_by: by } = cause
  const text =
    `${type}${reason === undefined ? '' : `: ${reason}`}${by && by.reason !== reason ? ` (caused by ${causeWords(by)})` : ''}`.replace(
      /\s+/g,
      ' ',
    )
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

export const statusOf = (error: unknown): number | undefined => (error as ClientError | null)?.statusCode

/** The error within a refused request's body, as only Elasticsearch writes it: a proxy's has none, nor has a 413. */
export const elasticsearchCause = (error: unknown): Cause | undefined => {
  const { body } = error as ClientError
  const cause = typeof body === 'object' ? body?.error : undefined
  return typeof cause === 'object' ? cause : undefined
}

/** Why a request was refused: in Elasticsearch's words, else by what HTTP calls its status. */
export const causeOf = (error: unknown): Cause =>
  elasticsearchCause(error) ?? { type: STATUS_CODES[(error as ClientError).statusCode ?? 0] ?? 'error' }

const hints: readonly { readonly when: (status: number | undefined, text: string) => boolean; readonly fix: string }[] =
  [
    {
      when: (status) => status === 401,
      fix: "the login is wrong: check user and password in the sink's URL, or PREDICTIONS_ELASTICSEARCH_API_KEY",
    },
    {
      when: (status) => status === 403,
      fix: 'this login may not do it: it needs monitor and manage_index_templates on the cluster (only monitor with PREDICTIONS_MIGRATE=off), and create_doc, create_index, view_index_metadata and manage on the indices',
    },
    {
      // What the client asks for in its media type only Elasticsearch knows.
      when: (status) => status === 406,
      fix: 'this is no Elasticsearch of version 8 or newer: OpenSearch, and Elasticsearch before 8, are not supported',
    },
    {
      when: (_, text) => text.includes('media_type_header_exception'),
      fix: 'the server is older than the client: npm install @elastic/elasticsearch@8',
    },
    {
      when: (_, text) => /certificate|self.signed|issuer/i.test(text),
      fix: "the server's certificate is not trusted: PREDICTIONS_ELASTICSEARCH_CA names the PEM file of the authority that signed it",
    },
    {
      when: (_, text) => /wrong version number|packet length too long|EPROTO/i.test(text),
      fix: 'the server speaks no TLS: write elasticsearch:// instead of elasticsearch+https://',
    },
    {
      when: (_, text) => text.startsWith('other side closed'),
      fix: 'if it speaks TLS, write elasticsearch+https://',
    },
    {
      when: (_, text) => /maximum (normal )?shards open/.test(text),
      fix: 'the cluster has no room for another index: raise cluster.max_shards_per_node, delete old indices, or set PREDICTIONS_ELASTICSEARCH_INDEX_BY=none',
    },
  ]

/**
 * An error to be tried again, in one line with its fix. The client's own error is not its cause: it carries the request, with
 * every document in it.
 */
export const unavailable = (address: string, error: unknown): PredictionsError => {
  const status = statusOf(error)
  const text = status === undefined ? messageOf(error).replace(/\s+/g, ' ') : `${status} ${causeWords(causeOf(error))}`
  return unavailableFor(address, text, status)
}

export const unavailableFor = (address: string, text: string, status?: number): PredictionsError => {
  const fix = hints.find(({ when }) => when(status, text))?.fix ?? (status === undefined ? networkFix(text) : undefined)
  return new PredictionsError(
    'PREDICTIONS_SINK_UNAVAILABLE',
    // Elasticsearch ends some of its sentences with a semicolon.
    `${address}: ${fix === undefined ? text : `${text.replace(/[.;]$/, '')}; ${fix}`}`,
  )
}

export const batchRefused = (address: string, text: string): PredictionsError =>
  new PredictionsError('PREDICTIONS_BATCH_REFUSED', `${address}: ${text}`)
