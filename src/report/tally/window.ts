import type { ReportPlan, Window, WindowAnswer } from '../answers.ts'
import { addGroup, columnsInBucket, factsOf, groupOf, newGroup, type OpenGroup } from './group.ts'
import { newCell, type OpenCell } from './cells.ts'

/** The sums of one window: by bucket, by version, by slice. What all rows have together is the sum over the versions. */
export interface WindowTally {
  /** The plan's buckets that lie in the window, in their order. */
  readonly buckets: readonly Window[]
  bucket(index: number): OpenGroup
  version(name: string): OpenGroup
  /** Rows of a version in a bucket. */
  versionIn(bucket: number, version: string): OpenCell
  slice(name: string, value: string): OpenGroup
  extra(path: string, reason: string): OpenCell
  answer(unmatched: number | undefined): WindowAnswer
}

const MAX_EXTRA = 50

const found = <Value>(map: Map<string, Value>, key: string, make: () => Value): Value => {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}

const mostRows = (groups: ReadonlyMap<string, OpenGroup>): [string, OpenGroup][] =>
  [...groups].sort(([a, { instances: x }], [b, { instances: y }]) => y.n - x.n || (a < b ? -1 : 1))

/** The buckets that lie in a window, cut to it. */
const bucketsIn = (buckets: readonly Window[], { since, until }: Window): Window[] =>
  buckets
    .filter((bucket) => bucket.since < until && bucket.until > since)
    .map((bucket) => ({
      since: bucket.since < since ? since : bucket.since,
      until: bucket.until > until ? until : bucket.until,
    }))

export const tallyWindow = (plan: ReportPlan, window: Window): WindowTally => {
  const buckets = bucketsIn(plan.buckets, window)
  const inBuckets = buckets.map(() => ({ group: newGroup(plan, false), versions: new Map<string, OpenCell>() }))
  const versions = new Map<string, OpenGroup>()
  /** Versions that the plan does not name. */
  let rest: OpenGroup | undefined
  const named = new Set(plan.versions)
  const slices = new Map<string, Map<string, OpenGroup>>()
  const extra = new Map<string, OpenCell & { readonly path: string; readonly reason: string }>()

  const all = (): OpenGroup => {
    const sum = newGroup(plan, true)
    for (const group of versions.values()) addGroup(sum, group)
    if (rest) addGroup(sum, rest)
    return sum
  }

  return {
    buckets,
    bucket: (index) => inBuckets[index]!.group,
    version: (name) =>
      named.has(name) ? found(versions, name, () => newGroup(plan, true)) : (rest ??= newGroup(plan, true)),
    versionIn: (bucket, version) => found(inBuckets[bucket]!.versions, version, newCell),
    slice: (name, value) =>
      found(
        found(slices, name, () => new Map<string, OpenGroup>()),
        value,
        () => newGroup(plan, true),
      ),
    extra: (path, reason) => found(extra, `${path}\0${reason}`, () => ({ ...newCell(), path, reason })),
    answer: (unmatched) => ({
      since: window.since,
      until: window.until,
      all: groupOf(plan, all()),
      buckets: buckets.map((bucket, index) => {
        const { group, versions } = inBuckets[index]!
        return {
          ...bucket,
          ...factsOf(group),
          columns: columnsInBucket(plan, group),
          versions: Object.fromEntries(versions),
        }
      }),
      versions: Object.fromEntries(mostRows(versions).map(([name, group]) => [name, groupOf(plan, group)])),
      slices: plan.by.flatMap(({ name }) =>
        mostRows(slices.get(name) ?? new Map<string, OpenGroup>()).map(([value, group]) => ({
          name,
          value,
          group: groupOf(plan, group),
        })),
      ),
      extra: [...extra.values()].sort((a, b) => b.n - a.n || (a.path < b.path ? -1 : 1)).slice(0, MAX_EXTRA),
      unmatched,
    }),
  }
}
