import { endsOf, type Action } from './rules.ts'
import { isMembers } from '../records/members.ts'

/** After so many requests a rule that matched nothing is told of. */
const REQUESTS = 1_000

/** So many members of a body are looked at for a name that stands deeper, so deep. */
const MAX_MEMBERS = 2_000
const MAX_DEPTH = 20

/** Watches whether rules match anything: `ssn` names the member at the top, and people mean it wherever it stands. */
export interface UnmatchedRules {
  /** A request begins. False: there is nothing more to watch. */
  next(): boolean
  matched(rule: string): void
  /** A body's members, before redaction. */
  look(value: unknown): void
}

/** @param warn told once of each rule that matched nothing in 1,000 requests while a deeper member of its name exists */
export const watchUnmatched = (rules: readonly string[], warn: (message: string) => void): UnmatchedRules => {
  /** Rules that matched nothing yet, by the name that they end in and how deep it is to stand. */
  const open = new Map(endsOf(rules).map((end) => [end.rule, { ...end, isDeeper: false }]))
  let requests = 0

  const lookFor = (value: unknown): void => {
    const waiting = [...open.values()].filter(({ isDeeper }) => !isDeeper)
    if (waiting.length === 0) return
    let members = 0
    const look = (at: unknown, depth: number): void => {
      if (typeof at !== 'object' || at === null || ArrayBuffer.isView(at) || depth > MAX_DEPTH) return
      if (Array.isArray(at)) return at.slice(0, 10).forEach((item) => look(item, depth + 1))
      if (!isMembers(at)) return
      for (const name of Object.keys(at)) {
        if (++members > MAX_MEMBERS) return
        for (const end of waiting) if (end.name === name && depth + 1 > end.depth) end.isDeeper = true
        look(at[name], depth + 1)
      }
    }
    look(value, 0)
  }

  return {
    next() {
      if (open.size === 0) return false
      if (requests++ < REQUESTS) return true
      for (const { rule, name, action, isDeeper } of open.values()) if (isDeeper) warn(noticeOf(rule, name, action))
      open.clear()
      return false
    },
    matched: (rule) => void open.delete(rule),
    look(value) {
      try {
        lookFor(value)
      } catch {
        // A getter of the app's that throws: what redacts it will say so.
      }
    },
  }
}

const noticeOf = (rule: string, name: string, action: Action): string =>
  `PREDICTIONS_REDACT: the rule "${rule}" matched nothing in ${REQUESTS} requests, but a member "${name}" stands deeper in them, ` +
  `in clear: a path begins at the top. Write "**.${name}${action === 'drop' ? '' : `:${action}`}" for wherever it stands`
