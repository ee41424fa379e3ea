import type { SQLInputValue } from 'node:sqlite'
import { memberOf, secondsOf, valueAs } from '../../../../src/report/tally/json-members.ts'
import { HUGE, isUsable } from '../../../../src/report/usable.ts'
import { fromPlain } from './labels.ts'
import { isUnweighable, quote } from './own.ts'
import { iterate, parsed } from './rows.ts'
import type { Counted, Told } from './sample.ts'
import type { Inspected } from './table.ts'

/** What only all rows of a window can say: how often values come, and the range of numbers. One scan says it all. */

export interface Range {
  readonly min: number
  readonly max: number
}

export interface Scanned {
  /** Rows with something in `extra`. */
  readonly extra: number
  /** Rows with a weight that is none. */
  readonly unweighable: number
  /** Rows by value of each expression that was asked for; '' is none. */
  readonly counts: readonly ReadonlyMap<string, number>[]
  /** Of numbers and times, by the column's name; none: it has no usable value. */
  readonly ranges: ReadonlyMap<string, Range>
}

const isOfRange = ({ kind }: Told): boolean => kind === 'number' || kind === 'time'

/** An integer past 2^53 is refused by the driver; a text, which may stand in a column of numbers, is greater than any. */
const endsOf = ({ name, kind }: Told): string[] =>
  ['min', 'max'].map((end) => {
    const value = `${end}(p.${quote(name)})`
    return kind === 'number' ? `iif(typeof(${value}) in ('integer', 'real'), ${value} + 0.0, ${value})` : value
  })

/** The range of a column that holds others as well, or texts among its numbers. */
const usableRange = (inspected: Inspected, { name }: Told, { condition }: Counted): unknown[] => {
  const column = `p.${quote(name)}`
  const sql = `select min(${column}) + 0.0, max(${column}) + 0.0 from ${fromPlain(inspected)} where ${condition.sql} and ${column} >= -${HUGE} and ${column} < ${HUGE}`
  const [row = []] = iterate(inspected.database, sql, condition.bindings)
  return row
}

const rangeOf = (inspected: Inspected, column: Told, counted: Counted, ends: readonly unknown[]): Range | undefined => {
  const isOdd = column.kind === 'number' && ends.some((end) => end !== null && !isUsable(end))
  const given = isOdd ? usableRange(inspected, column, counted) : ends
  const [min, max] = column.kind === 'time' ? given.map(secondsOf) : given
  return typeof min === 'number' && typeof max === 'number' ? { min, max } : undefined
}

const countOthers = (
  inspected: Inspected,
  { condition }: Counted,
  expression: string,
  known: readonly string[],
): Iterable<[string, number]> => {
  const others = known.length === 0 ? '' : ` and ${expression} not in (${known.map(() => '?').join(', ')})`
  const sql = `select ${expression}, count(*) from ${fromPlain(inspected)} where ${condition.sql}${others} group by 1`
  return iterate(inspected.database, sql, [...condition.bindings, ...known]) as Iterable<[string, number]>
}

/** A text that is counted by its values. */
export interface CountedText {
  readonly expression: string
  /** Values that it is known to have. */
  readonly values: ReadonlySet<string>
}

/** Values that are counted one by one; where more are known, the database sorts them all. */
const MAX_COUNTED = 20

export const scan = (
  inspected: Inspected,
  counted: Counted,
  texts: readonly CountedText[],
  columns: readonly Told[],
): Scanned => {
  const known = texts.map(({ values }) => (values.size > MAX_COUNTED ? [] : [...values]))
  const plain = columns.filter((column) => isOfRange(column) && column.member === undefined)
  const { extra } = inspected.own
  const selects = [
    extra === undefined ? '0' : `count(p.${quote(extra)})`,
    `count(case when ${isUnweighable(inspected)} then 1 end)`,
    ...plain.flatMap(endsOf),
    ...known.flatMap((values, i) => values.map(() => `sum(${texts[i]!.expression} = ?)`)),
  ]
  const bindings: SQLInputValue[] = [...known.flat(), ...counted.condition.bindings]
  const sql = `select ${selects.join(', ')} from ${fromPlain(inspected)} where ${counted.condition.sql}`
  const [row = []] = iterate(inspected.database, sql, bindings)
  let at = 2 + 2 * plain.length
  const counts = known.map((values, i) => {
    const found = new Map(values.map((value) => [value, Number(row[at++])]))
    const rows = [...found.values()].reduce((a, b) => a + b, 0)
    // There may be rare ones that are not known.
    if (rows < counted.rows)
      for (const [value, count] of countOthers(inspected, counted, texts[i]!.expression, values))
        found.set(value, count)
    return found
  })
  const ranges = new Map<string, Range>(memberRanges(inspected, columns.filter(isOfRange), counted))
  for (const [index, column] of plain.entries()) {
    const range = rangeOf(inspected, column, counted, row.slice(2 + 2 * index, 4 + 2 * index))
    if (range) ranges.set(column.name, range)
  }
  return { extra: Number(row[0]), unweighable: Number(row[1]), counts, ranges }
}

/** Of members of JSON every row has to be read to know their range. */
const memberRanges = (inspected: Inspected, columns: readonly Told[], { condition }: Counted): [string, Range][] => {
  const members = columns.flatMap(({ name, role, kind, member }) =>
    member ? [{ name, role, kind, member, min: Infinity, max: -Infinity }] : [],
  )
  for (const role of ['feature', 'output'] as const) {
    const mine = members.filter((member) => member.role === role)
    if (mine.length === 0) continue
    const column = role === 'feature' ? 'features' : 'outputs'
    const sql = `select p.${column} from ${fromPlain(inspected)} where ${condition.sql}`
    for (const [text] of iterate(inspected.database, sql, condition.bindings)) {
      const json = parsed(text)
      for (const member of mine) {
        const value = valueAs(member.kind, memberOf(json, member.member))
        if (!isUsable(value)) continue
        if (value < member.min) member.min = value
        if (value > member.max) member.max = value
      }
    }
  }
  return members.flatMap(({ name, min, max }): [string, Range][] => (min <= max ? [[name, { min, max }]] : []))
}
