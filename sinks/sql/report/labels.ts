import { comparedIds, type ReportSource } from './rows.ts'
import type { Bindings } from './words.ts'

/** The latest actual of each prediction, as the view `<table>_labelled` has it; of those in a window alone. */

/** The table of actuals' own columns: all others are labels. */
const OWN = new Set([
  'id',
  'timestamp',
  'prediction_id',
  'request_id',
  'instance',
  'reported_at',
  'retracted',
  'source',
  'tags',
  'extra',
])

export const labelNames = (columns: readonly string[]): string[] => columns.filter((name) => !OWN.has(name))

/** What the first pass found about the actuals of a window. */
export interface IdRange {
  readonly first: string
  readonly last: string
}

/**
 * What to join with the rows `p`: a subquery `a` with the label as `label`, and `known`, when it was known. The predictions' ids are in the order of their
 * time, so of the actuals those within the window's ids are read.
 */
export const latestActuals = (
  source: ReportSource,
  label: string,
  range: IdRange | undefined,
  byRequest: string | undefined,
  bindings: Bindings,
): string => {
  const { words, actuals } = source
  const q = words.quote
  const members = ['timestamp', 'reported_at', 'id', 'retracted'].map((name) => `a.${q(name)}`).join(', ')
  const { ofActual } = comparedIds(source)
  const inRange = range ? `between ${bindings.bind(range.first)} and ${bindings.bind(range.last)}` : 'is not null'
  const byId = `select ${ofActual} as pid, a.${q(label)} as label, ${members} from ${actuals!.name} a where ${ofActual} ${inRange}`
  const all = byRequest === undefined ? byId : `${byId} union all ${byRequest}`
  const latest = words.latest(all, ['pid', ...['timestamp', 'reported_at', 'id'].map(q)])
  return `(select pid, label, ${q('timestamp')} as known from ${latest} l where retracted is null or not retracted) a`
}

/**
 * Actuals that name a request and no prediction, each with the prediction that is meant: that of the instance, or, where it names none, the request's only
 * one. Which requests have several is computed when there is such an actual, of those that such actuals name.
 */
export const actualsByRequest = (source: ReportSource, label: string, rows: string): string => {
  const { words, name, actuals, table } = source
  const q = words.quote
  const request = q(table.own.request_id!)
  const members = ['timestamp', 'reported_at', 'id', 'retracted'].map((name) => `a.${q(name)}`).join(', ')
  const instance =
    table.own.instance === undefined ? '' : ` and coalesce(a.${q('instance')}, 0) = p.${q(table.own.instance)}`
  const alone = `select n.${q('request_id')} from ${actuals!.name} n where n.${q('prediction_id')} is null and n.${q('instance')} is null and n.${q('request_id')} is not null`
  const several = `select o.${request} from ${name} o where o.${request} in (${alone}) group by o.${request} having count(*) > 1`
  const on = `a.${q('prediction_id')} is null and a.${q('request_id')} = p.${request}${instance} and (a.${q('instance')} is not null or a.${q('request_id')} not in (${several}))`
  return `select ${comparedIds(source).ofRow}, a.${q(label)}, ${members} from ${rows.replace(' p where ', () => ` p join ${actuals!.name} a on ${on} where `)}`
}
