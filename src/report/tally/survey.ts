import type { SurveyedColumn } from '../answers.ts'

/** What a sample of a column's values says. */
export interface Sample {
  /** Usable numbers that are there, in any order; they are sorted where they stand. */
  readonly numbers: Float64Array
  /** Texts that are there, with their weights. */
  readonly texts: ReadonlyMap<string, number>
  /** How many values the sample has, and the column. */
  readonly sampled: number
  readonly present: number
}

const MAX_BINS = 100
const MAX_CATEGORIES = 50
/** From here on, a column of nothing but different values is one of ids or of free text. */
const MIN_UNIQUE = 1000

export const isUnique = (distinct: number, sampled: number): boolean =>
  sampled >= MIN_UNIQUE && distinct > 0.5 * sampled

/** Ascending and without doubles, with these ends. */
const between = (values: readonly number[], min: number, max: number): number[] =>
  [...new Set([min, ...values.filter((value) => value > min && value < max), max])].sort((a, b) => a - b)

/** Each value, the greatest twice, so that it has a bin of its own. */
export const edgesOfValues = (values: readonly number[], min: number, max: number): number[] => [
  ...between(values, min, max),
  max,
]

/** The quantiles of hundredths, and the ends. */
export const edgesOfQuantiles = (quantiles: readonly number[], min: number, max: number): number[] =>
  between(quantiles, min, max)

/** Of numbers in ascending order the quantiles 0.01 to 0.99: values that are among them. */
const quantilesOf = (sorted: readonly number[]): number[] =>
  Array.from({ length: MAX_BINS - 1 }, (_, index) => sorted[Math.floor(((index + 1) / MAX_BINS) * sorted.length)]!)

/** The least of the different values, as many as are asked for. */
const differentOf = (sorted: Float64Array, most: number): number[] => {
  const found: number[] = []
  for (const value of sorted) {
    if (value === found.at(-1)) continue
    if (found.push(value) === most) break
  }
  return found
}

type Found = Omit<SurveyedColumn, 'name' | 'role' | 'kind' | 'member'>

export const surveyNumbers = (
  { numbers, present }: Pick<Sample, 'numbers' | 'present'>,
  bounds: { min: number; max: number } | undefined,
): Found => {
  const sorted = numbers.sort()
  const min = bounds?.min ?? sorted[0]
  const max = bounds?.max ?? sorted.at(-1)
  const different = differentOf(sorted, MAX_BINS + 1)
  const found = { distinct: different.length, unique: false, whole: sorted.every(Number.isInteger), present }
  if (min === undefined || max === undefined) return { ...found, whole: false }
  const edges =
    different.length <= MAX_BINS - 1
      ? edgesOfValues(different, min, max)
      : edgesOfQuantiles(quantilesOf(sorted as unknown as readonly number[]), min, max)
  return { ...found, min, max, edges }
}

/** The greatest weight first; of the same weight by name. */
const topTexts = (texts: Iterable<readonly [string, number]>): string[] =>
  [...texts]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, MAX_CATEGORIES)
    .map(([text]) => text)

export const surveyTexts = ({ texts, sampled, present }: Pick<Sample, 'texts' | 'sampled' | 'present'>): Found => ({
  distinct: Math.min(texts.size, MAX_BINS + 1),
  unique: isUnique(texts.size, sampled),
  whole: false,
  present,
  categories: topTexts(texts),
})
