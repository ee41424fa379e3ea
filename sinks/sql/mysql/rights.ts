import type { Connection } from 'mysql2'
import type { Session } from '../session.ts'
import { isDenied, isRefusal } from './errors.ts'

/** The user as a grant names it, where it lacks a right that a statement takes; undefined: it lacks none. The statement must store nothing. */
export const whoLacksRight = async (session: Session<Connection>, statement: string): Promise<string | undefined> => {
  try {
    await session.query(statement)
    return undefined
  } catch (error) {
    // Whoever is told what is wrong with a value may write one.
    if (isRefusal(error)) return undefined
    if (!isDenied(error)) throw error
    const [found] = await session.query('select current_user() as name')
    return String(found?.['name']).replace(/^(.*)@(.*)$/, "'$1'@'$2'")
  } finally {
    // A transaction that only asked would keep others from changing the table.
    await session.query('rollback')
  }
}
