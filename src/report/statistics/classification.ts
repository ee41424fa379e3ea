import type { Cell } from '../answers.ts'
import { addCells, effectiveSize } from './bins.ts'
import { wilson } from './intervals.ts'
import { estimateOf, NOT_LABELLED, type Measure } from './measures.ts'

/** How often `actual` was predicted as `prediction`. */
export interface Pair extends Cell {
  readonly prediction: string
  readonly actual: string
}

/** A share, with its interval by Wilson. */
const within = (part: Cell, all: Cell, otherwise: Measure): Measure =>
  all.w > 0 ? wilson(part.w / all.w, effectiveSize(all)) : otherwise

/** F1 is no share, and has no interval. */
const harmonic = (hits: Cell, predicted: Cell, happened: Cell, otherwise: string): Measure =>
  predicted.w + happened.w > 0 ? { value: (2 * hits.w) / (predicted.w + happened.w) } : { undefined: otherwise }

export interface OfClass {
  precision: Measure
  recall: Measure
  f1: Measure
}

/** Precision, recall and F1 of one class. */
export const ofClass = (pairs: readonly Pair[], name: string, called = `actuals of class "${name}"`): OfClass => {
  const cells = (keep: (pair: Pair) => boolean): Cell => addCells(...pairs.filter(keep))
  const hits = cells(({ prediction, actual }) => prediction === name && actual === name)
  const predicted = cells(({ prediction }) => prediction === name)
  const happened = cells(({ actual }) => actual === name)
  return {
    precision: within(hits, predicted, { undefined: `no ${called.replace('actuals', 'predictions')}` }),
    recall: within(hits, happened, { undefined: `no ${called}` }),
    f1: harmonic(hits, predicted, happened, `neither predictions nor ${called}`),
  }
}

/** Classes that were predicted or happened. */
const classesIn = (pairs: readonly Pair[]): string[] => [
  ...new Set(pairs.flatMap(({ prediction, actual, w }) => (w > 0 ? [prediction, actual] : []))),
]

/** The share of right predictions. `''` stands for all classes without a name, which can't be compared: never right. */
export const accuracy = (pairs: readonly Pair[]): Measure => {
  const right = pairs.filter(({ prediction, actual }) => prediction === actual && prediction !== '')
  const all = addCells(...pairs)
  return within(addCells(...right), all, NOT_LABELLED)
}

/**
 * The mean of a measure over classes, each with the same say. A class without a value counts as 0, as in scikit-learn: it was never
 * predicted, or never happened, while the other did.
 */
export const macro = (pairs: readonly Pair[], measure: keyof OfClass): Measure => {
  const classes = classesIn(pairs)
  if (classes.length === 0) return NOT_LABELLED
  let total = 0
  for (const name of classes) total += estimateOf(ofClass(pairs, name)[measure])?.value ?? 0
  return { value: total / classes.length }
}
