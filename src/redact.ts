import { createHash, createHmac } from 'node:crypto'
import { didYouMean } from './config/nearest.ts'

/** What happens to a value: it is left out, cut to its last four characters, or replaced by its HMAC. */
const ACTIONS = ['drop', 'mask', 'hash'] as const
type Action = (typeof ACTIONS)[number]

/** Where a record's members stand. */
const SOURCES = ['features', 'outputs', 'tags'] as const
export type RedactSource = (typeof SOURCES)[number]

interface Rule {
  /** The only source it is for; undefined: all. */
  readonly source: RedactSource | undefined
  readonly path: readonly string[]
  readonly action: Action
}

const parseRule = (text: string): Rule | { mistake: string } => {
  const [, whole = '', action = 'drop'] = /^(.*?)(?::([^:.[\]]*))?$/s.exec(text) ?? []
  const words = whole.replace(/\[(\d+|\*)\]/g, '.$1').split('.')
  if (!(ACTIONS as readonly string[]).includes(action))
    return { mistake: `"${text}" has an unknown action: write :drop, :mask or :hash${didYouMean(action, ACTIONS)}` }
  const source = words.length > 1 ? SOURCES.find((name) => name === words[0]) : undefined
  const path = source === undefined ? words : words.slice(1)
  if (path.includes('')) return { mistake: `"${text}" has an empty member in its path` }
  return { source, path, action: action as Action }
}

/** What is wrong with rules of redaction, to be read after the value; empty: nothing. */
export const redactMistakes = (rules: readonly string[]): string[] =>
  rules.map(parseRule).flatMap((rule) => ('mistake' in rule ? [rule.mistake] : []))

/** The first rule that needs a key. */
export const ruleWithHash = (rules: readonly string[]): string | undefined =>
  rules.find((text) => {
    const rule = parseRule(text)
    return !('mistake' in rule) && rule.action === 'hash'
  })

void createHash
void createHmac
