import type { Column } from '../../src/schema/column.ts'
import type { Limits } from './dialect.ts'

/** What a table already takes up, whoever made its columns. */
export interface Occupied {
  readonly columns: number
  readonly rowBytes: number
  /** Whether the table has a column for this one. */
  has(column: Column): boolean
}

export const noneOccupied: Occupied = { columns: 0, rowBytes: 0, has: () => false }

export interface Room {
  /** Columns that have one in the table. */
  readonly kept: readonly Column[]
  /** The others of features, of outputs and of labels: their values share one JSON column each. */
  readonly shared: readonly { readonly column: Column; readonly members: readonly Column[] }[]
}

const sharedBy = (source: Exclude<Column['source'], 'record'>): Column => ({
  name: source,
  type: 'json',
  source,
  path: [],
})

/** Who gets a column first. */
const precedence: readonly Column['source'][] = ['record', 'outputs', 'features', 'actuals']

/**
 * Which columns a table gets when a database can't have them all: the record's own, then outputs, then features, each in
 * the schema's order, as long as there is room; and all that the table has already. The values of the rest stand in
 * the JSON columns `features` and `outputs`, under the names that their columns would have had.
 */
export const makeRoom = (columns: readonly Column[], limits: Limits, occupied: Occupied = noneOccupied): Room => {
  const shares = [sharedBy('features'), sharedBy('outputs'), sharedBy('actuals')]
  // Those of the other kind of records stay empty: room for one more than is needed.
  let columnsLeft = limits.columns - occupied.columns - shares.length
  let bytesLeft = limits.rowBytes - occupied.rowBytes - shares.reduce((sum, share) => sum + limits.widthOf(share), 0)
  const takes = (column: Column): boolean => {
    if (occupied.has(column)) return true
    const width = limits.widthOf(column)
    if (column.source !== 'record' && (columnsLeft < 1 || bytesLeft < width)) return false
    columnsLeft -= 1
    bytesLeft -= width
    return true
  }
  const taken = new Set(
    precedence
      .flatMap((source) => columns.filter((column) => column.source === source))
      .filter((column) => takes(column)),
  )
  const rest = columns.filter((column) => !taken.has(column))
  return {
    kept: columns.filter((column) => taken.has(column)),
    shared: shares
      .map((column) => ({ column, members: rest.filter(({ source }) => source === column.source) }))
      .filter(({ members }) => members.length > 0),
  }
}
