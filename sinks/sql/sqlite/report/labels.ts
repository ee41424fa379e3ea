import type { Inspected } from './table.ts'
import { quote } from './table.ts'

/** The table of actuals' own columns: all others are labels. */
const OWN = new Set([
  'id',
  'timestamp',
  'prediction_id',
  'request_id',
  'instance',
  'reported_at',
  'retracted',
  'source',
  'tags',
  'extra',
])

export const labelNames = ({ actuals }: Inspected): string[] => [...(actuals ?? [])].filter((name) => !OWN.has(name))

/** The predictions as `p`, each with its latest actual as `a`, or without. */
export const fromLabelled = ({ table, actualsTable, own }: Inspected): string => {
  const latest = `select rowid from ${quote(actualsTable)} where prediction_id = p.${quote(own.id!)} order by timestamp desc, reported_at desc limit 1`
  return `${quote(table)} p left join ${quote(actualsTable)} a on a.rowid = (${latest}) and not coalesce(a.retracted, 0)`
}

export const fromPlain = ({ table }: Inspected): string => `${quote(table)} p`
