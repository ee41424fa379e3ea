/**
 * How the text of a variable is read. What can't be read is given back as it came, for the validation to report.
 */

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
}

/** `1000000`, `64 MiB`, `1.5GB`: bytes. */
export const readByteCount = (text: string): unknown => {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  const factor = UNITS[unit.toLowerCase()]
  return digits === undefined || factor === undefined ? text : Math.round(Number(digits) * factor)
}

/** A number in decimal notation. */
export const readNumber = (text: string): unknown =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : text

const WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  1: true,
  false: false,
  no: false,
  0: false,
}

/** `true`, `1`, `yes`, `false`, `0`, `no`. */
export const readBoolean = (text: string): unknown => {
  const word = text.trim().toLowerCase()
  return Object.hasOwn(WORDS, word) ? WORDS[word] : text
}

export const readTrimmed = (text: string): unknown => text.trim()

/** A list separated by commas; empty items are left out. */
export const readList = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
