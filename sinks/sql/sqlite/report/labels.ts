import { LATER_BY } from '../../actuals/columns.ts'
import { quote } from './own.ts'
import type { Inspected } from './table.ts'

/** Actuals of a request's prediction: that of the instance, or, where they name none, the request's only one. */
const ofRequest = ({ table, actualsTable, own }: Inspected): string => {
  const request = quote(own.request_id!)
  const instance = own.instance === undefined ? '' : ` and coalesce(r.instance, 0) = p.${quote(own.instance)}`
  const alone = `select request_id from ${quote(actualsTable)} where prediction_id is null and instance is null and request_id is not null`
  const several = `select ${request} from ${quote(table)} where ${request} in (${alone}) group by 1 having count(*) > 1`
  return `r.prediction_id is null and r.request_id = p.${request}${instance} and (r.instance is not null or r.request_id not in (${several}))`
}

const LATEST = `order by ${LATER_BY.map((name) => `${name} desc`).join(', ')} limit 1`

/** The number of a prediction's latest actual. */
const latestOf = (inspected: Inspected): string => {
  const actuals = quote(inspected.actualsTable)
  const isOfPrediction = `prediction_id = p.${quote(inspected.own.id!)}`
  if (!inspected.byRequest) return `select rowid from ${actuals} where ${isOfPrediction} ${LATEST}`
  const members = ['rowid as number', ...LATER_BY].join(', ')
  const both = `select ${members} from ${actuals} where ${isOfPrediction} union all select ${members} from ${actuals} r where ${ofRequest(inspected)}`
  return `select number from (${both}) ${LATEST}`
}

/** The predictions as `p`, each with its latest actual as `a`, or without: as the view `<table>_labelled` has them (see `../../actuals/columns.ts`). */
export const fromLabelled = (inspected: Inspected): string =>
  `${quote(inspected.table)} p left join ${quote(inspected.actualsTable)} a on a.rowid = (${latestOf(inspected)}) and not coalesce(a.retracted, 0)`

export const fromPlain = ({ table }: Inspected): string => `${quote(table)} p`
