import type { Format, FormatReply, FormatRequest, ReplyReading, RequestReading } from './format.ts'
import { encode } from '../records/json.ts'
import { hasMembers } from '../records/members.ts'
import { contentOf } from './body.ts'
import { bestOf, ofLabels } from './labels.ts'
import { countOf, withNote } from './instance-parts.ts'
import { replyReading, requestReading } from './readings.ts'
import { besideOutputs, outputNamesOf } from './replies.ts'
import {
  canRepeat,
  valuesByColumn,
  featuresOf,
  isObject,
  mapRows,
  outputsOf,
  type Row,
  type Rows,
  rowsOf,
  rowsOfItems,
} from './rows.ts'
import { orientOf, readInstanceList, rowsOfTable } from './tables.ts'

/** Where the instances stand in a request's JSON, and their outputs in its reply's. */
export interface Paths {
  readonly instances: string | undefined
  readonly predictions: string | undefined
}

/** A step that stands for every member: these are labels, with their probabilities. */
const EVERY = '*'

/** The value at a path of members and indices, `data.rows`, and what stands beside it. Undefined: there is nothing. */
const atPath = (value: unknown, path: string): { found: unknown; beside: Row } | undefined => {
  if (path === '') return { found: value, beside: {} }
  if (typeof value !== 'object' || value === null) return undefined
  // A member may have a dot in its name.
  for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) {
    const name = path.slice(0, end)
    if (!Object.hasOwn(value, name)) continue
    const below = atPath((value as Row)[name], path.slice(end + 1))
    if (below === undefined) continue
    if (Array.isArray(value)) return below
    const others = { ...(value as Row) }
    delete others[name]
    return { found: below.found, beside: { ...others, ...(hasMembers(below.beside) && { [name]: below.beside }) } }
  }
  return undefined
}

/**
 * A format that finds instances and their outputs where the configuration says (`PREDICTIONS_INSTANCES`, `PREDICTIONS_PREDICTIONS`), and
 * reads what is there as every format does: lists of objects, of arrays and of scalars, columns, pandas' tables, names from the schema.
 * What stands beside is tags. Where a body has nothing at its path, it is read by its own format, and `extra` says so.
 *
 * @param base the format by which a request is read that has no path of its own
 */
export const byPaths = ({ instances, predictions }: Paths, base: Format): Format => ({
  name: base.name,
  readRequest: (request) => (instances === undefined ? base.readRequest(request) : readAt(request, instances, base)),
  readReply: (reply, request) =>
    predictions === undefined ? base.readReply(reply, request) : readReplyAt(reply, request, predictions, base),
})

const missing = (variable: string, path: string): { reason: string } => ({
  reason: `nothing stands at ${path}, where ${variable} says`,
})

const readAt = (request: FormatRequest, path: string, base: Format): RequestReading => {
  const content = contentOf(request)
  const at = content.isText ? undefined : atPath(content.value, path)
  if (at === undefined) {
    const reading = base.readRequest(request)
    return content.value === undefined ? reading : withNote(reading, 'body', missing('PREDICTIONS_INSTANCES', path))
  }
  const { featureNames } = request
  const { rows, isBatch } = readInstanceList(at.found, featureNames) ?? {
    rows: [featuresOf(at.found, featureNames)],
    isBatch: false,
  }
  const { shared, tags } = split(at.beside, featureNames)
  const features =
    shared && canRepeat(encode(shared).length, rows.length) ? mapRows(rows, (row) => ({ ...shared, ...row })) : rows
  return requestReading(request, content, { features, isBatch, tags: features === rows ? at.beside : tags })
}

/** What stands beside the instances is tags, but for features that the schema has: they are all instances'. */
const split = (beside: Row, names: readonly string[]): { shared: Row | undefined; tags: Row } => {
  const isShared = (name: string) => names.includes(name)
  const shared = Object.entries(beside).filter(([name]) => isShared(name))
  const tags = Object.entries(beside).filter(([name]) => !isShared(name))
  return { shared: shared.length > 0 ? Object.fromEntries(shared) : undefined, tags: Object.fromEntries(tags) }
}

const readReplyAt = (reply: FormatReply, request: RequestReading, path: string, base: Format): ReplyReading => {
  const content = contentOf(reply)
  const areLabels = path === EVERY || path.endsWith(`.${EVERY}`)
  const at = content.isText ? undefined : atPath(content.value, areLabels ? path.slice(0, -2) : path)
  if (at === undefined) {
    const reading = base.readReply(reply, request)
    return content.value === undefined ? reading : withNote(reading, 'reply', missing('PREDICTIONS_PREDICTIONS', path))
  }
  const names = outputNamesOf(request)
  const n = countOf(request)
  const isBatch = request.isBatch ?? n > 1
  const read = readOutputsAt(at.found, { isBatch, areLabels, n }, outputAt(areLabels, path, names))
  // A reply that is flat has its one instance's other outputs beside the prediction.
  if (!isBatch && !isObject(at.found)) return replyReading(content, { outputs: [{ ...at.beside, ...read.at(0) }] })
  return replyReading(content, besideOutputs(read, at.beside, n, names))
}

type OutputOf = (item: unknown) => Row

const outputAt = (areLabels: boolean, path: string, names: readonly string[]): OutputOf => {
  if (areLabels) return (item) => bestOf(item, names) ?? outputsOf(item, names)
  const last = path.slice(path.lastIndexOf('.') + 1)
  const nameOf = names.includes(last) ? [last] : names
  return (item) => ofLabels(item, names) ?? outputsOf(item, nameOf)
}

const readOutputsAt = (
  found: unknown,
  { isBatch, areLabels, n }: { isBatch: boolean; areLabels: boolean; n: number },
  outputOf: OutputOf,
): Rows => {
  if (Array.isArray(found) && (isBatch ? n > 1 || found.length === 1 : found.length === 1))
    return rowsOfItems(found, outputOf)
  if (!isBatch || areLabels || !isObject(found)) return [outputOf(found)]
  const orient = orientOf(found)
  const rows = orient === undefined ? rowsOf(valuesByColumn(found), n === 1).rows : rowsOfTable(found, orient)
  return rows.length === n ? rows : [outputOf(found)]
}
