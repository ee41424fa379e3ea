import type { MetricReport, PerformanceBucket, PerformanceReport, Report } from '../../result.ts'
import { estimateOf } from '../../statistics/measures.ts'
import {
  count,
  counted,
  duration,
  headlineOf,
  nameOfMetric,
  percent,
  sayMetric,
  sayOf,
  score,
  shortened,
  withInterval,
} from '../../words.ts'
import { bandOf, barsOf, chart, dotsOf, lineOf, SIZE, ticksOf } from './charts.ts'
import { html, round, type Content, type Markup } from './markup.ts'
import { behind, legend, section, table } from './parts.ts'
import { timeAxis } from './time-axis.ts'
import type { When } from '../../when.ts'

type Task = PerformanceReport['task']

/** As a cell of a table, where the interval goes to a line of its own before it is broken. */
export const metricCell = (task: Task, name: string, metric: MetricReport | undefined): Content => {
  const [value = '', ...interval] = sayMetric(task, name, metric).split(' (')
  return interval.length === 0 ? value : html`${value} <span class="whole">(${interval.join(' (')}</span>`
}

const overTime = ({ task, over_time: buckets, estimated }: PerformanceReport, when: When): Content => {
  const name = headlineOf(task)
  const say = sayOf(task, name)
  const usesExpected = estimated?.reliable === true
  const values = buckets.map((bucket) => estimateOf(bucket.metrics[name]))
  const expected = buckets.map((bucket) => (usesExpected ? bucket.estimated : null))
  const all = [...values, ...expected].flatMap((of) => (of ? [of.value, of.low ?? of.value, of.high ?? of.value] : []))
  if (all.length === 0) return undefined
  const axis = timeAxis(buckets, when.bucket)
  const high = Math.max(...all)
  const low = Math.min(...all)
  const bounds =
    task === 'regression' ? ([0, high] as const) : ([Math.max(0, low - (high - low) * 0.15), high] as const)
  const { values: ticks, place } = ticksOf(...bounds)
  const point = (bucket: PerformanceBucket, value: number) => [axis.middle(bucket), place(value)] as const
  const points = buckets.map((bucket, i) => (values[i] ? point(bucket, values[i].value) : undefined))
  const shares = buckets.map((bucket) => {
    const [from, to] = axis.span(bucket)
    return { from, to, top: SIZE.height * (1 - (bucket.share ?? 0)) }
  })
  const coming = buckets.flatMap((bucket, i) => (bucket.coming && points[i] ? [points[i]] : []))
  const drawn = [
    axis.ground,
    barsOf(shares, 'behind'),
    bandOf(
      buckets.map((bucket, i) =>
        values[i]?.low === undefined
          ? undefined
          : ([axis.middle(bucket), place(values[i].low), place(values[i].high!)] as const),
      ),
    ),
    usesExpected &&
      lineOf(
        buckets.map((bucket, i) => (expected[i] ? point(bucket, expected[i].value) : undefined)),
        'expected',
      ),
    lineOf(points),
    dotsOf(points.flatMap((of) => (of ? [of] : []))),
    dotsOf(coming, 'hollow'),
  ]
  const known = values.filter((value) => value !== undefined)
  const last = known.at(-1)
  const text = `${nameOfMetric(name)} over time${known.length > 0 ? `: from ${say(Math.min(...known.map(({ value }) => value)))} to ${say(Math.max(...known.map(({ value }) => value)))}, last ${withInterval(last!, say)}` : ': no actuals'}.`
  return html`<div class="card wide">
    <h3>${task === 'regression' ? 'RMSE' : 'Accuracy'} over time</h3>
    ${legend([
      known.length > 0 && ['band', 'measured, with its 95 % interval'],
      known.length > 0 && ['behind', 'share with an actual (full height: all)'],
      coming.length > 0 && ['hollow', 'actuals still coming'],
      usesExpected && ['expected', 'expected from confidences'],
      buckets.some(({ reference }) => reference) && ['past', 'reference window'],
    ])}
    <div class="tall">${chart(text, drawn, ticks.map(say), axis.labels, true)}</div>
    ${behind({
      caption: `${nameOfMetric(name)} over time`,
      head: ['since', 'window', nameOfMetric(name), 'with an actual', 'of all', ...(usesExpected ? ['expected'] : [])],
      rows: buckets.map((bucket, i) => [
        when.moment(bucket.since),
        bucket.reference ? 'reference' : 'now',
        sayMetric(task, name, bucket.metrics[name]),
        `${count(bucket.labelled)}${bucket.coming ? ', more are coming' : ''}`,
        bucket.share === null ? '–' : percent(bucket.share),
        ...(usesExpected ? [expected[i] ? withInterval(expected[i]) : '–'] : []),
      ]),
    })}
  </div>`
}

const metricsTable = ({ task, metrics, reference }: PerformanceReport): Markup =>
  html`<div class="card">
    <h3>Measures</h3>
    ${table({
      caption: 'With 95 % intervals, where there are any',
      head: ['measure', 'now', ...(reference ? ['reference'] : [])],
      rows: Object.entries(metrics).map(([name, metric]) => [
        nameOfMetric(name),
        metricCell(task, name, metric),
        ...(reference ? [metricCell(task, name, reference.metrics[name])] : []),
      ]),
      className: 'measures',
    })}
  </div>`

/** How many classes a matrix is drawn for. */
const MOST = 12

