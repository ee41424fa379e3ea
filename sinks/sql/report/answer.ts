import {
  LATENCY_EDGES,
  type Answers,
  type ReportPlan,
  type Progress,
  type Window,
  type WindowAnswer,
} from '../../../src/report/answers.ts'
import { addCell, addToBin } from '../../../src/report/tally/cells.ts'
import { binCount, type OpenGroup } from '../../../src/report/tally/group.ts'
import { tallyWindow, type WindowTally } from '../../../src/report/tally/window.ts'
import { addMomentSums, addNumberGroup, addTextGroup, cellOf, countedEdges, NOT_FINITE } from './fill.ts'
import { askGrouped, type Grouped, type KeySet } from './grouped.ts'
import { actualsByRequest, latestActuals, type IdRange } from './labels.ts'
import { centerOf, performanceOf } from './performance.ts'
import {
  conditionOf,
  durationOf,
  failedOf,
  comparedIds,
  isFinite,
  isNumeric,
  textOf,
  timestampOf,
  valueOf,
  versionOf,
  weightOf,
  type ReportSource,
} from './rows.ts'
import { foldColumn, isFolded } from './fold.ts'
import { newBindings, type Bindings, type ReadSession } from './words.ts'

/** The second pass: bins and sums of one window after the other, by as few statements as the database lets it be. */

/** What the first pass keeps for the second. */
export interface Known {
  /** Whether any row has another weight than 1. */
  readonly isWeighted: boolean
  /** Columns with a value that is not finite. */
  readonly nonFinite: ReadonlySet<string>
  /** The ids of each window's rows, by the window's beginning. */
  readonly ids: ReadonlyMap<number, IdRange>
  /** Whether there are actuals that name a request alone. */
  readonly byRequest: boolean
  readonly hasExtra: boolean
}

interface Asking {
  readonly source: ReportSource
  readonly plan: ReportPlan
  readonly known: Known
  readonly window: Window
  readonly isReference: boolean
  readonly tally: WindowTally
  readonly bindings: Bindings
  /** `table p where …` */
  readonly from: string
}

type Task = (session: ReadSession) => Promise<void>

/** Expressions that each question may name: version, bucket, whether it failed, weight, latency, slices. */
const commonNames = ({ source, plan, tally, bindings }: Asking): Record<string, string> => ({
  v: versionOf(source),
  b:
    tally.buckets.length === 1
      ? '1'
      : source.words.countBefore(
          timestampOf(source),
          tally.buckets.slice(1).map(({ since }) => since),
          bindings,
        ),
  f: failedOf(source),
  w: weightOf(source),
  l: source.words.countBelow(durationOf(source), LATENCY_EDGES, bindings),
  ...Object.fromEntries(plan.by.map(({ name }, index) => [`s${index}`, textOf(source, name, bindings)])),
})

const sumsOf = ({ known }: Asking): string[] => (known.isWeighted ? ['count(*)', 'sum(w)', 'sum(w * w)'] : ['count(*)'])

/** The slice that a key names; undefined: it is none of the plan's. */
const sliceOf = ({ plan, tally }: Asking, index: number, key: unknown): OpenGroup | undefined => {
  const { name, values } = plan.by[index]!
  const value = String(key ?? '')
  return values.includes(value) ? tally.slice(name, value) : undefined
}

const slicesOf = ({ plan, isReference }: Asking): number[] => (isReference ? [] : plan.by.map((_, index) => index))

const bucketAt = ({ tally }: Asking, key: unknown): number =>
  tally.buckets.length === 1 ? 0 : Math.min(Math.max(Number(key), 0), tally.buckets.length - 1)

const defined = (groups: readonly (OpenGroup | undefined)[]): OpenGroup[] =>
  groups.filter((group) => group !== undefined)

