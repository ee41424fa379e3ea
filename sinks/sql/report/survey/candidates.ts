import { membersOf } from '../members.ts'
import { columnsOf, hasMembers, type Valued } from '../rows.ts'
import type { ReportSource } from '../source.ts'
import type { ReadSession } from '../words.ts'
import type { Counted } from './count.ts'
import { sampledFrom } from './sample.ts'

/** The columns; in a table without a schema the scalar members of `features` and `outputs`. */
export const candidatesOf = async (
  session: ReadSession,
  source: ReportSource,
  counted: readonly Counted[],
): Promise<Valued[]> => {
  const columns = columnsOf(source)
  const whole = columns.filter(hasMembers)
  if (whole.length === 0) return columns
  const samples = counted.map((window) => ({ bindings: window.bindings, from: sampledFrom(source, window) }))
  const members = await membersOf(session, source, whole, samples)
  const expanded = new Set(members.map(({ role }) => role))
  return [
    ...columns.filter((column) => !whole.includes(column) || !expanded.has(column.role)),
    ...members.map(({ name, role, kind, path }) => ({ name, role, kind, member: path })),
  ]
}
