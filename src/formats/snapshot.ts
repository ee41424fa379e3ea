import { decode, encode } from '../records/json.ts'
import { tooDeep } from '../records/too-deep.ts'
import { isStream } from './is-stream.ts'
import { isObject, type Row } from './rows.ts'

/** A large object of the app's as it was when it came by, to be read later. */
export class Snapshot {
  /** A copy: it costs a tenth of what JSON of it would. */
  readonly value: unknown
  /** About how long its JSON is, in bytes. */
  readonly size: number

  constructor(value: unknown) {
    const copier = createCopier()
    this.value = copier.copyOf(value)
    this.size = copier.size()
  }
}

/** As deep as `encode` writes. */
const MAX_DEPTH = 200

/** Of a number, a name and what stands around them: on average, and not far off. */
const BYTES_A_VALUE = 8

/** Copies what JSON parsers and most handlers make: arrays, and objects by their own members. Of all else its JSON is taken. */
const createCopier = () => {
  const above: object[] = []
  let size = 0

  const copyOf = (value: unknown): unknown => {
    if (typeof value === 'string') size += value.length
    if (typeof value !== 'object' || value === null) return value
    if (above.includes(value)) return '[circular]'
    if (above.length > MAX_DEPTH) return tooDeep(value)
    above.push(value)
    try {
      if (ArrayBuffer.isView(value)) return copyView(value)
      if (Array.isArray(value)) return isSparse(value) ? copyMembers({ ...value } as unknown as Row) : copyItems(value)
      return isForeign(value) ? ofJson(value) : copyMembers(value as Row)
    } catch {
      // A getter of the app's that throws: its JSON says which.
      return ofJson(value)
    } finally {
      above.pop()
    }
  }

  const copyView = (view: ArrayBufferView): unknown => {
    size += view.byteLength
    if (view instanceof DataView) return ofJson(view)
    return Buffer.isBuffer(view) ? Buffer.from(view) : (view as NodeJS.TypedArray).slice()
  }

  const copyItems = (items: readonly unknown[]): unknown[] => {
    const copy = items.slice()
    size += copy.length * BYTES_A_VALUE
    for (let i = 0; i < copy.length; i++) {
      // Numbers, of which there are most, without a call.
      const item = copy[i]
      if (typeof item !== 'number') copy[i] = copyOf(item)
    }
    return copy
  }

  const copyMembers = (members: Row): Row => {
    const copy = { ...members }
    for (const name in copy) {
      size += BYTES_A_VALUE
      const member = copy[name]
      if (typeof member !== 'number') copy[name] = copyOf(member)
    }
    return copy
  }

  const ofJson = (value: object): unknown => {
    const json = encode(value)
    size += json.length
    return decode(json)
  }

  return { copyOf, size: () => size }
}

/** So many items no body within a usual limit has. */
const MAX_DENSE = 1024 * 1024

/** One item at a high index, as parsers of forms make it of `a[4294967293]`, must not cost what as many would. */
const isSparse = (items: readonly unknown[]): boolean =>
  items.length > MAX_DENSE && Object.keys(items).length < items.length / 2

/** Dates, maps, bytes and whatever has a JSON form of its own. */
const isForeign = (value: object): boolean => {
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype !== Object.prototype && prototype !== null) || !isObject(value)
}

/** A body that can be read later, whatever its owner does to it meanwhile. */
export const snapshotOf = (body: unknown): unknown => {
  if (body instanceof Uint8Array) return Buffer.from(body)
  if (typeof body !== 'object' || body === null || isStream(body)) return body
  return new Snapshot(body)
}

/** How large a body is, about, in bytes. */
export const bodySize = (body: unknown): number => {
  if (typeof body === 'string') return body.length
  if (body instanceof Snapshot) return body.size
  return ArrayBuffer.isView(body) ? body.byteLength : 0
}
