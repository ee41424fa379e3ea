import { randomUUID } from 'node:crypto'
import { decode } from '../records/json.ts'
import type { Steps } from '../steps/time-slices.ts'
import { cutter, nameValues, type CutTexts } from './named-texts.ts'
import { isObject, type Row } from './rows.ts'
import * as scan from './json-tokens.ts'

/**
 * A batch in a body's bytes whose items were not parsed: their features' texts are cut out of the body, which costs a fraction of
 * parsing them and making texts of them again, and keeps the digits of 64-bit integers.
 */
export interface CutBatch {
  /** The body with an empty list in the batch's place. */
  readonly outline: unknown
  /** What the batch is: the body itself, its `instances`, or the `data` of its only tensor in `inputs`. */
  readonly place: Place
  /** Each item's features as JSON text, named as `featuresOf` names them; undefined where these names need a closer look. */
  texts(names: readonly string[]): CutTexts | undefined
  /** The same of a tensor of no more than two dimensions; undefined where its data does not fit the shape. */
  textsOfTensor(shape: readonly number[], names: readonly string[]): CutTexts | undefined
}

type Place = 'body' | 'instances' | 'data'

interface Items {
  readonly count: number
  /** Where each begins and ends: behind `[`, for arrays. Not lists of numbers, which the garbage collector would have to copy. */
  readonly starts: Uint32Array
  readonly ends: Uint32Array
  readonly isArray: boolean
  /** How many values each has; undefined: they are objects. */
  readonly width: number | undefined
  /** Behind the batch's `]`. */
  readonly end: number
}

/** Stands in the outline where the batch was. It is random, so that no body has it. */
const MARK = randomUUID()

const keys = (['instances', 'data'] as const).map((place) => ({ place, key: Buffer.from(`"${place}"`) }))

/**
 * The batch that a body of UTF-8 consists of, or has as its `instances` or the `data` of its only tensor, if all its items are
 * objects of the same members or arrays of the same length, and have values only that are no objects or arrays. Most have; all
 * others are parsed.
 */
export const batchOf = function* (bytes: Buffer): Steps<CutBatch | undefined> {
  const found = findBatch(bytes)
  if (found === undefined) return undefined
  const { place, start } = found
  const items = yield* itemsOf(bytes, scan.skipSpace(bytes, start + 1))
  if (items === undefined) return undefined
  const outline = bodyAround(bytes, start, items.end, place)
  if (outline === undefined) return undefined
  const { width } = items
  return {
    outline,
    place,
    texts: (names) => (width === undefined ? cut(bytes, items) : nameEach(bytes, items, width, names)),
    textsOfTensor: (shape, names) => nameRows(bytes, items, shape, names),
  }
}

/** The same of a body in JSON Lines: its items are lines. */
export const linesOf = function* (bytes: Buffer): Steps<CutBatch | undefined> {
  const items = yield* itemsOf(bytes, scan.skipSpace(bytes, 0), true)
  if (items === undefined) return undefined
  const { width } = items
  return {
    outline: [],
    place: 'body',
    texts: (names) => (width === undefined ? cut(bytes, items) : nameEach(bytes, items, width, names)),
    textsOfTensor: () => undefined,
  }
}

/** Where the batch's `[` probably is. The outline shows whether that was right. */
const findBatch = (bytes: Buffer): { place: Place; start: number } | undefined => {
  const first = scan.skipSpace(bytes, 0)
  if (bytes[first] === scan.OPEN_ARRAY) return { place: 'body', start: first }
  if (bytes[first] !== scan.OPEN_OBJECT) return undefined
  for (const { place, key } of keys) {
    let at = bytes.indexOf(key, first)
    if (at < 0) continue
    at = scan.skipSpace(bytes, at + key.length)
    if (bytes[at] !== scan.COLON) return undefined
    at = scan.skipSpace(bytes, at + 1)
    return bytes[at] === scan.OPEN_ARRAY ? { place, start: at } : undefined
  }
  return undefined
}

