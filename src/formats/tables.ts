import { encode } from '../records/json.ts'
import { MAX_VALUES } from './limits.ts'
import {
  valuesByColumn,
  featuresOf,
  isObject,
  named,
  namesFor,
  namesNote,
  type Row,
  type Rows,
  rowsOf,
  rowsOfItems,
} from './rows.ts'

/**
 * How pandas' `to_json` and `to_dict` write a table that is an object:
 *
 * | orient | written |
 * |---|---|
 * | `split` | `{"columns": ["a", "b"], "index": [0, 1], "data": [[1, 2], [3, 4]]}`; so `tight`, with the names of index and columns |
 * | `table` | `{"schema": {"fields": [...]}, "data": [{"index": 0, "a": 1, "b": 2}, ...]}` |
 * | `columns` (the default) | `{"a": {"0": 1, "1": 3}, "b": {"0": 2, "1": 4}}` |
 * | `index` | `{"0": {"a": 1, "b": 2}, "1": {"a": 3, "b": 4}}` |
 * | `list` | `{"a": [1, 3], "b": [2, 4]}` |
 *
 * `records` and `values` are lists of instances, which every format takes.
 * Source: https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.to_json.html and …/pandas.DataFrame.to_dict.html
 */
export type Orient = 'split' | 'table' | 'columns' | 'index' | 'list'

const SPLIT_KEYS = new Set(['columns', 'index', 'data', 'index_names', 'column_names', 'name'])
const TABLE_KEYS = new Set(['schema', 'data'])

/** A row's label as pandas gives it unless told otherwise, or a time in milliseconds. */
const isLabel = (name: string): boolean => isDigit(name.charCodeAt(0)) && /^(0|[1-9]\d*)$/.test(name)

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

const isScalar = (value: unknown): boolean => typeof value !== 'object' || value === null

const hasOnly = (value: Row, keys: ReadonlySet<string>): boolean => Object.keys(value).every((key) => keys.has(key))

/**
 * Which of pandas' tables an object is by its keys and shapes; undefined where it may be anything else. Of many columns and rows only
 * some are looked at, so that it takes no longer for a large body.
 *
 * - `columns` has row labels (0, 1, …) below every member, `index` has them as members. Where both are numbers it is `columns`,
 *   pandas' default. Where neither are, as in `{"sepal": {"length": 1}, "petal": {"length": 2}}`, it is none: one instance.
 * - `list` has two members at least, all lists of as many scalars: of no more than 4,096, as longer ones are signals rather than columns
 */
export const orientOf = (value: unknown): Orient | undefined => {
  if (!isObject(value)) return undefined
  const first = firstOf(value)
  if (first === undefined) return undefined
  const member = value[first]
  if (typeof member !== 'object' || member === null) return undefined
  const { data } = value
  if (Array.isArray(data)) {
    const { columns, schema } = value
    if (Array.isArray(columns) && hasOnly(value, SPLIT_KEYS) && data.every(Array.isArray)) return 'split'
    if (isObject(schema) && Array.isArray(schema['fields']) && hasOnly(value, TABLE_KEYS)) return 'table'
  }
  if (Array.isArray(member)) return areLists(value) ? 'list' : undefined
  // Most requests are something else: that is seen at once.
  return isObject(member) && (isLabel(first) || isLabel(firstOf(member) ?? '')) ? orientOfObjects(value) : undefined
}

const firstOf = (value: Row): string | undefined => {
  for (const name in value) return name
  return undefined
}

const orientOfObjects = (value: Row): Orient | undefined => {
  const names = Object.keys(value)
  let below: readonly string[] | undefined
  for (const name of names) {
    const member = value[name]
    if (!isObject(member)) return undefined
    const keys: readonly string[] = Object.keys(member)
    below ??= keys
    if (keys.length === 0 || keys.length !== below.length || keys[0] !== below[0]) return undefined
  }
  if (below!.every(isLabel)) return 'columns'
  return names.every(isLabel) ? 'index' : undefined
}

const areLists = (value: Row): boolean => {
  const names = Object.keys(value)
  const [first] = names
  const length = Array.isArray(value[first!]) ? (value[first!] as unknown[]).length : 0
  return (
    names.length > 1 &&
    length > 0 &&
    length <= MAX_VALUES &&
    names.every((name) => {
      const list = value[name]
      return Array.isArray(list) && list.length === length && isScalar(list[0]) && isScalar(list.at(-1))
    })
  )
}

