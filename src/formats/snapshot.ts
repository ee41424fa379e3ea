import { encode, hasLongDigits, isPlain } from '../json.ts'

/** A large object of the app's as it was when it came by: its text, made natively and at once. It is read later. */
export class Snapshot {
  readonly text: string
  /** It has integers past 2^53 that were numbers: a parser before us may have rounded them. */
  readonly isRounded: boolean

  constructor(value: unknown) {
    this.text = encode(value)
    this.isRounded = hasLongDigits(this.text) && isPlain(value)
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