/** The body without its batch, parsed; undefined where it is no JSON, or the batch stands elsewhere. */
const bodyAround = (bytes: Buffer, start: number, end: number, place: Place): unknown => {
  try {
    const outline = decode(`${bytes.toString('utf8', 0, start)}"${MARK}"${bytes.toString('utf8', end)}`)
    if (outline === MARK) return []
    const holder = place === 'data' ? onlyTensorOf(outline) : outline
    if (!isObject(holder) || holder[place] !== MARK) return undefined
    holder[place] = []
    return outline
  } catch {
    return undefined
  }
}

const onlyTensorOf = (body: unknown): unknown => {
  const inputs = isObject(body) ? body['inputs'] : undefined
  return Array.isArray(inputs) && inputs.length === 1 ? inputs[0] : undefined
}

/** About how many bytes are looked through in a step. */
const STEP = 64 * 1024

const LF = 0x0a

/** Behind the line break that follows, with blanks around it, or the end; -1: something else follows. */
const nextLine = (bytes: Buffer, end: number): number => {
  let at = end
  for (let byte = bytes[at]; byte === scan.BLANK || byte === 0x0d || byte === 0x09; byte = bytes[at]) at++
  return at < bytes.length && bytes[at] !== LF ? -1 : scan.skipSpace(bytes, at)
}

/** @param isLines they stand on lines of their own, up to the end of the body; else with commas between them, up to a `]` */
const itemsOf = function* (bytes: Buffer, first: number, isLines = false): Steps<Items | undefined> {
  // An item has a byte at least, and a comma.
  const most = ((bytes.length - first) >> 1) + 1
  const starts = new Uint32Array(most)
  const ends = new Uint32Array(most)
  const { isArray, width, endOf } = kindOf(bytes, first)
  let stepAt = first + STEP
  for (let at = first, count = 0; ; at = isLines ? at : scan.skipSpace(bytes, at + 1)) {
    if (at > stepAt) {
      stepAt = at + STEP
      yield
    }
    starts[count] = isArray ? at + 1 : at
    at = endOf(at)
    if (at < 0) return undefined
    ends[count++] = isArray ? at - 1 : at
    if (isLines) {
      // An array may have line breaks in it, a line of JSON Lines can't.
      if (isArray && bytes.subarray(starts[count - 1], at).includes(LF)) return undefined
      at = nextLine(bytes, at)
      if (at < 0) return undefined
      if (at === bytes.length) return { count, starts, ends, isArray, width, end: at }
      continue
    }
    at = scan.skipSpace(bytes, at)
    if (bytes[at] === scan.CLOSE_ARRAY) return { count, starts, ends, isArray, width, end: at + 1 }
    if (bytes[at] !== scan.COMMA) return undefined
  }
}

interface BatchKind {
  readonly isArray: boolean
  readonly width: number | undefined
  /** Behind the item that begins here, if it is of this kind; else -1. */
  endOf(at: number): number
}

/** The first item, which all others have to be like. */
const kindOf = (bytes: Buffer, first: number): BatchKind => {
  if (bytes[first] === scan.OPEN_OBJECT) {
    const keys = keysOf(bytes, first)
    return { isArray: false, width: undefined, endOf: (at) => (keys ? endOfObject(bytes, at, keys) : -1) }
  }
  if (bytes[first] !== scan.OPEN_ARRAY) return { isArray: false, width: 1, endOf: (at) => scan.endOfScalar(bytes, at) }
  const width = widthOf(bytes, first)
  return { isArray: true, width, endOf: (at) => endOfArray(bytes, at, width) }
}

/** How many values the first array has; -1 where it has others than numbers, booleans and null. */
const widthOf = (bytes: Buffer, first: number): number => {
  let at = first
  for (let width = 1; ; width++) {
    at = scan.endOfScalar(bytes, scan.skipSpace(bytes, at + 1))
    if (at < 0) return -1
    at = scan.skipSpace(bytes, at)
    if (bytes[at] === scan.CLOSE_ARRAY) return width
    if (bytes[at] !== scan.COMMA) return -1
  }
}

