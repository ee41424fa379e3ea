import type { Extra, Format, FormatRequest, RequestReading } from './format.ts'
import { type Content, contentOf, digestOf, outlineOf } from './body.ts'
import { json } from './json.ts'
import { replyReading, requestReading } from './readings.ts'
import { outputNamesOf, readOutputs } from './replies.ts'
import { MAX_VALUES } from './limits.ts'
import { type ColumnValues, createNamer, isObject, put, type Row, rowsOf } from './rows.ts'
import { binarySizeOf, columnOfTensor, isShape, elementCount, type Tensor, tensorOf, tensorWidth } from './tensors.ts'
import { tagsIn } from './instances.ts'
import type { CutTexts } from './named-texts.ts'
import { countOf } from './instance-parts.ts'

/**
 * The Open Inference protocol (KServe V2, Triton, MLServer), with Triton's binary tensor data.
 *
 * | tensors | instances |
 * |---|---|
 * | first dimension n in all | n |
 * | some with n, others with 1 or without dimensions | n; the others' values are shared by all |
 * | first dimensions that differ otherwise | one: the model takes no batches; whole tensors as JSON |
 * | no elements ([n, 0]) | `[]` in each of the others' |
 * | outputs of a request of one instance | one, whatever their first dimension |
 * | data that does not fit the shape, no shape, no data | left out of the features and noted in `extra` |
 * | bytes behind the last tensor, or fewer than a tensor is to have | noted in `extra` |
 *
 * [n, k] tensors take the schema's names that no other tensor of the body has, in order, if there are enough of them and
 * the schema does not know `name_0`; else they are `name_0`, `name_1`, … A name that was given already, to a tensor or to one of
 * these, is `name.1`, `name.2`, … The model's name, version and the id are the reply's; parameters are tags (a tensor's under its
 * name). What the request asks of `outputs` is not stored.
 *
 * Sources: see `Tensor`.
 */
export const openInference: Format = {
  name: 'open-inference',
  matches(request) {
    const content = contentOf(request)
    const value = outlineOf(content)
    return isObject(value) && (content.binary !== undefined || areTensors(value['inputs']))
  },
  readRequest(request) {
    const content = contentOf(request)
    const texts = textsOfTensor(content, request.featureNames)
    if (texts !== undefined) return readOnlyTensor(request, content, texts)
    const { value } = content
    if (!isObject(value) || !Array.isArray(value['inputs'])) return json.readRequest(request)
    const { columns, tags, extra } = readTensors(value['inputs'], content, request.featureNames, 'features')
    const { rows, isBatch } = rowsOf(columns)
    return requestReading(request, content, {
      features: rows,
      isBatch,
      tags: { ...tagsIn('parameters', value['parameters']), ...tags },
      requestId: value['id'],
      extra,
    })
  },
  readReply(reply, request) {
    const content = contentOf(reply)
    const { value } = content
    if (!isObject(value) || !areTensors(value['outputs'])) return readOutputs(reply, request)
    const { columns, tags, extra } = readTensors(value['outputs'], content, outputNamesOf(request), 'outputs')
    return replyReading(content, {
      outputs: rowsOf(columns, countOf(request) === 1).rows,
      tags: { ...tagsIn('parameters', value['parameters']), ...tags },
      requestId: value['id'],
      model: value['model_name'],
      modelVersion: value['model_version'],
      extra,
    })
  },
}

/** Whether a reply's value has tensors. */
export const hasTensors = (value: unknown): boolean => isObject(value) && areTensors(value['outputs'])

/** Also malformed ones: their data is to be noted under their names, where redaction looks for it. */
const areTensors = (value: unknown): value is Row[] => Array.isArray(value) && value.length > 0 && value.every(isTensor)

const isTensor = (item: unknown): boolean =>
  isObject(item) &&
  typeof item['name'] === 'string' &&
  (item['shape'] !== undefined || item['data'] !== undefined || item['datatype'] !== undefined)

/** The features of the only tensor of a body, cut out of its data. */
const textsOfTensor = ({ batch }: Content, schemaNames: readonly string[]): CutTexts | undefined => {
  const inputs = batch?.place === 'data' ? (batch.outline as Row)['inputs'] : undefined
  if (!areTensors(inputs)) return undefined
  const { name, shape } = inputs[0] as { name: string; shape: unknown }
  if (!isShape(shape) || shape.length > 2) return undefined
  const tensor: Tensor = { name, givenName: name, datatype: '', shape, size: elementCount(shape), at: () => undefined }
  const width = tensorWidth(tensor)
  const names = width === 1 ? [name] : namesOf([tensor], schemaNames)[0]!
  return names.length === width ? batch?.textsOfTensor(shape, names) : undefined
}

