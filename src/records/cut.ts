import { createHash } from 'node:crypto'

/** A text up to here is stored whole, in UTF-16 code units. */
export const MAX_TEXT = 64 * 1024

/** Of each of very many records of one body at least so much of a text is kept, in UTF-16 code units. */
const MIN_TEXT = 2_000

/** What a text that stands in each record of a body may take in all of them, in UTF-16 code units. */
const MAX_IN_ALL = 16 * 1024 * 1024

/** What stands for an array, string or bytes that is too long to be stored. */
export interface Shortened {
  /** Dimensions of an array by its first items, row-major; the length of a string (UTF-16 code units) or of bytes. */
  readonly shape: readonly number[]
  readonly type: string
  /** Of numbers: as little-endian doubles in row-major order. Of a string: as UTF-8. Of anything else: of its JSON. */
  readonly sha256: string
}

/** The same of a text whose beginning is kept. */
export interface CutText extends Shortened {
  readonly start: string
}

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** How much of a text that stands in each of n records is kept, in UTF-16 code units. */
export const mostOf = (n: number): number => Math.max(MIN_TEXT, Math.min(MAX_TEXT, Math.floor(MAX_IN_ALL / n)))

/** The first units of a text; no pair of surrogates is cut in half. */
const startOf = (text: string, most: number): string => {
  const last = text.charCodeAt(most - 1)
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? most - 1 : most)
}

/** A text as a note's value: whole, or where it is longer than `most` (default: 64 Ki) its start, length and digest. */
export const keptText = (text: string, most = MAX_TEXT): string | CutText =>
  text.length <= most ? text : { ...shortenedText(text), start: startOf(text, most) }

export const shortenedText = (text: string): Shortened => ({
  shape: [text.length],
  type: 'string',
  sha256: sha256(text),
})

/** Of JSON text that is too long to be stored. */
export const shortenedJson = (json: string): Shortened => ({ shape: [json.length], type: 'json', sha256: sha256(json) })

/** A text for people, such as an error's: whole, or its start with a word on how long it was, and its digest. */
export const keptWords = (text: string, most = MAX_TEXT): string =>
  text.length <= most
    ? text
    : `${startOf(text, most)}… [cut: of ${text.length} characters the first ${most}; SHA-256 of all: ${sha256(text)}]`

type Notes = Readonly<Record<string, unknown>>

/** Notes that each of n records has: their texts are cut to what may be repeated. */
export const keptNotes = (notes: Notes, n: number): Notes => {
  if (n < 2) return notes
  const most = mostOf(n * Object.keys(notes).length)
  return Object.fromEntries(Object.entries(notes).map(([path, note]) => [path, keptNote(note, most)]))
}

const keptNote = (note: unknown, most: number): unknown => {
  if (typeof note !== 'object' || note === null || !('value' in note)) return note
  const { value } = note
  if (typeof value === 'string') return value.length <= most ? note : { ...note, value: keptText(value, most) }
  const start = typeof value === 'object' && value !== null ? (value as { start?: unknown }).start : undefined
  if (typeof start !== 'string' || start.length <= most) return note
  return { ...note, value: { ...(value as CutText), start: startOf(start, most) } }
}
