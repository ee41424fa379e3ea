import type { Bucket, Distribution, PlannedColumn } from '../answers.ts'
import type { Compared, Judged } from '../drift.ts'
import { own } from '../own.ts'
import type { ColumnReport, Finding, Severity } from '../result.ts'
import { varianceOfShare, type AskSince, type Since } from '../since.ts'
import { addCells, effectiveSize, shareOf } from '../statistics/bins.ts'
import type { Level } from '../statistics/change.ts'
import { twoProportions } from '../statistics/tests.ts'
import { isIgnored, levelsOf, type Levels, type Thresholds } from '../thresholds.ts'
import { chance, counted, isDistance, list, nameOfStatistic, percent, quoted, shortNumber } from '../words.ts'

/** A column with all that findings are made of. */
export interface Examined {
  readonly column: PlannedColumn
  readonly report: ColumnReport
  readonly current: Distribution
  readonly reference: Distribution | undefined
  readonly compared: Compared | undefined
  readonly judged: Judged | undefined
}

/** Of a share that grew: the chance that it is no more than luck, over all columns together, is at most this. */
const LUCK = 0.01

export const severityOf = (value: number, { warn, alert }: Levels): Severity | undefined =>
  value >= alert ? 'alert' : value >= warn ? 'warn' : undefined

/** As a finding has it. */
export const said = (since: Since | undefined): Pick<Finding, 'since'> =>
  since ? { since: since.at.toISOString() } : {}

/** Shares of each value now and before, of those that are told apart. */
const changesOf = ({ report: { current, reference, histogram } }: Examined) => {
  const [now, was] = [current.categories, reference?.categories]
  if (now && was) {
    const named = now.values.map(({ value, share }, i) => ({
      name: quoted(value),
      now: share,
      was: was.values[i]!.share,
    }))
    return [...named, { name: 'new values', now: now.new, was: was.new }]
  }
  if (histogram?.of !== 'values' || !histogram.reference) return []
  const { reference: before } = histogram
  return histogram.values.map((value, i) => ({ name: quoted(value), now: histogram.current[i]!, was: before[i]! }))
}

const moved = (of: Examined): string => {
  const { report, column } = of
  const { current, reference } = report
  if (column.kind === 'number' && reference?.mean != null && current.mean != null && reference.mean !== current.mean)
    return `mean ${shortNumber(current.mean)}, was ${shortNumber(reference.mean)}`
  const changes = changesOf(of).sort((a, b) => Math.abs(b.now - b.was) - Math.abs(a.now - a.was))
  return changes[0] ? `${changes[0].name} ${percent(changes[0].now)} of it, was ${percent(changes[0].was)}` : ''
}

/** By its mean: of categories only all rows of the window together are known. */
const meanSince = ({ column: { name }, current, reference }: Examined, ask: AskSince): Since | undefined => {
  const [now, before] = [current.moments, reference?.moments]
  if (!now || !before || !reference) return undefined
  const levelIn = (bucket: Bucket) => {
    const of = own(bucket.columns, name)
    return of?.moments && { mean: of.moments.mean, size: effectiveSize(of.present) }
  }
  return ask({ mean: before.mean, size: effectiveSize(reference.present) }, levelIn, now.m2 / current.present.w)
}

const drift = (of: Examined, thresholds: Thresholds, ask: AskSince): Finding[] => {
  const { drift, psi } = of.report
  if (!drift?.severity) return []
  const isTest = !isDistance(drift.statistic)
  const psiDecided = !isTest && drift.value < drift.threshold
  const why = psiDecided
    ? `population stability index ${shortNumber(psi!)}, from ${levelsOf(thresholds, 'psi', of.column.name).warn} on it counts`
    : isTest
      ? `${nameOfStatistic(drift.statistic)}, ${chance(drift.p)}`
      : `${nameOfStatistic(drift.statistic)} ${shortNumber(drift.value)}, from ${drift.threshold} on it counts`
  const words = moved(of)
  const since = meanSince(of, ask)
  return [
    {
      severity: drift.severity,
      kind: 'drift',
      column: of.column.name,
      ...said(since),
      message: `${of.column.name} has drifted${since ? ` ${since.words}` : ''}${words && `: ${words}`} (${why}).`,
    },
  ]
}

const missingSince = (name: string, share: number, before: Level, ask: AskSince): Since | undefined => {
  const levelIn = (bucket: Bucket) => {
    const of = own(bucket.columns, name)
    const rows = of && addCells(of.present, of.missing)
    return rows && { mean: shareOf(of.missing, rows) ?? 0, size: effectiveSize(rows) }
  }
  return ask(before, levelIn, varianceOfShare(share))
}

