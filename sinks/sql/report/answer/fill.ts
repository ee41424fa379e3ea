import type { PlannedColumn } from '../../../../src/report/answers.ts'
import { addCell, addMoments, addToBin, type OpenCell } from '../../../../src/report/tally/cells.ts'
import { addUnseen, type OpenColumn } from '../../../../src/report/tally/group.ts'

/** Puts a database's groups into the sums of a report. */

/** The sums of a group, in this order: rows, weights, squares of weights; where all weights are 1 rows alone. */
export const cellOf = ([n = 0, w = n, w2 = n]: readonly number[]): OpenCell => ({ n, w, w2 })

/**
 * The edges as a database counts them: the greatest value belongs to the last bin, so the last edge is the next number after it.
 */
export const countedEdges = (edges: readonly number[]): number[] =>
  edges.length === 0 ? [] : [...edges.slice(0, -1), nextAfter(edges.at(-1)!)]

const view = new DataView(new ArrayBuffer(8))

const nextAfter = (value: number): number => {
  if (value === 0) return Number.MIN_VALUE
  view.setFloat64(0, value)
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n))
  return view.getFloat64(0)
}

/** Numbers that are not finite are counted apart: no count of edges is negative. */
export const NOT_FINITE = -1

export const addNumberGroup = (column: OpenColumn, { edges }: PlannedColumn, key: unknown, cell: OpenCell): void => {
  if (key === null || key === undefined) return addCell(column.missing, cell)
  addCell(column.present, cell)
  const count = Number(key)
  if (count === NOT_FINITE) return addCell(column.nonFinite, cell)
  const shape = column.shape
  if (!shape || edges.length === 0) return
  if (count === 0) addCell(shape.below, cell)
  else if (count >= Math.max(edges.length, 2) && edges.length > 1) addCell(shape.above, cell)
  else if (edges.length === 1 && count >= 1) addToBin(shape.bins, 0, cell.n, cell.w, cell.w2)
  else addToBin(shape.bins, count - 1, cell.n, cell.w, cell.w2)
}

/** Whether a value that is not named is new: the reference has no others than those named. */
export const addTextGroup = (
  column: OpenColumn,
  { categories, complete }: PlannedColumn,
  isReference: boolean,
  key: unknown,
  cell: OpenCell,
): void => {
  if (key === null || key === undefined) return addCell(column.missing, cell)
  addCell(column.present, cell)
  const { shape } = column
  if (!shape) return
  const text = String(key)
  const index = categories.indexOf(text)
  if (index >= 0) return addToBin(shape.bins, index, cell.n, cell.w, cell.w2)
  if (isReference || !complete) return addCell(shape.other, cell)
  addCell(shape.unseen, cell)
  addUnseen(shape, text, cell)
}

/** Moments of sums over differences from a number near the values: w, Σw·d, Σw·d², least, greatest. */
export const addMomentSums = (
  column: OpenColumn,
  center: number,
  w: number,
  first: number,
  second: number,
  min: number,
  max: number,
): void => {
  if (!(w > 0)) {
    if (min <= max) addMoments(column.moments, { w: 0, mean: 0, m2: 0, min, max })
    return
  }
  addMoments(column.moments, { w, mean: center + first / w, m2: Math.max(0, second - (first * first) / w), min, max })
}
