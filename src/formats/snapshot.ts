import { encode, hasLongDigits } from '../json.ts'

/** As deep as `encode` writes. */
const MAX_DEPTH = 200

/** Whether there is a bigint below; what circles is looked at once. */
const hasBigint = (value: unknown, depth = 0, seen = new Set<unknown>()): boolean => {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint'
  if (depth > MAX_DEPTH || seen.has(value)) return false
  seen.add(value)
  return Object.values(value).some((member) => hasBigint(member, depth + 1, seen))
}

/** A large object of the app's as it was when it came by: its text, made natively and at once. It is read later. */
export class Snapshot {
  readonly text: string
  /** It has integers past 2^53 that were numbers: a parser before us may have rounded them. */
  readonly isRounded: boolean

  constructor(value: unknown) {
    this.text = encode(value)
    this.isRounded = hasLongDigits(this.text) && !hasBigint(value)
  }
}

const isStream = (body: object): boolean => typeof (body as { pipe?: unknown }).pipe === 'function'

/** A body that can be read later, whatever its owner does to it meanwhile. */
export const snapshotOf = (body: unknown): unknown => {
  if (body instanceof Uint8Array) return Buffer.from(body)
  if (typeof body !== 'object' || body === null || isStream(body)) return body
  return new Snapshot(body)
}

/** How large a body is, about, in bytes. */
export const sizeOf = (body: unknown): number => {
  if (typeof body === 'string') return body.length
  if (body instanceof Snapshot) return body.text.length
  return ArrayBuffer.isView(body) ? body.byteLength : 0
}
