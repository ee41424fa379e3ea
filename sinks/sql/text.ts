/** Characters that are no text in UTF-8 databases: halves of surrogate pairs, and in Postgres U+0000. */
const UNSTORABLE = /[\0\p{Surrogate}]/gu
const HALVES = /\p{Surrogate}/gu

/** `\u2019`: how a character that can't be stored is written. */
export const spelling = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Text with `\ud83d` in place of a surrogate that stands alone: as UTF-8 it would become U+FFFD. */
export const spellHalves = (text: string): string => (text.isWellFormed() ? text : text.replace(HALVES, spelling))

/** The same, and `\u0000` in place of U+0000. */
export const spellUnstorable = (text: string): string =>
  text.includes('\0') || !text.isWellFormed() ? text.replace(UNSTORABLE, spelling) : text

const ESCAPES = /\\(u0000|ud[89a-f][0-9a-f]{2}|[^])/g
const HALVES_ESCAPES = /\\(ud[89a-f][0-9a-f]{2}|[^])/g

const spellEscapes = (json: string, escapes: RegExp): string =>
  json.replace(escapes, (escape, code: string) => (code.length > 1 ? `\\\\${code}` : escape))

/**
 * JSON text in which surrogates that stand alone are spelled in the strings themselves: databases refuse their escapes.
 * `JSON.stringify` escapes no other surrogates.
 */
export const spellJsonHalves = (json: string): string =>
  json.includes('\\ud') ? spellEscapes(json, HALVES_ESCAPES) : json

/** The same, and U+0000. */
export const spellJson = (json: string): string =>
  json.includes('\\u0000') || json.includes('\\ud') ? spellEscapes(json, ESCAPES) : json

/** A double's text: JavaScript writes -0 as 0. */
export const doubleText = (value: number): string => (value === 0 && 1 / value < 0 ? '-0' : String(value))

const TAB_SPECIALS = /[\\\t\n\r\0]/g
const tabEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\\0',
}

/** A field of the tab-separated text that both COPY and LOAD DATA read. */
export const tabField = (text: string): string =>
  text.search(TAB_SPECIALS) < 0 ? text : text.replace(TAB_SPECIALS, (character) => tabEscapes[character]!)
