import type { Cell } from '../answers.ts'
import { addCells, effectiveSize } from './bins.ts'
import { wilson, type Estimate } from './intervals.ts'

/** How often `actual` was predicted as `prediction`. */
export interface Pair extends Cell {
  readonly prediction: string
  readonly actual: string
}

/** A measure, or why there is none. */
export type Measure = Estimate | { undefined: string }

export const isDefined = (measure: Measure | undefined): measure is Estimate =>
  measure !== undefined && 'value' in measure

const NOT_LABELLED: Measure = { undefined: 'no labelled predictions' }

const within = (part: Cell, all: Cell, otherwise: string): Measure =>
  all.w > 0 ? wilson(part.w / all.w, effectiveSize(all)) : { undefined: otherwise }

/** A share has an interval by Wilson; F1 is no share, and has none. */
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
    precision: within(hits, predicted, `no ${called.replace('actuals', 'predictions')}`),
    recall: within(hits, happened, `no ${called}`),
    f1: harmonic(hits, predicted, happened, `neither predictions nor ${called}`),
  }
}

/** Classes that were predicted or happened. */
export const classesIn = (pairs: readonly Pair[]): string[] => [
  ...new Set(pairs.flatMap(({ prediction, actual, w }) => (w > 0 ? [prediction, actual] : []))),
]

/** The share of right predictions. `''` stands for all classes without a name, which can't be compared: never right. */
export const accuracy = (pairs: readonly Pair[]): Measure => {
  const right = pairs.filter(({ prediction, actual }) => prediction === actual && prediction !== '')
  const all = addCells(...pairs)
  return all.w > 0 ? wilson(addCells(...right).w / all.w, effectiveSize(all)) : NOT_LABELLED
}

/**
 * The mean of a measure over classes, each with the same say. A class without a value counts as 0, as in scikit-learn: it was never
 * predicted, or never happened, while the other did.
 */
export const macro = (pairs: readonly Pair[], measure: keyof OfClass): Measure => {
  const classes = classesIn(pairs)
  if (classes.length === 0) return NOT_LABELLED
  let total = 0
  for (const name of classes) {
    const value = ofClass(pairs, name)[measure]
    if (isDefined(value)) total += value.value
  }
  return { value: total / classes.length }
}
