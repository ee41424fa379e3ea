import type { SurveyQuestion, Window } from '../../../../src/report/answers.ts'
import {
  failureCounts,
  idOf,
  idTypeOf,
  isUnweighable,
  modelOf,
  timestampOf,
  versionOf,
  weightOf,
  type Failures,
} from '../own.ts'
import { columnsOf, fromOf, hasMembers, type From, type IdRange } from '../rows.ts'
import type { ReportSource } from '../source.ts'
import { newBindings, type Bindings, type ReadSession } from '../words.ts'
import { AT_ONCE, boundSums, boundsIn, type Bounds } from './bounds.ts'

/** How many rows a window has, of which models and versions, and what its columns' bounds are: by one scan. */

export interface Counted {
  readonly window: Window
  readonly bindings: Bindings
  readonly from: From
  readonly rows: number
  /** Rows with something in `extra`. */
  readonly extra: number
  /** Rows whose weight is not 1. */
  readonly weighted: number
  /** Rows with a weight that is none. */
  readonly unweighable: number
  /** Undefined: there are no rows, or ids have another order than their texts. */
  readonly ids: IdRange | undefined
  readonly failures: Failures
  /** Rows by name. */
  readonly models: ReadonlyMap<string, number>
  readonly versions: ReadonlyMap<string, number>
  /** Of the first columns, by name; not of members. */
  readonly bounds: ReadonlyMap<string, Bounds>
}

const add = (counts: Map<string, number>, name: unknown, rows: unknown): void => {
  counts.set(String(name), (counts.get(String(name)) ?? 0) + Number(rows))
}

/**
 * Of all groups, in the database's own order of ids. Those of the first and of the last row by time: few rows of any other have lesser or greater ones, so
 * few ids are compared as texts.
 */
const leastAndGreatest = (source: ReportSource, from: From): string => {
  const { words } = source
  if (words.kindOf(idTypeOf(source)) !== 'category') return 'null, null'
  const id = idOf(source)
  const at = (order: string) => `(select ${id} from ${from()} order by ${timestampOf(source)} ${order} limit 1)`
  const text = words.ordered(id)
  const least = `min(case when ${id} <= ${at('asc')} then ${text} end)`
  const greatest = `max(case when ${id} >= ${at('desc')} then ${text} end)`
  return `min(${least}) over (), max(${greatest}) over ()`
}

export const countRows = async (
  session: ReadSession,
  source: ReportSource,
  question: SurveyQuestion,
  window: Window,
): Promise<Counted> => {
  const bindings = newBindings(source.words.placeholder)
  const from = fromOf(source, question, window, bindings)
  const { extra } = source.table.own
  const columns = columnsOf(source)
    .filter((column) => !hasMembers(column))
    .slice(0, AT_ONCE)
  const groups = `${modelOf(source)}, ${versionOf(source)}`
  const sums = [
    'count(*)',
    extra === undefined ? '0' : `count(p.${source.words.quote(extra)})`,
    `count(case when ${weightOf(source)} <> 1 then 1 end)`,
    `count(case when ${isUnweighable(source)} then 1 end)`,
    ...failureCounts(source),
    leastAndGreatest(source, from),
    ...boundSums(source, columns, bindings),
  ]
  const text = `select ${groups}, ${sums.join(', ')} from ${from()} group by ${groups}`
  const found = await session.query(bindings.finish(text))
  const total = { rows: 0, extra: 0, weighted: 0, unweighable: 0 }
  const failed = { byStatus: 0, byError: 0 }
  const [models, versions] = [new Map<string, number>(), new Map<string, number>()]
  for (const [model, version, rows, extras, weighted, unweighable, byStatus, byError] of found) {
    total.rows += Number(rows)
    total.extra += Number(extras)
    total.weighted += Number(weighted)
    total.unweighable += Number(unweighable)
    failed.byStatus += Number(byStatus)
    failed.byError += Number(byError)
    add(models, model, rows)
    add(versions, version, rows)
  }
  const bounds = boundsIn(
    found.map((row) => row.slice(10)),
    columns.length,
  )
  const [first, last] = found[0]?.slice(8, 10) ?? []
  return {
    window,
    bindings,
    from,
    ...total,
    ids: typeof first === 'string' && typeof last === 'string' ? { first, last } : undefined,
    failures: { byStatus: failed.byStatus > 0, byError: failed.byError > 0 },
    models,
    versions,
    bounds: new Map(columns.map(({ name }, index) => [name, bounds[index]!])),
  }
}

/** Names of the most rows first, in all windows together. */
export const mostOf = (counts: readonly ReadonlyMap<string, number>[], limit: number): string[] => {
  const all = new Map<string, number>()
  for (const [name, rows] of counts.flatMap((each) => [...each])) add(all, name, rows)
  return [...all]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([name]) => name)
}
