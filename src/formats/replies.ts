import type { Extra, FormatReply, ReplyReading, RequestReading } from './format.ts'
import { contentOf } from './body.ts'
import { readCsvOutputs } from './csv-text.ts'
import { answerOf } from './answers.ts'
import { ofLabels } from './labels.ts'
import { countOf } from './instance-parts.ts'
import { replyReading } from './readings.ts'
import { valuesByColumn, isObject, mapRows, outputsOf, put, type Row, type Rows, rowsOf, rowsOfItems } from './rows.ts'
import { outputsOfStream } from './stream-lines.ts'
import { belowName, orientOf, rowsOfTable, studioTableOf } from './tables.ts'

/** What a reply is read by. */
interface AskedFor {
  readonly isBatch: boolean
  readonly outputNames: readonly string[]
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
  if (content.isLines && !asked.isBatch)
    return replyReading(content, readOutputLines(content.value as unknown[], asked))
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
const readOutputLines = (lines: readonly unknown[], { outputNames }: AskedFor): { outputs: Rows; model?: unknown } => {
  const stream = outputsOfStream(lines)
  if (stream !== undefined) return { outputs: [stream.outputs], model: stream.model }
  return { outputs: [outputsOfItem(lines.length === 1 ? lines[0] : lines, outputNames)] }
}

const askedOf = (request: RequestReading): AskedFor => ({
  isBatch: request.isBatch ?? countOf(request) > 1,
  outputNames: outputNamesOf(request),
})

/** What was remembered at the request. A reading of a user's own format remembers nothing. */
export const outputNamesOf = ({ context }: RequestReading): readonly string[] =>
  Array.isArray(context) ? (context as string[]) : []

const readTextOutputs = (text: string, reply: FormatReply, asked: AskedFor, n: number): Rows =>
  readCsvOutputs(text, reply.contentType, asked.outputNames, n) ?? [outputsOf(text, asked.outputNames)]

const readJsonOutputs = (value: unknown, asked: AskedFor, n: number): { outputs: Rows; tags?: Row } => {
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
const hintOf = (value: unknown, { isBatch, outputNames }: AskedFor): Extra | undefined => {
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
