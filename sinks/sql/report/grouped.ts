import type { Task } from './sessions.ts'
import type { Bindings, Words } from './words.ts'

/** Sums over rows by several sets of keys. */
export interface Grouped {
  /** Expressions by the names that keys and sums have for them: of the first layer over the rows, of each other over the names of those before it. */
  readonly layers: readonly Readonly<Record<string, string>>[]
  /** Names that have one value in all rows: nothing is grouped by them. */
  readonly fixed: Readonly<Record<string, unknown>>
  /** `table p where …` */
  readonly from: string
  readonly sets: readonly KeySet[]
  /** Expressions over the names; the first counts rows. */
  readonly sums: readonly string[]
}

export interface KeySet {
  readonly keys: readonly string[]
  /** A group: its keys in their order, and its sums. */
  take(keys: readonly unknown[], sums: readonly number[]): void
}

/** One set in place of several: by all of their keys. */
export const joint = (sets: readonly KeySet[]): KeySet => {
  const keys = [...new Set(sets.flatMap((set) => set.keys))]
  const places = sets.map((set) => set.keys.map((key) => keys.indexOf(key)))
  return {
    keys,
    take(values, sums) {
      for (const [index, set] of sets.entries())
        set.take(
          places[index]!.map((place) => values[place]),
          sums,
        )
    },
  }
}

/** Names that expressions have in them. */
const namesIn = (expressions: readonly string[]): Set<string> =>
  new Set(expressions.flatMap((expression) => expression.match(/\b[a-z]+\d*\b/g) ?? []))

/** The rows with the names that are asked for: each layer's names over those of the layer below, so that nothing is computed twice. */
const rowsOf = ({ fence }: Words, { layers, from, sums }: Grouped, keys: readonly string[]): string => {
  const needed = layers.map(() => new Set<string>())
  let wanted = new Set([...keys, ...namesIn(sums)])
  for (let at = layers.length - 1; at >= 0; at--) {
    const isKnown = (name: string) => layers.slice(0, at + 1).some((layer) => name in layer)
    const here = [...wanted].filter(isKnown)
    for (const name of here) needed[at]!.add(name)
    wanted = new Set([
      ...here.filter((name) => !(name in layers[at]!)),
      ...namesIn(here.flatMap((name) => (at > 0 ? (layers[at]![name] ?? []) : []))),
    ])
  }
  return layers.reduce((inner, layer, at) => {
    const selects = [...needed[at]!].map((name) => (name in layer ? `${layer[name]} as ${name}` : name))
    return `(select ${selects.length === 0 ? '1 as one' : selects.join(', ')} from ${inner}${fence(layers.length)}) r${at}`
  }, from)
}

/** A set over the keys that tell rows apart: it takes their values with the fixed ones among them. */
const reduced = (set: KeySet, fixed: Grouped['fixed']): KeySet => {
  const keys = set.keys.filter((key) => !(key in fixed))
  if (keys.length === set.keys.length) return set
  const places = set.keys.map((key) => keys.indexOf(key))
  const fillers = set.keys.map((key) => fixed[key])
  return {
    keys,
    take: (values, sums) =>
      set.take(
        places.map((place, index) => (place < 0 ? fillers[index] : values[place])),
        sums,
      ),
  }
}

/** Without keys there is a group of no rows too. */
const takeRow = (set: KeySet, keys: readonly unknown[], sums: readonly unknown[]): void => {
  if (Number(sums[0]) > 0) set.take(keys, sums.map(Number))
}

/** By grouping sets: each row is read once for all of them. */
const askTogether =
  (words: Words, question: Grouped, bindings: Bindings): Task<void> =>
  async (session) => {
    const { sets, sums } = question
    const keys = [...new Set(sets.flatMap((set) => set.keys))]
    // A key's bit is set in groups that it does not tell apart.
    const maskOf = (set: KeySet) => keys.reduce((bits, key) => bits * 2 + (set.keys.includes(key) ? 0 : 1), 0)
    const byMask = new Map(sets.map((set) => [maskOf(set), set]))
    const places = new Map(sets.map((set) => [set, set.keys.map((key) => keys.indexOf(key) + 1)]))
    const grouping = keys.length === 0 ? '0' : `grouping(${keys.join(', ')})`
    const lists = sets.map((set) => `(${set.keys.join(', ')})`).join(', ')
    const text = `select ${[grouping, ...keys, ...sums].join(', ')} from ${rowsOf(words, question, keys)} group by grouping sets (${lists})`
    await session.each(bindings.finish(text), (row) => {
      const set = byMask.get(Number(row[0]))!
      takeRow(
        set,
        places.get(set)!.map((place) => row[place]),
        row.slice(keys.length + 1),
      )
    })
  }

const askOne =
  (words: Words, question: Grouped, bindings: Bindings, set: KeySet): Task<void> =>
  async (session) => {
    const { keys } = set
    const by = keys.length === 0 ? '' : ` group by ${keys.join(', ')}`
    const text = `select ${[...keys, ...question.sums].join(', ')} from ${rowsOf(words, question, keys)}${by}`
    await session.each(bindings.finish(text), (row) => takeRow(set, row.slice(0, keys.length), row.slice(keys.length)))
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

/** What asks a question, a task a statement. */
export const groupedTasks = (words: Words, question: Grouped, bindings: Bindings): Task<void>[] => {
  const sets = question.sets.map((set) => reduced(set, question.fixed))
  if (!words.groupingSets) return sets.map((set) => askOne(words, question, bindings, set))
  return inParts(sets).map((part) => askTogether(words, { ...question, sets: part }, bindings))
}