const trafficSets = (asking: Asking): KeySet[] => {
  const { tally } = asking
  const add = (groups: readonly OpenGroup[], [f, l]: readonly unknown[], sums: readonly number[]): void => {
    const cell = cellOf(sums)
    for (const group of groups) {
      addCell(group.instances, cell)
      if (Number(f) === 1) addCell(group.errors, cell)
      if (l !== null) {
        const bin = Math.min(Math.max(Number(l) - 1, 0), LATENCY_EDGES.length - 2)
        addToBin(group.latency, bin, cell.n, cell.w, cell.w2)
      }
    }
  }
  return [
    {
      keys: ['b', 'v', 'f', 'l'],
      take([b, v, ...rest], sums) {
        const [bucket, version] = [bucketAt(asking, b), String(v)]
        add([tally.bucket(bucket), tally.version(version)], rest, sums)
        addCell(tally.versionIn(bucket, version), cellOf(sums))
      },
    },
    ...slicesOf(asking).map((index): KeySet => ({
      keys: [`s${index}`, 'f', 'l'],
      take: ([s, ...rest], sums) => add(defined([sliceOf(asking, index, s)]), rest, sums),
    })),
  ]
}

/** Bins of every column that is not folded. Outputs of rows without an error alone. */
const binsOf = (asking: Asking): Grouped => {
  const { source, plan, known, tally, bindings, isReference, from } = asking
  const names = commonNames(asking)
  const sets: KeySet[] = trafficSets(asking)
  for (const [index, column] of plan.columns.entries()) {
    if (isFolded(column)) continue
    const value = valueOf(source, column, bindings)
    const isNumber = isNumeric(column.kind) && !column.unique
    const counted = isNumber ? source.words.countBelow(value, countedEdges(column.edges), bindings) : value
    const finite = isNumber && known.nonFinite.has(column.name) ? isFinite(source, column, value) : undefined
    names[`c${index}`] =
      finite === undefined
        ? counted
        : `case when ${value} is null then null when ${finite} then ${counted} else ${NOT_FINITE} end`
    const isOutput = column.role === 'output'
    const own = [...(isOutput ? ['f'] : []), `c${index}`]
    const add = (group: OpenGroup, keys: readonly unknown[], sums: readonly number[]): void => {
      if (isOutput && Number(keys[0]) === 1) return
      const open = group.columns[index]!
      const key = keys.at(-1)
      if (isNumber) addNumberGroup(open, column, key, cellOf(sums))
      else if (binCount(column) === 0 && column.kind !== 'category')
        addCell(key === null ? open.missing : open.present, cellOf(sums))
      else if (column.unique) addCell(key === null ? open.missing : open.present, cellOf(sums))
      else addTextGroup(open, column, isReference, key, cellOf(sums))
    }
    sets.push({ keys: ['v', ...own], take: ([v, ...keys], sums) => add(tally.version(String(v)), keys, sums) })
    for (const slice of slicesOf(asking))
      sets.push({
        keys: [`s${slice}`, ...own],
        take([s, ...keys], sums) {
          const group = sliceOf(asking, slice, s)
          if (group) add(group, keys, sums)
        },
      })
  }
  return { names, from, sets, sums: sumsOf(asking) }
}

/** Columns whose moments one statement takes: more would make it long. */
const COLUMNS_AT_ONCE = 40

