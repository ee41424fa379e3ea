import type { PlannedColumn } from '../../../../src/report/answers.ts'
import { addCell, addMoments } from '../../../../src/report/tally/cells.ts'
import type { OpenColumn, OpenGroup } from '../../../../src/report/tally/group.ts'
import { groupedTasks, type Grouped, type KeySet } from '../grouped.ts'
import { isNumeric, usableTest, valueOf } from '../rows.ts'
import type { Task } from '../sessions.ts'
import { hasUnusable } from '../survey/bounds.ts'
import { rowSums, slicesOf, type Asking } from './asking.ts'
import { centerOf } from './center.ts'
import { addMomentSums, cellOf } from './fill.ts'

/** What is missing, and the moments, by bucket and version. */

/** Columns whose moments one statement takes: more would make it long. */
const COLUMNS_AT_ONCE = 40

type Sums = (row: readonly number[]) => number[]
/** Asks for sums, each once; gives what finds them in a row. */
type Ask = (...expressions: string[]) => Sums
type Read = (column: OpenColumn, row: readonly number[]) => void

const newAsk =
  (asked: string[]): Ask =>
  (...expressions) => {
    const places = expressions.map((expression) => {
      const at = asked.indexOf(expression)
      return at < 0 ? asked.push(expression) - 1 : at
    })
    return (row) => places.map((place) => row[place]!)
  }

/** Rows that have a value: as `rowSums`. */
const rowsWith = ({ known }: Asking, x: string): string[] =>
  known.isWeighted
    ? [`count(${x})`, `sum(case when ${x} is not null then w end)`, `sum(case when ${x} is not null then w * w end)`]
    : [`count(${x})`]

/** Of weights that are all 1 the database finds mean and variance itself. */
const plainMoments = (ask: Ask, x: string): Read => {
  const found = ask(`count(${x})`, `avg(${x})`, `var_pop(${x})`, `min(${x})`, `max(${x})`)
  return ({ moments }, row) => {
    const [w = 0, mean = 0, variance = 0, min = 0, max = 0] = found(row)
    if (w > 0) addMoments(moments, { w, mean, m2: variance * w, min, max })
  }
}

/** @param d `x` less its center */
const weightedMoments = (asking: Asking, ask: Ask, x: string, d: string, center: number): Read => {
  const found = ask(...rowsWith(asking, x), `sum(w * ${d})`, `sum(w * (${d} * ${d}))`, `min(${x})`, `max(${x})`)
  return (open, row) => {
    const [n = 0, w = 0, , first = 0, second = 0, min = 0, max = 0] = found(row)
    if (n > 0) addMomentSums(open, center, w, first, second, min, max)
  }
}

const momentsOf = (asking: Asking, indexes: readonly number[]): Grouped => {
  const { source, plan, known, tally, bindings, isReference } = asking
  const { double, factor } = source.words
  const { bounds } = (isReference ? known.reference : known.current)!
  const names: Record<string, string> = { ...asking.names, ok: `case when ${asking.names['f']} = 0 then 1 end` }
  const differences: Record<string, string> = {}
  const sums: string[] = []
  const ask = newAsk(sums)
  const allRows = ask(...rowSums(asking))
  const succeeded = ask(...rowsWith(asking, 'ok'))

  /** Where it is known that all of a column's numbers can be added up, nothing is asked of each. */
  const usableOf = (column: PlannedColumn, value: string): string | undefined => {
    const known = column.member ? undefined : bounds.get(column.name)
    return known && !hasUnusable(known) ? undefined : usableTest(source, column, value)
  }

  /** What comes of a column's sums. */
  const readerOf = (index: number) => {
    const column = plan.columns[index]!
    const isOutput = column.role === 'output'
    const value = valueOf(source, column, bindings)
    const only = (...conditions: (string | false | undefined)[]) => {
      const given = conditions.filter((condition) => condition !== false && condition !== undefined)
      return given.length === 0 ? value : `case when ${given.join(' and ')} then ${value} end`
    }
    const isShown = isOutput && !('f' in asking.fixed) && `${asking.names['f']} = 0`
    const [x, usable, d] = [`x${index}`, `u${index}`, `d${index}`]
    names[x] = only(isShown)
    const rows = ask(...rowsWith(asking, x))
    let moments: Read | undefined
    if (isNumeric(column.kind) && !column.unique) {
      const condition = usableOf(column, value)
      if (condition !== undefined) names[usable] = only(isShown, condition)
      const of = condition === undefined ? x : usable
      const center = centerOf(plan, column.name)
      if (known.isWeighted) differences[d] = factor(`(${of} - (${double(center)}))`)
      moments = known.isWeighted ? weightedMoments(asking, ask, of, d, center) : plainMoments(ask, of)
    }
    return ({ columns }: OpenGroup, row: readonly number[], isBucket: boolean): void => {
      const open = columns[index]!
      if (isBucket) {
        const present = cellOf(rows(row))
        const { n, w, w2 } = cellOf(isOutput ? succeeded(row) : allRows(row))
        addCell(open.present, present)
        addCell(open.missing, { n: n - present.n, w: w - present.w, w2: w2 - present.w2 })
      }
      moments?.(open, row)
    }
  }

  const readers = indexes.map(readerOf)
  const read = (group: OpenGroup, row: readonly number[], isBucket: boolean): void => {
    for (const reader of readers) reader(group, row, isBucket)
  }
  const sets: KeySet[] = [
    {
      keys: ['b', 'v'],
      take([b, v], row) {
        read(tally.bucket(asking.bucketOf(b)), row, true)
        read(tally.version(asking.nameOf(v)), row, false)
      },
    },
    ...slicesOf(asking).map(({ key, groupOf }): KeySet => ({
      keys: [key],
      take([value], row) {
        const group = groupOf(value)
        if (group) read(group, row, false)
      },
    })),
  ]
  const layers = known.isWeighted ? [names, differences] : [names]
  return { layers, fixed: asking.fixed, from: asking.from(), sets, sums }
}

export const momentTasks = (asking: Asking): Task<void>[] => {
  const { source, bindings } = asking
  const indexes = asking.plan.columns.map((_, index) => index)
  return Array.from({ length: Math.ceil(indexes.length / COLUMNS_AT_ONCE) }, (_, part) =>
    groupedTasks(
      source.words,
      momentsOf(asking, indexes.slice(part * COLUMNS_AT_ONCE, (part + 1) * COLUMNS_AT_ONCE)),
      bindings,
    ),
  ).flat()
}