const readOnlyTensor = (request: FormatRequest, content: Content, texts: CutTexts): RequestReading => {
  const body = outlineOf(content) as Row
  const [described] = body['inputs'] as [Row & { name: string }]
  const tags = { ...tagsIn('parameters', body['parameters']) }
  put(tags, described.name, tagsOfTensor(described))
  const rows = () => {
    const inputs = (content.value as Row)['inputs'] as Row[]
    return rowsOf(readTensors(inputs, content, request.featureNames, 'features').columns).rows
  }
  return requestReading(request, content, {
    features: { ...texts, rows },
    isBatch: true,
    tags,
    requestId: body['id'],
  })
}

const readTensors = (
  described: readonly unknown[],
  content: Content,
  schemaNames: readonly string[],
  side: 'features' | 'outputs',
): { columns: ColumnValues[]; tags: Row; extra: Extra } => {
  const tensors: Tensor[] = []
  const tags: Row = {}
  const extra: Extra = {}
  const nameOnce = createNamer()
  let bytesRead = 0
  for (const [i, item] of described.entries()) {
    if (!isObject(item)) {
      put(extra, `${side}.${i}`, { value: item, reason: 'no tensor' })
      continue
    }
    const givenName = typeof item['name'] === 'string' ? item['name'] : `${side}_${i}`
    const name = nameOnce(givenName)
    const size = content.binary === undefined ? undefined : binarySizeOf(item)
    const bytes = size === undefined ? undefined : content.binary?.subarray(bytesRead, (bytesRead += size))
    const tensor = tensorOf(item, { name, givenName }, bytes)
    if ('reason' in tensor)
      put(extra, `${side}.${name}`, { value: bytes ? digestOf(bytes) : item['data'], reason: tensor.reason })
    else {
      tensors.push(tensor)
      if (bytes && bytes.length !== size)
        put(extra, `${side}.${name}`, {
          reason: `binary_data_size is ${size}, the body has ${bytes.length} bytes left`,
        })
    }
    put(tags, name, tagsOfTensor(item))
  }
  const surplus = content.binary?.subarray(bytesRead)
  if (surplus && surplus.length > 0)
    put(extra, side, { value: digestOf(surplus), reason: `${surplus.length} bytes behind the last tensor` })
  const names = namesOf(tensors, schemaNames)
  return { columns: tensors.map((tensor, i) => columnOfTensor(tensor, names[i]!)), tags, extra }
}

/** A tensor's parameters, without the one that only says where its data is. */
const tagsOfTensor = ({ parameters }: Row): Row => {
  const tags = { ...tagsIn('parameters', parameters) }
  delete tags['binary_data_size']
  return tags
}

/** For each tensor the names of its k values an instance; none where these are one feature, by the tensor's name. */
const namesOf = (tensors: readonly Tensor[], schemaNames: readonly string[]): (readonly string[])[] => {
  const isWide = (tensor: Tensor) => tensor.size > 0 && tensorWidth(tensor) > 1
  const wide = tensors.filter(isWide)
  if (wide.length === 0) return tensors.map(() => [])
  const taken = new Set(tensors.filter((tensor) => !isWide(tensor)).map(({ name }) => name))
  const free = schemaNames.filter((name) => !taken.has(name))
  const known = new Set(schemaNames)
  const needed = wide.reduce((sum, tensor) => sum + tensorWidth(tensor), 0)
  const knows = (name: string) => known.has(name) && !taken.has(name)
  if (needed <= free.length && !wide.some(({ givenName }) => knows(`${givenName}_0`))) {
    let used = 0
    return tensors.map((tensor) => (isWide(tensor) ? free.slice(used, (used += tensorWidth(tensor))) : []))
  }
  // A long row (an embedding) is one feature, unless the schema names its values.
  const isMany = (tensor: Tensor) => isWide(tensor) && tensorWidth(tensor) <= MAX_VALUES && !known.has(tensor.givenName)
  const nameOnce = createNamer(tensors.filter((tensor) => !isMany(tensor)).map(({ name }) => name))
  return tensors.map((tensor) =>
    isMany(tensor) ? Array.from({ length: tensorWidth(tensor) }, (_, j) => nameOnce(`${tensor.givenName}_${j}`)) : [],
  )
}
