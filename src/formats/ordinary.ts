import type { RequestReading } from './format.ts'
import { isPlainNumber } from '../records/json.ts'
import type { Row } from './rows.ts'
import { SIGNED } from './signed.ts'

/**
 * The ordinary request and its reply: an object each, of one instance, small, which no protocol signs and of which nothing is to be
 * changed. Their JSON text is what a record has of them, so that they need no format. What is not ordinary, the formats read:
 * they would make the same of these.
 */

/** Values of an ordinary body; of strings and names each sixteen UTF-16 units count as another. */
const MAX_SIZE = 512
const MAX_DEPTH = 8

/** Members that classifiers' and language models' replies have, one of them at least. */
const SIGNED_REPLY = new Set(['label', 'labels', 'generated_text', 'done'])

const isReference = (value: unknown): value is Row => typeof value === 'object' && value !== null

/** What is left of so many values after those of an object; negative: it is not ordinary. */
const spend = (left: number, value: Row, depth: number): number => {
  const prototype: unknown = Object.getPrototypeOf(value)
  const isPlain = (prototype === Object.prototype || prototype === null) && !('toJSON' in value)
  if (!isPlain || depth > MAX_DEPTH) return -1
  for (const name in value) {
    // pandas' tables have numbered members.
    const first = name.charCodeAt(0)
    if (first >= 0x30 && first <= 0x39) return -1
    left = spendMember(left - (name.length >>> 4), value[name], depth)
    if (left < 0) return -1
  }
  return left
}

const spendMember = (left: number, member: unknown, depth: number): number => {
  switch (typeof member) {
    case 'number':
      return isPlainNumber(member) && Math.abs(member) <= Number.MAX_SAFE_INTEGER ? left - 1 : -1
    case 'string':
      return left - 1 - (member.length >>> 4)
    case 'boolean':
      return left - 1
    case 'object':
      return member === null ? left - 1 : spend(left - 1, member as Row, depth + 1)
    default:
      return -1
  }
}

const hasAny = (value: Row, names: ReadonlySet<string>): boolean => {
  for (const name in value) if (names.has(name)) return true
  return false
}

/**
 * Whether a request is ordinary. A proxy or getter of the app's may throw. Its names come last: to list those of bytes, one an index, would
 * take longer than to read them.
 */
export const isOrdinaryRequest = (body: unknown): body is Row =>
  isReference(body) && spend(MAX_SIZE, body, 0) >= 0 && !hasAny(body, SIGNED)

/**
 * Whether the reply to an ordinary request is ordinary as well.
 * @param outputNames the schema's: an object without any of them may be probabilities by their labels
 */
export const isOrdinaryReply = (body: unknown, outputNames: readonly string[]): body is Row =>
  isReference(body) &&
  (outputNames.length === 0 || outputNames.some((name) => name in body)) &&
  spend(MAX_SIZE, body, 0) >= 0 &&
  !hasAny(body, SIGNED_REPLY)

/** What a format would have said of an ordinary request, beside its features: for replies that are not ordinary. */
export const ordinaryReading = (outputNames: readonly string[]): RequestReading => ({
  features: [{}],
  isBatch: false,
  context: outputNames,
})
