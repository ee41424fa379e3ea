import type { ColumnReport, Finding, GroupReport, Report, Verdict } from '../result.ts'
import { estimateOf } from '../statistics/measures.ts'
import { count, counted, milliseconds, nameOfMetric, percent, sayMetric, shortNumber, withInterval } from '../words.ts'
import { timeOf } from './dates.ts'
import { spark, sparks } from './spark.ts'
import { plain, textTable, wrap } from './table.ts'
import { whenOf } from '../when.ts'

export interface TerminalViewOptions {
  /** Colours for a terminal; off for a pipe, and where `NO_COLOR` is set. */
  colours: boolean
}

const WIDTH = 80
const SPARK = 12

type Paint = (text: string) => string
interface Palette {
  bold: Paint
  dim: Paint
  red: Paint
  yellow: Paint
  green: Paint
}

const style =
  (on: boolean, open: number, close: number): Paint =>
  (text) =>
    on ? `\u001b[${open}m${text}\u001b[${close}m` : text

const paletteOf = (on: boolean): Palette => ({
  bold: style(on, 1, 22),
  dim: style(on, 2, 22),
  red: style(on, 31, 39),
  yellow: style(on, 33, 39),
  green: style(on, 32, 39),
})

const VERDICTS: Record<Verdict, [word: string, colour: keyof Palette]> = {
  ok: ['OK', 'green'],
  warn: ['WARNING', 'yellow'],
  alert: ['ALERT', 'red'],
  unknown: ['UNKNOWN', 'dim'],
}

const MARKS: Record<Finding['severity'], [mark: string, word: string, colour: keyof Palette]> = {
  alert: ['✖', 'alert', 'red'],
  warn: ['▲', 'warn', 'yellow'],
  info: ['·', 'note', 'dim'],
}

const heading = (report: Report, { dim }: Palette): string[] => {
  const { model, since, until, reference, where, time_zone } = report
  const when = whenOf(report)
  const against = reference
    ? `against ${reference.from ? plain(reference.from) : when.period(reference.since, reference.until)}`
    : 'with nothing to compare it with'
  const only = where.map(({ name, value }) => `only ${plain(name)}=${plain(value)}, `).join('')
  const of = model ? `${plain(model)}, ` : ''
  return [dim(wrap(`${of}${only}${when.period(since, until)} (${time_zone}), ${against}`, WIDTH))]
}

const verdict = ({ verdict, summary }: Report, palette: Palette): string[] => {
  const [word, colour] = VERDICTS[verdict]
  const indent = ' '.repeat(word.length + 2)
  return ['', `${palette[colour](palette.bold(word))}  ${wrap(plain(summary), WIDTH - indent.length, indent)}`]
}

const findings = ({ findings }: Report, palette: Palette): string[] => {
  if (findings.length === 0) return []
  return [
    '',
    palette.bold('What has been found'),
    ...findings.map(({ severity, message }) => {
      const [mark, word, colour] = MARKS[severity]
      return `  ${palette[colour](`${mark} ${word.padEnd(5)}`)}  ${wrap(plain(message), WIDTH - 11, ' '.repeat(11))}`
    }),
  ]
}

const advice = ({ advice }: Report, palette: Palette): string[] =>
  advice.length === 0
    ? []
    : ['', palette.bold('What to do'), ...advice.map((text) => `  - ${wrap(plain(text), WIDTH - 4, '    ')}`)]

const COLUMNS = [
  { title: 'column', width: 18 },
  { title: 'now', width: SPARK },
  { title: 'was', width: SPARK },
  { title: 'mean', width: 8, align: 'right' },
  { title: 'was', width: 8, align: 'right' },
  { title: 'missing', width: 7, align: 'right' },
  { title: 'drift', width: 9 },
] as const

const meanOf = (of: ColumnReport, which: 'current' | 'reference'): string => {
  const mean = of[which]?.mean
  if (mean === undefined || mean === null) return ''
  return of.kind === 'time' ? timeOf(mean).slice(2, 10) : shortNumber(mean)
}

const driftWord = ({ drift }: ColumnReport): string => {
  if (!drift) return '–'
  return drift.severity === 'alert' ? '✖ drifted' : drift.severity === 'warn' ? '▲ drifted' : 'no'
}

