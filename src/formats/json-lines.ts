import { messageOf } from '../errors/errors.ts'
import { keptText, keptWords, MAX_TEXT } from '../records/cut.ts'
import type { Steps } from '../steps/time-slices.ts'
import { parseInSteps } from './json-steps.ts'

/** The values of a text in JSON Lines, one a line that is not blank. */
export interface JsonLines {
  /** A line that is no JSON is an object without members, so that the others keep their places. */
  readonly items: readonly unknown[]
  /** Which lines are no JSON; undefined: all are. */
  readonly note?: { readonly value: unknown; readonly reason: string }
}

/** About how many characters are parsed in a step. */
const STEP = 64 * 1024

/** How many bad lines are named, and how many are quoted. */
const MAX_NAMED = 100
const MAX_QUOTED = 8

/** What is kept of a message of the parser's, in UTF-16 code units. */
const MAX_MESSAGE = 200

interface BadLine {
  /** From 1 on, blank lines included. */
  readonly number: number
  readonly text: string
  readonly reason: string
}

/**
 * Parses JSON Lines (https://jsonlines.org, also called NDJSON): a JSON value a line, the last with or without a line break. Blank lines
 * are left out.
 * @param isStrict gives up at the first line that is no JSON: nobody has said that the text is JSON Lines
 * @returns undefined: it is not, or no line of it is JSON
 */
export const parseJsonLines = function* (
  text: string,
  parse: (text: string) => unknown,
  isStrict: boolean,
): Steps<JsonLines | undefined> {
  const items: unknown[] = []
  const bad: BadLine[] = []
  let stepAt = STEP
  for (let start = 0, number = 1; start < text.length; number++) {
    const at = text.indexOf('\n', start)
    const end = at < 0 ? text.length : at
    const line = text.slice(start, end)
    start = end + 1
    if (line.trim() === '') continue
    if (start > stepAt) {
      stepAt = start + STEP
      yield
    }
    try {
      items.push(line.length > STEP ? yield* parseInSteps(line, parse) : parse(line))
    } catch (error) {
      if (isStrict) return undefined
      items.push({})
      bad.push({ number, text: line, reason: messageOf(error) })
    }
  }
  if (bad.length === items.length) return undefined
  return bad.length === 0 ? { items } : { items, note: noteOf(bad, items.length) }
}

const noteOf = (bad: readonly BadLine[], lines: number): NonNullable<JsonLines['note']> => {
  const names = bad.slice(0, MAX_NAMED).map(({ number }) => number)
  const more = bad.length > names.length ? ` and ${bad.length - names.length} more` : ''
  const quoted = bad
    .slice(0, MAX_QUOTED)
    .map(({ number, text }) => [`line ${number}`, keptText(text, MAX_TEXT / MAX_QUOTED)] as const)
  return {
    value: Object.fromEntries(quoted),
    reason:
      `${bad.length} of ${lines} lines are no JSON: line ${names.join(', ')}${more}; ` +
      `the first: ${keptWords(bad[0]!.reason, MAX_MESSAGE)}`,
  }
}
