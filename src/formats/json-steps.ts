import { encode } from '../records/json.ts'
import type { Steps } from '../steps/time-slices.ts'
import { isObject, put, type Row } from './rows.ts'
import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './json-tokens.ts'

/** About how many characters are parsed in a step. */
const STEP = 64 * 1024

/** Lists in lists are taken apart so far down: each level is looked through once more. */
const MAX_DEPTH = 3

type Parse = (text: string) => unknown

/**
 * Parses JSON text in steps: of a large array or object a run of items at a time, natively. Only where a run ends is found here.
 * @param parse what parses a run, or a text that can't be taken apart
 * @throws whatever `parse` throws of the text as a whole
 */
export const parseInSteps = function* (text: string, parse: Parse): Steps<unknown> {
  try {
    return yield* parseFrom(text, parse, 0)
  } catch {
    yield
    return parse(text)
  }
}

/** Members of an object that are written in a step. */
const MEMBERS = 2048

/** JSON text of a row that was parsed, as `encode` makes it, in steps: of an object with many members some at a time. */
export const encodeInSteps = function* (row: Row): Steps<string> {
  const names = Object.keys(row)
  if (names.length <= MEMBERS && !names.some((name) => isWide(row[name]))) return encode(row)
  const parts: string[] = []
  let some: Row = {}
  let count = 0
  const flush = (): void => {
    const text = encode(some)
    if (text !== '{}') parts.push(text.slice(1, -1))
    some = {}
    count = 0
  }
  for (const name of names) {
    const member = row[name]
    const wide = isWide(member)
    if (!wide) put(some, name, member)
    if (!wide && ++count < MEMBERS) continue
    flush()
    if (wide) parts.push(`${JSON.stringify(name)}:${yield* encodeInSteps(member)}`)
    yield
  }
  flush()
  return `{${parts.join()}}`
}

const isWide = (value: unknown): value is Row => isObject(value) && Object.keys(value).length > MEMBERS

/** No JSON, or not of the kind that is taken apart: `parse` is to say. */
class Odd extends Error {}

const parseFrom = function* (text: string, parse: Parse, depth: number): Steps<unknown> {
  if (text.length <= STEP) return parse(text)
  yield
  const open = startOf(text)
  const isArray = text.charCodeAt(open) === OPEN_ARRAY
  if (depth === MAX_DEPTH || !(isArray || text.charCodeAt(open) === OPEN_OBJECT)) return parse(text)
  const items: unknown[] = []
  const members: Row = {}
  for (const { start, end, isLong } of runsOf(text, open)) {
    const run = text.slice(start, end)
    if (isArray && isLong) items.push(yield* parseFrom(run, parse, depth + 1))
    else if (isArray) for (const item of parse(`[${run}]`) as unknown[]) items.push(item)
    else if (isLong) {
      const { name, value } = splitMember(run)
      put(members, name, yield* parseFrom(value, parse, depth + 1))
    } else {
      const some = parse(`{${run}}`) as Row
      for (const name of Object.keys(some)) put(members, name, some[name])
    }
    yield
  }
  return isArray ? items : members
}

interface Run {
  readonly start: number
  readonly end: number
  /** It is one item, longer than a step. */
  readonly isLong: boolean
}

/** The items of an array, or the members of an object, that opens there: in runs of about a step, long ones alone. */
const runsOf = function* (text: string, open: number): Generator<Run> {
  const close = text.charCodeAt(open) === OPEN_ARRAY ? CLOSE_ARRAY : CLOSE_OBJECT
  let runStart = open + 1
  for (let itemStart = runStart; ;) {
    const end = endOfItem(text, itemStart)
    const isLast = text.charCodeAt(end) !== COMMA
    if (isLast && (text.charCodeAt(end) !== close || startOf(text, end + 1) < text.length))
      throw new Odd('it ends oddly')
    const isLong = end - itemStart > STEP
    if (isLong && itemStart > runStart) yield runFrom(text, runStart, itemStart - 1)
    if (isLong) yield { start: itemStart, end, isLong }
    else if (isLast || end - runStart > STEP) yield runFrom(text, runStart, end)
    if (isLast) return
    itemStart = end + 1
    if (isLong || end - runStart > STEP) runStart = itemStart
  }
}

/** Where the comma is behind an item, or what closes the list. A function of its own: V8 makes a generator's loops no faster. */
const endOfItem = (text: string, start: number): number => {
  for (let at = start, depth = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = closingQuote(text, at)
        break
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth++
        break
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        if (depth-- === 0) return at
        break
      case COMMA:
        if (depth === 0) return at
    }
  }
  throw new Odd('it ends too early')
}

/** An empty run would hide that nothing stands before a comma. */
const runFrom = (text: string, start: number, end: number): Run => {
  if (startOf(text, start) >= end) throw new Odd('an item is missing')
  return { start, end, isLong: false }
}

/** Behind the blanks from `at` on. */
const startOf = (text: string, at = 0): number => {
  for (let code = text.charCodeAt(at); code === 0x20 || (code >= 0x09 && code <= 0x0d); code = text.charCodeAt(at)) at++
  return at
}

/** Where the quote is that closes the string. */
const closingQuote = (text: string, start: number): number => {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return end
  }
  throw new Odd('a string does not end')
}

const splitMember = (text: string): { name: string; value: string } => {
  const start = startOf(text)
  if (text.charCodeAt(start) !== QUOTE) throw new Odd('a member has no name')
  const end = closingQuote(text, start)
  const colon = startOf(text, end + 1)
  if (text[colon] !== ':') throw new Odd('a member has no value')
  return { name: JSON.parse(text.slice(start, end + 1)) as string, value: text.slice(colon + 1) }
}
