import type { PlannedColumn } from '../../../../src/report/answers.ts'
import { HUGE } from '../../../../src/report/usable.ts'
import { addCell } from '../../../../src/report/tally/cells.ts'
import { binCount, type OpenGroup } from '../../../../src/report/tally/group.ts'
import { joint, type Grouped, type KeySet } from '../grouped.ts'
import { isNumeric, usableTest, valueOf } from '../rows.ts'
import { rowSums, slicesOf, type Asking } from './asking.ts'
import { addNumberGroup, addTextGroup, cellOf, countedEdges, NOT_FINITE } from './fill.ts'
import { isFolded } from './fold.ts'
import { trafficSets } from './traffic.ts'

/** Bins of every column that is not folded, and the traffic. Outputs are looked at in rows without an error alone. */

interface Binned {
  /** What the column's key is computed by. */
  readonly expression: string
  /** How many values the key has; undefined: it can't be told. */
  readonly values: number | undefined
  add(group: OpenGroup, key: unknown, sums: readonly number[]): void
}

/** What is not usable is beyond the least and the greatest of these edges: so it costs nothing to tell. */
const openEdges = (edges: readonly number[]): number[] => [-HUGE, ...edges, HUGE]

const numberBins = (asking: Asking, column: PlannedColumn, index: number): Binned => {
  const { source, bindings } = asking
  const value = valueOf(source, column, bindings)
  const edges = countedEdges(column.edges)
  const isOpen = usableTest(source, column, value) !== undefined
  const countOf = (key: unknown): unknown => {
    if (!isOpen || key === null) return key
    const count = Number(key) - 1
    return count < 0 || count > edges.length ? NOT_FINITE : count
  }
  return {
    expression: source.words.countBelow(value, isOpen ? openEdges(edges) : edges, bindings),
    values: edges.length + 4,
    add: (group, key, sums) => addNumberGroup(group.columns[index]!, column, countOf(key), cellOf(sums)),
  }
}

const textBins = ({ source, bindings, isReference }: Asking, column: PlannedColumn, index: number): Binned => {
  const isCounted = !column.unique && (binCount(column) > 0 || column.kind === 'category')
  return {
    expression: valueOf(source, column, bindings),
    values: column.kind === 'category' && isCounted ? undefined : 3,
    add({ columns }, key, sums) {
      const open = columns[index]!
      if (isCounted) addTextGroup(open, column, isReference, key, cellOf(sums))
      else addCell(key === null ? open.missing : open.present, cellOf(sums))
    },
  }
}

/** Rows that are worth a group of its own: of fewer, a group costs more to send than to find again by another statement. */
const ROWS_A_GROUP = 20

/** Sets whose keys have few values together are asked as one: so rows are read fewer times. */
const inFew = (
  sets: readonly { readonly set: KeySet; readonly values: number | undefined }[],
  most: number,
): KeySet[] => {
  const found: KeySet[] = []
  let open: KeySet[] = []
  let groups = 1
  const close = () => {
    if (open.length > 0) found.push(joint(open))
    open = []
    groups = 1
  }
  for (const { set, values = Infinity } of sets) {
    if (values === Infinity) {
      found.push(set)
      continue
    }
    if (groups * values > most) close()
    open.push(set)
    groups *= values
  }
  close()
  return found
}

export const binsOf = (asking: Asking): Grouped => {
  const { source, plan, known, tally, isReference } = asking
  const names: Record<string, string> = { ...asking.names }
  const sets: KeySet[] = trafficSets(asking)
  const binned = plan.columns.flatMap((column, index) => {
    if (isFolded(column)) return []
    const bins =
      isNumeric(column.kind) && !column.unique ? numberBins(asking, column, index) : textBins(asking, column, index)
    const key = `c${index}`
    names[key] = bins.expression
    return { ...bins, keys: column.role === 'output' ? ['f', key] : [key] }
  })
  const addSets = (by: string, count: number, groupOf: (value: unknown) => OpenGroup | undefined): void => {
    const all = binned.map(({ keys, values, add }) => ({
      values: values && values * keys.length,
      set: {
        keys: [by, ...keys],
        take(all: readonly unknown[], sums: readonly number[]) {
          if (keys.length > 1 && Number(all[1]) === 1) return
          const group = groupOf(all[0])
          if (group) add(group, all.at(-1), sums)
        },
      },
    }))
    const rows = (isReference ? known.reference : known.current)?.rows ?? 0
    sets.push(...(source.words.groupingSets ? all.map(({ set }) => set) : inFew(all, rows / ROWS_A_GROUP / count)))
  }
  addSets('v', Math.max(known.versions.length, 1), (v) => tally.version(asking.nameOf(v)))
  for (const [index, { key, groupOf }] of slicesOf(asking).entries())
    addSets(key, Math.max(plan.by[index]!.values.length, 1), groupOf)
  return { layers: [names], fixed: asking.fixed, from: asking.from(), sets, sums: rowSums(asking) }
}
