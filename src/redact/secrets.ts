import { decode, encode } from '../json.ts'
import type { Members } from './values.ts'

/** Shorter ones, such as `7` or `no`, would punch holes into every text. In UTF-16 units. */
const MIN_LENGTH = 3

/** More of them than this are not told apart any more: then a text is left out as a whole. */
const MAX_SECRETS = 10_000

const REMOVED = '[redacted]'

/** The values that redaction took out of one exchange, to be found again in free text. */
export interface Secrets {
  /** Remembers a value: of an object or an array, all texts and numbers in it. */
  add(value: unknown): void
  /** Remembers all words of a text that nobody could take apart. */
  addWords(text: string): void
  removeFrom(text: string): string
  /** Removes them from all texts, numbers and names within a value, which is not changed: what is, is a copy. */
  removeFromAll(value: unknown): unknown
}

export const createSecrets = (): Secrets => {
  const secrets = new Set<string>()
  let pattern: RegExp | undefined

  const remember = (text: string): void => {
    if (text.length < MIN_LENGTH || secrets.size > MAX_SECRETS) return
    secrets.add(text)
    pattern = undefined
  }

  const addLeaves = (value: unknown): void => {
    if (typeof value === 'string') remember(value)
    else if (typeof value === 'number' || typeof value === 'bigint') remember(String(value))
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(addLeaves)
  }

  const removeFrom = (text: string): string => {
    const told = withoutJsonSnippet(text)
    if (secrets.size === 0) return told
    if (secrets.size > MAX_SECRETS) return REMOVED
    return told.replace((pattern ??= patternOf(secrets)), REMOVED)
  }

  const clean = (value: unknown): unknown => {
    if (typeof value === 'string') return removeFrom(value)
    if (typeof value === 'number' || typeof value === 'bigint') return secrets.has(String(value)) ? REMOVED : value
    if (Array.isArray(value)) return value.map(clean)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value as Members).map(([name, member]) => [removeFrom(name), clean(member)]),
    )
  }

  return {
    // By way of JSON, objects of all kinds are plain, without circles, and not too deep.
    add: (value) => addLeaves(typeof value === 'object' ? decode(encode(value)) : value),
    addWords(text) {
      for (const [word] of text.matchAll(/[^\s"'`{}[\]:,;=&<>()]+/g)) remember(word)
    },
    removeFrom,
    removeFromAll: (value) => clean(typeof value === 'object' ? decode(encode(value)) : value),
  }
}

/** One pattern for all, the longest first, each also as JSON and URLs spell it. */
const patternOf = (secrets: ReadonlySet<string>): RegExp => {
  const spellings = new Set<string>()
  for (const secret of secrets) {
    const inJson = JSON.stringify(secret).slice(1, -1)
    spellings.add(secret).add(inJson).add(encodeURIComponent(secret.toWellFormed()))
  }
  const longestFirst = [...spellings].sort((a, b) => b.length - a.length)
  return new RegExp(longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g')
}

/**
 * The message of `JSON.parse` quotes the text around the mistake, from a body that no rule was applied to:
 * `Unexpected token 'x', ..."ail":"a@b.c",x"... is not valid JSON`.
 */
const withoutJsonSnippet = (text: string): string => {
  const end = text.indexOf(' is not valid JSON')
  const start = end < 0 ? -1 : text.indexOf('"')
  return start < 0 || start > end ? text : `${text.slice(0, start)}${REMOVED}${text.slice(end)}`
}
