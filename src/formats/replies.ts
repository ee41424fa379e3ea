import type { Extra, FormatReply, FormatRequest, ReplyReading, RequestReading } from './format.ts'
import { keptText, shortenedJson } from '../records/cut.ts'
import { encode } from '../records/json.ts'
import { hasMembers } from '../records/members.ts'
import { type Content, contentOf, type Cut } from './body.ts'
import { readCsvOutputs } from './csv-text.ts'
import { answerOf } from './answers.ts'
import { ofLabels } from './labels.ts'
import { type Change, countOf, type Parts, withParts } from './instance-parts.ts'
import {
  canRepeat,
  valuesByColumn,
  isObject,
  mapRows,
  outputsOf,
  put,
  type Row,
  type Rows,
  rowsOf,
  rowsOfItems,
  tagsOf,
} from './rows.ts'
import { Shortener } from './shorten.ts'
import { outputsOfStream } from './stream-lines.ts'
import { belowName, orientOf, rowsOfTable, studioTableOf } from './tables.ts'

/** What a reply is read by. */
interface Asked {
  readonly isBatch: boolean
  readonly outputNames: readonly string[]
}

/** A batch of more instances than this is made in parts, also where its body is small. */
const MAX_AT_ONCE = 256

const makeRows = (rows: Rows, shortener: Shortener, from: number, to: number, change?: Change): Row[] => {
  const made: Row[] = []
  for (let i = from; i < to; i++) {
    const row = rows.at(i)!
    made.push(change === undefined ? shortener.shorten(row, rows.item?.(i)) : shortener.shorten(change(row)))
  }
  return made
}

const partsOfRows = (rows: Rows, shortener: Shortener, extra: () => Extra): Parts => ({
  count: rows.length,
  rows: (from, to, change) => makeRows(rows, shortener, from, to, change),
  extra,
})

const partsOfCut = (cut: Cut, shortener: Shortener, extra: () => Extra): Parts => {
  let all: Rows | undefined
  const rows: Parts['rows'] = (from, to, change) => makeRows((all ??= cut.rows()), shortener, from, to, change)
  return { count: cut.count, texts: cut.texts, rows, extra }
}

/** What stands beside the instances in a body. */
interface Beside {
  tags?: Row | undefined
  requestId?: unknown
  model?: unknown
  modelVersion?: unknown
  extra?: Extra | undefined
}

/** Nothing is said of a body, as of most: so that it costs no more objects than it needs. */
const isOrdinary = (beside: Beside, notes: Extra | undefined, { extra: shortened }: Shortener): boolean =>
  beside.tags === undefined &&
  beside.extra === undefined &&
  notes === undefined &&
  !hasMembers(shortened) &&
  !isLongId(beside.requestId) &&
  !isLongId(beside.model) &&
  !isLongId(beside.modelVersion)

/** What a body's records say of it, each of n. */
const said = (n: number, beside: Beside, notes: Extra | undefined, shortener: Shortener) => {
  const { tags, note } = tagsOf(beside.tags ?? {}, n)
  const { requestId, model, modelVersion } = beside
  const all = (): Extra =>
    affordable(n, {
      ...shortener.extra,
      ...beside.extra,
      ...(note !== undefined && { tags: note }),
      ...cutIds({ request_id: requestId, model, model_version: modelVersion }),
      ...notes,
    })
  return { tags, extra: all }
}

/** The reading of a request's features, with what is odd about them. A request is at least one instance. */
export const requestReading = (
  request: FormatRequest,
  content: Content,
  read: Beside & { features: Rows | Cut; isBatch: boolean },
): RequestReading => {
  const reading = readingOf(request, content, read)
  // It may make its instances only when they are asked for: it is not copied.
  return read.model === undefined ? reading : Object.assign(reading, { model: idOf(read.model) })
}