const NULL = 0x6e

const endOfArray = (bytes: Buffer, start: number, width: number): number => {
  if (bytes[start] !== scan.OPEN_ARRAY) return -1
  let at = start
  for (let i = 1; ; i++) {
    at = scan.skipSpace(bytes, at + 1)
    // To `featuresOf`, an array that begins with null may be nested.
    if (i === 1 && bytes[at] === NULL) return -1
    at = scan.endOfScalar(bytes, at)
    if (at < 0) return -1
    at = scan.skipSpace(bytes, at)
    if (bytes[at] === scan.CLOSE_ARRAY) return i === width ? at + 1 : -1
    if (bytes[at] !== scan.COMMA) return -1
  }
}

/** The first object's keys as they stand in the body, with their quotes; undefined where one stands there twice. */
const keysOf = (bytes: Buffer, first: number): Buffer[] | undefined => {
  const keys: Buffer[] = []
  const end = endOfObject(bytes, first, keys, true)
  if (end < 0) return undefined
  const members = JSON.parse(bytes.toString('utf8', first, end)) as Row
  return Object.keys(members).length === keys.length ? keys : undefined
}

/** @param isFirst `keys` are not known yet, but gathered */
const endOfObject = (bytes: Buffer, start: number, keys: Buffer[], isFirst = false): number => {
  if (bytes[start] !== scan.OPEN_OBJECT) return -1
  let at = start
  for (let i = 0; ; i++) {
    at = scan.skipBlanks(bytes, at + 1)
    if (isFirst) {
      const end = bytes[at] === scan.QUOTE ? scan.endOfString(bytes, at + 1) : -1
      if (end >= 0) keys.push(bytes.subarray(at, end))
    }
    const key = keys[i]
    if (key === undefined || !scan.startsWith(bytes, at, key)) return -1
    at = scan.skipBlanks(bytes, at + key.length)
    if (bytes[at] !== scan.COLON) return -1
    at = scan.skipBlanks(bytes, at + 1)
    at = bytes[at] === scan.QUOTE ? scan.endOfString(bytes, at + 1) : scan.endOfScalar(bytes, at)
    if (at < 0) return -1
    at = scan.skipBlanks(bytes, at)
    if (bytes[at] === scan.CLOSE_OBJECT) return i + 1 === keys.length ? at + 1 : -1
    if (bytes[at] !== scan.COMMA) return -1
  }
}

const cut = (bytes: Buffer, { count, starts, ends }: Items): CutTexts => {
  const cutOut = cutter(bytes)
  const texts = (from: number, to: number): string[] => {
    const part: string[] = []
    for (let i = from; i < to; i++) part.push(cutOut(starts[i]!, ends[i]!))
    return part
  }
  return { count, texts }
}

const nameEach = (bytes: Buffer, { count, starts, ends }: Items, width: number, names: readonly string[]) => {
  // One name stands for an array as a whole.
  if (width > 1 && names.length === 1) return undefined
  return nameValues(bytes, { count, width, startOf: (i) => starts[i]!, endOf: (i) => ends[i]! }, names)
}

/** A tensor's data is flat, or nested to the depth of its shape. */
const nameRows = (bytes: Buffer, items: Items, [n = 1, k]: readonly number[], names: readonly string[]) => {
  const { count, starts, ends, isArray, width } = items
  if (width === undefined) return undefined
  if (isArray) return k === width && n === count ? nameEach(bytes, items, width, names) : undefined
  const step = k ?? 1
  if (n * step !== count) return undefined
  const rows = {
    count: n,
    width: step,
    startOf: (i: number) => starts[i * step]!,
    endOf: (i: number) => ends[(i + 1) * step - 1]!,
  }
  return nameValues(bytes, rows, names)
}
