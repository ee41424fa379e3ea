import type { ColumnReport, Histogram, Report } from '../../result.ts'
import { chance, compact, count, isDistance, nameOfStatistic, percent, shortened, shortNumber } from '../../words.ts'
import { timeOf } from '../dates.ts'
import { bars, distributions } from './charts.ts'
import { html, type Content, type Markup } from './markup.ts'
import { behind, chip, legend, section, table, type TableOf } from './parts.ts'
import { anchorOf } from './summary.ts'
import { trend } from './trend.ts'
import type { When } from '../../when.ts'

const say = (kind: ColumnReport['kind']) => (value: number) =>
  kind === 'time' ? timeOf(value).slice(0, 10) : shortNumber(value)

const RANKS = { alert: 3, warn: 2 } as const

const rank = ({ drift }: ColumnReport): number => (drift?.severity ? RANKS[drift.severity] : drift ? 1 : 0)

/** How far above its threshold, so that the worst of the drifted comes first. */
const size = ({ drift, psi }: ColumnReport): number => {
  if (!drift) return 0
  return isDistance(drift.statistic) ? drift.value / drift.threshold + (psi ?? 0) : 1 - drift.p
}

/** Drifted ones first, the worst of them before the others. */
export const worstColumns = (columns: Report['columns']): [string, ColumnReport][] =>
  Object.entries(columns).sort(([, a], [, b]) => rank(b) - rank(a) || size(b) - size(a))

const altOf = (name: string, of: ColumnReport): string => {
  const { current, reference, kind } = of
  const number = say(kind)
  const center = (summary: ColumnReport['current'] | null): string =>
    summary?.mean == null
      ? ''
      : `mean ${number(summary.mean)}, middle half ${number(summary.quantiles?.['0.25'] ?? summary.mean)} to ${number(summary.quantiles?.['0.75'] ?? summary.mean)}`
  const numbers =
    current.mean === null
      ? ''
      : `: now ${center(current)}${reference?.mean == null ? '' : `; reference ${center(reference)}`}`
  return `Distribution of ${name} now${reference ? ' and in the reference' : ''}${numbers || categoriesAlt(of.histogram)}.`
}

const categoriesAlt = (histogram: Histogram | null): string => {
  if (histogram?.of !== 'values') return ''
  const words = histogram.values.slice(0, 5).map((value, i) => {
    const was = histogram.reference && ` (was ${percent(histogram.reference[i]!)})`
    return `${shortened(value)} ${percent(histogram.current[i]!)}${was ?? ''}`
  })
  return `: ${words.join(', ')}${histogram.values.length > 5 ? ' and others' : ''}`
}

const outsideWords = (histogram: Histogram): Content => {
  const { current, reference } = histogram.outside
  const outside = current.below + current.above
  const before = reference ? reference.below + reference.above : 0
  return outside >= 0.0005 || before >= 0.0005
    ? html`<p class="meta">
        Not drawn, further out: ${percent(outside)} now${reference && html`, ${percent(before)} before`}.
      </p>`
    : undefined
}

const chartOf = (name: string, of: ColumnReport): Content => {
  const { histogram } = of
  if (!histogram) return html`<p class="meta">Nothing to draw${of.not_judged && html`: ${of.not_judged}`}.</p>`
  const text = altOf(name, of)
  if (histogram.of === 'ranges')
    return [
      distributions(histogram, text, of.kind === 'time' ? say('time') : compact, percent),
      outsideWords(histogram),
    ]
  const rows = histogram.values.map((value, i) => ({
    name: shortened(value),
    now: histogram.current[i]!,
    was: histogram.reference?.[i],
  }))
  return [bars(rows, text, percent), outsideWords(histogram)]
}

const numbersOf = (name: string, of: ColumnReport): TableOf | undefined => {
  const { histogram, reference } = of
  if (!histogram) return undefined
  const caption = `shares of ${name}`
  const head = [histogram.of === 'ranges' ? 'from' : 'value', 'now', ...(reference ? ['reference'] : [])]
  const names =
    histogram.of === 'ranges'
      ? histogram.edges.slice(0, -1).map(say(of.kind))
      : histogram.values.map((value) => shortened(value))
  const rows = names.map((row, i) => [
    row,
    percent(histogram.current[i]!),
    ...(reference ? [histogram.reference ? percent(histogram.reference[i]!) : ''] : []),
  ])
  return { caption, head, rows }
}

const badge = ({ drift }: ColumnReport): Markup => {
  if (!drift) return chip('unknown', 'Not judged')
  return drift.severity ? chip(drift.severity, 'Drifted') : chip('ok', 'No drift')
}

