import type { Answers, ReportPlan, Progress, Window, WindowAnswer } from '../../../../src/report/answers.ts'
import { addCell } from '../../../../src/report/tally/cells.ts'
import { tallyRows, type KnownValues } from '../../../../src/report/tally/rows.ts'
import type { WindowTally } from '../../../../src/report/tally/window.ts'
import { fromLabelled, fromPlain } from './labels.ts'
import { iterate, readColumns, readLabel } from './rows.ts'
import { conditionOf, quote, valueText, type Inspected } from './table.ts'

/** How many of a row's values stand before its slices and columns. */
const HEAD = 6

const headOf = ({ own }: Inspected): string[] => {
  const column = (name: keyof typeof own, fallback: string) =>
    own[name] === undefined ? fallback : `p.${quote(own[name])}`
  return [
    column('timestamp', 'null'),
    `coalesce(${column('model_version', "''")}, '')`,
    `coalesce(${column('sample_weight', '1')}, 1) + 0.0`,
    `coalesce(${column('status', '200')} >= 400, 0) or ${column('error', 'null')} is not null`,
    column('duration_ms', 'null'),
    column('extra', 'null'),
  ]
}

const addExtra = (tally: WindowTally, text: unknown, w: number): void => {
  if (typeof text !== 'string') return
  for (const [path, entry] of Object.entries(JSON.parse(text) as Record<string, { reason?: unknown } | null>))
    addCell(tally.extra(path, String(entry?.reason ?? '')), { n: 1, w, w2: w * w })
}

const EVERY = 10_000

const answerWindow = (
  inspected: Inspected,
  plan: ReportPlan,
  window: Window,
  known: KnownValues,
  rows: (count: number) => void,
): WindowAnswer => {
  const isReference = window === plan.reference
  const tally = tallyRows(plan, window, known, isReference)
  const { comparison } = plan
  const columns = readColumns(inspected, plan.columns)
  const label =
    comparison &&
    readLabel(
      comparison.actual,
      comparison.actualKind,
      comparison.isActualJson,
      inspected.labels?.get(comparison.actual) ?? '',
    )
  const slices = isReference ? [] : plan.by.map(({ name }) => valueText(inspected, name))
  const selects = [...headOf(inspected), ...slices, ...columns.selects, ...(label ? ['a.timestamp', label.select] : [])]
  const from = comparison ? fromLabelled(inspected) : fromPlain(inspected)
  const { sql, bindings } = conditionOf(inspected, plan, window)
  const columnsAt = HEAD + slices.length
  const labelAt = columnsAt + columns.selects.length
  const row = {
    time: 0,
    version: '',
    weight: 1,
    failed: false,
    duration: null as number | null,
    values: new Array<unknown>(plan.columns.length),
    slices: new Array<string>(slices.length),
    isLabelled: false,
    actual: undefined as unknown,
    actualTime: null as number | null,
  }
  let count = 0
  for (const raw of iterate(inspected.database, `select ${selects.join(', ')} from ${from} where ${sql}`, bindings)) {
    row.time = Date.parse(raw[0] as string)
    row.version = raw[1] as string
    row.weight = raw[2] as number
    row.failed = raw[3] === 1
    row.duration = raw[4] as number | null
    for (let i = 0; i < slices.length; i++) row.slices[i] = raw[HEAD + i] as string
    columns.read(raw, columnsAt, row.values)
    if (label) {
      const time = raw[labelAt]
      row.isLabelled = typeof time === 'string'
      if (row.isLabelled) {
        row.actual = label.read(raw[labelAt + 1])
        row.actualTime = Date.parse(time as string)
      }
    }
    tally.add(row)
    if (raw[5] !== null) addExtra(tally.window, raw[5], row.weight)
    if (++count % EVERY === 0) rows(EVERY)
  }
  return tally.window.answer(comparison && !isReference ? unmatched(inspected, window) : undefined)
}

/** Reports that came in a window and belong to no prediction that is stored. */
const unmatched = ({ database, actualsTable, table, own }: Inspected, { since, until }: Window): number => {
  const sql = `select count(*) as count from ${quote(actualsTable)} a where a.reported_at >= ? and a.reported_at < ? and a.prediction_id is not null
    and not exists (select 1 from ${quote(table)} p where p.${quote(own.id!)} = a.prediction_id)`
  return (database.prepare(sql).get(since.toISOString(), until.toISOString()) as { count: number }).count
}

export const answer = (inspected: Inspected, plan: ReportPlan, total: number, progress: Progress): Answers => {
  let done = 0
  const rows = (count: number): void => progress(Math.min(1, (done += count) / Math.max(total, 1)), 'reading rows')
  const known: KnownValues = new Map(
    plan.columns
      .filter(({ categories, unique }) => categories.length > 0 && !unique)
      .map(({ name }) => [name, new Set<string>()]),
  )
  const reference = plan.reference && answerWindow(inspected, plan, plan.reference, known, rows)
  // Without a window to compare with, nothing is known to be new but by the file's list.
  const current = answerWindow(inspected, plan, plan.current, plan.reference ? known : new Map(), rows)
  progress(1, 'reading rows')
  return { plan, current, reference }
}
