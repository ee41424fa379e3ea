import { messageOf } from '../../src/errors/errors.ts'
import { encode } from '../../src/records/json.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import type { Column } from '../../src/schema/column.ts'
import { fitNames } from '../../src/schema/names.ts'
import { createRowMapper } from '../../src/schema/row.ts'
import { isWhole } from './mappings.ts'
import type { IndexBy } from './options.ts'

/** Names of at most 255 bytes. None may be blank or have a dot in it, and `__proto__` is none for an object's member. */
export const fitFieldNames = (columns: readonly Column[]): readonly Column[] =>
  fitNames(columns, 255, { refused: /^\s+$|^__proto__$|\./g })

/** `predictions-2026.11` of `2026-11-23T12:00:00.000Z`. */
export const indexNamer = (prefix: string, indexBy: IndexBy): ((timestamp: string) => string) => {
  if (indexBy === 'none') return () => `${prefix}-all`
  const length = indexBy === 'day' ? 10 : 7
  return (timestamp) => `${prefix}-${timestamp.slice(0, length).replaceAll('-', '.')}`
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

/**
 * The JSON of `extra`, each member on its own: what was captured stands deeper here than in its record, and `encode` notes only
 * that it left out what is nested too deep.
 */
const encodeExtra = (extra: object): string =>
  `{${Object.entries(extra)
    .map(([name, member]) => `${JSON.stringify(name)}:${encode(member)}`)
    .join()}}`

const notFinite = (value: unknown): string | undefined =>
  Number.isFinite(value) ? undefined : 'not a finite number: JSON has no other'

/** One document of a bulk request. */
export interface Document {
  readonly index: string
  readonly id: string
  /** Its source, JSON on one line. */
  readonly source: string
  /** Its record's place in the batch. */
  readonly place: number
}

/** A record that can't be a document, and why. */
export interface Unfit {
  readonly reason: string
  readonly status?: undefined
}

export interface DocumentWriter {
  /** A record as a document: the row, with features and outputs nested. Absent values are left out. */
  write(record: PredictionRecord, place: number): Document | Unfit
  /**
   * The same, where Elasticsearch refused the first for `reason`: features, outputs and tags stand in `extra`, which is kept and
   * not looked into, so that the record is stored whatever it holds.
   */
  writeAside(record: PredictionRecord, place: number, reason: string): Document | Unfit
}

interface Part {
  readonly index: number
  readonly name: string
}

/** A row's values by name; absent ones are left out. */
const members = (parts: readonly Part[], row: readonly unknown[]): Record<string, unknown> => {
  const values: Record<string, unknown> = {}
  for (const { index, name } of parts) {
    const value = row[index]
    if (value !== null && value !== undefined) values[name] = value
  }
  return values
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

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
    columns.flatMap(({ name, source: from }, index) => (from === source ? [{ index, name }] : []))
  const record = partsOf('record').filter(({ index }) => index !== extra)

  const nested = (source: 'features' | 'outputs'): ((row: readonly unknown[]) => unknown) => {
    const whole = columns.findIndex((column) => column.source === source && isWhole(column))
    const parts = partsOf(source)
    return whole < 0 ? (row) => members(parts, row) : (row) => asObject(row[whole])
  }
  const features = nested('features')
  const outputs = nested('outputs')

  const documentOf = (row: readonly unknown[], place: number, below: object): Document | Unfit => {
    const time = row[timestamp]
    if (typeof time !== 'string') return { reason: 'the record has no timestamp' }
    if (typeof row[id] !== 'string') return { reason: "the record's id is no UUID" }
    const whole = encode({ '@timestamp': time, ...members(record, row), ...below })
    const aside = row[extra]
    const source = isObject(aside) ? `${whole.slice(0, -1)},"extra":${encodeExtra(aside)}}` : whole
    return { index: indexOf(time), id: row[id], source, place }
  }

  const mapped = (from: PredictionRecord): unknown[] | Unfit => {
    try {
      return rowOf(from)
    } catch (error) {
      return { reason: messageOf(error) }
    }
  }

  return {
    write(from, place) {
      const row = mapped(from)
      return 'reason' in row ? row : documentOf(row, place, { features: features(row), outputs: outputs(row) })
    },

    writeAside(from, place, reason) {
      const row = mapped(from)
      if ('reason' in row) return row
      const aside = asideNames
        .filter((name) => !isEmpty(from[name]))
        .map((name) => [name, { value: from[name], reason }])
      row[extra] = spellLongIntegers({ ...Object.fromEntries(aside), ...(row[extra] as object | null) })
      row[tags] = null
      return documentOf(row, place, {})
    },
  }
}
