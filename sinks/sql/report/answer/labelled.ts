import { LAG_EDGES } from '../../../../src/report/answers.ts'
import { addCell, addToBin } from '../../../../src/report/tally/cells.ts'
import { joint, type Grouped, type KeySet } from '../grouped.ts'
import { actualsByRequest, latestActuals } from '../labels.ts'
import { timestampOf } from '../own.ts'
import { comparedIds } from '../rows.ts'
import { rowSums, slicesOf, type Asking } from './asking.ts'
import { classification } from './classification.ts'
import type { Compared, GroupsOf } from './compared.ts'
import { cellOf } from './fill.ts'
import { regression } from './regression.ts'

/** How predictions compare with their actuals. */

const comparedIn = ({ source, plan, known, bindings }: Asking, cells: number): Compared => {
  const { task, actual, isActualJson } = plan.comparison!
  const { words, actuals } = source
  const type = actuals!.labels.get(actual) ?? ''
  const label = (kind: 'number' | 'category' | 'boolean') =>
    isActualJson
      ? words.member('a.label', [], kind, bindings)
      : kind === 'number'
        ? words.number('a.label', kind, type)
        : words.text('a.label', kind, type)
  const weighted = (expression: string) => (known.isWeighted ? `sum(w * ${expression})` : `sum(${expression})`)
  if (task === 'classification') return classification(source, plan, label, weighted, cells, bindings)
  const labelType = isActualJson ? 'json' : type
  return regression(source, plan, label('number'), labelType, weighted, known.isWeighted, cells, bindings)
}

/** Rows with an actual: whether it can be compared, and how long it took to come. `k` is null where there is none, and -1 where its time is not known. */
const lagSet = (by: readonly string[], groupsOf: GroupsOf, cells: number): KeySet => ({
  keys: [...by, 'k', 'm'],
  take(keys, sums) {
    const [k, m] = keys.slice(by.length)
    if (k === null) return
    const cell = cellOf(sums.slice(0, cells))
    const bin = Math.min(Math.max(Number(k) - 1, 0), LAG_EDGES.length - 2)
    for (const { labelled } of groupsOf(keys)) {
      addCell(Number(m) === 1 ? labelled!.labelled : labelled!.incomparable, cell)
      if (Number(m) === 1 && Number(k) >= 0) addToBin(labelled!.lag, bin, cell.n, cell.w, cell.w2)
    }
  },
})

export const labelledOf = (asking: Asking): Grouped => {
  const { source, plan, known, isReference, tally, bindings } = asking
  const { actual, score } = plan.comparison!
  const isByRequest = known.byRequest && source.table.own.request_id !== undefined
  const byRequest = isByRequest ? actualsByRequest(source, actual, asking.from) : undefined
  const ids = (isReference ? known.reference : known.current)?.ids
  const latest = latestActuals(source, actual, ids, byRequest, bindings)
  const cells = rowSums(asking).length
  const compared = comparedIn(asking, cells)
  const setsBy = (by: readonly string[], groupsOf: GroupsOf): readonly KeySet[] => {
    const sets = [lagSet(by, groupsOf, cells), ...compared.sets(by, groupsOf)]
    return source.words.groupingSets ? sets : [joint(sets)]
  }
  const [first, ...more] = compared.layers
  return {
    layers: [
      {
        ...asking.names,
        ...compared.names,
        has: 'case when a.pid is not null then 1 else 0 end',
        lg: source.words.secondsBetween(timestampOf(source), 'a.known'),
      },
      {
        ...first,
        k: `case when f = 0 and has = 1 then coalesce(${source.words.countBelow('lg', LAG_EDGES, bindings)}, -1) end`,
      },
      ...more,
    ],
    fixed: asking.fixed,
    // Rows without an actual have a chance too, which says what is to be expected.
    from: asking.from(` ${score ? 'left join' : 'join'} ${latest} on a.pid = ${comparedIds(source).ofRow}`),
    sums: [...rowSums(asking), ...compared.sums],
    sets: [
      ...setsBy(['b', 'v'], ([b, v]) => [tally.bucket(asking.bucketOf(b)), tally.version(asking.nameOf(v))]),
      ...slicesOf(asking).flatMap(({ key, groupOf }) =>
        setsBy([key], ([value]) => {
          const group = groupOf(value)
          return group ? [group] : []
        }),
      ),
    ],
  }
}