const missing = (
  { column, current, reference }: Examined,
  thresholds: Thresholds,
  columns: number,
  ask: AskSince,
): Finding[] => {
  const all = addCells(current.present, current.missing)
  const before = reference && addCells(reference.present, reference.missing)
  const share = shareOf(current.missing, all)
  const was = before && shareOf(reference.missing, before)
  if (share === undefined || was === undefined || !before) return []
  if (share === 1 && was < 1)
    return [
      {
        severity: effectiveSize(all) < thresholds.minimum ? 'warn' : 'alert',
        kind: 'missing',
        column: column.name,
        message: `${column.name} has no values any more: all ${counted(current.missing.n, 'row')} lack it, it was ${percent(was)}.`,
      },
    ]
  const severity = severityOf(share - was, levelsOf(thresholds, 'missing', column.name))
  const test = twoProportions([share, was], [effectiveSize(all), effectiveSize(before)])
  if (!severity || test.p * columns > LUCK) return []
  const since = missingSince(column.name, share, { mean: was, size: effectiveSize(before) }, ask)
  return [
    {
      severity,
      kind: 'missing',
      column: column.name,
      ...said(since),
      message: `${column.name} is missing in ${percent(share)} of the rows, was ${percent(was)}${since ? `; ${since.words}` : ''}.`,
    },
  ]
}

/**
 * The chance that the `count` most extreme (or otherwise special) rows of both windows are all in the current one: what lies outside the
 * reference's range by luck. Any sample has a greatest value, and the next may be greater.
 */
export const allInCurrent = (count: number, [now, before]: readonly [number, number]): number =>
  (now / (now + before)) ** count

const outOfRange = (
  { column, current, reference, compared }: Examined,
  thresholds: Thresholds,
  columns: number,
): Finding[] => {
  if (!compared || !reference || !(reference.present.w > 0)) return []
  const sides = [
    ['below', 'under', column.edges[0]],
    ['above', 'over', column.edges.at(-1)],
  ] as const
  const found = sides.filter(([side]) => {
    const share = shareOf(current[side], current.present) ?? 0
    if (reference[side].n > 0) {
      const was = shareOf(reference[side], reference.present) ?? 0
      return share > was && twoProportions([share, was], compared.sizes).p * columns <= LUCK
    }
    return share > 0 && allInCurrent(share * compared.sizes[0], compared.sizes) * columns * 2 <= LUCK
  })
  const share = found.reduce((total, [side]) => total + (shareOf(current[side], current.present) ?? 0), 0)
  const severity = severityOf(share, levelsOf(thresholds, 'out_of_range', column.name))
  if (!severity) return []
  const words = found.map(([, word, edge]) => `${word} ${column.kind === 'time' ? timeOf(edge!) : shortNumber(edge!)}`)
  return [
    {
      severity,
      kind: 'out_of_range',
      column: column.name,
      message: `${percent(share)} of ${column.name} is out of the reference's range: ${list(words)}.`,
    },
  ]
}

const timeOf = (seconds: number): string => {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? shortNumber(seconds) : date.toISOString().slice(0, 16).replace('T', ' ')
}

/** New values of which one is so common that the reference would have had it: where most values are rare, some are always new. */
const newValues = (
  { column, current, reference, compared }: Examined,
  thresholds: Thresholds,
  columns: number,
): Finding[] => {
  if (!compared || !reference || !(reference.present.w > 0) || !(current.present.w > 0)) return []
  const candidates = Math.max(1, current.unseen.n)
  const known = current.unseenValues.filter(({ w }) => {
    const rows = (w / current.present.w) * compared.sizes[0]
    return allInCurrent(rows, compared.sizes) * candidates * columns <= LUCK
  })
  const share = known.reduce((total, { w }) => total + w, 0) / current.present.w
  const severity = severityOf(share, levelsOf(thresholds, 'new_values', column.name))
  if (!severity) return []
  const names = list(known.map(({ value }) => quoted(value)))
  return [
    {
      severity,
      kind: 'new_values',
      column: column.name,
      message: `${column.name} has new values: ${names}, together ${percent(share)} of it.`,
    },
  ]
}

const notFinite = ({ column, current, reference }: Examined): Finding[] => {
  const share = shareOf(current.nonFinite, current.present) ?? 0
  if (share === 0 || (reference && (shareOf(reference.nonFinite, reference.present) ?? 0) >= share)) return []
  const message = `${column.name} has ${counted(current.nonFinite.n, 'value')} that are NaN or infinite, or too great to be added up (1e70 or more), ${percent(share)} of it: they are counted, and left out of everything else.`
  return [{ severity: 'warn', kind: 'not_finite', column: column.name, message }]
}

const cameOrWent = ({ column, current, reference }: Examined): Finding[] => {
  // Where the reference has no rows at all, that is said once.
  if (!reference || reference.present.n > 0 || reference.missing.n === 0 || current.present.n === 0) return []
  return [
    {
      severity: 'info',
      kind: 'columns',
      column: column.name,
      message: `${column.name} has values now, and none in the reference: there is nothing to compare it with.`,
    },
  ]
}

/** All findings about columns, in the columns' order. */
export const columnFindings = (columns: readonly Examined[], thresholds: Thresholds, ask: AskSince): Finding[] =>
  columns
    .filter(({ column }) => !isIgnored(thresholds, column.name))
    .flatMap((of) => [
      ...drift(of, thresholds, ask),
      ...missing(of, thresholds, columns.length, ask),
      ...outOfRange(of, thresholds, columns.length),
      ...newValues(of, thresholds, columns.length),
      ...notFinite(of),
      ...cameOrWent(of),
    ])
