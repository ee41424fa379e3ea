import { type Shortened, shortenedJson } from '../records/cut.ts'
import { encode } from '../records/json.ts'
import type { Extra } from './format.ts'
import { MAX_VALUES } from './limits.ts'

export type Row = Record<string, unknown>

/**
 * What a batch says once (names of columns, values of length 1, tags) stands in each of its rows. A body that would grow
 * past this by that, in UTF-16 code units, is kept as one instance, so that the work stays linear in the body.
 */
const MAX_REPEATED = 16 * 1024 * 1024

/** The rows of a batch, each made when it is asked for, as a large batch is taken a few at a time. An array of rows is one. */
export interface Rows {
  readonly length: number
  /** Row i; it may be made anew by each call. */
  at(i: number): Row | undefined
  /** What row i is made of: an array of values is quicker to look through than the row of their names. */
  item?(i: number): unknown
  /** What is odd about all of them. */
  readonly extra?: Extra | undefined
}

export const rowsOfItems = (items: readonly unknown[], rowOf: (item: unknown) => Row): Rows => ({
  length: items.length,
  at: (i) => rowOf(items[i]),
  item: (i) => items[i],
})

/** Rows of which each is changed when it is made. */
export const mapRows = (rows: Rows, change: (row: Row, i: number) => Row): Rows => ({
  length: rows.length,
  at: (i) => change(rows.at(i)!, i),
})

/** Whether a value has members: no null, array or bytes. */
export const isObject = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)

/** Sets an own member. `__proto__` is a name like any other. */
export const put = (row: Row, name: string, value: unknown): void => {
  if (name === '__proto__')
    Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true })
  else row[name] = value
}

const templates = new WeakMap<readonly string[], Row>()

/** A row with these names. */
const templateOf = (names: readonly string[]): Row => {
  let template = templates.get(names)
  if (template === undefined) {
    template = JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}:null`).join()}}`) as Row
    templates.set(names, template)
  }
  return template
}

/**
 * A row with these names, all null: to be filled in. It is a copy of one that was made as a whole, which V8 keeps as a compact object;
 * a row to which more than some fifteen members are added one by one becomes a hash table, four times as slow to make and to write.
 * As its own members exist, `__proto__` is one like any other when it is set.
 */
export const emptyRow = (names: readonly string[]): Row => ({ ...templateOf(names) })

/** Names for values that nothing names, kept for rows of up to so many. */
const MAX_NUMBERED = 256
const numbered: (readonly string[])[] = []

/** `f4`, `f5`, … */
const numberedNames = (start: number, end: number): readonly string[] =>
  Array.from({ length: end - start }, (_, i) => `f${start + i}`)

/** Rows of more members are no compact objects to V8, however they are made: to copy one costs more than to make it. */
const MAX_COMPACT = 128

/** Names a row's values by position; past the names they are `f4`, `f5`, …, or where that would be too many, one array `f4`. */
export const named = (values: readonly unknown[], names: readonly string[]): Row => {
  const unnamed = values.length - names.length
  if (unnamed > MAX_VALUES) return named([...values.slice(0, names.length), values.slice(names.length)], names)
  const all = fitted(names, values.length)
  if (all.length > MAX_COMPACT) return wideRow(all, values)
  const row = emptyRow(all)
  for (let i = 0; i < values.length; i++) row[all[i]!] = values[i]
  return row
}

const wideRow = (names: readonly string[], values: readonly unknown[]): Row => {
  const row: Row = {}
  for (let i = 0; i < values.length; i++) put(row, names[i]!, values[i])
  return row
}

/** What was last made of names for rows that have another number of values: most rows of a batch are alike. */
const fits = new WeakMap<readonly string[], readonly string[]>()

/** So many names: past those given they are `f4`, `f5`, … */
export const fitted = (names: readonly string[], length: number): readonly string[] => {
  if (names.length === length) return names
  if (names.length === 0 && length <= MAX_NUMBERED) return (numbered[length] ??= numberedNames(0, length))
  const last = fits.get(names)
  if (last?.length === length) return last
  const fit =
    length < names.length ? names.slice(0, length) : distinct([...names, ...numberedNames(names.length, length)])
  fits.set(names, fit)
  return fit
}

/**
 * Gives names once: one that comes again is `name.1`, `name.2`, …, as pandas has it. To redaction that is a path below the name,
 * so that a rule for it finds all of its values.
 * @param taken names that are given already
 */
export const createNamer = (taken: Iterable<string> = []): ((name: string) => string) => {
  const used = new Set(taken)
  let counts: Map<string, number> | undefined
  const another = (name: string): string => {
    counts ??= new Map()
    let count = counts.get(name) ?? 0
    do count++
    while (used.has(`${name}.${count}`))
    counts.set(name, count)
    return `${name}.${count}`
  }
  return (name) => {
    const unique = used.has(name) ? another(name) : name
    used.add(unique)
    return unique
  }
}

/** The names, each once. */
export const distinct = (names: readonly string[]): readonly string[] =>
  new Set(names).size === names.length ? names : names.map(createNamer())

/** Whether `size` characters can stand in each of n rows. */
export const canRepeat = (size: number, n: number): boolean => n < 2 || size * n <= MAX_REPEATED

/** More names than this are no columns: rows of so many members would hold up everything else. */
const MAX_NAMES = 65_536

