import { createHash } from 'node:crypto'

/** So many values are looked through at most: an object may be part of itself or of others, and nobody is to wait long for a digest. */
const MAX_VALUES = 250_000

/** JSON text that is hashed at once, in UTF-16 code units. */
const CHUNK = 64 * 1024

/** An array or object in the writing: what is left of it. */
interface Frame {
  readonly value: object
  /** Of an object. */
  readonly keys: readonly string[] | undefined
  readonly length: number
  next: number
}

/**
 * What stands for a value that is nested too deep to be written: how long its JSON is, in bytes, and the digest of that. Written without
 * recursion, as `JSON.stringify` of it may overflow the stack. Never throws.
 * @param isTold false: without the digest, by which somebody could try what is in there
 */
export const tooDeep = (value: object, isTold = true): string => {
  try {
    const { bytes, sha256, isWhole } = measure(value)
    if (!isWhole) return `[nested too deep: more than ${MAX_VALUES} values]`
    return `[nested too deep: ${bytes} bytes of JSON${isTold ? `, SHA-256 ${sha256}` : ''}]`
  } catch {
    // A getter or proxy of the app's that throws.
    return '[nested too deep, and unreadable]'
  }
}

const measure = (root: object) => {
  const hash = createHash('sha256')
  let bytes = 0
  let text = ''
  const flush = (): void => {
    hash.update(text)
    bytes += Buffer.byteLength(text)
    text = ''
  }
  const frames: Frame[] = [frameOf(root)]
  text += frames[0]!.keys ? '{' : '['
  let values = 1
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (text.length > CHUNK) flush()
    const { keys, length } = frame
    if (frame.next === length) {
      text += keys ? '}' : ']'
      frames.pop()
      continue
    }
    if (++values > MAX_VALUES) return { bytes, sha256: '', isWhole: false }
    const key = keys?.[frame.next] ?? frame.next
    const member = (frame.value as Record<string | number, unknown>)[key]
    if (frame.next++ > 0) text += ','
    if (keys) text += `${JSON.stringify(key)}:`
    if (typeof member === 'object' && member !== null) {
      const below = frameOf(member)
      frames.push(below)
      text += below.keys ? '{' : '['
    } else text += scalarOf(member)
  }
  flush()
  return { bytes, sha256: hash.digest('hex'), isWhole: true }
}

const frameOf = (value: object): Frame => {
  const keys = Array.isArray(value) ? undefined : Object.keys(value)
  return { value, keys, length: keys?.length ?? (value as unknown[]).length, next: 0 }
}

const scalarOf = (value: unknown): string =>
  typeof value === 'bigint' ? value.toString() : ((JSON.stringify(value) as string | undefined) ?? 'null')
