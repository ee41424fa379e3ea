import { LATER_BY } from '../actuals/columns.ts'
import { comparedIds, type From, type IdRange, type ReportSource } from './rows.ts'
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
  if (words.looksUpActuals && byRequest === undefined) {
    const key = (alias: string) => LATER_BY.map((name) => `${alias}.${actuals!.own(name)}`).join(', ')
    const id = actuals!.own('prediction_id')
    const hasLater = `exists (select 1 from ${actuals!.name} b where b.${id} = a.${id} and (${key('b')}) > (${key('a')}))`
    return `(select ${ofActual} as pid, a.${q(label)} as label, a.${actuals!.own('timestamp')} as known from ${actuals!.name} a where not ${hasLater} and (a.${actuals!.own('retracted')} is null or not a.${actuals!.own('retracted')})) a`
  }
  const inRange = range ? `between ${bindings.bind(range.first)} and ${bindings.bind(range.last)}` : 'is not null'
  const byId = `select ${ofActual} as pid, a.${q(label)} as label, ${orderOf(source)} from ${actuals!.name} a where ${ofActual} ${inRange}`
  const all = byRequest === undefined ? byId : `${byId} union all ${byRequest}`
  const latest = words.latest(all, ['pid', ...LATER_BY.map(q)])
  return `(select pid, label, ${q('timestamp')} as known from ${latest} l where retracted is null or not retracted) a`
}

/**
 * Actuals that name a request and no prediction, each with the prediction that is meant: that of the instance, or, where it names none, the request's only
 * one. Which requests have several is computed when there is such an actual, of those that such actuals name.
 */
export const actualsByRequest = (source: ReportSource, label: string, from: From): string => {
  const { words, name, table } = source
  const actuals = source.actuals!
  const q = words.quote
  const request = q(table.own.request_id!)
  const [ofPrediction, ofRequest, ofInstance] = ['prediction_id', 'request_id', 'instance'].map(actuals.own)
  const instance =
    table.own.instance === undefined ? '' : ` and coalesce(a.${ofInstance}, 0) = p.${q(table.own.instance)}`
  const alone = `select n.${ofRequest} from ${actuals.name} n where n.${ofPrediction} is null and n.${ofInstance} is null and n.${ofRequest} is not null`
  const several = `select o.${request} from ${name} o where o.${request} in (${alone}) group by o.${request} having count(*) > 1`
  const on = `a.${ofPrediction} is null and a.${ofRequest} = p.${request}${instance} and (a.${ofInstance} is not null or a.${ofRequest} not in (${several}))`
  return `select ${comparedIds(source).ofRow}, a.${q(label)}, ${orderOf(source)} from ${from(` join ${actuals.name} a on ${on}`)}`
}