const driftWords = ({ drift, psi, psi_noise, not_judged }: ColumnReport): Content => {
  if (!drift) return not_judged && html`<p class="meta">${not_judged[0]!.toUpperCase()}${not_judged.slice(1)}.</p>`
  const main = isDistance(drift.statistic)
    ? `${nameOfStatistic(drift.statistic)} ${shortNumber(drift.value)} (counts from ${drift.threshold})`
    : `${nameOfStatistic(drift.statistic)}, ${chance(drift.p)} (counts below ${drift.threshold})`
  const index =
    psi === null
      ? ''
      : `; PSI ${shortNumber(psi)}${psi_noise === null ? '' : `, chance makes up to ${shortNumber(psi_noise)}`}`
  return html`<p class="meta">${main}${index}</p>`
}

const facts = ({ kind, current, reference }: ColumnReport): Markup => {
  const number = say(kind)
  const row = (name: string, pick: (of: NonNullable<ColumnReport['reference']>) => string | undefined): Content => {
    const now = pick(current)
    const was = reference ? pick(reference) : undefined
    return (
      (now ?? was) !== undefined &&
      html`<tr>
        <th scope="row">${name}</th>
        <td>${now ?? '–'}</td>
        ${reference && html`<td>${was ?? '–'}</td>`}
      </tr>`
    )
  }
  const of = (value: number | null | undefined): string | undefined => (value == null ? undefined : number(value))
  return html`<table class="facts-table">
    <thead>
      <tr>
        <th scope="col"><span class="hidden">measure</span></th>
        <th scope="col">now</th>
        ${reference && html`<th scope="col">reference</th>`}
      </tr>
    </thead>
    <tbody>
      ${row('values', ({ count: n }) => count(n))}
      ${row('missing', ({ missing }) => (missing === null ? undefined : percent(missing)))}
      ${row('mean', ({ mean }) => of(mean))} ${kind !== 'time' && row('standard deviation', ({ sd }) => of(sd))}
      ${row('median', ({ quantiles }) => of(quantiles?.['0.5']))} ${row('least', ({ min }) => of(min))}
      ${row('greatest', ({ max }) => of(max))}
      ${(current.below > 0 || current.above > 0) && row('out of range', ({ below, above }) => percent(below + above))}
      ${(current.categories?.new ?? 0) > 0 && row('new values', ({ categories }) => percent(categories?.new ?? 0))}
    </tbody>
  </table>`
}

const card = ([name, of]: readonly [string, ColumnReport], index: number, when: When): Markup => {
  const numbers = numbersOf(name, of)
  return html`<article class="card" id="${anchorOf(index)}" aria-labelledby="${anchorOf(index)}-name">
    <header>
      <h3 id="${anchorOf(index)}-name">${name}</h3>
      ${badge(of)}
    </header>
    <p class="meta">${of.role}, ${of.kind}</p>
    ${chartOf(name, of)} ${driftWords(of)} ${facts(of)} ${numbers && behind(numbers)} ${trend(name, of, when)}
  </article>`
}

export const columnsSection = (columns: readonly [string, ColumnReport][], when: When): Content => {
  if (columns.length === 0) return undefined
  const compared = columns.some(([, { reference }]) => reference)
  return section(
    'columns',
    'Features and outputs',
    compared
      ? 'Each with its distribution now over that of the reference, those that drifted most first.'
      : 'Each with its distribution. There is no reference to compare it with.',
    legend([
      ['now', 'now'],
      compared && ['was', 'reference'],
      ['bar', 'now (values)'],
      compared && ['wasBar', 'reference (values)'],
    ]),
    html`<div class="grid">${columns.map((column, i) => card(column, i, when))}</div>`,
  )
}

/** New categories and values out of range, of all columns. */
export const newsSection = (columns: readonly [string, ColumnReport][]): Content => {
  const rows = columns.flatMap(([name, { current, kind, reference }]) => {
    if (!reference) return []
    const number = say(kind)
    const outside = current.below + current.above
    const news = current.categories?.new ?? 0
    return [
      ...(outside > 0
        ? [
            [
              name,
              percent(outside),
              `${percent(current.below)} under ${reference.min === null ? 'the range' : number(reference.min)}, ${percent(current.above)} over ${reference.max === null ? 'it' : number(reference.max)}`,
            ],
          ]
        : []),
      ...(news > 0
        ? [
            [
              name,
              percent(news),
              `new: ${current.categories!.new_values.map(({ value, share }) => `${shortened(value)} (${percent(share)})`).join(', ')}`,
            ],
          ]
        : []),
      ...(current.not_finite > 0 ? [[name, percent(current.not_finite), 'NaN or infinite, or too great']] : []),
    ]
  })
  if (rows.length === 0) return undefined
  return section(
    'news',
    'New and out of range',
    'Values that the reference does not have. A few are always new; more than chance makes of it is a finding above.',
    html`<div class="card">
      ${table({ caption: 'Values that the reference does not have', head: ['column', 'share', 'what'], rows, text: [2] })}
    </div>`,
  )
}
