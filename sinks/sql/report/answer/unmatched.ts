import { comparedIds } from '../rows.ts'
import type { ReadSession } from '../words.ts'
import type { Asking } from './asking.ts'

/** How many reports came in a window and belong to no prediction that is stored. */
export const countUnmatched = async ({ source, window, bindings }: Asking, session: ReadSession): Promise<number> => {
  const { ofRow, ofActual } = comparedIds(source)
  const { words, name } = source
  const actuals = source.actuals!
  const reported = `a.${actuals.own('reported_at')}`
  const text = `select count(*) from ${actuals.name} a
    where ${reported} >= ${words.instant(window.since, bindings)} and ${reported} < ${words.instant(window.until, bindings)}
    and a.${actuals.own('prediction_id')} is not null and not exists (select 1 from ${name} p where ${ofRow} = ${ofActual})`
  const [[count] = []] = await session.query(bindings.finish(text))
  return Number(count)
}
