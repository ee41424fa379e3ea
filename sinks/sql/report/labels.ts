import { LATER_BY } from '../actuals/columns.ts'
import { numberOf, plainTextOf } from './own.ts'
import { comparedIds, type From, type IdRange } from './rows.ts'
import type { ReportSource } from './source.ts'
import type { Bindings } from './words.ts'

/** The latest actual of each prediction, as the view `<table>_labelled` has it (see `../actuals/columns.ts`); of those in a window alone. */

/** What tells which actual is the latest, and whether it was taken back. */
const orderOf = ({ words, actuals }: ReportSource): string =>
  [...LATER_BY, 'retracted'].map((name) => `a.${actuals!.own(name)} as ${words.quote(name)}`).join(', ')

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
  const { ofActual } = comparedIds(source)
  const inRange = `${ofActual} ${range ? `between ${bindings.bind(range.first)} and ${bindings.bind(range.last)}` : 'is not null'}`
  const isKept = 'retracted is null or not retracted'
  if (words.groupsActuals && byRequest === undefined)
    return `(select pid, label, known from ${latestInGroups(source, label, inRange)} l where ${isKept}) a`
  const byId = `select ${ofActual} as pid, a.${q(label)} as label, ${orderOf(source)} from ${actuals!.name} a where ${inRange}`
  const all = byRequest === undefined ? byId : `${byId} union all ${byRequest}`
  const latest = words.latest(all, ['pid', ...LATER_BY.map(q)])
  return `(select pid, label, ${q('timestamp')} as known from ${latest} l where ${isKept}) a`
}

/** One group a prediction, in the order of the index: most have one actual alone, and that of the others is looked up. */
const latestInGroups = (source: ReportSource, label: string, inRange: string): string => {
  const { words, actuals } = source
  const { name, own } = actuals!
  const id = own('prediction_id')
  const [known, retracted] = [own('timestamp'), own('retracted')]
  const { ofActual } = comparedIds(source)
  const groups = `select ${ofActual} as pid, count(*) as n, a.${words.quote(label)} as label, a.${known} as known, a.${retracted} as retracted from ${name} a where ${inRange} group by ${ofActual}`
  const order = ['prediction_id', ...LATER_BY].map((column) => `b.${own(column)} desc`).join(', ')
  const latest = (column: string, as: string) =>
    `case when g.n = 1 then g.${as} else (select b.${column} from ${name} b where b.${id} = g.pid order by ${order} limit 1) end as ${as}`
  return `(select g.pid, ${latest(words.quote(label), 'label')}, ${latest(known, 'known')}, ${latest(retracted, 'retracted')} from (${groups}) g)`
}

/**
 * Actuals that name a request and no prediction, each with the prediction that is meant: that of the instance, or, where it names none, the request's only
 * one. Which requests have several is computed when there is such an actual, of those that such actuals name.
 */
export const actualsByRequest = (source: ReportSource, label: string, from: From): string => {
  const { words, name } = source
  const actuals = source.actuals!
  const q = words.quote
  const [ofRow, ofOther] = ['p', 'o'].map((alias) => plainTextOf(source, 'request_id', alias)!)
  const instanceOfRow = numberOf(source, 'instance')
  const [ofPrediction, ofRequest, ofInstance] = ['prediction_id', 'request_id', 'instance'].map(actuals.own)
  const instance = instanceOfRow === undefined ? '' : ` and coalesce(a.${ofInstance}, 0) = ${instanceOfRow}`
  const alone = `select n.${ofRequest} from ${actuals.name} n where n.${ofPrediction} is null and n.${ofInstance} is null and n.${ofRequest} is not null`
  const several = `select ${ofOther} from ${name} o where ${ofOther} in (${alone}) group by ${ofOther} having count(*) > 1`
  const on = `a.${ofPrediction} is null and a.${ofRequest} = ${ofRow}${instance} and (a.${ofInstance} is not null or a.${ofRequest} not in (${several}))`
  return `select ${comparedIds(source).ofRow}, a.${q(label)}, ${orderOf(source)} from ${from(` join ${actuals.name} a on ${on}`)}`
}
