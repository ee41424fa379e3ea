import { isUtf8 } from 'node:buffer'
import { keptWords } from '../records/cut.ts'
import { type ColumnValues, isObject, put, type Row } from './rows.ts'

/** What a tensor is called. */
export interface Naming {
  /** Its name, unique in the body: `x.1` for the second `x`. */
  readonly name: string
  /** As it stands in the body. */
  readonly givenName: string
}

/**
 * Tensors of the Open Inference protocol: data as JSON, flat or nested, or as bytes in little-endian order, row-major.
 * Sources: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md,
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
export interface Tensor extends Naming {
  readonly datatype: string
  readonly shape: readonly number[]
  /** How many elements there are. */
  readonly size: number
  /** Element i in row-major order. */
  at(i: number): unknown
}

/** More dimensions than any runtime has (Triton and ONNX: 8 to 32). */
const MAX_RANK = 32

/** Longer names of datatypes are cut, in UTF-16 code units. */
const MAX_DATATYPE = 50

type Read = (view: DataView, at: number) => unknown

const scratch = new DataView(new ArrayBuffer(4))

/** Half precision: 1 sign, 5 exponent, 10 fraction bits. `DataView.getFloat16` is only in Node.js 24 and later. */
const readFloat16: Read = (view, at) => {
  const bits = view.getUint16(at, true)
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** bfloat16 is the upper half of a float32. */
const readBfloat16: Read = (view, at) => {
  scratch.setUint32(0, view.getUint16(at, true) << 16)
  return scratch.getFloat32(0)
}

const numberWhereSafe = (value: bigint): number | bigint => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/**
 * Bytes an element and how it is read. FP32, FP16 and BF16 become the double of exactly the same value, which is what the
 * model saw: the float32 next to 0.1 is 0.10000000149011612, and casts back to the same float32.
 */
const datatypes: Readonly<Record<string, { bytes: number; read: Read }>> = {
  BOOL: { bytes: 1, read: (view, at) => view.getUint8(at) !== 0 },
  UINT8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  UINT16: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  UINT32: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  UINT64: { bytes: 8, read: (view, at) => numberWhereSafe(view.getBigUint64(at, true)) },
  INT8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  INT16: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  INT32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  INT64: { bytes: 8, read: (view, at) => numberWhereSafe(view.getBigInt64(at, true)) },
  FP16: { bytes: 2, read: readFloat16 },
  BF16: { bytes: 2, read: readBfloat16 },
  FP32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  FP64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
}

/** The tensor that a body's member describes, over `bytes` where its data is binary; else what is wrong with it. */
export const tensorOf = (described: Row, naming: Naming, bytes: Buffer | undefined): Tensor | { reason: string } => {
  const datatype = typeof described['datatype'] === 'string' ? described['datatype'] : ''
  const { shape } = described
  if (!isShape(shape)) return { reason: 'the shape is no list of sizes' }
  const size = elementCount(shape)
  const read = bytes === undefined ? elementsOfJson(described['data'], shape) : elementsOfBytes(bytes, datatype, size)
  if ('reason' in read) return read
  if (read.count !== size)
    return { reason: `the shape [${shape.join(', ')}] needs ${size} elements, the data has ${read.count}` }
  return { ...naming, datatype, shape, size, at: read.at }
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((size, dimension) => size * dimension, 1)

export const isShape = (shape: unknown): shape is number[] =>
  Array.isArray(shape) &&
  shape.length <= MAX_RANK &&
  shape.every((dimension) => Number.isSafeInteger(dimension) && dimension >= 0)

type Elements = { count: number; at(i: number): unknown } | { reason: string }

const elementsOfJson = (data: unknown, shape: readonly number[]): Elements => {
  if (!Array.isArray(data)) return data === undefined ? { reason: 'no data' } : { count: 1, at: () => data }
  // Data may be nested to the depth of the shape; an element that is an array itself is none of the datatypes.
  const flat: unknown[] = Array.isArray(data[0]) ? data.flat(Math.max(shape.length - 1, 0)) : data
  return { count: flat.length, at: (i) => flat[i] }
}

const elementsOfBytes = (bytes: Buffer, datatype: string, size: number): Elements => {
  if (datatype === 'BYTES') return elementsOfStrings(bytes, size)
  if (!Object.hasOwn(datatypes, datatype)) return { reason: `unknown datatype ${keptWords(datatype, MAX_DATATYPE)}` }
  const type = datatypes[datatype]!
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { count: bytes.byteLength / type.bytes, at: (i) => type.read(view, i * type.bytes) }
}

/** Each element is its length in 4 bytes and as many bytes: UTF-8 as text, anything else in base64. */
const elementsOfStrings = (bytes: Buffer, size: number): Elements => {
  const ends: number[] = []
  let at = 0
  while (at + 4 <= bytes.length && ends.length <= size) {
    const end = at + 4 + bytes.readUInt32LE(at)
    if (end > bytes.length) break
    ends.push(end)
    at = end
  }
  if (at !== bytes.length) return { reason: 'the lengths in the data of BYTES do not add up' }
  const textAt = (i: number): string | undefined => {
    const end = ends[i]
    if (end === undefined) return undefined
    const item = bytes.subarray((ends[i - 1] ?? 0) + 4, end)
    return item.toString(isUtf8(item) ? 'utf8' : 'base64')
  }
  return { count: ends.length, at: textAt }
}

/** How many bytes behind the JSON belong to a tensor; undefined where its data is in the JSON. */
export const binarySizeOf = (described: Row): number | undefined => {
  const { parameters } = described
  const size = isObject(parameters) ? parameters['binary_data_size'] : undefined
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined
}

/** Whether a tensor has k > 1 values an instance, each a feature of its own. */
export const tensorWidth = ({ shape }: Tensor): number => (shape.length === 2 ? shape[1]! : 1)

/**
 * A tensor as a column of a batch, row-major by its first dimension: [n] and [n, 1] are one feature by the tensor's name,
 * [n, k] is k of them by `names`, higher ranks are nested arrays. A tensor without dimensions is shared by all instances, and so is
 * one without elements ([n, 0]): it is the same empty array in each, and must not make as many instances as it says.
 */
export const columnOfTensor = (tensor: Tensor, names: readonly string[]): ColumnValues => {
  const { name, shape, at } = tensor
  const [first = 1, ...rest] = shape
  const length = tensor.size === 0 ? Math.min(first, 1) : first
  const whole = { length, putWhole: (row: Row) => put(row, name, nested(tensor, 0, shape, tensor.size)) }
  const width = tensorWidth(tensor)
  if (shape.length <= 2 && width === 1) return { ...whole, names: [name], put: (row, i) => void (row[name] = at(i)) }
  if (shape.length === 2 && width > 1 && names.length === width)
    return {
      ...whole,
      names,
      put: (row, i) => {
        for (let j = 0; j < width; j++) row[names[j]!] = at(i * width + j)
      },
    }
  const step = tensor.size === 0 ? 0 : tensor.size / first
  return { ...whole, names: [name], put: (row, i) => void (row[name] = nested(tensor, i * step, rest, step)) }
}

/** Elements from `start` on as arrays nested by `shape`, which has `size` of them. */
const nested = ({ at }: Tensor, start: number, shape: readonly number[], size: number): unknown => {
  const [length, ...rest] = shape
  if (length === undefined) return at(start)
  if (size === 0) return []
  const step = size / length
  const items: unknown[] = []
  for (let i = 0; i < length; i++)
    items.push(rest.length === 0 ? at(start + i) : nested({ at } as Tensor, start + i * step, rest, step))
  return items
}