const readingOf = (
  request: FormatRequest,
  content: Content,
  read: Beside & { features: Rows | Cut; isBatch: boolean },
): RequestReading => {
  const { isBatch } = read
  const context = request.outputNames
  const requestId = idOf(read.requestId)
  const shortener = new Shortener('features', content.isParsed)
  if ('texts' in read.features) {
    const { tags, extra } = said(read.features.count, read, undefined, shortener)
    return withParts({ isBatch, context, requestId, tags }, 'features', partsOfCut(read.features, shortener, extra))
  }
  const isEmpty = read.features.length === 0
  const rows: Rows = isEmpty ? [{}] : read.features
  const n = rows.length
  const notes = content.note ? { ...rows.extra, body: content.note } : isEmpty ? NO_INSTANCES : rows.extra
  if (content.inParts === true || n > MAX_AT_ONCE) {
    const { tags, extra } = said(n, read, notes, shortener)
    return withParts({ isBatch, context, requestId, tags }, 'features', partsOfRows(rows, shortener, extra))
  }
  const features = makeRows(rows, shortener, 0, n)
  if (isOrdinary(read, notes, shortener)) return { features, isBatch, context, requestId }
  const { tags, extra } = said(n, read, notes, shortener)
  return { features, isBatch, context, requestId, tags, extra: extra() }
}

const NO_INSTANCES: Extra = { body: { reason: 'a batch without instances' } }

/** A request that could not be read is one instance without features; `extra` says why. */
export const unreadRequest = (request: FormatRequest, content: Content): RequestReading => {
  const { value, isText } = content
  const note = isText ? { value: keptText(String(value)), reason: 'a text is no features' } : content.note
  return requestReading(request, { ...content, note }, { features: [{}], isBatch: false })
}

/**
 * The same where it is clear what holds the features, but not how: below no path of their own, so that redaction, which knows what
 * could not be read, leaves none of it in clear.
 */
export const unreadFeatures = (
  request: FormatRequest,
  content: Content,
  unread: unknown,
  why: string,
  tags: Row,
): RequestReading => {
  const reason = content.note ? `${why}; ${content.note.reason}` : why
  const note = { value: keptText(encode(unread)), reason }
  return requestReading(request, { ...content, note }, { features: [{}], isBatch: true, tags })
}

/** The reading of a reply's outputs, with what is odd about them. */
export const replyReading = (content: Content, read: Beside & { outputs: Rows }): ReplyReading => {
  const requestId = idOf(read.requestId)
  const model = idOf(read.model)
  const modelVersion = idOf(read.modelVersion)
  const shortener = new Shortener('outputs')
  const rows = read.outputs
  const n = rows.length
  const notes = content.note ? { ...rows.extra, reply: content.note } : rows.extra
  if (content.inParts === true || n > MAX_AT_ONCE) {
    const { tags, extra } = said(n, read, notes, shortener)
    return withParts({ requestId, model, modelVersion, tags }, 'outputs', partsOfRows(rows, shortener, extra))
  }
  const outputs = makeRows(rows, shortener, 0, n)
  if (isOrdinary(read, notes, shortener)) return { outputs, requestId, model, modelVersion }
  const { tags, extra } = said(n, read, notes, shortener)
  return { outputs, requestId, model, modelVersion, tags, extra: extra() }
}

const MAX_NOTES = 16

/** What is odd about a body stands in each of its records: past what can be repeated, only that there was something. */
const affordable = (instances: number, extra: Extra): Extra => {
  const paths = Object.keys(extra)
  if (paths.length === 0) return extra
  if (paths.length <= MAX_NOTES && canRepeat(encode(extra).length, instances)) return extra
  return {
    body: {
      value: shortenedJson(encode(extra)),
      reason: `${paths.length} notes, too many to be stored: the first is ${extra[paths[0]!]?.reason}`,
    },
  }
}

/** Ids and names longer than this are cut, and stand whole in `extra`: columns for them are no longer. In UTF-16 code units. */
const MAX_ID = 255

/** An id as text; servers also send numbers. */
export const idOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value === '' ? undefined : value.slice(0, MAX_ID)
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
}

const isLongId = (id: unknown): id is string => typeof id === 'string' && id.length > MAX_ID

