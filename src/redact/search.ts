/** Shorter texts, such as `7`, `no` or `yes`, would punch holes into everything. In UTF-16 units. */
export const MIN_LENGTH = 4

/** What searches of one exchange may still compare, in UTF-16 units: past it, texts that may hold something are left out as a whole. */
export interface Budget {
  left: number
}

export const newBudget = (): Budget => ({ left: 20_000_000 })

/** Up to so many spellings are looked for one by one, which for few is quickest. */
const FEW = 16

export const REMOVED = '[redacted]'

/** Finds given texts in other texts, in any case of their letters. */
export interface Search {
  /** Whether one of them stands in the text, as it is or as JSON or URLs spell it. May say yes for no. */
  finds(text: string): boolean
  /** The text without them. */
  removeFrom(text: string): string
}

/** In lower case, where that has the same length: then places in one are places in the other. */
const folded = (text: string): string => {
  const lower = text.toLowerCase()
  return lower.length === text.length ? lower : text
}

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** What JSON, URLs and HTML all write as it is. */
const PLAIN = /^[\w.~-]+$/

/** Adds a text as it is, and as JSON, URLs and HTML spell it. */
const addSpellings = (spellings: Set<string>, text: string): void => {
  spellings.add(folded(text))
  if (PLAIN.test(text)) return
  const json = JSON.stringify(text)
  if (json.length !== text.length + 2) spellings.add(folded(json.slice(1, -1)))
  // By way of bytes, as a lone surrogate has no spelling in a URL.
  spellings.add(folded(encodeURIComponent(Buffer.from(text).toString())))
  if (/[&<>"']/.test(text)) spellings.add(folded(text.replace(/[&<>"']/g, (char) => HTML[char]!)))
}

/** @param texts of `MIN_LENGTH` units or more */
export const searchFor = (texts: Iterable<string>, budget: Budget): Search => {
  const spellings = new Set<string>()
  for (const text of texts) addSpellings(spellings, text)
  const few = spellings.size <= FEW ? [...spellings] : undefined
  let starts: Starts | undefined

  const removeFrom = (text: string): string => {
    const lower = folded(text)
    if (few !== undefined && !few.some((spelling) => lower.includes(spelling))) return text
    return removeAll(text, lower, spellings, (starts ??= startsOf(spellings)), budget)
  }
  return {
    finds(text) {
      const lower = folded(text)
      if (few !== undefined) return few.some((spelling) => lower.includes(spelling))
      return removeAll(text, lower, spellings, (starts ??= startsOf(spellings)), budget) !== text
    },
    removeFrom,
  }
}

/** How spellings begin: a quick look tells that nothing can begin in most places. */
interface Starts {
  /** A bit for the hash of the first units. */
  readonly bits: Uint8Array
  /** By their first units: how long they are, the longest first. */
  readonly lengths: ReadonlyMap<string, readonly number[]>
}

const hashAt = (text: string, at: number): number =>
  (text.charCodeAt(at) * 31 ** 3 +
    text.charCodeAt(at + 1) * 31 ** 2 +
    text.charCodeAt(at + 2) * 31 +
    text.charCodeAt(at + 3)) &
  0xffff

const startsOf = (spellings: ReadonlySet<string>): Starts => {
  const bits = new Uint8Array(0x10000)
  const lengths = new Map<string, Set<number>>()
  for (const spelling of spellings) {
    const start = spelling.slice(0, MIN_LENGTH)
    bits[hashAt(spelling, 0)] = 1
    const known = lengths.get(start)
    if (known === undefined) lengths.set(start, new Set([spelling.length]))
    else known.add(spelling.length)
  }
  const longestFirst = Array.from(lengths, ([start, some]) => [start, [...some].sort((a, b) => b - a)] as const)
  return { bits, lengths: new Map(longestFirst) }
}

/** In one pass, so that a text like "reda" is not found in what stands for another. */
const removeAll = (
  text: string,
  lower: string,
  spellings: ReadonlySet<string>,
  { bits, lengths }: Starts,
  budget: Budget,
): string => {
  const lengthAt = (at: number): number | undefined =>
    lengths.get(lower.slice(at, at + MIN_LENGTH))?.find((length) => {
      if (at + length > lower.length) return false
      budget.left -= length
      return spellings.has(lower.slice(at, at + length))
    })

  let result = ''
  let from = 0
  let at = 0
  const end = lower.length - MIN_LENGTH
  while (at <= end) {
    const mayBegin = bits[hashAt(lower, at)] === 1
    if (mayBegin && budget.left < 0) return REMOVED
    const length = mayBegin ? lengthAt(at) : undefined
    if (length === undefined) at++
    else {
      result += text.slice(from, at) + REMOVED
      from = at += length
    }
  }
  return from === 0 ? text : result + text.slice(from)
}
