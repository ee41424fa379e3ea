/** How many values of each path were stored in another type than they came in: `features.age: text as number`. */
export type ConversionCounts = Readonly<Record<string, number>>

/** Past so many kinds of them, no new ones are counted: a schema has no more columns than that as a rule. */
const MAX_KINDS = 10_000

/**
 * Of the whole process, as rows are made where a sink writes them: by way of a global symbol, as the package may be there twice, as ESM and
 * as CommonJS.
 */
const kCounts = Symbol.for('capture-predictions.conversions')

const counts = ((globalThis as Record<symbol, unknown>)[kCounts] ??= new Map()) as Map<string, number>

/** Counts one; true: the first of its kind at this path in the process. */
export const countConversion = (path: string, as: string): boolean => {
  const key = `${path}: ${as}`
  const known = counts.get(key) ?? 0
  if (known > 0 || counts.size < MAX_KINDS) counts.set(key, known + 1)
  return known === 0
}

export const conversionCounts = (): ConversionCounts => Object.fromEntries(counts)
