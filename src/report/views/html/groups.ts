import type { GroupReport, Report } from '../../result.ts'
import { count, list, milliseconds, nameOfMetric, percent, shortened } from '../../words.ts'
import { html, type Content } from './markup.ts'
import { section, table } from './parts.ts'
import { metricCell } from './performance.ts'

const MEASURES = ['accuracy', 'precision', 'recall', 'f1', 'f1_macro', 'auc', 'rmse', 'mae', 'r2']

const groupTable = (title: string, groups: readonly GroupReport[], task: Report['performance']['task']): Content => {
  const measures = MEASURES.filter((name) => groups.some(({ metrics }) => metrics[name])).slice(0, 4)
  const rows = groups.map((group) => [
    shortened(group.value) || '(none)',
    count(group.instances),
    percent(group.share),
    group.error_rate === null ? '–' : percent(group.error_rate),
    group.latency_ms ? milliseconds(group.latency_ms.p95) : '–',
    ...measures.map((name) => metricCell(task, name, group.metrics[name])),
    group.drifted.length > 0 ? list(group.drifted) : '–',
  ])
  const head = [
    title,
    'predictions',
    'share',
    'failed',
    '95 % within',
    ...measures.map(nameOfMetric),
    'differs from the reference',
  ]
  return html`<div class="card wide">${table({ caption: `By ${title}`, head, rows, text: [head.length - 1] })}</div>`
}

export const groupsSection = ({ versions, slices, performance }: Report): Content => {
  const names = [...new Set(slices.map(({ name }) => name))]
  if (versions.length < 2 && names.length === 0) return undefined
  return section(
    'groups',
    names.length > 0 ? 'Versions and slices' : 'Versions',
    undefined,
    html`<div class="grid">
      ${versions.length > 1 && groupTable('version', versions, performance.task)}
      ${names.map((name) =>
        groupTable(
          name,
          slices.filter((slice) => slice.name === name),
          performance.task,
        ),
      )}
    </div>`,
  )
}

export const qualitySection = ({ quality }: Report): Content => {
  const { extra } = quality
  if (extra.length === 0) return undefined
  const compared = extra.some(({ reference_share }) => reference_share !== null)
  return section(
    'extra',
    'What did not fit',
    'Values that did not fit their column. They are kept, with the reason, in the column extra.',
    html`<div class="card">
      ${table({
        caption: 'By path and reason',
        head: ['path', 'reason', 'rows', 'share', ...(compared ? ['reference'] : [])],
        rows: extra.map((of) => [
          of.path,
          of.reason,
          count(of.count),
          percent(of.share),
          ...(compared ? [percent(of.reference_share ?? 0)] : []),
        ]),
        text: [1],
      })}
    </div>`,
  )
}
