import { LATENCY_EDGES } from '../../../../src/report/answers.ts'
import { addCell, addToBin } from '../../../../src/report/tally/cells.ts'
import type { OpenGroup } from '../../../../src/report/tally/group.ts'
import type { KeySet } from '../grouped.ts'
import { slicesOf, type Asking } from './asking.ts'
import { cellOf } from './fill.ts'

const LAST_BIN = LATENCY_EDGES.length - 2

const add = (group: OpenGroup, [f, l]: readonly unknown[], sums: readonly number[]): void => {
  const cell = cellOf(sums)
  addCell(group.instances, cell)
  if (Number(f) === 1) addCell(group.errors, cell)
  if (l === null) return
  addToBin(group.latency, Math.min(Math.max(Number(l) - 1, 0), LAST_BIN), cell.n, cell.w, cell.w2)
}

/** Rows, errors and latency, by bucket and version, and by slice. */
export const trafficSets = (asking: Asking): KeySet[] => [
  {
    keys: ['b', 'v', 'f', 'l'],
    take([b, v, ...rest], sums) {
      const [bucket, version] = [asking.bucketOf(b), asking.nameOf(v)]
      add(asking.tally.bucket(bucket), rest, sums)
      add(asking.tally.version(version), rest, sums)
      addCell(asking.tally.versionIn(bucket, version), cellOf(sums))
    },
  },
  ...slicesOf(asking).map(({ key, groupOf }): KeySet => ({
    keys: [key, 'f', 'l'],
    take([value, ...rest], sums) {
      const group = groupOf(value)
      if (group) add(group, rest, sums)
    },
  })),
]
