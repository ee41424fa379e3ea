import type { Column } from '../../src/schema/column.ts'
import type { ValueCheck } from '../../src/schema/fit.ts'
import { Misfit } from '../../src/schema/misfit.ts'
import { createRowMapper } from '../../src/schema/row.ts'
import type { StoredColumn, Target } from './dialect.ts'
import type { Room } from './room.ts'

/** The check of a column that a person made for something else: the values go to `extra`. */
export const fitsNot: ValueCheck = () => false

/** Why a value is not stored as it is. */
const refusalOf = ({
  check,
  nearest,
  storedAs,
}: StoredColumn): ((value: unknown) => string | Misfit | undefined) | undefined => {
  if (!check && !nearest) return undefined
  const reason = `does not fit ${storedAs}`
  return (value) => {
    if (check && !check(value)) return reason
    const held = nearest ? nearest(value as number) : value
    return held === value || Number.isNaN(held) ? undefined : new Misfit(`rounded to ${storedAs}`, held)
  }
}

/** What is written to a table: its columns, and how a record becomes a row of these. */
export const targetOf = (
  table: string,
  stored: readonly StoredColumn[],
  room: Room,
  rest: Pick<Target, 'name' | 'key' | 'keyIndex' | 'otherKeys' | 'transactional'>,
): Target => {
  const members = room.shared.flatMap(({ members }) => members)
  const storedBy = new Map(room.kept.map((column, index) => [column, stored[index]!]))
  const mapped = [...room.kept, ...members]
  const mapper = createRowMapper(mapped, {
    accepts(column) {
      const stored = storedBy.get(column)
      return stored && refusalOf(stored)
    },
  })
  const kept = room.kept.length
  const full: Target['rowOf'] =
    members.length === 0
      ? mapper
      : (record) => {
          const values = mapper(record)
          const row = values.slice(0, kept)
          let at = kept
          for (const { members } of room.shared) {
            row.push(gather(members, values, at))
            at += members.length
          }
          return row
        }
  // Not even null can be written to a generated column, nor to one that must not be null and has a default.
  const columns = stored.filter(({ check }) => check !== fitsNot)
  if (columns.length === stored.length) return { table, columns, rowOf: full, ...rest }
  const places = columns.map((column) => stored.indexOf(column))
  return {
    table,
    columns,
    rowOf(record) {
      const row = full(record)
      return places.map((place) => row[place])
    },
    ...rest,
  }
}

/** The values of columns that share one, by name; null where there are none. */
const gather = (members: readonly Column[], values: readonly unknown[], at: number): object | null => {
  // Without a prototype: a feature may be called __proto__.
  let gathered: Record<string, unknown> | null = null
  for (let i = 0; i < members.length; i++) {
    const value = values[at + i]
    if (value !== null) (gathered ??= Object.create(null) as Record<string, unknown>)[members[i]!.name] = value
  }
  return gathered
}