/** What is missing and the moments, by bucket and version. */
const momentsOf = (asking: Asking, first: number): Grouped => {
  const { source, plan, known, tally, bindings, from } = asking
  const names = commonNames(asking)
  const { isWeighted } = known
  const sums = isWeighted
    ? [
        'count(*)',
        'sum(w)',
        'sum(w * w)',
        'sum(case when f = 0 then 1 else 0 end)',
        'sum(case when f = 0 then w else 0 end)',
        'sum(case when f = 0 then w * w else 0 end)',
      ]
    : ['count(*)', 'sum(case when f = 0 then 1 else 0 end)']
  const readers: ((group: OpenGroup, sums: readonly number[], all: readonly number[], isBucket: boolean) => void)[] = []
  for (const [offset, column] of plan.columns.slice(first, first + COLUMNS_AT_ONCE).entries()) {
    const index = first + offset
    const isNumber = isNumeric(column.kind) && !column.unique
    const value = valueOf(source, column, bindings)
    const isOutput = column.role === 'output'
    const x = `x${index}`
    names[x] = isOutput ? `case when ${failedOf(source)} = 0 then ${value} end` : value
    const at = sums.length
    sums.push(
      `count(${x})`,
      ...(isWeighted
        ? [`sum(case when ${x} is not null then w else 0 end)`, `sum(case when ${x} is not null then w * w else 0 end)`]
        : []),
    )
    const momentsAt = sums.length
    const center = centerOf(plan, column.name)
    const d = `d${index}`
    const finite = known.nonFinite.has(column.name) ? isFinite(source, column, value) : undefined
    if (isNumber) {
      const kept = finite === undefined ? names[x] : `case when ${finite} then ${names[x]} end`
      const bounded = finite === undefined ? x : `k${index}`
      names[bounded] = kept!
      names[d] = `(${kept}) - ${center < 0 ? `(${center})` : center}`
      const weighted = (expression: string) => (isWeighted ? `sum(w * ${expression})` : `sum(${expression})`)
      sums.push(
        `min(${bounded})`,
        `max(${bounded})`,
        weighted(d),
        weighted(`(${d} * ${d})`),
        isWeighted ? `sum(case when ${d} is not null then w else 0 end)` : `count(${d})`,
      )
    }
    readers.push((group, row, all, isBucket) => {
      const open = group.columns[index]!
      const present = cellOf(row.slice(at, momentsAt))
      if (isBucket) {
        addCell(open.present, present)
        const rows = cellOf(
          isWeighted ? all.slice(isOutput ? 3 : 0, isOutput ? 6 : 3) : all.slice(isOutput ? 1 : 0, isOutput ? 2 : 1),
        )
        addCell(open.missing, { n: rows.n - present.n, w: rows.w - present.w, w2: rows.w2 - present.w2 })
      }
      if (!isNumber || present.n === 0) return
      const [min = 0, max = 0, one = 0, two = 0, w = 0] = row.slice(momentsAt)
      // Of values that are not finite alone there are no moments.
      if (w === 0 && !isWeighted) return
      addMomentSums(open, center, w, one, two, min, max)
    })
  }
  const take = (groups: readonly (readonly [OpenGroup, boolean])[], row: readonly number[]): void => {
    for (const reader of readers) for (const [group, isBucket] of groups) reader(group, row, row, isBucket)
  }
  const sets: KeySet[] = [
    {
      keys: ['b', 'v'],
      take: ([b, v], row) =>
        take(
          [
            [tally.bucket(bucketAt(asking, b)), true],
            [tally.version(String(v)), false],
          ],
          row,
        ),
    },
    ...slicesOf(asking).map((index): KeySet => ({
      keys: [`s${index}`],
      take([s], row) {
        const group = sliceOf(asking, index, s)
        if (group) take([[group, false]], row)
      },
    })),
  ]
  return { names, from, sets, sums }
}

const labelledOf = (asking: Asking): Grouped => {
  const { source, plan, known, window, tally, bindings, from } = asking
  const comparison = plan.comparison!
  const byRequest =
    known.byRequest && source.table.own.request_id !== undefined
      ? actualsByRequest(source, comparison.actual, from)
      : undefined
  const latest = latestActuals(source, comparison.actual, known.ids.get(window.since.getTime()), byRequest, bindings)
  const { names, layers, sums, sets } = performanceOf(
    source,
    plan,
    known.isWeighted,
    failedOf(source),
    timestampOf(source),
    bindings,
  )
  const join = comparison.score ? 'left join' : 'join'
  return {
    names: { ...commonNames(asking), ...names },
    layers,
    from: from.replace(' p where ', () => ` p ${join} ${latest} on a.pid = ${comparedIds(source).ofRow} where `),
    sums: [...sums],
    sets: [
      ...sets(['b', 'v'], ([b, v]) => [tally.bucket(bucketAt(asking, b)), tally.version(String(v))]),
      ...slicesOf(asking).flatMap((index) => sets([`s${index}`], ([s]) => defined([sliceOf(asking, index, s)]))),
    ],
  }
}

