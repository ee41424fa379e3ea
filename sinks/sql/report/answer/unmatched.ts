import { comparedIds } from '../rows.ts'
import type { ReadSession } from '../words.ts'
import type { Asking } from './asking.ts'

/** The ids of the window; of the reference too where it ends as the window begins, as actuals come late. Undefined: they can't be told. */
const idsNear = ({ known, plan, window }: Asking) => {
  const { ids } = known.current
  const before = plan.reference?.until.getTime() === window.since.getTime() ? known.reference?.ids : undefined
  return ids && { first: before?.first ?? ids.first, last: ids.last }
}

/**
 * How many reports came in a window and belong to no prediction that is stored. Those that name an id of about the window are compared with the predictions
 * there, and others looked up one by one: a database that is left to choose reads the whole table.
 */
export const countUnmatched = async (asking: Asking, session: ReadSession): Promise<number> => {
  const { source, window, bindings } = asking
  const { words, name } = source
  const { ofRow, ofActual, type } = comparedIds(source)
  const actuals = source.actuals!
  const reported = `a.${actuals.own('reported_at')}`
  const reports = `select count(*) from ${actuals.name} a
    where ${reported} >= ${words.instant(window.since, bindings)} and ${reported} < ${words.instant(window.until, bindings)}
    and a.${actuals.own('prediction_id')} is not null`
  const ids = idsNear(asking)
  const found = `select 1 from ${name} p where ${ofRow} = ${ofActual}`
  const count = async (condition: string): Promise<number> => {
    const [[count] = []] = await session.query(bindings.finish(`${reports} and ${condition}`))
    return Number(count)
  }
  // Of two types there is no index to look up by.
  if (!ids || type === '') return count(`not exists (${found})`)
  const near = (id: string) => `${id} between ${bindings.bind(ids.first)} and ${bindings.bind(ids.last)}`
  const nearOnes = await count(`${near(ofActual)} and not exists (${found} and ${near(ofRow)})`)
  return nearOnes + (await count(`not (${near(ofActual)}) and (${found} limit 1) is null`))
}
