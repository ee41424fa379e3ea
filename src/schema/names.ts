import { createHash } from 'node:crypto'
import type { Column } from './column.ts'

/**
 * Hexadecimal digits that tell a column from others of its name. Hashed is its source followed by its path as JSON, in
 * UTF-8: `features["sepal","length"]`. Stored tables depend on this text: it never changes.
 */
const digitsOf = ({ source, path }: Column): string =>
  createHash('sha256')
    .update(source + JSON.stringify(path))
    .digest('hex')

/** A name as the least distinguishing of our stores compares it: MySQL's identifiers ignore case, its catalogue accents too. */
export const foldName = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toUpperCase()
    .toLowerCase()

const foldedNames = (columns: readonly { readonly name: string }[]): string[] =>
  columns.map(({ name }) => foldName(name))

const lengths = {
  bytes: (text: string) => Buffer.byteLength(text),
  characters: (text: string) => [...text].length,
}

/** As much of `text` as has `max` units, without cutting a character. */
const cut = (text: string, max: number, lengthOf: (text: string) => number): string => {
  let kept = ''
  let length = 0
  for (const character of text) {
    length += lengthOf(character)
    if (length > max) break
    kept += character
  }
  return kept
}

/** What a store's names may be. */
export interface NameLimits {
  /** What a name's length is counted in. Default: `bytes`, of UTF-8. */
  readonly unit?: 'bytes' | 'characters' | undefined
  /** Matches, with the flag `g`, what a name can't have in this store: it becomes `_`. Default: nothing. */
  readonly refused?: RegExp | undefined
}

/** A column that needs a name of its own: no other may have it in any case of its letters. */
interface Candidate {
  readonly column: Column
  name: string
  /** How many digits its name ends in. */
  digits: number
}

const STEP = 6

/**
 * Names again whoever shares a name, until no two do. All that share one are renamed, not all but the first: which column a
 * value goes to must not hang on the order of a schema. Digits beyond six are for six that are the same by chance.
 */
const separate = (candidates: readonly Candidate[], rename: (candidate: Candidate) => string): void => {
  for (;;) {
    const counts = new Map<string, number>()
    const folded = foldedNames(candidates)
    for (const name of folded) counts.set(name, (counts.get(name) ?? 0) + 1)
    const renamed = candidates.filter(
      ({ column, digits }, i) => counts.get(folded[i]!)! > 1 && column.source !== 'record' && digits < 60,
    )
    if (renamed.length === 0) return
    for (const candidate of renamed) {
      candidate.digits += STEP
      candidate.name = rename(candidate)
    }
  }
}

const ending = ({ column, digits }: Candidate): string => `_${digitsOf(column).slice(0, digits)}`

/**
 * The columns with names that a store can hold: longer ones are cut and end in `_` and six hexadecimal digits of their path.
 * Names stay unique, in any case of their letters.
 *
 * @param max the store's limit, in `unit`s
 * @example fitNames(columns, 63)                            // PostgreSQL
 * @example fitNames(columns, 64, { unit: 'characters' })    // MySQL
 */
export const fitNames = (
  columns: readonly Column[],
  max: number,
  { unit = 'bytes', refused }: NameLimits = {},
): Column[] => {
  const lengthOf = lengths[unit]
  const fitted = (candidate: Candidate): string => {
    const name = refused ? candidate.column.name.replace(refused, '_') : candidate.column.name
    const end = ending(candidate)
    return cut(name, max - end.length, lengthOf) + end
  }
  const candidates = columns.map((column): Candidate => {
    const fits = lengthOf(column.name) <= max && (refused === undefined || column.name.search(refused) < 0)
    const candidate = { column, name: column.name, digits: fits ? 0 : STEP }
    if (!fits) candidate.name = fitted(candidate)
    return candidate
  })
  separate(candidates, fitted)
  return candidates.map(({ column, name }) => (name === column.name ? column : { ...column, name }))
}

/** A path as a name. A dot in a member's name is `_` too: Knex would take it for a table's. */
const nameOf = ({ source, path }: Column): string =>
  path.length === 0 ? source : path.map((member) => member.replaceAll('.', '_')).join('_')

/** What no store has in a name: U+0000, and surrogates without their half. */
const safe = (name: string): string => Buffer.from(name.replaceAll('\0', '_')).toString()

const prefixed = (columns: readonly Column[], prefix: string, taken: ReadonlySet<string>): Candidate[] =>
  columns.map((column) => {
    const name = nameOf(column)
    return { column, name: taken.has(foldName(name)) ? prefix + name : name, digits: 0 }
  })

/** Gives candidates their names: digits where they still clash. */
const nameAll = (candidates: readonly Candidate[]): void => {
  const plain = new Map<Candidate, string>()
  const withEnding = (candidate: Candidate): string => plain.get(candidate) + ending(candidate)
  for (const candidate of candidates) {
    const name = safe(candidate.name)
    plain.set(candidate, name)
    if (name === candidate.name && name !== '') continue
    candidate.digits = STEP
    candidate.name = withEnding(candidate)
  }
  separate(candidates, withEnding)
}

const fixed = (columns: readonly Column[]): Candidate[] =>
  columns.map((column) => ({ column, name: column.name, digits: 0 }))

const withNames = (list: readonly Candidate[]): Column[] => list.map(({ column, name }) => ({ ...column, name }))

/** Names labels beside the actual's own columns: `actual_` where they would collide, digits where they still clash. */
export const nameActuals = (labels: readonly Column[], own: readonly Column[]): Column[] => {
  const candidates = prefixed(labels, 'actual_', new Set(foldedNames(own)))
  nameAll([...candidates, ...fixed(own)])
  return withNames(candidates)
}

/**
 * Names features and outputs beside the record's own columns: `feature_` and `output_` where they would collide, digits where
 * they still clash.
 */
export const nameColumns = (
  features: readonly Column[],
  outputs: readonly Column[],
  own: readonly Column[],
): { features: Column[]; outputs: Column[] } => {
  const ours = foldedNames(own)
  const namedOutputs = prefixed(outputs, 'output_', new Set(ours))
  const namedFeatures = prefixed(features, 'feature_', new Set([...ours, ...foldedNames(namedOutputs)]))
  nameAll([...namedFeatures, ...namedOutputs, ...fixed(own)])
  return { features: withNames(namedFeatures), outputs: withNames(namedOutputs) }
}
