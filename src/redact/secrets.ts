import { decode, encode } from '../records/json.ts'
import { type Budget, MIN_LENGTH, newBudget, REMOVED, type Search, searchFor } from './search.ts'
import type { Members } from '../records/members.ts'

/** Numbers of fewer digits (an age, a score) stand everywhere by chance. */
const MIN_DIGITS = 5

/** So many values of one exchange, and words of what could not be read, are looked for; of more, no text is told at all. */
const MAX_VALUES = 1_000_000
const MAX_WORDS = 10_000

/** What JSON and databases write for nothing, yes and no. */
const COMMON: ReadonlySet<string> = new Set(['true', 'false', 'null', 'none', 'undefined'])

/** The values that redaction took out of one exchange, to be found wherever else they stand. */
export interface Secrets {
  /** Remembers a value: of an object or an array, all texts and numbers in it. */
  add(value: unknown): void
  /** Remembers all words of a text that nobody could take apart: they are looked for in free text alone. */
  addWords(text: string): void
  /** Free text, such as an error's message, without them. */
  removeFrom(text: string): string
  /** Removes them, and those words, from all texts, numbers and names within a note, which is not changed: what is, is a copy. */
  removeFromNote(note: unknown): unknown
  /** Removes the values, but not the words, from a value. */
  removeFromValue(value: unknown): unknown
  /** The same of JSON text: the text itself where nothing of them stands there, as in most. */
  removeFromJson(json: string): string
}

/**
 * @param isOurs a text that redaction put in a value's place: it stays, although a part of it may look like another value
 */
export const createSecrets = (isOurs: (text: string) => boolean): Secrets => {
  const budget = newBudget()
  const values = createTexts(MAX_VALUES, budget)
  const words = createTexts(MAX_WORDS, budget)

  const addNumber = (value: number | bigint): void => {
    const text = String(value)
    if (text.replace(/e.*|\D/g, '').length < MIN_DIGITS) return
    values.add(text)
    // As a tensor of FP32, or a parser of JSON, has it.
    if (typeof value === 'bigint') values.add(String(Number(value)))
    else if (!Number.isInteger(value)) values.add(String(Math.fround(value)))
  }

  const addText = (text: string): void => {
    const trimmed = text.trim()
    if (trimmed.length >= MIN_LENGTH && !COMMON.has(trimmed.toLowerCase())) values.add(trimmed)
  }

  const addLeaves = (value: unknown): void => {
    if (typeof value === 'string') addText(value)
    else if (typeof value === 'number' || typeof value === 'bigint') addNumber(value)
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(addLeaves)
  }

  const fromText = (text: string): string => words.removeFrom(values.removeFrom(withoutJsonSnippet(text)))

  const clean = (value: unknown, from: (text: string) => string): unknown => {
    if (typeof value === 'string') return isOurs(value) ? value : from(value)
    if (typeof value === 'number' || typeof value === 'bigint') return values.has(String(value)) ? REMOVED : value
    if (Array.isArray(value)) return value.map((item) => clean(item, from))
    if (typeof value !== 'object' || value === null) return value
    return cleanMembers(value as Members, from)
  }

  const cleanMembers = (members: Members, from: (text: string) => string): Members => {
    const names = new Set<string>()
    const nameOnce = (name: string): string => {
      let once = name
      for (let n = 2; names.has(once); n++) once = `${name} (${n})`
      names.add(once)
      return once
    }
    // Unlike an assignment, this makes a member of any name.
    return Object.fromEntries(
      Object.entries(members).map(([name, member]) => [nameOnce(from(name)), clean(member, from)]),
    )
  }

  /** By way of JSON, objects of all kinds are plain, without circles, and not too deep. */
  const plain = (value: unknown): unknown => (typeof value === 'object' ? decode(encode(value)) : value)

  return {
    add: (value) => addLeaves(plain(value)),
    addWords(text) {
      for (const [word] of text.matchAll(/[^\s"'`{}[\]:,;=&<>()]+/g)) if (word.length >= MIN_LENGTH) words.add(word)
    },
    removeFrom: fromText,
    removeFromNote: (note) => clean(plain(note), fromText),
    removeFromValue: (value) => (values.size === 0 ? value : clean(plain(value), values.removeFrom)),
    removeFromJson: (json) =>
      values.size === 0 || !values.finds(json) ? json : encode(clean(decode(json), values.removeFrom)),
  }
}

/** Texts that are gathered, and looked for in others. */
const createTexts = (most: number, budget: Budget) => {
  const texts = new Set<string>()
  let search: Search | undefined
  const isTooMany = () => texts.size > most
  const searched = (): Search => (search ??= searchFor(texts, budget))
  return {
    get size() {
      return texts.size
    },
    add(text: string): void {
      if (isTooMany() || texts.has(text)) return
      texts.add(text)
      search = undefined
    },
    has: (text: string): boolean => texts.has(text),
    finds: (text: string): boolean => texts.size > 0 && (isTooMany() || searched().finds(text)),
    removeFrom(text: string): string {
      if (texts.size === 0) return text
      return isTooMany() ? REMOVED : searched().removeFrom(text)
    },
  }
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
