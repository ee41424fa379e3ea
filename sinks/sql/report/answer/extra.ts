import { addCell } from '../../../../src/report/tally/cells.ts'
import { jsonOf, weightOf } from '../own.ts'
import type { Task } from '../sessions.ts'
import type { Asking } from './asking.ts'
import { cellOf } from './fill.ts'

/** What did not fit, by path and reason. */
export const extraTasks = (asking: Asking): Task<void>[] => {
  const { source, tally, known, bindings, from } = asking
  if (!known.hasExtra) return []
  const { words } = source
  const column = jsonOf(source, 'extra')
  if (column === undefined) return []
  const w = weightOf(source)
  const text = `select ${words.extra.path}, ${words.extra.reason(column)}, count(*) as n, sum(${w}), sum(${w} * ${w}) from ${from(` ${words.extra.join(column)}`)} and ${column} is not null group by 1, 2 order by n desc limit 50`
  return [
    async (session) => {
      for (const [path, reason, ...sums] of await session.query(bindings.finish(text)))
        addCell(tally.extra(String(path), String(reason ?? '')), cellOf(sums.map(Number)))
    },
  ]
}
