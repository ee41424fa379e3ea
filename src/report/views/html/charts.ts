import { scaleLinear } from 'd3-scale'
import { area } from 'd3-shape'
import type { Histogram } from '../../result.ts'
import { html, round, type Content, type Markup } from './markup.ts'

/**
 * Charts as SVG. Each is stretched over its card, and its labels are HTML beside it: so text is as large on a phone as on paper. No chart
 * computes anything but places.
 */

const W = 600
const H = 200

export interface Label {
  /** From 0 to 1. */
  at: number
  text: string
}

/** A figure with a text for those who do not see it, a grid, labels of its axes, and what is drawn. */
export const chart = (text: string, drawn: Content, y: readonly string[], x: readonly Label[], tall = false): Markup =>
  html`<div class="${tall ? 'chart tall' : 'chart'}">
    <div class="y" aria-hidden="true">${y.map((label) => html`<span>${label}</span>`)}</div>
    <svg viewBox="0 0 ${W} ${H}" preserveAspectRatio="none" role="img" aria-label="${text}">
      ${y.map((_, i) => gridLine(y.length > 1 ? (i / (y.length - 1)) * H : H))}${drawn}
    </svg>
    <div class="x" aria-hidden="true">
      ${x.map(({ at, text }) => html`<span class="${at < 0.06 ? 'first' : at > 0.94 ? 'last' : 'middle'}" style="left:${round(at * 100)}%">${text}</span>`)}
    </div>
  </div>`

const gridLine = (y: number): Markup => html`<path class="grid-line" d="M0 ${round(y)}H${W}" />`

/** Ticks of a linear axis from the top down, a round number at each end. */
export const ticksOf = (
  low: number,
  high: number,
  count = 3,
): { values: number[]; place: (value: number) => number } => {
  const scale = scaleLinear([low, high === low ? low + 1 : high], [H, 0]).nice(count)
  const [from, to] = scale.domain() as [number, number]
  const ticks = scale.ticks(count).filter((tick) => tick >= from && tick <= to)
  const values = ticks.length >= 2 && isEven(ticks) && ticks[0] === from && ticks.at(-1) === to ? ticks : [from, to]
  return { values: values.toReversed(), place: (value) => round(scale(value)) }
}

/** Labels are spread evenly, so ticks must be. */
const isEven = (ticks: readonly number[]): boolean => {
  const step = ticks[1]! - ticks[0]!
  return ticks.every((tick, i) => Math.abs(tick - ticks[0]! - i * step) < Math.abs(step) * 1e-6)
}

/** Steps from point to point: their text is shorter than that of places. A point without a neighbour is a dot. */
const pathOf = (points: readonly (readonly [number, number] | undefined)[], digits: number): string => {
  const scale = 10 ** digits
  const round = (value: number): number => Math.round(value * scale)
  const text = (x: number, y: number): string => `${x / scale}${y < 0 ? '' : ' '}${y / scale}`
  let last: readonly [number, number] | undefined
  return points
    .map((point) => {
      const at = point && ([round(point[0]), round(point[1])] as const)
      const step = !at ? '' : last ? `l${text(at[0] - last[0], at[1] - last[1])}` : `M${text(...at)}h0`
      last = at
      return step
    })
    .join('')
}

export const lineOf = (
  points: readonly (readonly [number, number] | undefined)[],
  className = 'line',
  digits = 1,
): Markup => html`<path class="${className}" d="${pathOf(points, digits)}" />`

/** Dots that stay round however the chart is stretched: lines of no length with round ends. */
export const dotsOf = (points: readonly (readonly [number, number])[], className = 'dots'): Markup =>
  html`<path class="${className}" d="${points.map(([x, y]) => `M${round(x)} ${round(y)}h0`).join('')}" />`

export const bandOf = (points: readonly (readonly [x: number, low: number, high: number] | undefined)[]): Markup => {
  const draw = area<readonly [number, number, number] | undefined>()
    .defined((point) => point !== undefined)
    .x((point) => point![0])
    .y0((point) => point![1])
    .y1((point) => point![2])
    .digits(1)
  return html`<path class="band" d="${draw(points) ?? ''}" />`
}

export const barsOf = (bars: readonly { from: number; to: number; top: number }[], className: string): Markup =>
  html`<path
    class="${className}"
    d="${bars.map(({ from, to, top }) => `M${round(from)} ${H}V${round(top)}H${round(to)}V${H}z`).join('')}"
  />`

/** The outline of a histogram, from the base line and back to it: only lines across and up, so its text is short. */
const steps = (edges: readonly number[], shares: readonly number[], most: number): string => {
  const x = scaleLinear([edges[0]!, edges.at(-1)!], [0, W])
  const y = scaleLinear([0, most], [H, 4])
  const bars = shares.map((share, i) => `V${tenth(y(share))}H${tenth(x(edges[i + 1]!))}`)
  return `M0 ${H}${bars.join('')}V${H}z`
}

const tenth = (value: number): number => Math.round(value * 10) / 10

/** Both distributions of a number over one another: the current one filled, the reference dashed. */
export const distributions = (
  histogram: Extract<Histogram, { of: 'ranges' }>,
  text: string,
  say: (value: number) => string,
  percent: (share: number) => string,
): Markup => {
  const { edges, current, reference } = histogram
  const most = Math.max(...current, ...(reference ?? []), 1e-9)
  const at = [0, 1 / 3, 2 / 3, 1]
  const labels = at.map((place) => ({ at: place, text: say(edges[0]! + (edges.at(-1)! - edges[0]!) * place) }))
  const drawn = html`<path
      class="now-area"
      d="${steps(edges, current, most)}"
    />${reference && html`<path class="was-area" d="${steps(edges, reference, most)}" />`}<path
      class="base"
      d="M0 ${H}H${W}"
    />`
  return chart(text, drawn, [percent(most), '0'], labels)
}

/** Values side by side: a bar of the current share above one of the reference. */
export const bars = (
  rows: readonly { name: string; now: number; was: number | undefined }[],
  text: string,
  percent: (share: number) => string,
): Markup => {
  const most = Math.max(...rows.flatMap(({ now, was = 0 }) => [now, was]), 1e-9)
  const width = (share: number): number => round((share / most) * 100)
  const bar = (now: number, was: number | undefined): Markup =>
    html`<svg viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      <path class="bar" d="M0 1h${width(now)}v${was === undefined ? 18 : 10}H0z" />
      ${was !== undefined && html`<path class="was-bar" d="M0 13h${width(was)}v6H0z" />`}
    </svg>`
  return html`<div class="bars" role="img" aria-label="${text}">
    ${rows.map(({ name, now, was }) => html`<span class="name">${name}</span>${bar(now, was)}<span class="share">${percent(now)}${was !== undefined && html` <small>(${percent(was)})</small>`}</span>`)}
  </div>`
}

export const SIZE = { width: W, height: H } as const
