import type { FormatReply, FormatRequest, ReplyReading, RequestReading } from '../format.ts'
import { encode } from '../json.ts'
import { type Content, contentOf, type Extra } from './body.ts'
import { readCsvOutputs } from './csv-text.ts'
import { canRepeat, columnsOf, isObject, outputsOf, put, type Row, rowsOf, tagsOf } from './rows.ts'
import { shortenArrays } from './shorten.ts'
import { countOf, type Cut, withTexts } from './texts.ts'

/** What a reply is read by. */
interface Asked {
  readonly isBatch: boolean
  readonly outputNames: readonly string[]
}

/** The reading of a request's features, with what is odd about them. A request is at least one instance. */
export const requestReading = (
  request: FormatRequest,
  content: Content,
  read: {
    features: readonly Row[]
    cut?: Cut | undefined
    isBatch: boolean
    items?: readonly unknown[] | undefined
    tags?: Row
    requestId?: unknown
    extra?: Extra
  },
): RequestReading => {
  if (read.cut !== undefined) return cutReading(request, read, read.cut)
  const isEmpty = read.features.length === 0
  const { rows, extra } = shortenArrays(isEmpty ? [{}] : read.features, 'features', content.isParsed, read.items)
  if (!isEmpty && isOrdinary(content, read, extra))
    return { features: rows, isBatch: read.isBatch, context: request.outputNames, requestId: idOf(read.requestId) }
  const { tags, reason } = tagsOf(read.tags ?? {}, rows.length)
  return {
    features: rows,
    isBatch: read.isBatch,
    context: request.outputNames,
    tags,
    requestId: idOf(read.requestId),
    extra: affordable(rows.length, {
      ...extra,
      ...read.extra,
      ...(reason !== undefined && { tags: { reason } }),
      ...(isEmpty && { body: { reason: 'a batch without instances' } }),
      ...(content.note && { body: content.note }),
    }),
  }
}

/** The reading of features that were cut out of the body. */
const cutReading = (
  request: FormatRequest,
  read: { isBatch: boolean; tags?: Row; requestId?: unknown },
  cut: Cut,
): RequestReading => {
  const { tags, reason } = tagsOf(read.tags ?? {}, cut.texts.length)
  const reading = {
    isBatch: read.isBatch,
    context: request.outputNames,
    tags,
    requestId: idOf(read.requestId),
    ...(reason !== undefined && { extra: { tags: { reason } } }),
  }
  return withTexts(reading, cut)
}

/** A request that could not be read is one instance without features; `extra` says why. */
export const unreadRequest = (request: FormatRequest, content: Content): RequestReading => {
  const { value, isText } = content
  const note = isText ? { value: String(value).slice(0, 2_000), reason: 'a text is no features' } : content.note
  return requestReading(request, { ...content, note }, { features: [{}], isBatch: false })
}

/** The reading of a reply's outputs, with what is odd about them. */
export const replyReading = (
  content: Content,
  read: {
    outputs: readonly Row[]
    tags?: Row
    requestId?: unknown
    model?: unknown
    modelVersion?: unknown
    extra?: Extra
  },
): ReplyReading => {
  const { rows, extra } = shortenArrays(read.outputs, 'outputs')
  if (isOrdinary(content, read, extra) && read.model === undefined)
    return { outputs: rows, requestId: idOf(read.requestId) }
  const { tags, reason } = tagsOf(read.tags ?? {}, rows.length)
  return {
    outputs: rows,
    tags,
    requestId: idOf(read.requestId),
    model: idOf(read.model),
    modelVersion: idOf(read.modelVersion),
    extra: affordable(rows.length, {
      ...extra,
      ...read.extra,
      ...(reason !== undefined && { tags: { reason } }),
      ...(content.note && { reply: content.note }),
    }),
  }
}

/** Nothing odd, and no tags: as most are, so that they cost no more objects than they need. */
const isOrdinary = (
  content: Content,
  read: { tags?: Row; extra?: Extra; modelVersion?: unknown },
  extra: Extra,
): boolean =>
  content.note === undefined &&
  read.tags === undefined &&
  read.extra === undefined &&
  read.modelVersion === undefined &&
  !hasMembers(extra)

const hasMembers = (notes: Extra): boolean => {
  for (const _path in notes) return true
  return false
}

const MAX_NOTES = 16

