import type { PlannedColumn, ReportPlan, Window, WindowAnswer } from '../../../../src/report/answers.ts'
import { addCell } from '../../../../src/report/tally/cells.ts'
import { tallyRows, type KnownValues, type RowTally } from '../../../../src/report/tally/rows.ts'
import { fromLabelled, fromPlain } from './labels.ts'
import { columnOf, failedOf, numberOf, quote, textOf, weightOf } from './own.ts'
import { iterate, parsed, readColumns, readLabel } from './rows.ts'
import { conditionOf, valueText, type Inspected } from './table.ts'

/** How many of a row's values stand before its slices and columns. */
const HEAD = 6

const headOf = (inspected: Inspected): string[] => [
  `unixepoch(${columnOf(inspected, 'timestamp')}, 'subsec')`,
  textOf(inspected, 'model_version'),
  weightOf(inspected),
  failedOf(inspected),
  numberOf(inspected, 'duration_ms'),
  columnOf(inspected, 'extra'),
]

/** When the actual was known; '' of one whose time can't be read; null: there is none. */
const ACTUAL_TIME = `case when a.rowid is not null then coalesce(unixepoch(a.timestamp, 'subsec'), '') end`

/** SQLite reads a time several times faster than \`Date.parse\` reads the text that it would have to make. */
const milliseconds = (seconds: number): number => Math.round(seconds * 1000)

const addExtra = (tally: RowTally, text: unknown, w: number): void => {
  // Of a table that somebody made it may hold anything.
  const members = (parsed(text) ?? {}) as Record<string, { reason?: unknown } | null>
  for (const [path, entry] of Object.entries(members))
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
  const selects = [...headOf(inspected), ...slices, ...columns.selects, ...(label ? [ACTUAL_TIME, label.select] : [])]
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
    row.time = milliseconds(raw[0] as number)
    row.version = raw[1] as string
    row.weight = raw[2] as number
    row.failed = raw[3] === 1
    row.duration = raw[4] as number | null
    for (let i = 0; i < slices.length; i++) row.slices[i] = raw[HEAD + i] as string
    columns.read(raw, columnsAt, row.values)
    if (label) {
      const time = raw[labelAt]
      row.isLabelled = time !== null
      if (row.isLabelled) {
        row.actual = label.read(raw[labelAt + 1])
        row.actualTime = typeof time === 'number' ? milliseconds(time) : null
      }
    }
    tally.add(row)
    if (raw[5] !== null) addExtra(tally, raw[5], row.weight)
    if (++count % EVERY === 0) rows(EVERY)
  }
  return tally.answer(undefined)
}

/** Reports that came in a window and belong to no prediction that is stored. */
const countUnmatched = ({ database, actualsTable, table, own }: Inspected, { since, until }: Window): number => {
  const sql = `select count(*) as count from ${quote(actualsTable)} a where a.reported_at >= ? and a.reported_at < ? and a.prediction_id is not null
    and not exists (select 1 from ${quote(table)} p where p.${quote(own.id!)} = a.prediction_id)`
  return (database.prepare(sql).get(since.toISOString(), until.toISOString()) as { count: number }).count
}

export type WindowName = 'reference' | 'current'

/** Of a column with more values than are named, what the reference has is to be known when the current rows are read. */
const needsReference = ({ categories, unique, complete }: PlannedColumn): boolean =>
  categories.length > 0 && !unique && !complete

/** Which windows one thread reads: each its own, where the one need not know what the other has. */
export const sharesOf = ({ reference, columns }: ReportPlan): WindowName[][] => {
  if (!reference) return [['current']]
  return columns.some(needsReference) ? [['reference', 'current']] : [['reference'], ['current']]
}

/** What some windows answer, and how many reports of actuals belong to no prediction: said by whoever reads the reference, if there is one. */
export type Share = Partial<Record<WindowName, WindowAnswer>> & { readonly unmatched?: number | undefined }

/** What a plan asks of some windows, the reference first. */
export const answer = (
  inspected: Inspected,
  plan: ReportPlan,
  windows: readonly WindowName[],
  progress: (rows: number) => void,
): Share => {
  // Without a window to compare with, nothing is known to be new but by the file's list.
  const known: KnownValues = new Map(
    plan.reference ? plan.columns.filter(needsReference).map(({ name }) => [name, new Set<string>()]) : [],
  )
  const answers = windows.map((name) => [name, answerWindow(inspected, plan, plan[name]!, known, progress)] as const)
  const isFirst = windows[0] === (plan.reference ? 'reference' : 'current')
  const counted = plan.comparison && isFirst ? { unmatched: countUnmatched(inspected, plan.current) } : {}
  return { ...Object.fromEntries(answers), ...counted }
}
