import type { Kind } from '../../../src/report/answers.ts'

/** A statement with its values, each where it stands: `«n»`. A driver's own placeholders are put in when it is whole. */
export interface Bindings {
  /** What stands for a value in the text. */
  bind(value: unknown): string
  /** The text as the driver takes it, with its values in order. */
  finish(text: string): Statement
}

export interface Statement {
  readonly sql: string
  readonly values: readonly unknown[]
}

export const newBindings = (placeholder: (index: number) => string): Bindings => {
  const given: unknown[] = []
  return {
    bind: (value) => `\u0001${given.push(value) - 1}\u0002`,
    finish(text) {
      const values: unknown[] = []
      // eslint-disable-next-line no-control-regex -- no name and no literal has these in it
      const sql = text.replace(/\u0001(\d+)\u0002/g, (_, index: string) =>
        placeholder(values.push(given[Number(index)])),
      )
      return { sql, values }
    },
  }
}

/** What a report needs of a database's SQL, where the databases differ. */
export interface Words {
  quote(name: string): string
  placeholder(index: number): string
  /** A number as a literal that is a double. */
  double(value: number): string
  /** What a column of a type holds; undefined: only the values can tell. */
  kindOf(type: string): Kind | undefined
  /** Whether a column of a type can be compared with an instant. */
  isTime(type: string): boolean
  /** What a column of times is best. */
  readonly timeType: string
  /** How many of some ascending edges are at most a number; null of null. */
  countBelow(value: string, edges: readonly number[], bindings: Bindings): string
  /** How many of some ascending instants are at most a timestamp. */
  countBefore(timestamp: string, instants: readonly Date[], bindings: Bindings): string
  /** A column's value as a number: in seconds since 1970 of a timestamp. */
  number(column: string, kind: Kind, type: string): string
  /** A column of any other type than a number's as a number: of texts that are one. */
  numberIn(column: string): string
  /** A column of some type as JSON that is well formed; undefined: it holds none. */
  json(column: string, type: string): string | undefined
  /** Whether a type has infinities, NaN, or numbers too great to be added up. */
  hasUnusable(type: string): boolean
  /** A number as it may be multiplied, where so small a product is refused: near 0 it is 0. */
  factor(value: string): string
  /** As text: `true` and `false` of a truth value. */
  text(column: string, kind: Kind, type: string): string
  /** A member of a JSON column as its kind has it: a number, or a text; null where it is of another kind. */
  member(column: string, path: readonly string[], kind: Kind, bindings: Bindings): string
  /** Whether there is something at a member of a JSON column. */
  hasMember(column: string, path: readonly string[], bindings: Bindings): string
  /** A tag as text. */
  tag(column: string, name: string, bindings: Bindings): string
  /** A timestamp to compare with. */
  instant(date: Date, bindings: Bindings): string
  /** The seconds from one timestamp to another. */
  secondsBetween(from: string, to: string): string
  /** An id in a form that can be compared with one of another type, where the two can't be as they are. */
  comparable(id: string, type: string, as: string): string
  /** An id as text. */
  idText(id: string): string
  /** An id in its own order, so that there is a least and a greatest: a text. */
  ordered(id: string): string
  /** What a JSON scalar is: `number`, `boolean`, `category`; null of anything else. */
  jsonKind(value: string): string
  /** The members of the objects in a JSON column of some rows. */
  memberNames(column: string, from: string): string
  /** The scalars in JSON values, `j` of some rows: their path as an array of texts, their kind (`time` too), and how many there are. */
  members(rows: string, depth: number): string
  /** The same rows at each run, about this share of all, by a hash of their id, which is of a type. */
  sample(id: string, type: string, share: number): string
  /** Of rows the last one by each value of the first of some columns, in the order of the others. */
  latest(rows: string, columns: readonly string[]): string
  /** Whether the latest actual of each prediction is found by a group, whose other columns are those of any of its rows. */
  readonly groupsActuals: boolean
  /** What keeps a subquery's expressions from being computed anew wherever they are named, of some subqueries in one another. */
  fence(layers: number): string
  /** Whether one statement takes several sets of keys. */
  readonly groupingSets: boolean
  /** Names of members of `extra` with their reasons: what follows `from rows q`, and both expressions. */
  readonly extra: {
    join(column: string): string
    readonly path: string
    reason(column: string): string
  }
}

/** A session in which nothing is written, and all statements see the same state. */
export interface ReadSession {
  query(statement: Statement): Promise<readonly (readonly unknown[])[]>
  close(): Promise<void>
}

/** A session that reads many rows without keeping them. */
export interface ReportSession extends ReadSession {
  each(statement: Statement, take: (row: readonly unknown[]) => void): Promise<void>
}
