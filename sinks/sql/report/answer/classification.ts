import { CONFIDENCE_EDGES, SCORE_EDGES, type Comparison, type ReportPlan } from '../../../../src/report/answers.ts'
import { addCell, addToBin } from '../../../../src/report/tally/cells.ts'
import { expectedOf, pairOf } from '../../../../src/report/tally/group.ts'
import { valueOf } from '../rows.ts'
import type { ReportSource } from '../source.ts'
import type { Bindings, Words } from '../words.ts'
import type { Compared } from './compared.ts'
import { cellOf } from './fill.ts'

/** Classes against classes, and chances against what happened. A class is its place in the plan's list, -1 where that has it not. */

const OTHER = -1

const classOf = (
  value: string,
  isNumber: boolean,
  { classes, isBoolean }: Comparison,
  { double }: Words,
  bindings: Bindings,
): string => {
  const spellings: Readonly<Record<string, readonly string[]>> = isBoolean
    ? { true: ['true', 't', '1'], false: ['false', 'f', '0'] }
    : {}
  const numbers: Readonly<Record<string, number>> = isBoolean ? { true: 1, false: 0 } : {}
  const cases = classes.flatMap((name, index) => {
    if (!isNumber)
      return `when ${value} in (${(spellings[name] ?? [name]).map((text) => bindings.bind(text)).join(', ')}) then ${index}`
    // A text of each number would take longer than all else.
    const number = numbers[name] ?? Number(name)
    return Number.isFinite(number) && name !== '' ? `when ${value} = ${double(number)} then ${index}` : []
  })
  return `case when ${value} is null then null ${cases.join(' ')} else ${OTHER} end`
}

/** Bins of the same width from 0 to 1. What a division leaves out is less than any difference that counts. */
const evenBin = (value: string, edges: readonly number[]): string => {
  const count = edges.length - 1
  return `case when ${value} >= 1 then ${count - 1} else floor(${value} * ${count} + 1e-9) end`
}

export const classification = (
  source: ReportSource,
  plan: ReportPlan,
  label: (kind: 'number' | 'category' | 'boolean') => string,
  weighted: (expression: string) => string,
  cells: number,
  bindings: Bindings,
): Compared => {
  const comparison = plan.comparison!
  const { classes, score, positive, actualKind } = comparison
  const columnOf = (name: string) => plan.columns.find((column) => column.name === name)!
  const prediction = columnOf(comparison.prediction)
  const yes = positive === undefined ? undefined : classes.indexOf(positive)
  const isProbability = score?.meaning === 'probability'
  const isThreshold = isProbability && score.column === comparison.prediction
  const no = classes.findIndex((name) => name !== positive)
  const predicted = isThreshold
    ? `case when x >= 0.5e0 then ${yes} when x < 0.5e0 then ${no} end`
    : classOf('x', prediction.kind === 'number', comparison, source.words, bindings)
  const isNumber = actualKind === 'number'
  const nameOf = (place: unknown): string => classes[Number(place)] ?? ''

  const classLayer = {
    q: `case when f = 0 then ${predicted} end`,
    t: `case when f = 0 then ${classOf('y', isNumber, comparison, source.words, bindings)} end`,
  }
  const comparable = { m: 'case when q is not null and t is not null then 1 else 0 end' }
  const compared: Compared = {
    names: {
      x: valueOf(source, { ...prediction, unique: false }, bindings),
      y: label(isNumber ? 'number' : actualKind === 'boolean' ? 'boolean' : 'category'),
    },
    layers: [classLayer, comparable],
    sums: [],
    sets: (by, groupsOf) => [
      {
        keys: [...by, 'q', 't'],
        take(keys, sums) {
          const [q, t] = keys.slice(by.length)
          if (q === null || t === null) return
          const cell = cellOf(sums.slice(0, cells))
          for (const { labelled } of groupsOf(keys)) addCell(pairOf(labelled!, nameOf(q), nameOf(t)), cell)
        },
      },
    ],
  }
  if (!score) return compared

  const isChance = 'q is not null and s >= 0 and s <= 1'
  const missed = `(${source.words.factor('(p - h)')})`
  const inverted = `case when q = ${yes} then s else 1 - s end`
  const happened = yes === undefined ? `q = t and q <> ${OTHER}` : `t = ${yes}`
  return {
    names: { ...compared.names, s: valueOf(source, columnOf(score.column), bindings) },
    layers: [
      classLayer,
      {
        ...comparable,
        c: `case when ${isChance} then ${isProbability && yes !== undefined ? inverted : 's'} end`,
        p: `case when t is not null and ${isChance} then ${isProbability || yes === undefined ? 's' : inverted} end`,
        h: `case when t is not null and ${isChance} then case when ${happened} then 1 else 0 end end`,
      },
      {
        cb: evenBin('c', CONFIDENCE_EDGES),
        sb: evenBin('p', SCORE_EDGES),
        br: `${missed} * ${missed}`,
        // The chance given to what happened, clipped.
        ll: 'case when h is not null then -ln(greatest(1e-15, least(0.999999999999999e0, case when h = 1 then p else 1 - p end))) end',
      },
    ],
    sums: ['c', 'p', 'll', 'br'].map(weighted),
    sets: (by, groupsOf) => [
      ...compared.sets(by, groupsOf),
      {
        keys: [...by, 'h', 'sb'],
        take(keys, sums) {
          const [h, bin] = keys.slice(by.length)
          if (h === null || bin === null) return
          const { n, w, w2 } = cellOf(sums.slice(0, cells))
          const [, wp = 0, logLoss = 0, brier = 0] = sums.slice(cells)
          for (const { labelled } of groupsOf(keys)) {
            const scores = labelled!.scores!
            addToBin(Number(h) === 1 ? scores.positive : scores.negative, Number(bin), n, w, w2)
            scores.wp[Number(bin)]! += wp
            scores.logLoss += logLoss
            scores.brier += brier
          }
        },
      },
      {
        keys: [...by, 'q', 'cb'],
        take(keys, sums) {
          const [q, bin] = keys.slice(by.length)
          if (q === null || bin === null) return
          const { n, w, w2 } = cellOf(sums.slice(0, cells))
          const [wp = 0] = sums.slice(cells)
          for (const group of groupsOf(keys)) {
            const expected = expectedOf(group, nameOf(q))
            addToBin(expected.bins, Number(bin), n, w, w2)
            expected.wp[Number(bin)]! += wp
          }
        },
      },
    ],
  }
}
