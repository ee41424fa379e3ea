import type { ColumnReport } from '../../result.ts'
import { compact, percent } from '../../words.ts'
import { timeOf } from '../dates.ts'
import { chart, lineOf, ticksOf } from './charts.ts'
import { html, type Content } from './markup.ts'
import { behind } from './parts.ts'
import { timeAxis } from './time-axis.ts'
import type { When } from '../../when.ts'

type Moment = ColumnReport['over_time'][number]

/** Rows of the table behind: a long window has hundreds, for each of many columns. */
const LATEST = 14

/** What is worth a line: the mean of numbers, else what is missing, if anything is. */
const shownOf = ({ kind, over_time: moments }: ColumnReport) => {
  if (kind === 'number' || kind === 'time') {
    const say = kind === 'time' ? (value: number) => timeOf(value).slice(0, 10) : compact
    return { name: 'mean', pick: ({ mean }: Moment) => mean, say }
  }
  const isMissing = moments.some(({ missing }) => (missing ?? 0) > 0)
  return isMissing ? { name: 'missing', pick: ({ missing }: Moment) => missing, say: percent } : undefined
}

/** When it began: the mean of a column (or what is missing of it) over time. */
export const trend = (name: string, of: ColumnReport, when: When): Content => {
  const shown = shownOf(of)
  const moments = of.over_time
  const known = shown ? moments.flatMap((moment) => shown.pick(moment) ?? []) : []
  if (!shown || moments.length < 3 || known.length < 2) return undefined
  const axis = timeAxis(moments, when.bucket)
  const { values: ticks, place } = ticksOf(Math.min(...known), Math.max(...known), 2)
  const points = moments.map((moment) => {
    const value = shown.pick(moment)
    return value === null ? undefined : ([axis.middle(moment), place(value)] as const)
  })
  const text = `The ${shown.name} of ${name} over time: from ${shown.say(Math.min(...known))} to ${shown.say(Math.max(...known))}, last ${shown.say(known.at(-1)!)}.`
  const labels = [axis.labels[0], axis.labels.at(-1)].flatMap((label) => label ?? [])
  const ends = [ticks[0], ticks.at(-1)].flatMap((tick) => (tick === undefined ? [] : [shown.say(tick)]))
  const latest = moments.slice(-LATEST)
  return html`<div class="low">
    <p class="meta">${shown.name} over time</p>
    ${chart(text, [axis.ground, lineOf(points, 'line', 0)], ends, labels)}
    ${behind({
      caption: `${name} over time${latest.length < moments.length ? `, the last ${LATEST}` : ''}`,
      head: ['since', ...(shown.name === 'mean' ? ['mean'] : []), 'missing'],
      rows: latest.map((moment) => [
        when.bucket(moment.since),
        ...(shown.name === 'mean' ? [moment.mean === null ? '–' : shown.say(moment.mean)] : []),
        moment.missing === null ? '–' : percent(moment.missing),
      ]),
    })}
  </div>`
}
