import type { Kind } from '../../../../src/report/answers.ts'
import { idOf, idTypeOf, weightOf } from '../own.ts'
import { isNumeric, usableTest, valueOf, type Valued } from '../rows.ts'
import type { ReportSource } from '../source.ts'
import type { Bindings, ReadSession } from '../words.ts'
import type { Counted } from './count.ts'

/** What a sample of a window's rows says of its columns. */

/** Rows that columns are judged by. All of them are read where there are fewer. */
const SAMPLE = 20_000
export const MAX_CATEGORIES = 50
/** Different numbers are counted up to here. */
export const MAX_VALUES = 101
const AT_ONCE = 50

export interface Sampled {
  /** Different values, and values. */
  distinct: number
  sampled: number
  /** All numbers are whole. */
  whole: boolean
  /** Numbers in ascending order: the different ones, the first 101 of them; the quantiles of hundredths. */
  readonly values: number[]
  readonly quantiles: number[]
  min: number | undefined
  max: number | undefined
  /** Texts, the greatest weight first. */
  readonly categories: string[]
}

/** What is asked about: an expression over some rows, which is a number (usable, or null) or a text. */
export interface Asked {
  readonly kind: Kind
  readonly value: string
}

export const newSampled = (): Sampled => ({
  distinct: 0,
  sampled: 0,
  whole: true,
  values: [],
  quantiles: [],
  min: undefined,
  max: undefined,
  categories: [],
})

/** What keeps a share of rows: the same at each run, spread over all by a hash of their ids. */
export const sampleOf = ({ words }: ReportSource, id: string, type: string, rows: number): string =>
  rows <= SAMPLE ? '' : ` and ${words.sample(id, type, SAMPLE / rows)}`

/** @param join what the rows are joined with */
export const sampledFrom = (source: ReportSource, { from, rows }: Counted, join = ''): string =>
  `${from(join)}${sampleOf(source, idOf(source), idTypeOf(source), rows)}`

type Numbered = readonly [index: number, value: string]

/** Each row once for each of some expressions: `i` its number, `x` its value, `w` the row's weight. So one scan answers for all of them. */
const turned = (rows: string, values: readonly Numbered[], w: string): string => {
  const columns = values.map(([index, value]) => `${value} as x${index}`).join(', ')
  const picked = values.map(([index]) => `when ${index} then x${index}`).join(' ')
  const numbers = values.map(([index]) => `select ${index} as i`).join(' union all ')
  return `(select i, w, case i ${picked} end as x from (select ${columns}, ${w} as w from ${rows}) s cross join (${numbers}) n) t where x is not null`
}

/**
 * Of each expression how many numbers there are, and which: of rows in order, the first of each hundredth (its place is `v`), and the first of each
 * different number (`v` is negative); all others are one group.
 */
const numbersText = (rows: string): string => {
  const ranked = `select i, x, row_number() over (partition by i order by x) as place, dense_rank() over (partition by i order by x) as d, count(*) over (partition by i) as n from ${rows}`
  const marked = `select i, x, d, case when mod((place - 1) * 100, n) < 100 then place when d <= ${MAX_VALUES} then -d else 0 end as v from (${ranked}) r`
  return `select i, v, min(x), max(x), count(*), max(d), count(case when x <> floor(x) then 1 end) from (${marked}) g group by i, v`
}

const numbersOf = (rows: readonly (readonly number[])[]): Sampled => {
  const found = newSampled()
  const named = new Map<number, number>()
  for (const [mark = 0, min = 0, max = 0, count = 0, distinct = 0, broken = 0] of rows) {
    found.sampled += count
    found.distinct = Math.max(found.distinct, distinct)
    found.whole &&= broken === 0
    found.min = Math.min(found.min ?? min, min)
    found.max = Math.max(found.max ?? max, max)
    if (mark !== 0) named.set(mark, min)
  }
  const inOrder = (values: Iterable<number>) => [...new Set(values)].sort((a, b) => a - b)
  return {
    ...found,
    values: inOrder(named.values()),
    quantiles: inOrder([...named].flatMap(([mark, value]) => (mark > 1 ? value : []))),
  }
}

/** Of each expression the texts of the greatest weight, and how many there are. */
const textsText = (rows: string): string => {
  const grouped = `select i, x, sum(w) as w, count(*) as n from ${rows} group by i, x`
  const ranked = `select i, x, row_number() over (partition by i order by w desc, x) as place, count(*) over (partition by i) as d, sum(n) over (partition by i) as n from (${grouped}) g`
  return `select i, x, d, n from (${ranked}) r where place <= ${MAX_CATEGORIES} order by i, place`
}

const textsOf = (rows: readonly (readonly unknown[])[]): Sampled => ({
  ...newSampled(),
  distinct: Number(rows[0]?.[1]),
  sampled: Number(rows[0]?.[2]),
  categories: rows.map(([text]) => String(text)),
})

export const askSample = async (
  session: ReadSession,
  bindings: Bindings,
  rows: string,
  asked: readonly Asked[],
  w: string,
): Promise<Sampled[]> => {
  const found = asked.map(newSampled)
  const ask = async (
    isAsked: (kind: Kind) => boolean,
    textOf: (rows: string) => string,
    resultOf: (rows: readonly (readonly unknown[])[]) => Sampled,
  ): Promise<void> => {
    const values = [...asked.entries()].flatMap(([index, { kind, value }]) =>
      isAsked(kind) ? [[index, value] as const] : [],
    )
    if (values.length === 0) return
    const answers = await session.query(bindings.finish(textOf(turned(rows, values, w))))
    for (const [index] of values) {
      const own = answers.filter(([i]) => Number(i) === index).map((row) => row.slice(1))
      if (own.length > 0) found[index] = resultOf(own)
    }
  }
  await ask(isNumeric, numbersText, (rows) => numbersOf(rows.map((row) => row.map(Number))))
  await ask((kind) => kind === 'category' || kind === 'boolean', textsText, textsOf)
  return found
}

export const sampleColumns = async (
  session: ReadSession,
  source: ReportSource,
  candidates: readonly Valued[],
  counted: Counted,
): Promise<Sampled[]> => {
  const rows = sampledFrom(source, counted)
  const asked = candidates.map((column): Asked => {
    const value = valueOf(source, column, counted.bindings)
    const usable = isNumeric(column.kind) ? usableTest(source, column, value) : undefined
    return { kind: column.kind, value: usable === undefined ? value : `case when ${usable} then ${value} end` }
  })
  const found: Sampled[] = []
  for (let first = 0; first < asked.length; first += AT_ONCE)
    found.push(
      ...(await askSample(session, counted.bindings, rows, asked.slice(first, first + AT_ONCE), weightOf(source))),
    )
  return found
}
