import { spellJson, spelling, spellUnstorable } from '../text.ts'

/** How text is written so that a database of some encoding can hold it. */
export interface Spelling {
  text(text: string): string
  /** JSON text, in which what can't be held is spelled within the strings. */
  json(json: string): string
  /** What is spelled, and no name may have. Undefined: what no database holds, and nothing else. */
  readonly refused: RegExp | undefined
  /** From now on this character is spelled as well. */
  refuse(character: string): void
}

/** UTF-8 holds all but U+0000 and halves of pairs. SQL_ASCII takes any bytes as they are. */
export const inUtf8: Spelling = { text: spellUnstorable, json: spellJson, refused: undefined, refuse() {} }

/** Encodings of one byte by the names that `TextDecoder` has for them. */
const singleByte: Readonly<Record<string, string>> = {
  LATIN2: 'iso-8859-2',
  LATIN3: 'iso-8859-3',
  LATIN4: 'iso-8859-4',
  LATIN6: 'iso-8859-10',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  ISO_8859_5: 'iso-8859-5',
  ISO_8859_6: 'iso-8859-6',
  ISO_8859_7: 'iso-8859-7',
  ISO_8859_8: 'iso-8859-8',
  WIN866: 'ibm866',
  WIN874: 'windows-874',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  ...Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`WIN125${n}`, `windows-125${n}`])),
}

/** Letters and signs of an encoding past ASCII. What only controls stand for differs between databases and browsers. */
const charactersOf = (label: string): string => {
  const all = new TextDecoder(label).decode(Uint8Array.from({ length: 128 }, (_, byte) => byte + 128))
  return all.replace(/[\ufffd\x80-\x9f]/g, '')
}

const unstorable = (encoding: string): RegExp | undefined => {
  if (encoding === 'UTF8' || encoding === 'SQL_ASCII') return undefined
  if (encoding === 'LATIN1') return /[\0\u0100-\uffff]/g
  const label = singleByte[encoding]
  // Those of several bytes a character hold nothing past the basic plane. What else they lack the server says.
  if (label === undefined) return /[\0\ud800-\udfff]/g
  const escaped = [...charactersOf(label)].map((letter) => spelling(letter))
  return new RegExp(`[^\\x01-\\x7f${escaped.join('')}]`, 'g')
}

/**
 * What a database's encoding, as `server_encoding` names it, can't hold is written as `\uXXXX`.
 * https://www.postgresql.org/docs/current/multibyte.html
 */
export const spellingIn = (encoding: string): Spelling => {
  const base = unstorable(encoding)
  if (base === undefined) return inUtf8
  let refused = base
  let more = ''
  return {
    text: (text) => text.replace(refused, spelling),
    json: (json) => spellJson(json).replace(refused, (character) => `\\${spelling(character)}`),
    get refused() {
      return refused
    },
    refuse(character) {
      more += spelling(character)
      refused = new RegExp(`${base.source}|[${more}]`, 'g')
    },
  }
}