/** What is odd about a body stands in each of its records: past what can be repeated, only that there was something. */
const affordable = (instances: number, extra: Extra): Extra => {
  const paths = Object.keys(extra)
  if (paths.length === 0) return extra
  if (paths.length <= MAX_NOTES && canRepeat(encode(extra).length, instances)) return extra
  return { body: { reason: `${paths.length} notes, too many to be stored: the first is ${extra[paths[0]!]?.reason}` } }
}

/** Ids and names longer than this are cut: they stand in each record, and columns for them are no longer. */
const MAX_ID = 255

/** An id as text; servers also send numbers. */
export const idOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value === '' ? undefined : value.slice(0, MAX_ID)
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
}

const BATCH_KEYS = ['predictions', 'outputs', 'results', 'result']

/**
 * Reads a reply that is JSON or CSV, whatever the request was: handlers and containers mix them (MLflow takes CSV and
 * replies JSON, SageMaker's take JSON and reply CSV). n is the number of instances asked about.
 *
 * | request | reply | outputs |
 * |---|---|---|
 * | one instance | object | its members |
 * | one instance | array | `prediction`, as JSON; or the schema's k names |
 * | any | scalar or plain text | `prediction` |
 * | batch | array | one item each |
 * | batch | object with `predictions`, `outputs`, `results` or `result` | its items, or its columns if an object; other members that are arrays of n give each instance its item, the rest are tags |
 * | batch | object whose members are all arrays of n | its columns |
 * | batch | another object | its members, as one instance's: the numbers differ, which the record's `extra` says |
 * | batch of one | array not of length one | `prediction`, as JSON |
 */
export const readOutputs = (reply: FormatReply, request: RequestReading): ReplyReading => {
  const content = contentOf(reply)
  const asked = askedOf(request)
  const n = countOf(request)
  if (content.value === undefined) return replyReading(content, { outputs: [] })
  if (content.isText)
    return replyReading(content, { outputs: readTextOutputs(content.value as string, reply, asked, n) })
  return replyReading(content, readJsonOutputs(content.value, asked, n))
}

/** What was remembered at the request; a reading of a user's own format has nothing of it. */
const askedOf = (request: RequestReading): Asked => ({
  isBatch: request.isBatch ?? countOf(request) > 1,
  outputNames: Array.isArray(request.context) ? (request.context as string[]) : [],
})

const readTextOutputs = (text: string, reply: FormatReply, asked: Asked, n: number): Row[] =>
  readCsvOutputs(text, reply.contentType, asked.outputNames, n) ?? [outputsOf(text, asked.outputNames)]

const readJsonOutputs = (value: unknown, asked: Asked, n: number): { outputs: Row[]; tags?: Row } => {
  const { isBatch, outputNames } = asked
  if (!isBatch) return { outputs: [outputsOf(value, outputNames)] }
  if (!isObject(value)) return { outputs: itemsOf(value, n, outputNames) }
  const key = BATCH_KEYS.find((name) => typeof value[name] === 'object' && value[name] !== null)
  if (key === undefined) return { outputs: areColumns(value, n) ? rowsOf(columnsOf(value)).rows : [value] }
  const { [key]: items, ...others } = value
  return beside(itemsOf(items, n, outputNames), others, n)
}

/** The outputs of each item of a batch's reply. */
const itemsOf = (items: unknown, n: number, names: readonly string[]): Row[] => {
  if (isObject(items)) return rowsOf(columnsOf(items), n === 1).rows
  if (!Array.isArray(items) || (n === 1 && items.length !== 1)) return [outputsOf(items, names)]
  return items.map((item) => outputsOf(item, names))
}

const areColumns = (value: Row, n: number): boolean => {
  const members = Object.values(value)
  return members.length > 0 && members.every((member) => Array.isArray(member) && member.length === n)
}

/** Members beside the predictions: what has an item for each instance (KServe's `explanations`) joins its outputs. */
const beside = (outputs: Row[], others: Row, n: number): { outputs: Row[]; tags: Row } => {
  const columns: Row = {}
  const tags: Row = {}
  for (const [name, value] of Object.entries(others))
    put(Array.isArray(value) && value.length === n && outputs.length === n ? columns : tags, name, value)
  if (Object.keys(columns).length === 0) return { outputs, tags }
  const { rows } = rowsOf(columnsOf(columns))
  if (rows.length !== n) return { outputs, tags: { ...tags, ...columns } }
  return { outputs: outputs.map((output, i) => ({ ...rows[i], ...output })), tags }
}
