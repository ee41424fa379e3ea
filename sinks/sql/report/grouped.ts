import type { Bindings, ReadSession, Words } from './words.ts'

/** Sums over rows by several sets of keys: one statement where the database has grouping sets, else one a set. */
export interface Grouped {
  /** Expressions over the rows, by the name that keys and sums have for them. */
  readonly names: Readonly<Record<string, string>>
  /** More names, layer by layer, each over those of the layers before. */
  readonly layers?: readonly Readonly<Record<string, string>>[]
  /** `table p where …` */
  readonly from: string
  readonly sets: readonly KeySet[]
  /** Expressions over the names. */
  readonly sums: readonly string[]
}

export interface KeySet {
  readonly keys: readonly string[]
  /** A group: its keys in their order, and its sums. */
  take(keys: readonly unknown[], sums: readonly number[]): void
}

/** Names that an expression has in it. */
const namesIn = (expressions: readonly string[]): Set<string> =>
  new Set(expressions.flatMap((expression) => expression.match(/\b[a-z]+\d*\b/g) ?? []))

/** The rows with the names that are asked for: each layer's names over those of the layer below, so that nothing is computed twice. */
const rowsOf = (words: Words, { names, layers = [], from, sums }: Grouped, keys: readonly string[]): string => {
  const all = [names, ...layers]
  const needed = all.map(() => new Set<string>())
  let wanted = new Set([...keys, ...namesIn(sums)])
  for (let at = all.length - 1; at >= 0; at--) {
    const below = all.slice(0, at)
    const isKnown = (name: string) => name in all[at]! || below.some((layer) => name in layer)
    const here = [...wanted].filter(isKnown)
    for (const name of here) needed[at]!.add(name)
    wanted = new Set([
      ...here.filter((name) => !(name in all[at]!)),
      ...namesIn(here.flatMap((name) => (at > 0 ? (all[at]![name] ?? []) : []))),
    ])
  }
  return all.reduce((inner, layer, at) => {
    const selects = [...needed[at]!].map((name) => (name in layer ? `${layer[name]} as ${name}` : name))
    return `(select ${selects.length === 0 ? '1 as one' : selects.join(', ')} from ${inner}${words.fence}) r${at}`
  }, from)
}

const take = (set: KeySet, keyCount: number, row: readonly unknown[], at: (key: string) => number): void =>
  set.take(
    set.keys.map((key) => row[at(key)]),
    row.slice(keyCount).map(Number),
  )

const askTogether = async (
  session: ReadSession,
  words: Words,
  question: Grouped,
  bindings: Bindings,
): Promise<void> => {
  const keys = [...new Set(question.sets.flatMap((set) => set.keys))]
  const at = new Map(keys.map((key, index) => [key, index + 1]))
  // A key's bit is set in groups that it does not tell apart.
  const mask = (set: KeySet) => keys.reduce((bits, key) => bits * 2 + (set.keys.includes(key) ? 0 : 1), 0)
  const byMask = new Map(question.sets.map((set) => [mask(set), set]))
  const sets = question.sets.map((set) => `(${set.keys.join(', ')})`).join(', ')
  const grouping = keys.length === 0 ? '0' : `grouping(${keys.join(', ')})`
  const text = `select ${[grouping, ...keys, ...question.sums].join(', ')} from ${rowsOf(words, question, keys)} group by grouping sets (${sets})`
  for (const row of await session.query(bindings.finish(text)))
    take(byMask.get(Number(row[0]))!, keys.length + 1, row, (key) => at.get(key)!)
}

const askEach = async (session: ReadSession, words: Words, question: Grouped, bindings: Bindings): Promise<void> => {
  for (const set of question.sets) {
    const { keys } = set
    const by = keys.length === 0 ? '' : ` group by ${keys.join(', ')}`
    const text = `select ${[...keys, ...question.sums].join(', ')} from ${rowsOf(words, question, keys)}${by}`
    for (const row of await session.query(bindings.finish(text)))
      take(set, keys.length, row, (key) => keys.indexOf(key))
  }
}

/** PostgreSQL's `grouping` takes at most 31 keys. */
const MAX_KEYS = 28

/** Parts of a question that one statement can hold: sets that share keys stand together. */
const inParts = (sets: readonly KeySet[]): KeySet[][] => {
  const parts: KeySet[][] = [[]]
  let keys = new Set<string>()
  for (const set of sets) {
    const more = new Set([...keys, ...set.keys])
    if (more.size > MAX_KEYS) {
      parts.push([])
      keys = new Set(set.keys)
    } else keys = more
    parts.at(-1)!.push(set)
  }
  return parts
}

export const askGrouped = async (
  session: ReadSession,
  words: Words,
  question: Grouped,
  bindings: Bindings,
  done: (sets: number) => void = () => {},
): Promise<void> => {
  if (!words.groupingSets) {
    for (const set of question.sets) {
      await askEach(session, words, { ...question, sets: [set] }, bindings)
      done(1)
    }
    return
  }
  for (const sets of inParts(question.sets)) {
    await askTogether(session, words, { ...question, sets }, bindings)
    done(sets.length)
  }
}