const askExtra = async (asking: Asking, session: ReadSession): Promise<void> => {
  const { source, tally, bindings, from } = asking
  const { words, table } = source
  const column = `p.${words.quote(table.own.extra!)}`
  const w = weightOf(source)
  const joined = from.replace(' p where ', () => ` p ${words.extra.join(column)} where `)
  const text = `select ${words.extra.path}, ${words.extra.reason}, count(*) as n, sum(${w}), sum(${w} * ${w}) from ${joined} and ${column} is not null group by 1, 2 order by n desc limit 50`
  for (const [path, reason, ...sums] of await session.query(bindings.finish(text)))
    addCell(tally.extra(String(path), String(reason ?? '')), cellOf(sums.map(Number)))
}

/** Reports that came in a window and belong to no prediction that is stored. */
const askUnmatched = async ({ source, window, bindings }: Asking, session: ReadSession): Promise<number> => {
  const { ofRow, ofActual } = comparedIds(source)
  const { words, actuals, name } = source
  const reported = `a.${actuals!.own('reported_at')}`
  const text = `select count(*) from ${actuals!.name} a where ${reported} >= ${words.instant(window.since, bindings)} and ${reported} < ${words.instant(window.until, bindings)}
    and a.${actuals!.own('prediction_id')} is not null and not exists (select 1 from ${name} p where ${ofRow} = ${ofActual})`
  const [[count] = []] = await session.query(bindings.finish(text))
  return Number(count)
}

interface Asked {
  readonly tasks: readonly Task[]
  answer(): WindowAnswer
}

const askWindow = (
  source: ReportSource,
  plan: ReportPlan,
  known: Known,
  window: Window,
  done: (share: number) => void,
): Asked => {
  const bindings = newBindings(source.words.placeholder)
  const isReference = window === plan.reference
  const from = `${source.name} p where ${conditionOf(source, plan, window, bindings)}`
  const asking: Asking = { source, plan, known, window, isReference, tally: tallyWindow(plan, window), bindings, from }
  const grouped =
    (question: Grouped): Task =>
    async (session) => {
      await askGrouped(session, source.words, question, bindings, done)
    }
  const tasks: Task[] = [grouped(binsOf(asking))]
  for (let first = 0; first < plan.columns.length; first += COLUMNS_AT_ONCE)
    tasks.push(grouped(momentsOf(asking, first)))
  for (const [index, column] of plan.columns.entries())
    if (isFolded(column))
      tasks.push((session) =>
        foldColumn(
          session,
          {
            ...asking,
            names: commonNames(asking),
            slices: slicesOf(asking),
            sliceOf: (slice, key) => sliceOf(asking, slice, key),
          },
          index,
        ),
      )
  let unmatched: number | undefined
  if (plan.comparison) {
    tasks.push(grouped(labelledOf(asking)))
    // Of the reference nobody wants to know.
    if (!isReference)
      tasks.push(async (session) => {
        unmatched = await askUnmatched(asking, session)
      })
  }
  if (known.hasExtra) tasks.push((session) => askExtra(asking, session))
  return { tasks, answer: () => asking.tally.answer(unmatched) }
}

/** Runs tasks on all sessions, each one after the other. */
const runOn = async (sessions: readonly ReadSession[], tasks: readonly Task[], done: () => void): Promise<void> => {
  const queue = [...tasks]
  await Promise.all(
    sessions.map(async (session) => {
      for (let task = queue.shift(); task; task = queue.shift()) {
        await task(session)
        done()
      }
    }),
  )
}

export const answer = async (
  sessions: readonly ReadSession[],
  source: ReportSource,
  plan: ReportPlan,
  known: Known,
  progress: Progress,
): Promise<Answers> => {
  const current = askWindow(source, plan, known, plan.current, () => {})
  const reference = plan.reference && askWindow(source, plan, known, plan.reference, () => {})
  const tasks = [...current.tasks, ...(reference?.tasks ?? [])]
  let finished = 0
  await runOn(sessions, tasks, () => progress(++finished / tasks.length, 'counting'))
  return { plan, current: current.answer(), reference: reference?.answer() }
}
