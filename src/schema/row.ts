import type { ActualRecord } from '../records/actual.ts'
import type { ExtraValue } from '../records/extra.ts'
import { isMembers } from '../records/members.ts'
import type { PredictionRecord } from '../records/record.ts'
import type { StoredRecord } from '../records/stored.ts'
import { coercions, type Coerce } from './coerce.ts'
import type { Column, ColumnType } from './column.ts'
import { countConversion } from './conversions.ts'
import { convert } from './convert.ts'
import { Misfit } from './misfit.ts'

/** Why a value can't be stored as it is; undefined: it can. */
type RefuseValue = (value: unknown) => string | Misfit | undefined

export interface RowOptions {
  /**
   * A store's own check of a column's values, made after they were coerced: it returns why a value can't be stored, a `Misfit` with
   * what is stored instead, or undefined. Called once a column; the check runs for every value that is not null. `extra` is not checked.
   * @example accepts: ({ type }) => (type === 'double' ? (value) => (Number.isFinite(value) ? undefined : 'not finite') : undefined)
   */
  accepts?(column: Column): RefuseValue | undefined
}

/** The values of a record, in the order of the columns. */
export type RowMapper = (record: StoredRecord) => unknown[]

type ExtraValues = Record<string, ExtraValue>
/** A column's place in the row, and how a value gets there. */
interface Leaf {
  readonly path: string
  readonly index: number
  readonly coerce: Coerce
  readonly type: ColumnType
}

/** An object whose members have columns. In a Map, so that no member's name reaches a prototype. */
interface Branch {
  readonly path: string
  readonly members: Map<string, Leaf | Branch>
}

const isBranch = (node: Leaf | Branch): node is Branch => 'members' in node

const isEmpty = (value: unknown): boolean => {
  if (!isMembers(value)) return false
  for (const name in value) if (Object.hasOwn(value, name)) return false
  return true
}

/** A record of either kind: which it is the columns say. */
type AnyRecord = PredictionRecord & Omit<ActualRecord, 'instance'>

/**
 * How each of the record's own members is read. By name, not `record[name]`: getters that are looked up by a variable cost ten
 * times as much.
 */
const readers: Readonly<Record<string, (record: AnyRecord) => unknown>> = {
  id: (record) => record.id,
  timestamp: (record) => record.timestamp,
  model: (record) => record.model,
  model_version: (record) => record.model_version,
  request_id: (record) => record.request_id,
  instance: (record) => record.instance,
  status: (record) => record.status,
  duration_ms: (record) => record.duration_ms,
  error: (record) => record.error,
  sample_weight: (record) => record.sample_weight,
  prediction_id: (record) => record.prediction_id,
  reported_at: (record) => record.reported_at,
  retracted: (record) => record.retracted,
  source: (record) => record.source,
  tags: ({ tags }) => (isEmpty(tags) ? null : tags),
}

