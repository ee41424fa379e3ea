import { createHmac } from 'node:crypto'
import { decode, encode } from '../records/json.ts'
import type { Members } from '../records/members.ts'
import { tooDeep } from '../records/too-deep.ts'
import { followRules, mayEndOnItem, type Action, type Step } from './rules.ts'

/** Makes of a value what a rule wants; undefined: it is left out. */
export type Replace = (action: Action, value: unknown, rule: string) => unknown

/** As deep as `encode` writes. */
const MAX_DEPTH = 200

/**
 * Redacts below a value. What changes is copied, the rest is shared. A value is seen as it will be written: a `toJSON`, Map,
 * Set or typed array in its JSON form, and what would be written as a note (a circle, what throws) is that note already.
 */
export const redactBelow = (value: unknown, steps: readonly Step[], replace: Replace): unknown => {
  const above = new Set<object>()

  const redact = (value: unknown, steps: readonly Step[]): unknown => {
    if (steps.length === 0 || typeof value !== 'object' || value === null) return value
    if (above.has(value)) return '[circular]'
    if (above.size > MAX_DEPTH) return tooDeep(value, false)
    above.add(value)
    try {
      const form = jsonForm(value)
      if (form !== value) return redact(form, steps)
      return Array.isArray(value) ? redactItems(value, steps) : redactMembers(value as Members, steps)
    } catch {
      // A getter, a proxy or a toJSON of the app's that throws: nobody can say what is in there.
      return '[unreadable]'
    } finally {
      above.delete(value)
    }
  }

  const redactMember = (name: string, value: unknown, steps: readonly Step[]): unknown => {
    const { action, below, rule } = followRules(steps, name)
    return action === undefined ? redact(value, below) : replace(action, value, rule ?? '')
  }

  const redactItems = (items: readonly unknown[], steps: readonly Step[]): readonly unknown[] => {
    const scalars = steps.some(mayEndOnItem)
    let copy: unknown[] | undefined
    for (let i = 0; i < items.length; i++) {
      const item = items[i]
      if (!scalars && (typeof item !== 'object' || item === null)) continue
      const result = redactMember(String(i), item, steps)
      // The others keep their places.
      if (result !== item) (copy ??= [...items])[i] = result === undefined ? null : result
    }
    return copy ?? items
  }

  const redactMembers = (members: Members, steps: readonly Step[]): Members => {
    let changed = false
    const entries: [string, unknown][] = []
    for (const name of Object.keys(members)) {
      const member = members[name]
      const result = redactMember(name, member, steps)
      if (!Object.is(result, member)) changed = true
      if (result !== undefined) entries.push([name, result])
    }
    // Unlike an assignment, this makes a member of any name, `__proto__` as well.
    return changed ? Object.fromEntries(entries) : members
  }

  return redact(value, steps)
}

/** The next step to what `encode` makes of an object; the object itself where it is written by its members or as a whole. */
const jsonForm = (value: object): unknown => {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return Array.from(value as unknown as ArrayLike<unknown>)
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, member]) => [String(key), member]))
  if (value instanceof Set) return [...value]
  const { toJSON } = value as { toJSON?: unknown }
  return typeof toJSON === 'function' ? (toJSON.call(value) as unknown) : value
}

/** `****` and the last four characters (code points); of four or fewer, and of what is no text or number, `****` alone. */
export const maskText = (value: unknown): string => {
  const text = canonicalScalar(value)
  if (text === undefined || typeof value === 'boolean') return '****'
  // Ten units hold at least five characters: enough to know whether there are more than four.
  const end = Array.from(text.slice(-10))
  return end.length > 4 ? `****${end.slice(-4).join('')}` : '****'
}

export const hashed = (value: unknown, key: string): string =>
  createHmac('sha256', key)
    .update(canonicalScalar(value) ?? encode(sorted(decode(encode(value)))))
    .digest('hex')

/** A scalar's text, the same in every service: a string as it is, a number in its shortest decimal notation. */
export const canonicalScalar = (value: unknown): string | undefined => {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
      return undefined
  }
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]))
}
