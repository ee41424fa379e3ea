import { decode, encode } from '../records/json.ts'
import type { Members } from './values.ts'

/** Shorter ones, such as `7` or `no`, would punch holes into every text. In UTF-16 units. */
const MIN_LENGTH = 3

/** Past this many secrets, or units compared in one text, they are not looked for any more: the text is left out as a whole. */
const MAX_SECRETS = 10_000
const MAX_COMPARED = 10_000_000

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
  let index: Index | undefined

  const remember = (text: string): void => {
    if (text.length < MIN_LENGTH || secrets.size > MAX_SECRETS) return
    secrets.add(text)
    index = undefined
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
    return withoutIndexed(told, (index ??= indexOf(secrets)))
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

interface Index {
  readonly spellings: ReadonlySet<string>
  /** By their first three units: how long they are, the longest first. */
  readonly lengths: ReadonlyMap<string, readonly number[]>
}

/** Each secret as it is, and as JSON and URLs spell it. */
const indexOf = (secrets: ReadonlySet<string>): Index => {
  const spellings = new Set<string>()
  for (const secret of secrets) {
    spellings.add(secret).add(JSON.stringify(secret).slice(1, -1))
    // By way of bytes, as a lone surrogate has no spelling in a URL.
    spellings.add(encodeURIComponent(Buffer.from(secret).toString()))
  }
  const lengths = new Map<string, Set<number>>()
  for (const spelling of spellings) {
    const start = spelling.slice(0, MIN_LENGTH)
    lengths.set(start, (lengths.get(start) ?? new Set()).add(spelling.length))
  }
  const longestFirst = Array.from(lengths, ([start, some]) => [start, [...some].sort((a, b) => b - a)] as const)
  return { spellings, lengths: new Map(longestFirst) }
}

/** In one pass, so that a secret like "red" is not found in what stands for another. */
const withoutIndexed = (text: string, { spellings, lengths }: Index): string => {
  let compared = 0
  const secretAt = (at: number): number | undefined =>
    lengths.get(text.slice(at, at + MIN_LENGTH))?.find((length) => {
      if (at + length > text.length) return false
      compared += length
      return spellings.has(text.slice(at, at + length))
    })

  let result = ''
  let from = 0
  let at = 0
  while (at + MIN_LENGTH <= text.length) {
    const length = secretAt(at)
    if (compared > MAX_COMPARED) return REMOVED
    if (length === undefined) at++
    else {
      result += text.slice(from, at) + REMOVED
      from = at += length
    }
  }
  return result + text.slice(from)
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