/** What is cut of the ids and names of a body, as notes. */
const cutIds = (ids: Readonly<Record<string, unknown>>): Extra => {
  const notes: Extra = {}
  for (const [name, id] of Object.entries(ids))
    if (isLongId(id)) notes[name] = { value: keptText(id), reason: `cut to ${MAX_ID} characters` }
  return notes
}

const BATCH_KEYS = ['predictions', 'outputs', 'results', 'result', 'Results', 'output']

/**
 * Reads a reply that is JSON or CSV, whatever the request was: handlers and containers mix them (MLflow takes CSV and
 * replies JSON, SageMaker's take JSON and reply CSV). n is the number of instances asked about.
 *
 * | request | reply | outputs |
 * |---|---|---|
 * | one instance | object | its members |
 * | one instance | array | `prediction`, as JSON; or the schema's k names |
 * | any | a language model's answer, or embeddings | see `answerOf` |
 * | any | labels with their scores, in place of an instance's outputs | see `ofLabels` |
 * | any | scalar or plain text | `prediction` |
 * | batch | array | one item each |
 * | batch | object with `predictions`, `outputs`, `results`, `result`, `Results` or `output` | its items, or its columns if an object; other members that are arrays of n give each instance its item, the rest are tags |
 * | batch | object with members that are arrays of n | its columns; the rest are tags |
 * | batch | a table of n rows, as pandas writes it | its rows |
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
  if (content.isLines && !asked.isBatch) return replyReading(content, readStream(content.value as unknown[], asked))
  if (!saysMore(content.value)) return replyReading(content, readJsonOutputs(content.value, asked, n))
  const answer = answerOf(content.value, n, asked.outputNames)
  if (answer !== undefined) return replyReading(content, answer)
  return replyReading(content, { ...readJsonOutputs(content.value, asked, n), extra: hintOf(content.value, asked) })
}

/** Members of a reply that may be more than outputs: most replies have none of them. */
const KNOWN_KEYS = new Set([...BATCH_KEYS, 'choices', 'data', 'generated_text', 'done'])

const saysMore = (value: unknown): boolean => {
  if (!isObject(value)) return Array.isArray(value)
  for (const name in value) if (KNOWN_KEYS.has(name)) return true
  return false
}

/** Lines that are the reply to one instance: a stream of one answer, or values. */
const readStream = (lines: readonly unknown[], { outputNames }: Asked): { outputs: Rows; model?: unknown } => {
  const stream = outputsOfStream(lines)
  if (stream !== undefined) return { outputs: [stream.outputs], model: stream.model }
  return { outputs: [outputsOfItem(lines.length === 1 ? lines[0] : lines, outputNames)] }
}

const askedOf = (request: RequestReading): Asked => ({
  isBatch: request.isBatch ?? countOf(request) > 1,
  outputNames: outputNamesOf(request),
})

/** What was remembered at the request; a reading of a user's own format has nothing of it. */
export const outputNamesOf = ({ context }: RequestReading): readonly string[] =>
  Array.isArray(context) ? (context as string[]) : []

const readTextOutputs = (text: string, reply: FormatReply, asked: Asked, n: number): Rows =>
  readCsvOutputs(text, reply.contentType, asked.outputNames, n) ?? [outputsOf(text, asked.outputNames)]

const readJsonOutputs = (value: unknown, asked: Asked, n: number): { outputs: Rows; tags?: Row } => {
  const { isBatch, outputNames } = asked
  if (!isBatch) return { outputs: [outputsOfItem(value, outputNames)] }
  if (!isObject(value)) return { outputs: itemsOf(value, n, outputNames) }
  const key = BATCH_KEYS.find((name) => typeof value[name] === 'object' && value[name] !== null)
  if (key !== undefined) {
    const { [key]: items, ...others } = value
    return besideOutputs(itemsOf(key === 'Results' ? belowName(items) : items, n, outputNames), others, n)
  }
  if (areColumns(value, n)) return { outputs: rowsOf(valuesByColumn(value)).rows }
  return tableOf(value, n, outputNames) ?? someColumns(value, n) ?? { outputs: [outputsOfItem(value, outputNames)] }
}

