import type { Report, TrafficBucket } from '../../result.ts'
import { compact, count, milliseconds, percent } from '../../words.ts'
import { barsOf, chart, dotsOf, lineOf, ticksOf } from './charts.ts'
import { html, type Content, type Markup } from './markup.ts'
import { behind, legend, section } from './parts.ts'
import { timeAxis } from './time-axis.ts'
import type { When } from '../../when.ts'

interface Drawn {
  title: string
  text: string
  say: (value: number) => string
  values: (bucket: TrafficBucket) => number | null
  /** A second, thinner line. */
  other?: (bucket: TrafficBucket) => number | null
  asBars?: boolean
  /** The axis reaches up to here at least. */
  reach?: number
}

const drawn = (
  buckets: readonly TrafficBucket[],
  when: When,
  { title, text, say, values, other, asBars, reach = 1e-6 }: Drawn,
): Markup => {
  const axis = timeAxis(buckets, when.bucket)
  const found = buckets.flatMap((bucket) => [values(bucket) ?? [], other?.(bucket) ?? []].flat())
  const { values: ticks, place } = ticksOf(0, Math.max(...found, reach))
  const points = (of: NonNullable<Drawn['other']>) =>
    buckets.map((bucket) => {
      const value = of(bucket)
      return value === null ? undefined : ([axis.middle(bucket), place(value)] as const)
    })
  const main = points(values)
  const marks = asBars
    ? barsOf(
        buckets.map((bucket) => {
          const [from, to] = axis.span(bucket)
          const gap = Math.min(3, (to - from) * 0.12)
          return { from: from + gap, to: to - gap, top: place(values(bucket) ?? 0) }
        }),
        'bar',
      )
    : [
        lineOf(main),
        other && lineOf(points(other), 'line thin'),
        dotsOf(main.flatMap((point) => (point ? [point] : []))),
      ]
  return html`<div class="card">
    <h3>${title}</h3>
    ${chart(text, [axis.ground, marks], ticks.map(say), axis.labels)}
  </div>`
}

const bySize = (values: readonly (number | null)[], say: (value: number) => string): string => {
  const known = values.filter((value) => value !== null)
  return known.length === 0
    ? 'nothing known'
    : `from ${say(Math.min(...known))} to ${say(Math.max(...known))}, last ${say(known.at(-1)!)}`
}

export const trafficSection = ({ traffic, bucket }: Report, when: When): Content => {
  const { over_time: buckets } = traffic
  if (buckets.length === 0) return undefined
  const latencies = buckets.map(({ latency_ms }) => latency_ms?.p95 ?? null)
  const per = `by ${bucket}`
  const numbers = {
    caption: `traffic ${per}`,
    head: ['since', 'window', 'predictions', 'stored', 'failed', 'half within', '95 % within', '99 % within'],
    rows: buckets.map((of) => [
      when.moment(of.since),
      of.reference ? 'reference' : 'now',
      count(of.represented),
      count(of.instances),
      of.error_rate === null ? '' : percent(of.error_rate),
      ...(['p50', 'p95', 'p99'] as const).map((at) => (of.latency_ms ? milliseconds(of.latency_ms[at]) : '')),
    ]),
  }
  return section(
    'traffic',
    'Traffic, errors and latency',
    undefined,
    buckets.some(({ reference }) => reference) && legend([['past', 'reference window']]),
    html`<div class="grid">
      ${drawn(buckets, when, {
        title: `Predictions ${per}`,
        text: `Predictions ${per}: ${bySize(
          buckets.map(({ represented }) => represented),
          count,
        )}.`,
        say: compact,
        values: ({ represented }) => represented,
        asBars: true,
      })}
      ${drawn(buckets, when, {
        title: 'Share that failed',
        text: `Share of predictions that failed ${per}: ${bySize(
          buckets.map(({ error_rate }) => error_rate),
          percent,
        )}.`,
        say: percent,
        values: ({ error_rate }) => error_rate,
        reach: 0.01,
      })}
      ${drawn(buckets, when, {
        title: '95 % answered within (dotted: half)',
        text: `Time within which 95 % were answered ${per}: ${bySize(latencies, milliseconds)}.`,
        say: milliseconds,
        values: ({ latency_ms }) => latency_ms?.p95 ?? null,
        other: ({ latency_ms }) => latency_ms?.p50 ?? null,
      })}
    </div>`,
    behind(numbers),
  )
}
