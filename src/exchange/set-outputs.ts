import type { Change, Parts } from '../formats/instance-parts.ts'
import { put } from '../formats/rows.ts'
import { decode, encode } from '../records/json.ts'
import type { Members } from '../records/members.ts'
import { type Asked, instancesOf, isBatchOf } from './asked.ts'
import type { TextList } from './joined-texts.ts'

/** What `.set()` is given. */
export type GivenOutputs = Members | readonly Members[]

/** A copy that later changes of the original don't reach: most have nothing below them. */
export const copyOutputs = (value: GivenOutputs): Members | Members[] => {
  if (!Array.isArray(value)) {
    let isFlat = true
    for (const name in value) isFlat &&= typeof (value as Members)[name] !== 'object'
    if (isFlat) return { ...(value as Members) }
  }
  return decode(encode(value)) as Members | Members[]
}

/** What was set at two times. */
const mergeOutputs = (before: GivenOutputs, after: GivenOutputs, isBatch: boolean): GivenOutputs =>
  Array.isArray(before) || Array.isArray(after) ? mergeEach(before, after, isBatch) : { ...before, ...after }

const mergeEach = (before: GivenOutputs, after: GivenOutputs, isBatch: boolean): Members[] => {
  const lengthOf = (given: unknown): number => (Array.isArray(given) ? given.length : 0)
  const length = Math.max(lengthOf(before), lengthOf(after))
  return Array.from({ length }, (_, k) => ({
    ...givenTo(k, before, length, isBatch),
    ...givenTo(k, after, length, isBatch),
  }))
}

/** The k-th instance's share of what was set for n: of an array its item, in an object of a batch also of arrays of n values. */
const givenTo = (k: number, given: GivenOutputs, n: number, isBatch: boolean): Members | undefined => {
  if (Array.isArray(given)) return given[k] as Members | undefined
  if (n === 1 && !isBatch) return given as Members
  const share: Members = {}
  for (const [name, value] of Object.entries(given))
    put(share, name, Array.isArray(value) && value.length === n ? (value as unknown[])[k] : value)
  return share
}

/** Outputs that are texts already. */
export const partsOfTexts = (texts: TextList): Parts => ({
  count: texts.length,
  rows: (from, to) => Array.from({ length: to - from }, (_, i) => decode(texts.at(from + i)!) as Members),
  extra: () => undefined,
})

/**
 * Outputs with what was set for them, which wins.
 * @param all what was set, in order
 */
export const withGiven = (parts: Parts, all: readonly GivenOutputs[], asked: Asked | undefined): Parts => {
  const isBatch = isBatchOf(asked)
  const given = all.reduce((before, after) => mergeOutputs(before, after, isBatch))
  const count = Math.max(parts.count, Array.isArray(given) ? given.length : instancesOf(asked))
  const extra = () => parts.extra()
  // As most requests have it.
  if (count === 1 && !isBatch && !Array.isArray(given))
    return {
      count,
      rows: (_from, _to, change) => changed([{ ...parts.rows(0, parts.count, change)[0], ...given }], change),
      extra,
    }
  const rows: Parts['rows'] = (from, to, change) => {
    const outputs = parts.rows(from, Math.min(to, parts.count), change)
    const merged: Members[] = []
    for (let k = from; k < to; k++) merged.push({ ...outputs[k - from], ...givenTo(k, given, count, isBatch) })
    return changed(merged, change)
  }
  return { count, rows, extra }
}

/** What was set is redacted as what was replied, which knows what it has redacted already. */
const changed = (rows: Members[], change: Change | undefined): Members[] =>
  change === undefined ? rows : rows.map(change)