const columns = ({ columns }: Report, palette: Palette): string[] => {
  const all = Object.entries(columns)
  if (all.length === 0) return []
  const rows = all.map(([name, of]) => {
    const { current, reference } = sparks(of.histogram, SPARK)
    const missing = of.current.missing
    const colour =
      of.drift?.severity === 'alert' ? palette.red : of.drift?.severity === 'warn' ? palette.yellow : undefined
    return {
      cells: [
        name,
        current,
        reference,
        meanOf(of, 'current'),
        meanOf(of, 'reference'),
        missing === null ? '' : percent(missing),
        driftWord(of),
      ],
      ...(colour && { paint: colour }),
    }
  })
  return ['', ...textTable(COLUMNS, rows, palette.bold)]
}

const performance = ({ performance }: Report, palette: Palette): string[] => {
  const { task, metrics, reference, labelled, share, estimated } = performance
  const expected = estimated?.reliable ? estimated.metrics.accuracy : undefined
  if (!task && !expected) return []
  const rows = Object.entries(metrics).map(([name, metric]) => {
    const was = reference?.metrics[name]
    return { cells: [nameOfMetric(name), sayMetric(task, name, metric), was ? sayMetric(task, name, was) : ''] }
  })
  const known = task
    ? `${counted(labelled, 'prediction')} with an actual${share === null ? '' : `, ${percent(share)} of them`}`
    : 'no actuals'
  const table = [
    { title: 'performance', width: 18 },
    { title: 'now', width: 30 },
    { title: 'was', width: 30 },
  ]
  return [
    '',
    ...textTable(table, rows, palette.bold),
    palette.dim(known),
    ...(expected ? [palette.dim(`accuracy to be expected from the confidences: ${withInterval(expected)}`)] : []),
  ]
}

const groups = (
  title: string,
  of: readonly GroupReport[],
  task: Report['performance']['task'],
  palette: Palette,
): string[] => {
  if (of.length === 0) return []
  const rows = of.map((group) => {
    const [name, metric] = Object.entries(group.metrics).find(([, metric]) => estimateOf(metric)) ?? []
    return {
      cells: [
        `${title === 'version' ? '' : `${group.name}=`}${group.value || '(none)'}`,
        count(group.instances),
        percent(group.share),
        group.error_rate === null ? '' : percent(group.error_rate),
        name && metric ? `${nameOfMetric(name)} ${sayMetric(task, name, metric)}` : '',
      ],
    }
  })
  const table = [
    { title, width: 22 },
    { title: 'predictions', width: 11, align: 'right' as const },
    { title: 'share', width: 7, align: 'right' as const },
    { title: 'errors', width: 7, align: 'right' as const },
    { title: '', width: 29 },
  ]
  return ['', ...textTable(table, rows, palette.bold)]
}

const traffic = ({ traffic }: Report, palette: Palette): string[] => {
  const { instances, represented, error_rate, latency_ms, over_time, reference } = traffic
  const all = represented > instances * 1.01 ? ` (of ${count(represented)})` : ''
  const was = reference ? `, was ${count(reference.instances)}` : ''
  const parts = [
    `${counted(instances, 'prediction')}${all}${was}`,
    ...(error_rate === null ? [] : [`${percent(error_rate)} failed`]),
    ...(latency_ms ? [`95 % answered within ${milliseconds(latency_ms.p95)}`] : []),
  ]
  const bars = over_time.filter(({ reference }) => !reference).map(({ represented }) => represented)
  return [
    '',
    palette.bold('traffic'),
    wrap(parts.join('; '), WIDTH),
    ...(bars.length > 1 && bars.length <= WIDTH ? [palette.dim(spark(bars))] : []),
  ]
}

/** The report as text of 80 columns: the verdict, then what is wrong, worst first, then the columns. */
export const terminalView = (report: Report, { colours }: TerminalViewOptions): string => {
  const palette = paletteOf(colours)
  const { task } = report.performance
  return [
    ...heading(report, palette),
    ...verdict(report, palette),
    ...findings(report, palette),
    ...advice(report, palette),
    ...columns(report, palette),
    ...performance(report, palette),
    ...traffic(report, palette),
    ...groups('version', report.versions.length > 1 ? report.versions : [], task, palette),
    ...groups('slice', report.slices, task, palette),
    '',
  ].join('\n')
}
