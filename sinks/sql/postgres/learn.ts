import type { Session } from '../session.ts'
import type { Spelling } from './encoding.ts'
import { untranslatableIn } from './errors.ts'

const PAST_ASCII = /[\x80-\ud7ff\ue000-\uffff]/g

/** The characters of some texts that a database may not hold, each once. Those past the basic plane are spelled in any case. */
const charactersOf = (texts: readonly string[]): string =>
  [...new Set(texts.flatMap((text) => text.match(PAST_ASCII) ?? []))].join('')

/**
 * Asks a server which characters it can't translate to its database's encoding, of those that are not known yet: it names the first,
 * and then the next is asked for. Each is asked for once, so that this ends.
 *
 * @returns whether there were any
 */
export const learnFrom = async (
  session: Session<unknown>,
  spelling: Spelling,
  texts: readonly string[],
): Promise<boolean> => {
  if (spelling.refused === undefined) return false
  let left = charactersOf(texts).replace(spelling.refused, '')
  let found = false
  while (left !== '') {
    try {
      await session.query('select $1::text is null as translated', [left])
      return found
    } catch (error) {
      const character = untranslatableIn(error)
      if (character === undefined || !left.includes(character)) throw error
      spelling.refuse(character)
      found = true
      // What stands before it has been translated.
      left = left.slice(left.indexOf(character) + character.length)
    }
  }
  return found
}
