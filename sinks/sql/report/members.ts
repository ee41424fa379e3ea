import { countMembers, type JsonMember } from '../../../src/report/tally/json-members.ts'
import type { Kind, Role } from '../../../src/report/answers.ts'
import type { ReportSource } from './source.ts'
import type { Bindings, ReadSession } from './words.ts'

/** The scalar members of JSON columns by the kinds of their values: found level by level, in the database. */

interface Sample {
  readonly bindings: Bindings
  readonly from: string
}

/** Rows whose members are looked at. */
const ROWS = 2000
const MAX_DEPTH = 4

export const membersOf = async (
  session: ReadSession,
  source: ReportSource,
  columns: readonly { readonly name: string; readonly role: Role }[],
  samples: readonly Sample[],
): Promise<JsonMember[]> => {
  const counts = countMembers()
  for (const { name, role } of columns) {
    const column = `p.${source.words.quote(name)}`
    for (const { bindings, from } of samples) {
      const rows = `select ${column} as j from ${from} and ${column} is not null limit ${ROWS}`
      for (const [path, kind, count] of await session.query(bindings.finish(source.words.members(rows, MAX_DEPTH))))
        counts.addMember(role, source.stepsOf(path), kind as Kind, Number(count))
    }
  }
  return counts.members()
}
