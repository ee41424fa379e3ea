import {
  CONFIDENCE_EDGES,
  LAG_EDGES,
  SCORE_EDGES,
  type Comparison,
  type ReportPlan,
} from '../../../src/report/answers.ts'
import { addCell, addMoments, addToBin, type OpenCell } from '../../../src/report/tally/cells.ts'
import { expectedOf, pairOf, type OpenGroup } from '../../../src/report/tally/group.ts'
import { cellOf } from './fill.ts'
import type { KeySet } from './grouped.ts'
import { valueOf, type ReportSource } from './rows.ts'
import type { Bindings } from './words.ts'

/** Predictions against actuals, as keys and sums over rows `p` with their actuals `a`. */

export interface Performance {
  /** Expressions by name. */
  readonly names: Readonly<Record<string, string>>
  readonly layers: readonly Readonly<Record<string, string>>[]
  readonly sums: readonly string[]
  /** Sets of keys below those that tell groups apart. */
  sets(by: readonly string[], groupsOf: (keys: readonly unknown[]) => readonly OpenGroup[]): KeySet[]
}

/** A text as the class that pairs name: '' where the plan has none. */
const classOfText = (text: string, { classes, isBoolean }: Comparison, bindings: Bindings): string => {
  const spellings: Readonly<Record<string, readonly string[]>> = isBoolean
    ? { true: ['true', 't', '1'], false: ['false', 'f', '0'] }
    : {}
  const cases = classes.map(
    (name) =>
      `when ${text} in (${(spellings[name] ?? [name]).map((spelling) => bindings.bind(spelling)).join(', ')}) then ${bindings.bind(name)}`,
  )
  return cases.length === 0
    ? `case when ${text} is not null then '' end`
    : `case when ${text} is null then null ${cases.join(' ')} else '' end`
}

/** The same of a number: a text of it would take longer than all else. */
const classOfNumber = (number: string, { classes, isBoolean }: Comparison, bindings: Bindings): string => {
  const numbers: Readonly<Record<string, number>> = isBoolean ? { true: 1, false: 0 } : {}
  const cases = classes.flatMap((name) => {
    const value = numbers[name] ?? Number(name)
    return Number.isFinite(value) && name !== '' ? [`when ${number} = ${value} then ${bindings.bind(name)}`] : []
  })
  return cases.length === 0
    ? `case when ${number} is not null then '' end`
    : `case when ${number} is null then null ${cases.join(' ')} else '' end`
}

/** Bins of the same width from 0 to 1. What a division leaves out is less than any difference that counts. */
const evenBin = (value: string, count: number): string =>
  `case when ${value} >= 1 then ${count - 1} else floor(${value} * ${count} + 1e-9) end`

const clipped = (count: unknown, bins: number): number => Math.min(Math.max(Number(count) - 1, 0), bins - 1)

