import { didYouMean } from '../config/nearest.ts'

/** What happens to a value: it is left out, cut to its last four characters, or replaced by its HMAC. */
const ACTIONS = ['drop', 'mask', 'hash'] as const
export type Action = (typeof ACTIONS)[number]

/** Where a record's members stand. */
export const SOURCES = ['features', 'outputs', 'tags', 'actuals'] as const
export type RecordPart = (typeof SOURCES)[number]

/** A rule's path as a chain: what a name must be, and what comes below; at its end, what happens. */
export interface Step {
  readonly name: string
  readonly next: Step | undefined
  readonly action: Action
  /** As it was written. */
  readonly rule: string
}

interface Rule {
  /** The only source it is for; undefined: all. */
  readonly source: RecordPart | undefined
  readonly path: readonly string[]
  readonly action: Action
  /** As it was written. */
  readonly text: string
}

const isAction = (word: string): word is Action => (ACTIONS as readonly string[]).includes(word)

const parseRule = (text: string): Rule | { mistake: string } => {
  const colon = text.lastIndexOf(':')
  const action = colon < 0 ? 'drop' : text.slice(colon + 1).trim()
  if (!isAction(action))
    return { mistake: `"${text}" has an unknown action: write :drop, :mask or :hash${didYouMean(action, ACTIONS)}` }
  const path = (colon < 0 ? text : text.slice(0, colon)).trim()
  const names = path.replace(/\[(\d+|\*)\]/g, '.$1').split('.')
  const source = names.length > 1 ? SOURCES.find((name) => name === names[0]) : undefined
  if (source !== undefined) names.shift()
  return names.includes('')
    ? { mistake: `"${text}" has an empty name in its path` }
    : { source, path: names, action, text }
}

/** What is wrong with rules; empty: nothing. */
export const redactMistakes = (rules: readonly string[]): string[] =>
  rules.map(parseRule).flatMap((rule) => ('mistake' in rule ? [rule.mistake] : []))

const parseRules = (rules: readonly string[]): Rule[] => rules.map(parseRule).filter((rule) => 'path' in rule)

/** The first rule that needs a key. */
export const ruleWithHash = (rules: readonly string[]): string | undefined =>
  rules.find((rule) => parseRules([rule]).some(({ action }) => action === 'hash'))

/** The rules for a source, each by its first step. */
export const stepsOf = (rules: readonly string[], source: RecordPart): readonly Step[] =>
  parseRules(rules)
    .filter((rule) => rule.source === undefined || rule.source === source)
    .map(({ path, action, text: rule }) =>
      path.reduceRight<Step | undefined>((next, name) => ({ name, next, action, rule }), undefined),
    )
    .filter((step) => step !== undefined)

/** Where rules end that name one member, at one depth: its name, and how deep it stands. */
export const endsOf = (rules: readonly string[]): { rule: string; name: string; depth: number; action: Action }[] =>
  parseRules(rules).flatMap(({ path, action, text }) => {
    const name = path.at(-1)
    const isOpen = name === undefined || name === '*' || path.includes('**') || /^\d+$/.test(name)
    return isOpen ? [] : [{ rule: text, name, depth: path.length, action }]
  })

/** What the rules say of a value: what happens to it, or the steps that may lead to values below it. */
export interface RuleMatch {
  readonly action: Action | undefined
  readonly below: readonly Step[]
  /** The rule whose action it is. */
  readonly rule?: string
}

/** Goes to the member `name`. A name with dots in it is gone along as the path that it spells. */
export const followRules = (steps: readonly Step[], name: string): RuleMatch =>
  name.includes('.') ? followPath(steps, name.split('.')) : followName(steps, name)

export const followPath = (steps: readonly Step[], path: readonly string[]): RuleMatch => {
  let verdict: RuleMatch = { action: undefined, below: steps }
  for (const name of path) {
    if (verdict.action !== undefined || verdict.below.length === 0) break
    verdict = followName(verdict.below, name)
  }
  return verdict
}

const followName = (steps: readonly Step[], name: string): RuleMatch => {
  const below: Step[] = []
  for (const step of steps) {
    const action = take(step, name, below)
    if (action !== undefined) return { action, below: [], rule: step.rule }
  }
  return { action: undefined, below }
}

/** By a rule's name, or one of the values that an array or a tensor of that name was taken apart to: `email_0`, `email_1`, … */
const isNamed = (name: string, ruled: string): boolean =>
  name === ruled || (name.startsWith(ruled) && /^_\d+$/.test(name.slice(ruled.length)))

/** Takes one step to `name`: the action if the rule ends there; what may follow goes to `below`. */
const take = (step: Step, name: string, below: Step[]): Action | undefined => {
  if (step.name === '**') {
    if (!below.includes(step)) below.push(step)
    // It also stands for no level at all; at a rule's end for one at least.
    return step.next === undefined ? step.action : take(step.next, name, below)
  }
  if (step.name !== '*' && !isNamed(name, step.name)) return undefined
  if (step.next === undefined) return step.action
  if (!below.includes(step.next)) below.push(step.next)
  return undefined
}

/** Whether a rule may end on an array's item: if not, an array of a million numbers need not be looked through. */
export const mayEndOnItem = ({ name, next }: Step): boolean => {
  if (name === '**') return next === undefined || mayEndOnItem(next)
  return next === undefined && (name === '*' || /^\d+$/.test(name))
}