/** The rows of a table, without its index, as MLflow leaves it out. */
export const rowsOfTable = (table: Row, orient: Orient): Rows => {
  switch (orient) {
    case 'split':
      return rowsOfSplit(table['columns'], table['data'] as unknown[], [])
    case 'table':
      return rowsOfTableSchema(table)
    case 'columns':
      return rowsOfColumns(table)
    case 'index': {
      const labels = Object.keys(table)
      return { length: labels.length, at: (i) => table[labels[i]!] as Row }
    }
    case 'list':
      return rowsOf(valuesByColumn(table)).rows
  }
}

/**
 * Rows of data by the names of the columns; one that stands there again is `name.1`, …
 * @param names what the columns are called that the body does not name
 */
export const rowsOfSplit = (columns: unknown, data: readonly unknown[], names: readonly string[]): Rows => {
  const given = Array.isArray(columns) && columns.length > 0 ? columns.map(nameOf) : names
  const used = namesFor(data.length, given)
  const rows = rowsOfItems(data, (row) => (Array.isArray(row) ? named(row, used) : featuresOf(row, used)))
  return { ...rows, extra: namesNote(given, used) }
}

/** Columns are also numbers, or lists of names (pandas' MultiIndex). */
const nameOf = (column: unknown): string => (typeof column === 'string' ? column : encode(column))

const rowsOfTableSchema = ({ schema, data }: Row): Rows => {
  const { primaryKey } = schema as Row
  const keys = Array.isArray(primaryKey) ? (primaryKey as unknown[]) : []
  const withoutIndex = (item: unknown): Row => {
    const row = { ...featuresOf(item, []) }
    for (const key of keys) delete row[String(key)]
    return row
  }
  return rowsOfItems(data as unknown[], withoutIndex)
}

/** The labels of the first column are those of all. */
const rowsOfColumns = (table: Row): Rows => {
  const names = Object.keys(table)
  const labels = Object.keys(table[names[0]!] as Row)
  const affordable = namesFor(labels.length, names)
  const at = (i: number): Row =>
    named(
      names.map((name) => (table[name] as Row)[labels[i]!]),
      affordable,
    )
  return { length: labels.length, at, extra: namesNote(names, affordable) }
}

/**
 * A list of instances, or a table in any of pandas' forms, or an object of columns.
 * Undefined: a scalar, or a list of as many scalars as the schema has names, is one instance.
 */
export const readInstanceList = (
  value: unknown,
  names: readonly string[],
): { rows: Rows; isBatch: boolean } | undefined => {
  if (Array.isArray(value)) {
    if (names.length > 1 && value.length === names.length && value.every(isScalar)) return undefined
    return { rows: rowsOfItems(value, (item) => featuresOf(item, names)), isBatch: true }
  }
  if (!isObject(value)) return undefined
  const orient = orientOf(value)
  if (orient !== undefined) return { rows: rowsOfTable(value, orient), isBatch: true }
  if (Array.isArray(value['data']) && (Array.isArray(value['columns']) || hasOnly(value, SPLIT_KEYS)))
    return { rows: rowsOfSplit(value['columns'], value['data'], names), isBatch: true }
  return Object.values(value).some(Array.isArray) ? rowsOf(valuesByColumn(value)) : { rows: [value], isBatch: false }
}

/** The designer's inputs and outputs have names of their own: `{ "WebServiceInput0": [...] }`. */
export const belowName = (inputs: unknown): unknown => {
  if (!isObject(inputs)) return inputs
  const members = Object.values(inputs)
  const [first] = members
  const isNamed = Array.isArray(first) || isStudioTable(first) || (isObject(first) && isStudioTable(first['value']))
  return members.length === 1 && isNamed ? first : inputs
}

/** A table as Azure Machine Learning Studio has it, in requests. */
export const isStudioTable = (value: unknown): value is Row & { ColumnNames: unknown[]; Values: unknown[] } =>
  isObject(value) && Array.isArray(value['ColumnNames']) && Array.isArray(value['Values'])

/** The rows of one in replies: `{ "type": "table", "value": { ColumnNames, Values } }`. */
export const studioTableOf = ({ value }: Row): Rows | undefined =>
  isStudioTable(value) ? rowsOfSplit(value.ColumnNames, value.Values, []) : undefined
