import { messageOf } from '../../src/errors/errors.ts'
import { encode } from '../../src/records/json.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import type { Column } from '../../src/schema/column.ts'
import { fitNames } from '../../src/schema/names.ts'
import { createRowMapper, nameInExtra } from '../../src/schema/row.ts'
import type { Narrow } from './compare.ts'
import { isWhole, nestedSources } from './mappings.ts'
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

/**
 * The index of an actual, by its prediction's month: where that has its documents, and so the same again when it is reported again, at
 * whatever time. A UUIDv7 begins with its time; what is known by its request alone has an index of its own.
 */
export const actualIndexNamer = (prefix: string, indexBy: IndexBy): ((predictionId: string | null) => string) => {
  const indexOf = indexNamer(prefix, indexBy)
  return (predictionId) => {
    const time = Number.parseInt(predictionId?.replaceAll('-', '').slice(0, 12) ?? '', 16)
    // Years of five digits come of ids that nobody made.
    return time < Date.UTC(9999, 0) ? indexOf(new Date(time).toISOString()) : `${prefix}-all`
  }
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

/** A record's row, on its way to be a document. */
export interface DraftDocument {
  readonly index: string
  readonly id: string
  readonly place: number
  readonly record: PredictionRecord
  readonly row: unknown[]
}

export interface DocumentWriter {
  /** A record's row, and the index that it goes to. */
  draft(record: PredictionRecord, place: number): DraftDocument | Unfit
  /** A document: the row, with features and outputs nested. Absent values are left out, and those that its index can't hold stand in `extra`. */
  write(draft: DraftDocument, narrow: readonly Narrow[]): Document
  /**
   * The same, where Elasticsearch refused the first for `reason`: features, outputs and tags stand in `extra`, which is kept and
   * not looked into, so that the record is stored whatever it holds.
   */
  writeAside(draft: DraftDocument, narrow: readonly Narrow[], reason: string): Document
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

/** Members of a document that its index can't hold at all, whatever their values. */
const withheld = (narrow: readonly Narrow[]): ReadonlySet<string> =>
  new Set(narrow.flatMap(({ path, fit }) => (path.length === 1 && fit === 'none' ? path : [])))

/**
 * @param columns with names by `fitFieldNames`
 * @param indexOf the index of a record, by its member `by`
 */
export const documentWriter = (
  columns: readonly Column[],
  indexOf: (value: string) => string,
  by: 'timestamp' | 'prediction_id' = 'timestamp',
): DocumentWriter => {
  const rowOf = createRowMapper(columns, { accepts: ({ type }) => (type === 'double' ? notFinite : undefined) })
  const own = (name: string): number =>
    columns.findIndex((column) => column.source === 'record' && column.name === name)
  const [id, timestamp, extra, tags, placed] = [own('id'), own('timestamp'), own('extra'), own('tags'), own(by)]
  const sources = nestedSources(columns)
  const asideNames: readonly string[] = [...sources, 'tags']

  const partsOf = (source: Column['source']): Part[] =>
    columns.flatMap(({ name, source: from }, index) => (from === source ? [{ index, name }] : []))
  const record = partsOf('record').filter(({ index }) => index !== extra)

  const nested = (source: Column['source']): ((row: readonly unknown[]) => unknown) => {
    const whole = columns.findIndex((column) => column.source === source && isWhole(column))
    const parts = partsOf(source)
    return whole < 0 ? (row) => members(parts, row) : (row) => asObject(row[whole])
  }
  const below = sources.map((source) => [source, nested(source)] as const)

  const documentOf = ({ row, ...draft }: DraftDocument, without: ReadonlySet<string>): Document => {
    const { index, id, place } = draft
    const whole = encode({
      ...(!without.has('@timestamp') && { '@timestamp': row[timestamp] }),
      ...members(record, row),
      ...Object.fromEntries(below.flatMap(([name, read]) => (without.has(name) ? [] : [[name, read(row)]]))),
    })
    const aside = row[extra]
    const source = isObject(aside) ? `${whole.slice(0, -1)},"extra":${encodeExtra(aside)}}` : whole
    return { index, id, source, place }
  }

  const setAside = asideSetter(columns, extra)

  return {
    draft(from, place) {
      try {
        const row = rowOf(from)
        const time = row[timestamp]
        if (typeof time !== 'string') return { reason: 'the record has no timestamp' }
        if (typeof row[id] !== 'string') return { reason: "the record's id is no UUID" }
        return { index: indexOf(row[placed] as string), id: row[id], place, record: from, row }
      } catch (error) {
        return { reason: messageOf(error) }
      }
    },

    write(draft, narrow) {
      if (narrow.length === 0) return documentOf(draft, nothing)
      setAside(draft.row, narrow)
      return documentOf(draft, withheld(narrow))
    },

    writeAside(draft, narrow, reason) {
      const { row, record: from } = draft
      setAside(
        row,
        narrow.filter(({ path: [name] }) => !asideNames.includes(name!)),
      )
      const aside = asideNames
        .map((name) => [name, (from as unknown as Record<string, unknown>)[name] ?? null] as const)
        .filter(([, value]) => !isEmpty(value))
        .map(([name, value]) => [name, { value, reason }])
      row[extra] = spellLongIntegers({ ...Object.fromEntries(aside), ...(row[extra] as object | null) })
      row[tags] = null
      return documentOf(draft, new Set([...withheld(narrow), ...sources]))
    },
  }
}

const nothing: ReadonlySet<string> = new Set()

/** Moves values that an index can't hold from a row's columns to its `extra`. */
const asideSetter = (columns: readonly Column[], extra: number) => {
  /** The columns whose values go into a field. */
  const placesOf = ([source, name]: readonly string[]): number[] =>
    columns.flatMap((column, place) => {
      const isIt =
        column.source === 'record'
          ? name === undefined && column.name === source
          : column.source === source && (name === undefined || column.name === name)
      return isIt ? [place] : []
    })
  const known = new WeakMap<Narrow, readonly number[]>()
  return (row: unknown[], narrow: readonly Narrow[]): void => {
    for (const field of narrow) {
      const { path, fit, type } = field
      const places = known.get(field) ?? placesOf(path)
      known.set(field, places)
      for (const place of places) {
        const value = row[place]
        if (value === null || value === undefined || (fit !== 'none' && fit(value))) continue
        row[place] = null
        const moved = { value: spellLongIntegers(value), reason: `does not fit ${type}` }
        row[extra] = { ...(row[extra] as object | null), [nameInExtra(columns[place]!)]: moved }
      }
    }
  }
}