/** A member's path as `extra` names it: `features.sepal.length`; a name with a dot, bracket or quote stands in brackets. */
const pathOf = (above: string, name: string): string =>
  /[.[\]"]/.test(name) ? `${above}[${JSON.stringify(name)}]` : `${above}.${name}`

/** What `extra` calls a column's value that did not fit. */
export const nameInExtra = ({ source, path }: Column): string =>
  source === 'record' ? path.join('.') : path.reduce(pathOf, source as string)

const checked = (coerce: Coerce, refusal: RefuseValue | undefined): Coerce => {
  if (!refusal) return coerce
  return (value) => {
    const coerced = coerce(value)
    const stored = coerced instanceof Misfit ? coerced.stored : coerced
    const reason = stored === null ? undefined : refusal(stored)
    if (reason === undefined) return coerced
    return reason instanceof Misfit ? reason : new Misfit(reason)
  }
}

type CoerceOf = (column: Column, index: number) => Coerce

/** The tree of a source's columns, by member; a column alone where it holds the whole of them. */
const branchesOf = (source: Column['source'], columns: readonly Column[], coerceOf: CoerceOf): Leaf | Branch => {
  const root: Branch = { path: source, members: new Map() }
  for (const [index, column] of columns.entries()) {
    if (column.source !== source) continue
    const coerce = coerceOf(column, index)
    const last = column.path.at(-1)
    if (last === undefined) return { path: source, index, coerce, type: column.type }
    let branch = root
    for (const name of column.path.slice(0, -1)) {
      const there = branch.members.get(name)
      const below = there && isBranch(there) ? there : { path: pathOf(branch.path, name), members: new Map() }
      branch.members.set(name, below)
      branch = below
    }
    branch.members.set(last, { path: pathOf(branch.path, last), index, coerce, type: column.type })
  }
  return root
}

/**
 * A function from records to rows: the values in the order of `columns`, each as `ColumnType` says. A value that does not fit
 * leaves null, and goes to the column `extra` with its path and the reason; null, absent and empty are null. It throws only
 * where the record's text is no JSON object.
 *
 * Runs for every record: a column's coercion is chosen here, and nothing is allocated for what fits but the row.
 *
 * @example
 * const columns = columnsOf(schema)
 * const rowOf = createRowMapper(columns)
 * rowOf(record) // ['0199…', '2026-11-23T12:00:00.000Z', 5.1, 3.5, 1.4, 0.2, 0, …]
 */
export const createRowMapper = (columns: readonly Column[], options: RowOptions = {}): RowMapper => {
  const blank = columns.map(() => null)
  const coerceOf: CoerceOf = (column) => checked(coercions[column.type], options.accepts?.(column))
  const isOfActuals = columns.some(({ source }) => source === 'actuals')
  const features = branchesOf('features', columns, coerceOf)
  const outputs = branchesOf('outputs', columns, coerceOf)
  const actuals = branchesOf('actuals', columns, coerceOf)
  const extraIndex = columns.findIndex(({ source, path }) => source === 'record' && path[0] === 'extra')
  const own = columns.flatMap((column, index) => {
    const read = readers[column.path[0] ?? '']
    if (column.source !== 'record' || read === undefined) return []
    const { type } = column
    return [{ read, leaf: { path: column.path.join('.'), index, coerce: coerceOf(column, index), type } }]
  })

  // The row in the making: a mapper runs to its end before it runs again.
  let row: unknown[] = blank
  let extra: ExtraValues | undefined

  /** Notes a value beside what the record brought under the same path. */
  const note = (path: string, value: unknown, reason: string): void => {
    extra ??= {}
    let key = path
    for (let n = 2; Object.hasOwn(extra, key); n++) key = `${path} (${n})`
    extra[key] = { value, reason }
  }

  const putMisfit = ({ path, index }: Leaf, value: unknown, { stored, reason }: Misfit): void => {
    row[index] = stored
    note(path, value, reason)
  }

  const put = (leaf: Leaf, value: unknown): void => {
    if (value === null || value === undefined) return
    const coerced = leaf.coerce(value)
    if (coerced instanceof Misfit) putMisfit(leaf, value, coerced)
    else row[leaf.index] = coerced
  }

  /** A feature or output that does not fit may be converted without loss. A record's own members are of our making: they are not. */
  const putConverted = (leaf: Leaf, value: unknown, misfit: Misfit): void => {
    let at = value
    // An array of one may hold a text that is a number.
    for (let step = 0; step < 2; step++) {
      const converted = convert(leaf.type, at)
      if (converted === undefined) break
      const { value: inner, as, note: said } = converted
      const coerced = inner === null ? null : leaf.coerce(inner)
      at = inner
      if (coerced instanceof Misfit && coerced.stored === null) continue
      const isFirst = countConversion(leaf.path, as)
      if (coerced instanceof Misfit) return putMisfit(leaf, value, coerced)
      row[leaf.index] = coerced
      if (said !== undefined && isFirst) note(leaf.path, value, said)
      return
    }
    putMisfit(leaf, value, misfit)
  }

  const putMember = (leaf: Leaf, value: unknown): void => {
    if (value === null || value === undefined) return
    const coerced = leaf.coerce(value)
    if (coerced instanceof Misfit) putConverted(leaf, value, coerced)
    else row[leaf.index] = coerced
  }

  const spread = ({ path, members }: Branch, value: unknown): void => {
    if (value === null || value === undefined) return
    if (!isMembers(value)) return note(path, value, 'not an object')
    for (const name of Object.keys(value)) {
      const member = value[name]
      const below = members.get(name)
      if (below === undefined) {
        if (member !== null && member !== undefined) note(pathOf(path, name), member, 'not in the schema')
      } else if (isBranch(below)) {
        spread(below, member)
      } else {
        putMember(below, member)
      }
    }
  }

  const fill = (tree: Leaf | Branch, value: unknown): void => {
    if (isBranch(tree)) spread(tree, value)
    else if (!isEmpty(value)) putMember(tree, value)
  }

  return (record) => {
    row = blank.slice()
    extra = undefined
    const brought: unknown = record.extra
    if (isMembers(brought)) {
      if (!isEmpty(brought)) extra = { ...brought } as ExtraValues
    } else if (brought !== null && brought !== undefined) note('extra', brought, 'not an object')
    const any = record as AnyRecord
    for (const { read, leaf } of own) put(leaf, read(any))
    if (isOfActuals) fill(actuals, any.actuals)
    else {
      fill(features, any.features)
      fill(outputs, any.outputs)
    }
    if (extra !== undefined && extraIndex >= 0) row[extraIndex] = extra
    return row
  }
}