/** The outputs of one instance. */
const outputsOfItem = (item: unknown, names: readonly string[]): Row => ofLabels(item, names) ?? outputsOf(item, names)

/** A table as pandas writes it, or a series: `{"0": 0.1, "1": 0.9}`. */
const tableOf = (value: Row, n: number, names: readonly string[]): { outputs: Rows } | undefined => {
  const orient = orientOf(value)
  const rows = orient && rowsOfTable(value, orient)
  if (rows !== undefined) return rows.length === n ? { outputs: rows } : undefined
  const labels = Object.keys(value)
  if (labels.length !== n || labels[0] !== '0' || labels.at(-1) !== String(n - 1)) return undefined
  return { outputs: rowsOfItems(Object.values(value), (item) => outputsOfItem(item, names)) }
}

/** Members that have an item for each instance beside others: of a batch of one, only where they say that they are predictions. */
const someColumns = (value: Row, n: number): { outputs: Rows; tags: Row } | undefined => {
  const isColumn = (name: string) => Array.isArray(value[name]) && value[name].length === n
  if (n === 1 && !isColumn('prediction')) return undefined
  const names = Object.keys(value).filter(isColumn)
  if (names.length === 0) return undefined
  const others = { ...value }
  for (const name of names) delete others[name]
  const columns = Object.fromEntries(names.map((name) => [name, value[name]]))
  return { outputs: rowsOf(valuesByColumn(columns)).rows, tags: others }
}

/** The reply to one instance may name a list of predictions: what to set if it was a batch after all. */
const hintOf = (value: unknown, { isBatch, outputNames }: Asked): Extra | undefined => {
  if (isBatch || !isObject(value)) return undefined
  const key = BATCH_KEYS.find((name) => isListOfOne(value[name]))
  if (key === undefined || outputNames.includes(key)) return undefined
  return {
    reply: { reason: `${key} looks like the outputs in a list: PREDICTIONS_PREDICTIONS=${key} takes them from there` },
  }
}

const isListOfOne = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 1 && typeof value[0] === 'object' && value[0] !== null

/** Whether a reply's value names a list of predictions: that is a batch's. */
export const hasPredictions = (value: unknown): boolean =>
  isObject(value) && BATCH_KEYS.some((name) => Array.isArray(value[name]))

/** The outputs of each item of a batch's reply. */
const itemsOf = (items: unknown, n: number, names: readonly string[]): Rows => {
  if (isObject(items))
    return studioTableOf(items) ?? tableOf(items, n, names)?.outputs ?? rowsOf(valuesByColumn(items), n === 1).rows
  if (!Array.isArray(items) || (n === 1 && items.length !== 1)) return [outputsOfItem(items, names)]
  return rowsOfItems(items, (item) => outputsOfItem(item, names))
}

const areColumns = (value: Row, n: number): boolean => {
  const members = Object.values(value)
  return members.length > 0 && members.every((member) => Array.isArray(member) && member.length === n)
}

/**
 * Members beside the predictions: what has an item for each instance (KServe's `explanations`) joins its outputs.
 * @param names members that are outputs of the only instance, whatever they are
 */
export const besideOutputs = (
  outputs: Rows,
  others: Row,
  n: number,
  names: readonly string[] = [],
): { outputs: Rows; tags: Row } => {
  const columns: Row = {}
  const tags: Row = {}
  for (const [name, value] of Object.entries(others)) {
    const isColumn = (Array.isArray(value) && value.length === n) || (n === 1 && names.includes(name))
    put(isColumn && outputs.length === n ? columns : tags, name, value)
  }
  if (Object.keys(columns).length === 0) return { outputs, tags }
  const { rows } = rowsOf(valuesByColumn(columns))
  if (rows.length !== n) return { outputs, tags: { ...tags, ...columns } }
  return { outputs: mapRows(outputs, (output, i) => ({ ...rows.at(i), ...output })), tags }
}
