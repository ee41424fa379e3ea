import type { Extra, FormatRequest, ReplyReading, RequestReading } from './format.ts'
import { keptText, shortenedJson } from '../records/cut.ts'
import { encode } from '../records/json.ts'
import { hasMembers } from '../records/members.ts'
import type { Content, Cut } from './body.ts'
import { type Change, type Parts, type Side, withParts } from './instance-parts.ts'
import { canRepeat, type Row, type Rows, tagsOf } from './rows.ts'
import { Shortener } from './shorten.ts'

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

/** What a body holds, of which a reading is made. */
interface Held {
  readonly side: Side
  readonly rows: Rows
  readonly shortener: Shortener
  readonly beside: Beside
  readonly notes: Extra | undefined
  readonly inParts: boolean | undefined
}

/**
 * Gives a reading, which has none yet, its instances and what is odd about them: made in parts where they are many, else at once.
 * It is filled in, as a copy would cost what reading a small body costs.
 */
const complete = <Reading extends RequestReading | ReplyReading>(
  reading: Reading,
  { side, rows, shortener, beside, notes, inParts }: Held,
): Reading => {
  const n = rows.length
  if (inParts === true || n > MAX_AT_ONCE) {
    const { tags, extra } = said(n, beside, notes, shortener)
    return withParts({ ...reading, tags }, side, partsOfRows(rows, shortener, extra))
  }
  ;(reading as Partial<Record<Side, readonly Row[]>>)[side] = makeRows(rows, shortener, 0, n)
  if (isOrdinary(beside, notes, shortener)) return reading
  const { tags, extra } = said(n, beside, notes, shortener)
  return Object.assign(reading, { tags, extra: extra() })
}

/** The reading of a request's features, with what is odd about them. A request is at least one instance. */
export const requestReading = (
  request: FormatRequest,
  content: Content,
  read: Beside & { features: Rows | Cut; isBatch: boolean },
): RequestReading => {
  const { isBatch, features } = read
  const context = request.outputNames
  const known = { features: NONE, isBatch, context, requestId: idOf(read.requestId), model: idOf(read.model) }
  const shortener = new Shortener('features', content.isParsed)
  if ('texts' in features) {
    const { tags, extra } = said(features.count, read, undefined, shortener)
    return withParts({ ...known, tags }, 'features', partsOfCut(features, shortener, extra))
  }
  const isEmpty = features.length === 0
  return complete(known, {
    side: 'features',
    rows: isEmpty ? [{}] : features,
    shortener,
    beside: read,
    notes: content.note ? { ...features.extra, body: content.note } : isEmpty ? NO_INSTANCES : features.extra,
    inParts: content.inParts,
  })
}

const NONE: readonly Row[] = []
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
  const { outputs } = read
  const known = {
    outputs: NONE,
    requestId: idOf(read.requestId),
    model: idOf(read.model),
    modelVersion: idOf(read.modelVersion),
  }
  return complete(known, {
    side: 'outputs',
    rows: outputs,
    shortener: new Shortener('outputs'),
    beside: read,
    notes: content.note ? { ...outputs.extra, reply: content.note } : outputs.extra,
    inParts: content.inParts,
  })
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
const idOf = (value: unknown): string | undefined => {
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
