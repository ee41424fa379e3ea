import type { Kind, Role } from '../answers.ts'

/** Scalar members of JSON columns, as columns: what a table without a schema has. */

export interface JsonMember {
  readonly name: string
  readonly role: Role
  readonly path: readonly string[]
  readonly kind: Kind
}

type Tree = Readonly<Record<string, unknown>> | readonly unknown[]

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null

const MAX_DEPTH = 4
const MAX_MEMBERS = 200
/** An array of more is a tensor, and none of its elements a feature that somebody would know by its place. */
const MAX_ITEMS = 50

const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?/

const kindOf = (value: unknown): Kind => {
  if (typeof value === 'number') return 'number'
  if (typeof value === 'boolean') return 'boolean'
  return typeof value === 'string' && TIME.test(value) ? 'time' : 'category'
}

/** NaN and infinities as JSON has them: they say nothing against a number. */
const NOT_FINITE = new Set(['NaN', 'Infinity', '-Infinity'])

export interface MemberCounts {
  add(role: Role, json: unknown): void
  /** A member that others have counted. */
  addMember(role: Role, path: readonly string[], kind: Kind, rows: number): void
  /** At most 200, those of the most rows first in their order. */
  members(): JsonMember[]
}

/** Counts what members a sample of rows has, and of what kind they are. */
export const countMembers = (): MemberCounts => {
  const found = new Map<string, { role: Role; path: readonly string[]; kinds: Map<Kind, number>; rows: number }>()

  const count = (role: Role, path: readonly string[], value: unknown): void => {
    if (isTree(value)) {
      const entries = Object.entries(value)
      if (path.length < MAX_DEPTH && entries.length <= (Array.isArray(value) ? MAX_ITEMS : MAX_MEMBERS))
        for (const [name, below] of entries) count(role, [...path, name], below)
      return
    }
    if (path.length === 0 || value === null || value === undefined) return
    const isNumber = typeof value === 'string' && NOT_FINITE.has(value)
    countMember(role, path, isNumber ? 'number' : kindOf(value), 1)
  }

  const countMember = (role: Role, path: readonly string[], kind: Kind, rows: number): void => {
    const key = JSON.stringify([role, ...path])
    let member = found.get(key)
    if (!member) found.set(key, (member = { role, path, kinds: new Map(), rows: 0 }))
    member.rows += rows
    member.kinds.set(kind, (member.kinds.get(kind) ?? 0) + rows)
  }

  return {
    add: (role, json) => count(role, [], json),
    addMember: countMember,
    members() {
      const kept = [...found.values()].sort((a, b) => b.rows - a.rows).slice(0, MAX_MEMBERS)
      const taken = new Set<string>()
      // Outputs keep their names, as they do in a table with columns.
      for (const { role, path } of kept) if (role === 'output') taken.add(nameOf(path))
      return kept.map(({ role, path, kinds }) => {
        const plain = nameOf(path)
        let name = role === 'feature' && taken.has(plain) ? `feature_${plain}` : plain
        while (role === 'feature' && taken.has(name)) name += '_'
        taken.add(name)
        const kind = [...kinds].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'number'
        return { name, role, path, kind }
      })
    },
  }
}

/** `sepal_length`; of an array's items `f0`. */
const nameOf = (path: readonly string[]): string =>
  path.map((step) => (/^\d+$/.test(step) ? `f${step}` : step)).join('_')

/** What stands at a path; undefined: nothing. */
export const memberOf = (json: unknown, path: readonly string[]): unknown => {
  let value = json
  for (const step of path) {
    if (!isTree(value) || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value
}

/** A JSON member's value as a column of its kind has it; a value of another kind is missing. */
export const valueAs = (kind: Kind, value: unknown): unknown => {
  if (value === null || value === undefined || isTree(value)) return undefined
  if (kind === 'number')
    return typeof value === 'number' || (typeof value === 'string' && NOT_FINITE.has(value)) ? value : undefined
  if (kind === 'time') return secondsOf(value)
  return typeof value === 'string' ? value : String(value)
}

/** Seconds since 1970 of a time's text. */
export const secondsOf = (value: unknown): number | undefined => {
  if (typeof value !== 'string') return undefined
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value.replace(' ', 'T')}Z`)
  return Number.isNaN(time) ? undefined : time / 1000
}
