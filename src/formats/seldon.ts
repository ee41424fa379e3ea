import type { Extra, Format } from './format.ts'
import { contentOf, outlineOf } from './body.ts'
import { tagsIn } from './instances.ts'
import { json } from './json.ts'
import { countOf } from './instance-parts.ts'
import { replyReading, requestReading } from './readings.ts'
import { outputNamesOf, readOutputs } from './replies.ts'
import { featuresOf, isObject, named, namesFor, outputsOf, type Row, type Rows, rowsOfItems } from './rows.ts'
import { elementCount, isShape } from './tensors.ts'

/**
 * Seldon Core 1, requests and replies alike:
 *
 * | `data` | instances |
 * |---|---|
 * | `names`, `ndarray` | rows by the names; `t:0`, `t:1`, … of a reply, which Seldon makes up, are the schema's names where there are as many |
 * | `names`, `tensor`: `{ shape, values }` | as many rows as the first dimension says, row-major |
 * | `jsonData`, `strData`, `binData` in place of `data` | as the formats `json` reads it; a text is the feature `text`, the output `prediction` |
 * | values that do not fit the shape | noted in `extra` |
 *
 * `meta.puid` is the request id, `meta.tags` are tags, and so is the rest of `meta`.
 *
 * Source: https://docs.seldon.ai/seldon-core-1/reference/prediction-apis/external-prediction
 */
export const seldon: Format = {
  name: 'seldon',
  matches: (request) => isMessage(outlineOf(contentOf(request))),
  readRequest(request) {
    const content = contentOf(request)
    const body = content.value
    if (!isMessage(body)) return json.readRequest(request)
    const { rows, isBatch, extra } = readData(body, request.featureNames, 'features', featuresOf)
    return requestReading(request, content, { features: rows, isBatch, ...besideOf(body), extra })
  },
  readReply(reply, request) {
    const content = contentOf(reply)
    const body = content.value
    if (!isMessage(body)) return readOutputs(reply, request)
    const names = outputNamesOf(request)
    const { rows, isBatch, extra } = readData(body, names, 'outputs', outputsOf)
    // One instance may be answered by a vector: it is one prediction.
    const isVector = isBatch && rows.length !== 1 && countOf(request) === 1
    const outputs = isVector ? [outputsOf(valuesOf(body), names)] : rows
    return replyReading(content, { outputs, ...besideOf(body), extra })
  },
}

const DATA_KEYS: readonly string[] = ['data', 'jsonData', 'strData', 'binData']

const isMessage = (value: unknown): value is Row => {
  if (!isObject(value)) return false
  const { data } = value
  if (isObject(data)) return Array.isArray(data['ndarray']) || isObject(data['tensor'])
  return data === undefined && DATA_KEYS.some((key) => value[key] !== undefined)
}

const besideOf = (body: Row): { tags: Row; requestId: unknown } => {
  const { meta } = body
  const { puid, tags, ...rest } = isObject(meta) ? meta : {}
  const others = Object.entries(body).filter(([name]) => name !== 'meta' && !DATA_KEYS.includes(name))
  return { tags: { ...Object.fromEntries(others), ...withoutEmpty(rest), ...tagsIn('tags', tags) }, requestId: puid }
}

/** Seldon sends `routing: {}`, `metrics: []` and the like. */
const withoutEmpty = (members: Row): Row =>
  Object.fromEntries(
    Object.entries(members).filter(
      ([, value]) => value !== null && (typeof value !== 'object' || Object.keys(value).length > 0),
    ),
  )

/** The values as they stand there: nested as the list is, or flat. */
const valuesOf = ({ data, jsonData }: Row): unknown => {
  if (!isObject(data)) return jsonData
  const { ndarray, tensor } = data
  return ndarray ?? (isObject(tensor) ? tensor['values'] : undefined)
}

type RowOf = (item: unknown, names: readonly string[]) => Row

const readData = (
  body: Row,
  schemaNames: readonly string[],
  side: 'features' | 'outputs',
  rowOf: RowOf,
): { rows: Rows; isBatch: boolean; extra?: Extra } => {
  const { data, jsonData, strData, binData } = body
  if (!isObject(data)) {
    const value = jsonData ?? strData ?? binData
    if (Array.isArray(value)) return { rows: rowsOfItems(value, (item) => rowOf(item, schemaNames)), isBatch: true }
    const names = schemaNames.length === 0 && side === 'features' && jsonData === undefined ? ['text'] : schemaNames
    return { rows: [rowOf(value, names)], isBatch: false }
  }
  const { names, ndarray, tensor } = data
  if (Array.isArray(ndarray)) {
    const given = namesOf(names, ndarray.length, schemaNames)
    return { rows: rowsOfItems(ndarray, (item) => nameItem(item, given, rowOf)), isBatch: true }
  }
  const { shape, values } = tensor as Row
  const reason = mistakeOf(shape, values)
  if (reason !== undefined) return { rows: [], isBatch: true, extra: { [`${side}.tensor`]: { value: values, reason } } }
  const [n = 1] = shape as number[]
  const given = namesOf(names, n, schemaNames)
  const width = (values as unknown[]).length / n
  const itemOf = (i: number) => (values as unknown[]).slice(i * width, (i + 1) * width)
  return {
    rows: {
      length: n,
      at: (i) => nameItem((shape as number[]).length === 1 ? itemOf(i)[0] : itemOf(i), given, rowOf),
    },
    isBatch: true,
  }
}

const nameItem = (item: unknown, { names, areGiven }: Names, rowOf: RowOf): Row => {
  if (!areGiven) return rowOf(item, names)
  if (Array.isArray(item)) return item.length >= names.length ? named(item, names) : rowOf(item, names)
  return names.length === 1 && !isObject(item) ? named([item], names) : rowOf(item, names)
}

interface Names {
  readonly names: readonly string[]
  /** They stand in the body. */
  readonly areGiven: boolean
}

const namesOf = (names: unknown, n: number, schemaNames: readonly string[]): Names => {
  if (!Array.isArray(names) || names.length === 0) return { names: schemaNames, areGiven: false }
  const isMadeUp = names.every((name, i) => name === `t:${i}`)
  if (isMadeUp && schemaNames.length === names.length) return { names: schemaNames, areGiven: true }
  const given = namesFor(n, names.map(String))
  return { names: given, areGiven: given.length > 0 }
}

const mistakeOf = (shape: unknown, values: unknown): string | undefined => {
  if (!isShape(shape)) return 'the shape is no list of sizes'
  if (!Array.isArray(values)) return 'no values'
  const size = elementCount(shape)
  if (size !== values.length || size === 0)
    return `the shape [${shape.join(', ')}] needs ${size} values, there are ${values.length}`
  return undefined
}