/** The names that a body gives for n rows, each once, or none (rows are then numbered) where they or repeating them would be too much. */
export const namesFor = (n: number, names: readonly string[]): readonly string[] => {
  if (names.length > MAX_NAMES) return []
  const all = distinct(names)
  const size = all.reduce((sum, name) => sum + name.length, 0)
  return canRepeat(size, n) ? all : []
}

/** The note of names that were too much for n rows; undefined: they were not. */
export const namesNote = (given: readonly string[], used: readonly string[]): Extra | undefined =>
  given.length > 0 && used.length === 0
    ? {
        columns: {
          value: shortenedJson(encode(given)),
          reason: `${given.length} names, too many or too long to stand in each row: the values are numbered`,
        },
      }
    : undefined

/**
 * The features of one item of a batch:
 *
 * | item | features |
 * |---|---|
 * | object | its members |
 * | array | the schema's names in order, else `f0`, `f1`, … |
 * | array where the schema names one feature | that feature, as JSON |
 * | nested array that the schema does not name | `f0`, as JSON |
 * | more than 4,096 values that the schema does not name | the first of their names, as JSON |
 * | scalar | the schema's first name, else `f0` |
 */
export const featuresOf = (item: unknown, names: readonly string[]): Row => {
  if (isObject(item)) return item
  if (!Array.isArray(item)) return { [names[0] ?? 'f0']: item }
  if (item.length === 1 || item.length === names.length) return named(item, names)
  if (names.length === 1) return { [names[0]!]: item }
  if (names.length === 0 && (typeof item[0] === 'object' || item.length > MAX_VALUES)) return { f0: item }
  return named(item, names)
}

/**
 * The outputs of one item of a reply:
 *
 * | item | outputs |
 * |---|---|
 * | object | its members |
 * | array of k | the schema's k names, else `prediction`, as JSON |
 * | scalar | `prediction` |
 *
 * Where the schema names a single output, `prediction` is called by that name.
 */
export const outputsOf = (item: unknown, names: readonly string[]): Row => {
  if (isObject(item)) return item
  if (Array.isArray(item) && item.length > 0 && item.length === names.length) return named(item, names)
  return { [names.length === 1 ? names[0]! : 'prediction']: item }
}

/** A named part of a body with a value for each instance: an array of a columnar body, or a tensor. */
export interface ColumnValues {
  /** How many instances it has values for; one value is shared by all. */
  readonly length: number
  /** What it puts into each row. */
  readonly names: readonly string[]
  /** Puts the values of instance i into a row that has the names. */
  put(row: Row, i: number): void
  /** Puts all values as one, where the body is not a batch. */
  putWhole(row: Row): void
}

/** An array of a columnar body; a scalar is shared by all instances. */
export const columnValues = (name: string, values: unknown): ColumnValues => ({
  length: Array.isArray(values) ? values.length : 1,
  names: [name],
  put: Array.isArray(values) ? (row, i) => void (row[name] = values[i]) : (row) => void (row[name] = values),
  putWhole: (row) => put(row, name, values),
})

export const valuesByColumn = (columns: Row): ColumnValues[] =>
  Object.keys(columns).map((name) => columnValues(name, columns[name]))

/**
 * Turns columns into rows. Columns of n values and of one value (shared) make n rows. Columns whose lengths differ
 * otherwise are no batch, as both TensorFlow Serving's columnar bodies and Open Inference allow: one row of whole values.
 *
 * @param isSingle the reply to one instance: whatever its lengths, it is one row
 */
export const rowsOf = (columns: readonly ColumnValues[], isSingle = false): { rows: Rows; isBatch: boolean } => {
  const lengths = new Set(columns.map((column) => column.length).filter((length) => length !== 1))
  const [n = 1] = lengths
  if (lengths.size > 1 || (isSingle && n !== 1) || isTooMuch(columns, n)) {
    const row: Row = {}
    for (const column of columns) column.putWhole(row)
    return { rows: [row], isBatch: false }
  }
  const names = columns.flatMap((column) => column.names)
  const at = (i: number): Row => {
    const row = emptyRow(names)
    for (const column of columns) column.put(row, column.length === 1 ? 0 : i)
    return row
  }
  return { rows: { length: n, at }, isBatch: true }
}

const isTooMuch = (columns: readonly ColumnValues[], n: number): boolean => {
  if (n < 2) return false
  let repeated = 0
  for (const column of columns) {
    for (const name of column.names) repeated += name.length
    if (column.length !== 1) continue
    const shared = emptyRow(column.names)
    column.put(shared, 0)
    repeated += encode(shared).length
  }
  return !canRepeat(repeated, n)
}

/** Deeper or longer paths are not taken apart further: the rest of the value is the tag, as JSON. */
const MAX_TAG_DEPTH = 8
const MAX_TAG_PATH = 200

/** Tags from what stands beside a batch: nested members are dotted, `{ a: { b: 1 } }` is the tag `a.b`. */
export const tagsOf = (members: Row, instances = 1): { tags: Row; note?: { value: Shortened; reason: string } } => {
  const tags: Row = {}
  const add = (value: unknown, path: string, depth: number): void => {
    if (!isObject(value) || depth > MAX_TAG_DEPTH || path.length > MAX_TAG_PATH) return put(tags, path, value)
    for (const key of Object.keys(value)) add(value[key], path === '' ? key : `${path}.${key}`, depth + 1)
  }
  add(members, '', 0)
  const json = instances > 1 ? encode(tags) : ''
  if (canRepeat(json.length, instances)) return { tags }
  const reason = `too large to be stored with each of ${instances} instances`
  return { tags: {}, note: { value: shortenedJson(json), reason } }
}