const matrix = ({ confusion, classes }: PerformanceReport): Content => {
  if (confusion.length === 0 || classes.length > MOST) return undefined
  const names = classes.map(({ name }) => name)
  const at = new Map(confusion.map((pair) => [JSON.stringify([pair.prediction, pair.actual]), pair]))
  const rows = names.map((actual) => {
    const cells = names.map((prediction) => at.get(JSON.stringify([prediction, actual])))
    const total = cells.reduce((sum, cell) => sum + (cell?.weight ?? 0), 0)
    return [
      shortened(actual),
      ...cells.map((cell, i) => {
        const share = cell && total > 0 ? cell.weight / total : 0
        const colour = names[i] === actual ? '--now' : '--alert'
        return html`<span
          class="heat"
          style="background:color-mix(in srgb,var(${colour}) ${round(share * 28)}%,transparent)"
          >${cell ? count(cell.count) : '0'} <small>${percent(share)}</small></span
        >`
      }),
    ]
  })
  return html`<div class="card">
    <h3>What was predicted, and what it was</h3>
    ${table({ caption: 'A row an actual class: how many were predicted as what', head: ['actual', ...names.map((name) => `predicted ${shortened(name)}`)], rows, className: 'matrix' })}
  </div>`
}

const classTable = ({ task, classes, labelled }: PerformanceReport): Content =>
  classes.length > 0 &&
  labelled > 0 &&
  html`<div class="card">
    <h3>By class</h3>
    ${table({
      caption: 'Precision, recall and F1 of each class',
      head: ['class', 'actuals', 'precision', 'recall', 'F1'],
      rows: classes.map(({ name, count: n, precision, recall, f1 }) => [
        shortened(name),
        count(n),
        ...[precision, recall, f1].map((of) => metricCell(task, '', of)),
      ]),
    })}
  </div>`

const calibrationChart = ({ calibration, metrics }: PerformanceReport): Content => {
  const known = calibration.flatMap(({ said, happened, share }) =>
    said !== null && happened !== null ? [{ said, happened, share }] : [],
  )
  if (known.length === 0) return undefined
  const points = known.map(({ said, happened }) => [said * SIZE.width, (1 - happened) * SIZE.height] as const)
  const error = estimateOf(metrics.calibration_error)
  const most = Math.max(...known.map(({ share }) => share))
  const shares = calibration.map(({ from, to, share }) => ({
    from: from * SIZE.width + 4,
    to: to * SIZE.width - 4,
    top: SIZE.height * (1 - (share / most) * 0.35),
  }))
  const drawn = [
    barsOf(shares, 'behind'),
    html`<path class="diagonal" d="M0 ${SIZE.height}L${SIZE.width} 0" />`,
    lineOf(points),
    dotsOf(points),
  ]
  const text = `Calibration: ${known.map(({ said, happened }) => `of chances around ${percent(said)} came true ${percent(happened)}`).join('; ')}.`
  return html`<div class="card">
    <h3>Calibration</h3>
    <p class="meta">
      What came true of what was said${error && html`; expected calibration error ${score(error.value)}`}
    </p>
    ${legend([
      ['line', 'came true'],
      ['diagonal', 'perfect'],
      ['behind', 'how often said'],
    ])}
    ${chart(
      text,
      drawn,
      ['100 %', '50 %', '0 %'],
      [0, 0.5, 1].map((at) => ({ at, text: percent(at) })),
      true,
    )}
    ${behind({
      caption: 'calibration',
      head: ['said', 'in the mean', 'came true', 'share of all'],
      rows: calibration.map(({ from, to, said, happened, share }) => [
        `${percent(from)} to ${percent(to)}`,
        said === null ? '–' : percent(said),
        happened === null ? '–' : percent(happened),
        percent(share),
      ]),
    })}
  </div>`
}

const expectedCard = ({ estimated }: PerformanceReport): Content => {
  if (!estimated) return undefined
  const rows = Object.entries(estimated.metrics).map(([name, metric]) => [nameOfMetric(name), withInterval(metric)])
  return html`<div class="card">
    <h3>To be expected without actuals</h3>
    <p class="meta">${estimated.assumptions}</p>
    ${
      estimated.reliable
        ? [
            table({ caption: 'Expected from confidences', head: ['measure', 'expected'], rows }),
            estimated.reason && html`<p class="meta">Take it with care: ${estimated.reason}.</p>`,
          ]
        : html`<p>Not shown: ${estimated.reason}.</p>`
    }
  </div>`
}

const lead = ({ task, prediction, actual, labelled, share, lag_seconds: lag, reason }: PerformanceReport): Content => {
  if (!task) return reason && `${reason[0]!.toUpperCase()}${reason.slice(1)}.`
  const known = `${counted(labelled, 'prediction')}${share === null ? '' : ` (${percent(share)})`} ${labelled === 1 ? 'has' : 'have'} an actual`
  const late = lag ? `; half of the actuals came within ${duration(lag.p50)}, 90 % within ${duration(lag.p90)}` : ''
  return `Output “${prediction}” against the actual “${actual}”: ${known}${late}.`
}

export const performanceSection = ({ performance }: Report, when: When): Content =>
  section(
    'performance',
    'Performance',
    lead(performance),
    html`<div class="grid broad">
      ${overTime(performance, when)} ${performance.labelled > 0 && metricsTable(performance)}
      ${calibrationChart(performance)} ${matrix(performance)} ${classTable(performance)} ${expectedCard(performance)}
    </div>`,
  )