export const performanceOf = (
  source: ReportSource,
  plan: ReportPlan,
  isWeighted: boolean,
  failed: string,
  timestamp: string,
  bindings: Bindings,
): Performance => {
  const comparison = plan.comparison!
  const { words, actuals } = source
  const columnOf = (name: string) => plan.columns.find((column) => column.name === name)!
  const unlessFailed = (value: string) => `case when ${failed} = 0 then ${value} end`
  const prediction = columnOf(comparison.prediction)
  const raw = valueOf(source, { ...prediction, unique: false }, bindings)
  const labelType = actuals!.labels.get(comparison.actual) ?? ''
  const labelOf = (kind: 'number' | 'category' | 'boolean') =>
    comparison.isActualJson
      ? words.member('a.label', [], kind, bindings)
      : kind === 'number'
        ? words.number('a.label', 'number', labelType)
        : words.text('a.label', kind, labelType)
  const known = `case when a.pid is not null and ${failed} = 0 then 1 else 0 end`
  const rowSums = isWeighted ? ['count(*)', 'sum(w)', 'sum(w * w)'] : ['count(*)']
  const weighted = (expression: string) => (isWeighted ? `sum(w * ${expression})` : `sum(${expression})`)
  const cells = rowSums.length

  const lagSet = (by: readonly string[], groupsOf: (keys: readonly unknown[]) => readonly OpenGroup[]): KeySet => ({
    keys: [...by, 'g', 'm', 'k'],
    take(keys, sums) {
      const [isKnown, isComparable, bin] = keys.slice(by.length)
      if (Number(isKnown) !== 1) return
      const { n, w, w2 } = cellOf(sums.slice(0, cells))
      for (const { labelled } of groupsOf(keys)) {
        addCell(Number(isComparable) === 1 ? labelled!.labelled : labelled!.incomparable, { n, w, w2 })
        if (Number(isComparable) === 1 && bin !== null)
          addToBin(labelled!.lag, clipped(bin, LAG_EDGES.length - 1), n, w, w2)
      }
    },
  })

  const isFinite = (value: string, type: string | undefined) =>
    words.isFinite(value, type ?? 'json') ?? `${value} is not null`
  const base = { g: known, lg: words.secondsBetween(timestamp, 'a.known') }
  const lagBin = words.countBelow('lg', LAG_EDGES, bindings)

  if (comparison.task === 'regression') {
    const predictionType = prediction.member ? undefined : source.table.types.get(prediction.name)
    const mid = centerOf(plan, comparison.prediction)
    return {
      names: { ...base, x: unlessFailed(raw), y: labelOf('number') },
      layers: [
        {
          k: lagBin,
          m: `case when g = 1 and ${isFinite('x', predictionType)} and ${isFinite('y', comparison.isActualJson ? undefined : labelType)} then 1 else 0 end`,
        },
        {
          e: 'case when m = 1 then x - y end',
          z: 'case when m = 1 then y end',
          nz: 'case when m = 1 and y <> 0 then y end',
        },
      ],
      sums: [
        ...rowSums,
        ...['e', '(e * e)', '(e * e * e * e)', 'abs(e)', 'abs(e / nz)', '((e / nz) * (e / nz))'].map(weighted),
        weighted(`(z - (${mid}))`),
        weighted(`((z - (${mid})) * (z - (${mid})))`),
        'min(z)',
        'max(z)',
        'count(nz)',
        ...(isWeighted
          ? ['sum(case when nz is not null then w end)', 'sum(case when nz is not null then w * w end)']
          : []),
      ],
      sets: (by, groupsOf) => [
        lagSet(by, groupsOf),
        {
          keys: [...by, 'm'],
          take(keys, sums) {
            if (Number(keys.at(-1)) !== 1) return
            const cell = cellOf(sums.slice(0, cells))
            const [
              e = 0,
              e2 = 0,
              e4 = 0,
              abs = 0,
              relative = 0,
              relative2 = 0,
              first = 0,
              second = 0,
              min = 0,
              max = 0,
              ...nonZero
            ] = sums.slice(cells)
            const { w } = cell
            const actual = {
              w,
              mean: w > 0 ? mid + first / w : 0,
              m2: w > 0 ? Math.max(0, second - (first * first) / w) : 0,
              min,
              max,
            }
            for (const { labelled } of groupsOf(keys)) {
              const residuals = labelled!.residuals!
              for (const [key, value] of Object.entries({ e, e2, e4, abs, relative, relative2 }))
                residuals[key as 'e'] += value
              addMoments(residuals.actual, actual)
              addCell(residuals.nonZero, cellOf(nonZero))
            }
          },
        },
      ],
    }
  }

  const { score, positive } = comparison
  const isThreshold = score?.meaning === 'probability' && score.column === comparison.prediction
  const negative = comparison.classes.find((name) => name !== positive) ?? ''
  const isNumber = prediction.kind === 'number'
  const isActualNumber = comparison.actualKind === 'number'
  const predicted = isThreshold
    ? `case when x >= 0.5 then ${bindings.bind(positive)} when x < 0.5 then ${bindings.bind(negative)} end`
    : isNumber
      ? classOfNumber('x', comparison, bindings)
      : classOfText('x', comparison, bindings)
  const actual = labelOf(isActualNumber ? 'number' : comparison.actualKind === 'boolean' ? 'boolean' : 'category')
  const happenedClass = isActualNumber
    ? classOfNumber('y', comparison, bindings)
    : classOfText('y', comparison, bindings)
  const names: Record<string, string> = { ...base, x: unlessFailed(raw), y: actual }
  const classes = { q: predicted, t: `case when g = 1 then ${happenedClass} end`, k: lagBin }
  const comparable = { m: 'case when q is not null and t is not null then 1 else 0 end' }
  const sets: Performance['sets'] = (by, groupsOf) => [
    lagSet(by, groupsOf),
    {
      keys: [...by, 'm', 'q', 't'],
      take(keys, sums) {
        const [isComparable, q, t] = keys.slice(by.length)
        if (Number(isComparable) !== 1) return
        const cell = cellOf(sums.slice(0, cells))
        for (const { labelled } of groupsOf(keys)) addCell(pairOf(labelled!, String(q), String(t)), cell)
      },
    },
  ]
  if (!score) return { names, layers: [classes, comparable], sums: rowSums, sets }

  names['s'] = valueOf(source, columnOf(score.column), bindings)
  const isPredicted = positive === undefined ? '1 = 1' : `q = ${bindings.bind(positive)}`
  const inverted = `case when ${isPredicted} then s else 1 - s end`
  const isProbability = score.meaning === 'probability'
  const happened = positive === undefined ? "q = t and q <> ''" : `t = ${bindings.bind(positive)}`
  const isChance = 'q is not null and s >= 0 and s <= 1'
  const layers: Performance['layers'] = [
    classes,
    {
      ...comparable,
      c: `case when ${isChance} then ${isProbability ? inverted : 's'} end`,
      p: `case when ${isChance} and t is not null then ${isProbability || positive === undefined ? 's' : inverted} end`,
      h: `case when ${isChance} and t is not null then case when ${happened} then 1 else 0 end end`,
    },
    {
      cb: evenBin('c', CONFIDENCE_EDGES.length - 1),
      sb: evenBin('p', SCORE_EDGES.length - 1),
      br: '(p - h) * (p - h)',
      gv: 'case when h = 1 then p else 1 - p end',
    },
    { ll: '-ln(case when gv < 1e-15 then 1e-15 when gv > 0.999999999999999 then 0.999999999999999 else gv end)' },
  ]
  const sums = [...rowSums, weighted('c'), weighted('p'), weighted('ll'), weighted('br')]
  return {
    names,
    layers,
    sums,
    sets: (by, groupsOf) => [
      ...sets(by, groupsOf),
      {
        keys: [...by, 'h', 'sb'],
        take(keys, all) {
          const [h, bin] = keys.slice(by.length)
          if (h === null || bin === null) return
          const { n, w, w2 } = cellOf(all.slice(0, cells))
          const [, wp = 0, logLoss = 0, brier = 0] = all.slice(cells)
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
        take(keys, all) {
          const [q, bin] = keys.slice(by.length)
          if (q === null || bin === null) return
          const { n, w, w2 }: OpenCell = cellOf(all.slice(0, cells))
          const [wp = 0] = all.slice(cells)
          for (const group of groupsOf(keys)) {
            const expected = expectedOf(group, String(q))
            addToBin(expected.bins, Number(bin), n, w, w2)
            expected.wp[Number(bin)]! += wp
          }
        },
      },
    ],
  }
}

/** A number near a column's values, so that sums of squares do not cancel. */
export const centerOf = ({ columns }: ReportPlan, name: string): number => {
  const edges = columns.find((column) => column.name === name)?.edges ?? []
  return edges[edges.length >> 1] ?? 0
}
