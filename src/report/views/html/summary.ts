import type { Finding, Report } from '../../result.ts'
import { estimateOf } from '../../statistics/measures.ts'
import { count, counted, headlineOf, milliseconds, percent, sayOf, score, withInterval } from '../../words.ts'
import { html, type Content, type Markup } from './markup.ts'
import { chip, markOf, section, wordOf } from './parts.ts'
import type { When } from '../../when.ts'

/** Where a column's card is. */
export const anchorOf = (index: number): string => `column-${index}`

export const header = ({ model, since, until, reference, time_zone, where }: Report, when: When): Markup => {
  const against = reference
    ? html` compared with ${reference.from ?? when.period(reference.since, reference.until)}`
    : html`, with nothing to compare it with`
  const only = where.map(({ name, value }) => html`Only rows with ${name} = ${value}. `)
  return html`<header>
    <h1>${model ? html`Model ${model}` : 'Model report'}</h1>
    <p class="meta">${only}${when.period(since, until)} (${time_zone})${against}</p>
  </header>`
}

export const verdict = ({ verdict, summary }: Report): Markup =>
  html`<div class="verdict ${verdict}" role="status">
    <span class="mark" aria-hidden="true">${markOf(verdict)}</span>
    <span class="word">${verdict === 'unknown' ? 'Not enough data' : wordOf(verdict)}</span>
    <p class="summary">${summary}</p>
  </div>`

const figure = (name: string, value: string, more: Content): Markup =>
  html`<div class="figure">
    <dt>${name}</dt>
    <dd>${value}${more && html`<small>${more}</small>`}</dd>
  </div>`

const performanceFigure = ({ performance }: Report): Content => {
  const { task, metrics, reference, estimated } = performance
  const name = headlineOf(task)
  const say = sayOf(task, name)
  const metric = estimateOf(metrics[name])
  if (metric) {
    const was = estimateOf(reference?.metrics[name])
    const interval = metric.low === undefined ? '' : `${say(metric.low)}–${say(metric.high!)}`
    const before = was ? `was ${say(was.value)}` : ''
    return figure(
      task === 'regression' ? 'RMSE' : 'Accuracy',
      say(metric.value),
      [interval, before].filter(Boolean).join(' · '),
    )
  }
  const expected = estimated?.reliable ? estimated.metrics.accuracy : undefined
  return (
    expected && figure('Accuracy to be expected', score(expected.value), withInterval(expected).replace(/^\S+ /, ''))
  )
}

export const figures = (report: Report): Markup => {
  const { traffic, columns, performance } = report
  const judged = Object.values(columns).filter(({ drift }) => drift)
  const drifted = judged.filter(({ drift }) => drift!.drifted)
  const sampled = traffic.represented > traffic.instances * 1.01
  const before = traffic.reference
  return html`<dl class="figures">
    ${figure(
      'Predictions',
      count(traffic.represented),
      [sampled && `${count(traffic.instances)} stored`, before && `was ${count(before.represented)}`]
        .filter(Boolean)
        .join(' · '),
    )}
    ${performanceFigure(report)}
    ${judged.length > 0 && figure('Columns drifted', `${drifted.length} of ${judged.length}`, judged.length < Object.keys(columns).length && `${Object.keys(columns).length - judged.length} not judged`)}
    ${
      traffic.error_rate !== null &&
      figure('Failed', percent(traffic.error_rate), before?.error_rate != null && `was ${percent(before.error_rate)}`)
    }
    ${
      traffic.latency_ms &&
      figure(
        '95 % answered in',
        milliseconds(traffic.latency_ms.p95),
        before?.latency_ms && `was ${milliseconds(before.latency_ms.p95)}`,
      )
    }
    ${
      performance.task &&
      performance.share !== null &&
      figure('With an actual', percent(performance.share), counted(performance.labelled, 'prediction'))
    }
  </dl>`
}

const findingText = ({ column, message }: Finding, anchors: ReadonlyMap<string, string>): Content => {
  const anchor = column === undefined ? undefined : anchors.get(column)
  if (anchor === undefined || !message.startsWith(column!)) return message
  return html`<a href="#${anchor}">${column!}</a>${message.slice(column!.length)}`
}

export const advice = ({ advice }: Report): Content =>
  advice.length > 0 &&
  section(
    'advice',
    'What to do',
    undefined,
    html`<ul class="advice">
      ${advice.map((text) => html`<li>${text}</li>`)}
    </ul>`,
  )

export const findings = ({ findings }: Report, anchors: ReadonlyMap<string, string>): Markup =>
  section(
    'findings',
    'What has been found',
    findings.length === 0 && 'Nothing that is worth a word.',
    findings.length > 0 &&
      html`<ul class="findings">
        ${findings.map(
          (finding) => html`<li>${chip(finding.severity)}<span>${findingText(finding, anchors)}</span></li>`,
        )}
      </ul>`,
  )
