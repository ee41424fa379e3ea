import { addCell } from '../../../../src/report/tally/cells.ts'
import type { OpenGroup } from '../../../../src/report/tally/group.ts'
import { groupedTasks, type Grouped, type KeySet } from '../grouped.ts'
import { isFinite, isNumeric, valueOf } from '../rows.ts'
import type { Task } from '../sessions.ts'
import { rowSums, slicesOf, type Asking } from './asking.ts'
import { centerOf } from './center.ts'
import { addMomentSums, cellOf } from './fill.ts'

/** What is missing, and the moments, by bucket and version. */

/** Columns whose moments one statement takes: more would make it long. */
const COLUMNS_AT_ONCE = 40

/** Groups of a column that have infinities or NaN among their numbers, each as a text of both. */
type Marks = Set<string>

/** @param again what of all is asked again, of the finite numbers alone; undefined: nothing was asked before */
const momentsOf = (asking: Asking, indexes: readonly number[], marks: Marks, again?: Marks): Grouped => {
  const { source, plan, known, tally, bindings } = asking
  const { isWeighted } = known
  const names: Record<string, string> = { ...asking.names }
  const values: Record<string, string> = {}
  const weighted = (expression: string) => (isWeighted ? `sum(w * ${expression})` : `sum(${expression})`)
  /** Rows that have a value: as `rowSums`. */
  const rowsWith = (x: string) => [
    `count(${x})`,
    ...(isWeighted
      ? [`sum(case when ${x} is not null then w end)`, `sum(case when ${x} is not null then w * w end)`]
      : []),
  ]
  const sums = [...rowSums(asking), ...rowsWith('ok')]
  values['ok'] = 'case when f = 0 then 1 end'
  const width = sums.length / 2

  /** What comes of a column's sums. */
  const readerOf = (index: number) => {
    const column = plan.columns[index]!
    const isNumber = isNumeric(column.kind) && !column.unique
    const isOutput = column.role === 'output'
    const value = valueOf(source, column, bindings)
    const finite = again ? isFinite(source, column, value) : undefined
    const [raw, x, d] = [`y${index}`, `x${index}`, `d${index}`]
    const center = centerOf(plan, column.name)
    names[raw] = finite === undefined ? value : `case when ${finite} then ${value} end`
    values[x] = isOutput ? `case when f = 0 then ${raw} end` : raw
    values[d] = `${isOutput ? `case when f = 0 then ${raw} end` : raw} - (${source.words.double(center)})`
    const at = sums.length
    sums.push(...rowsWith(x))
    if (isNumber) sums.push(`min(${x})`, `max(${x})`, weighted(d), weighted(`(${d} * ${d})`))
    return ({ columns }: OpenGroup, row: readonly number[], place: string, isBucket: boolean): void => {
      const open = columns[index]!
      const present = cellOf(row.slice(at, at + width))
      if (isBucket && !again) {
        const { n, w, w2 } = cellOf(isOutput ? row.slice(width, 2 * width) : row.slice(0, width))
        addCell(open.present, present)
        addCell(open.missing, { n: n - present.n, w: w - present.w, w2: w2 - present.w2 })
      }
      const mark = `${index} ${place}`
      if (!isNumber || present.n === 0 || again?.has(mark) === false) return
      const [min = 0, max = 0, first = 0, second = 0] = row.slice(at + width)
      if (Number.isFinite(min) && Number.isFinite(max)) addMomentSums(open, center, present.w, first, second, min, max)
      else marks.add(mark)
    }
  }

  const readers = indexes.map(readerOf)
  const read = (group: OpenGroup, row: readonly number[], place: string, isBucket: boolean): void => {
    for (const reader of readers) reader(group, row, place, isBucket)
  }
  const sets: KeySet[] = [
    {
      keys: ['b', 'v'],
      take([b, v], row) {
        const place = `b ${String(b)} ${String(v)}`
        read(tally.bucket(asking.bucketOf(b)), row, place, true)
        read(tally.version(asking.nameOf(v)), row, place, false)
      },
    },
    ...slicesOf(asking).map(({ key, groupOf }): KeySet => ({
      keys: [key],
      take([value], row) {
        const group = groupOf(value)
        if (group) read(group, row, `${key} ${String(value)}`, false)
      },
    })),
  ]
  return { layers: [names, values], fixed: asking.fixed, from: asking.from(), sets, sums }
}

/** Sums with infinities or NaN in them say nothing: where there are some, the finite numbers are asked about again. */
const askMoments =
  (asking: Asking, indexes: readonly number[]): Task<void> =>
  async (session) => {
    const ask = async (question: Grouped): Promise<void> => {
      for (const task of groupedTasks(asking.source.words, question, asking.bindings)) await task(session)
    }
    const marks: Marks = new Set()
    await ask(momentsOf(asking, indexes, marks))
    const again = indexes.filter((index) => [...marks].some((mark) => mark.startsWith(`${index} `)))
    if (again.length > 0) await ask(momentsOf(asking, again, new Set(), marks))
  }

export const momentTasks = (asking: Asking): Task<void>[] => {
  const indexes = asking.plan.columns.map((_, index) => index)
  return Array.from({ length: Math.ceil(indexes.length / COLUMNS_AT_ONCE) }, (_, part) =>
    askMoments(asking, indexes.slice(part * COLUMNS_AT_ONCE, (part + 1) * COLUMNS_AT_ONCE)),
  )
}
