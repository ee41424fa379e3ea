import { messageOf } from '../../src/errors.ts'
import { encode } from '../../src/json.ts'
import type { PredictionRecord } from '../../src/record.ts'
import type { Column, ColumnType } from '../../src/schema/column.ts'
import { fitNames } from '../../src/schema/names.ts'
import { createRowMapper } from '../../src/schema/row.ts'
import { isWhole } from './mappings.ts'
import type { IndexBy } from './options.ts'

/** Bytes of a field's name, and what no name may be: only blank space, or one with a dot. */
export const fitFieldNames = (columns: readonly Column[]): readonly Column[] =>
  fitNames(columns, 255, { refused: /^\s+$|\./g })

/** `predictions-2026.11` of `2026-11-23T12:00:00.000Z`. */
export const indexNamer = (prefix: string, indexBy: IndexBy): ((timestamp: string) => string) => {
  if (indexBy === 'none') return () => `${prefix}-all`
  const length = indexBy === 'day' ? 10 : 7
  return (timestamp) => `${prefix}-${timestamp.slice(0, length).replaceAll('-', '.')}`
}

const quoted = (value: unknown): string => `"${value as string}"`

/** How a row's value, of a type that the mapper has seen to, is written as JSON: for every value, so by type. */
const writers: Readonly<Record<ColumnType, (value: unknown) => string>> = {
  text: JSON.stringify,
  uuid: quoted,
  timestamp: quoted,
  double: (value) => (Object.is(value, -0) ? '-0.0' : String(value)),
  bigint: String,
  integer: String,
  smallint: String,
  boolean: String,
  json: encode,
}

/** Features and outputs are objects for Elasticsearch, whatever was captured. */
const asObject = (value: unknown): unknown => {
  if (value === null || value === undefined) return {}
  return typeof value === 'object' && !Array.isArray(value) ? value : { value }
}

/** Elasticsearch reads no number of more than 1,000 digits, not even where it does not look at it. */
const spellLongIntegers = (value: unknown): unknown => {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : String(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(spellLongIntegers)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, spellLongIntegers(member)]))
}

const notFinite = (value: unknown): string | undefined =>
  Number.isFinite(value) ? undefined : 'not a finite number: JSON has no other'

/** One document of a bulk request. */
export interface Document {
  readonly index: string
  readonly id: string
  /** Its source, JSON on one line. */
  readonly source: string
}

/** A record that can't be a document, and why. */
export interface Unfit {
  readonly reason: string
  readonly status?: undefined
}

export interface DocumentWriter {
  /** A record as a document: the row, with features and outputs nested. Absent values are left out. */
  write(record: PredictionRecord): Document | Unfit
  /**
   * The same, where Elasticsearch refused the first for `reason`: features, outputs and tags stand in `extra`, which is kept and
   * not looked into, so that the record is stored whatever it holds.
   */
  writeAside(record: PredictionRecord, reason: string): Document | Unfit
}

interface Part {
  readonly index: number
  /** `,"sepal_length":` */
  readonly key: string
  readonly write: (value: unknown) => string
}

/** Members, each after a comma. */
const members = (parts: readonly Part[], row: readonly unknown[]): string => {
  let text = ''
  for (const { index, key, write } of parts) {
    const value = row[index]
    if (value !== null && value !== undefined) text += key + write(value)
  }
  return text
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && (value === null || Object.keys(value).length === 0)

const asideNames = ['features', 'outputs', 'tags'] as const

/**
 * @param columns with names by `fitFieldNames`
 * @param indexOf by `indexNamer`
 */
export const documentWriter = (columns: readonly Column[], indexOf: (timestamp: string) => string): DocumentWriter => {
  const rowOf = createRowMapper(columns, { accepts: ({ type }) => (type === 'double' ? notFinite : undefined) })
  const own = (name: string): number =>
    columns.findIndex((column) => column.source === 'record' && column.name === name)
  const [id, timestamp, extra, tags] = [own('id'), own('timestamp'), own('extra'), own('tags')]

  const partsOf = (source: Column['source']): Part[] =>
    columns.flatMap(({ name, type, source: from }, index) =>
      from === source ? [{ index, key: `,${JSON.stringify(name)}:`, write: writers[type] }] : [],
    )
  const record = partsOf('record')

  const nested = (source: 'features' | 'outputs'): ((row: readonly unknown[]) => string) => {
    const whole = columns.findIndex((column) => column.source === source && isWhole(column))
    const parts = partsOf(source)
    return whole < 0 ? (row) => `{${members(parts, row).slice(1)}}` : (row) => encode(asObject(row[whole]))
  }
  const features = nested('features')
  const outputs = nested('outputs')

  const documentOf = (row: readonly unknown[], below: string): Document | Unfit => {
    const time = row[timestamp]
    if (typeof time !== 'string') return { reason: 'the record has no timestamp' }
    if (typeof row[id] !== 'string') return { reason: "the record's id is no UUID" }
    return { index: indexOf(time), id: row[id], source: `{"@timestamp":"${time}"${members(record, row)}${below}}` }
  }

  const mapped = (from: PredictionRecord): unknown[] | Unfit => {
    try {
      return rowOf(from)
    } catch (error) {
      return { reason: messageOf(error) }
    }
  }

  return {
    write(from) {
      const row = mapped(from)
      return 'reason' in row ? row : documentOf(row, `,"features":${features(row)},"outputs":${outputs(row)}`)
    },

    writeAside(from, reason) {
      const row = mapped(from)
      if ('reason' in row) return row
      const aside = asideNames
        .filter((name) => !isEmpty(from[name]))
        .map((name) => [name, { value: from[name], reason }])
      row[extra] = spellLongIntegers({ ...Object.fromEntries(aside), ...(row[extra] as object | null) })
      row[tags] = null
      return documentOf(row, '')
    },
  }
}
