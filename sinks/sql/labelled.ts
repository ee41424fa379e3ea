import { createHash } from 'node:crypto'
import { foldName } from '../../src/schema/names.ts'
import { columnNamed, labelsIn, LATER_BY } from './actuals/columns.ts'
import type { Counts, ExistingColumn, TableName } from './dialect.ts'

/**
 * The view `<table>_labelled`: every prediction with its latest actual, one row a prediction always.
 *
 * - The latest is the one with the last `timestamp`, then `reported_at`, then `id`. A join that leaves out whatever has a later one beside
 *   it: planners make a hash join of it over all rows, and look up the few of a time range by the index on `prediction_id`. Window
 *   functions and `distinct on` sort all actuals whatever is asked for, and took four times as long.
 * - An actual by `request_id` is of the prediction of that request and instance. One that says no instance is of the request's only
 *   prediction, and where there are several of none: that set of requests is computed only when there is such an actual.
 * - A retracted one takes the labels away. `actual_count` tells how many reports there were.
 *
 * What its indexes give, over 1,000,000 predictions (`bench/labelled.ts`; MySQL 9.7 with its default buffer pool of 128 MiB and, where
 * nothing else is said, 657,000 actuals; SQLite with 800,000 in CPU time):
 *
 * | | a left join of the two tables | the view |
 * |---|---|---|
 * | MySQL, by prediction, time and id | 30 to 38 s (hashed: 1.9 s) | 35 to 39 s |
 * | MySQL, with the retraction and the labels too, 800,000 actuals | 4.3 s (hashed: 2.9 s) | 7.6 s; a day 1.3 s |
 * | MySQL, the same with the counts as joined subqueries (`lateral`) | | 12 to 14 s |
 * | MySQL, the same with the actuals by request looked up where there are none | | 8.7 s |
 * | MySQL, a view that it does not merge | | not within 60 s |
 * | MySQL, the latest by `order by … limit 1` for each prediction, with that index | | 39 s |
 * | MariaDB 10.11 | 3.4 to 3.6 s (hashed, with a buffer for all: 5.5 s) | 8.3 to 8.8 s |
 * | SQLite, by prediction, time and id | 0.60 s | 1.16 s |
 * | SQLite, the latest by `order by … limit 1` for each prediction | | 0.97 s by the row's number, 2.70 s by its id |
 */

/** What the view is made of. */
export interface LabelledTables {
  readonly predictions: { readonly table: string; readonly columns: readonly ViewColumn[] }
  readonly actuals: { readonly table: string; readonly columns: readonly ViewColumn[] }
}

/** A column as far as the view has to know it. */
export type ViewColumn = Pick<ExistingColumn, 'name' | 'type' | 'charset'>

export interface ViewDialect {
  /** How the counts are found; default: joined. */
  readonly counts?: Counts | undefined
  /**
   * A join whose left side is read first, where a join looks up one row after the other: then it is asked first whether there is any actual by request
   * alone, and nothing is looked up where there is none.
   */
  readonly straightJoin?: string | undefined
  quote(name: string): string
  /** A column that no index is chosen for: SQLite thinks that few actuals name no prediction, and would read all of them for each. */
  unindexed?(quoted: string): string
  /** A column as another one is stored, where the two can't be compared as they are. */
  alike?(quoted: string, column: ViewColumn, as: ViewColumn): string
}

/** A table's name with an ending, cut to the database's limit: else it would be cut there, and be another table's. */
export const withSuffix = (name: TableName, suffix: string, max: number): TableName => {
  const { schema, table } = name
  if (Buffer.byteLength(table + suffix) <= max) return { schema, table: table + suffix }
  const digits = createHash('sha256').update(table).digest('hex').slice(0, 6)
  const end = `_${digits}${suffix}`
  let kept = table
  while (Buffer.byteLength(kept + end) > max) kept = [...kept].slice(0, -1).join('')
  return { schema, table: kept + end }
}

/** The table of actuals beside one of predictions, where nobody names another. */
export const actualsBeside = (predictions: TableName, maxName: number): TableName =>
  withSuffix(predictions, '_actuals', maxName)

/** What the view tells of the actual beside its labels, by the names of its columns. */
const ABOUT = { actual_timestamp: 'timestamp', actual_reported_at: 'reported_at', actual_source: 'source' } as const
const COUNT = 'actual_count'

/** A name that is not taken yet, in any case of its letters. */
const freeName = (name: string, taken: Set<string>, max: number): string => {
  let free = name
  while (taken.has(foldName(free))) free = `actual_${free}`
  if (Buffer.byteLength(free) > max) free = withSuffix({ schema: undefined, table: free }, '', max).table
  taken.add(foldName(free))
  return free
}

/** A column of the view: its name, and the member of the actual that it shows; undefined: it is the prediction's own, or the count. */
interface Shown {
  readonly name: string
  readonly from: 'prediction' | 'actual' | 'count'
  /** The column of the table that it is from. */
  readonly column: string
}

/** The view's columns: the prediction's, the labels, and what is told about them. A label that a prediction's column is called as has `actual_` before it. */
export const labelledColumns = ({ predictions, actuals }: LabelledTables, maxName: number): readonly Shown[] => {
  const taken = new Set(predictions.columns.map(({ name }) => foldName(name)))
  const about = [...Object.entries(ABOUT), [COUNT, ''] as const].map(([name, member]) => ({
    name: freeName(name, taken, maxName),
    from: member === '' ? ('count' as const) : ('actual' as const),
    column: member === '' ? '' : (columnNamed(actuals.columns, member)?.name ?? member),
  }))
  return [
    ...predictions.columns.map(({ name }) => ({ name, from: 'prediction' as const, column: name })),
    ...labelsIn(actuals.columns).map(({ name }) => ({
      name: freeName(name, taken, maxName),
      from: 'actual' as const,
      column: name,
    })),
    ...about,
  ]
}

/** The columns of both tables by the names that we give them: of the prediction `p`, and of an actual by its alias. */
export const joinedColumns = (
  { predictions, actuals }: LabelledTables,
  {
    quote,
    alike = (quoted) => quoted,
    unindexed = (quoted) => quoted,
  }: Pick<ViewDialect, 'quote' | 'alike' | 'unindexed'>,
) => {
  const column = (of: readonly ViewColumn[], name: string): ViewColumn => columnNamed(of, name) ?? { name, type: '' }
  const p = (name: string): string => `p.${quote(column(predictions.columns, name).name)}`
  const a = (alias: string, name: string): string => `${alias}.${quote(column(actuals.columns, name).name)}`
  return {
    p,
    a,
    /** Of an actual that is found by its request. */
    namesNoPrediction: (alias: string): string => `${unindexed(a(alias, 'prediction_id'))} is null`,
    /** A column of an actual compared with one of the prediction. */
    same(alias: string, name: string, of: string): string {
      const [ours, theirs] = [column(actuals.columns, name), column(predictions.columns, of)]
      return `${alike(a(alias, name), ours, theirs)} = ${alike(p(of), theirs, ours)}`
    },
    /** Of two actuals of a prediction. */
    isLater(one: string, other: string): string {
      const key = (alias: string) => `(${LATER_BY.map((name) => a(alias, name)).join(', ')})`
      return `${key(one)} > ${key(other)}`
    },
  }
}

/** The query of the view, with its columns in the order of `shown`. */
export const labelledQuery = (tables: LabelledTables, shown: readonly Shown[], dialect: ViewDialect): string => {
  const { quote, counts = 'joined', straightJoin } = dialect
  const { predictions, actuals } = tables
  const { p, a, namesNoPrediction, same, isLater } = joinedColumns(tables, dialect)
  const instance = (alias: string): string => `coalesce(${a(alias, 'instance')}, 0)`

  const several = `select ${p('request_id')} from ${predictions.table} p where ${p('request_id')} is not null group by ${p('request_id')} having count(*) > 1`
  /** Of a request, and of one prediction of it. */
  const isOfRequest = (alias: string): string =>
    `${namesNoPrediction(alias)} and ${a(alias, 'request_id')} is not null and (${a(alias, 'instance')} is not null or ${a(alias, 'request_id')} not in (${several}))`

  const byId = [
    `left join ${actuals.table} a on ${same('a', 'prediction_id', 'id')} and not exists (`,
    `  select 1 from ${actuals.table} b where ${a('b', 'prediction_id')} = ${a('a', 'prediction_id')} and ${isLater('b', 'a')})`,
  ]
  const withRequest = straightJoin
    ? `((select 1 as found from ${actuals.table} y where ${namesNoPrediction('y')} and ${a('y', 'request_id')} is not null limit 1) x ${straightJoin} ${actuals.table} r)`
    : `${actuals.table} r`
  const byRequest = [
    `left join ${withRequest} on ${same('r', 'request_id', 'request_id')} and ${instance('r')} = ${p('instance')} and ${isOfRequest('r')} and not exists (`,
    `  select 1 from ${actuals.table} s where ${a('s', 'request_id')} = ${a('r', 'request_id')} and ${instance('s')} = ${instance('r')} and ${isOfRequest('s')} and ${isLater('s', 'r')})`,
  ]
  const countJoins = {
    joined: [
      `left join (select ${a('c', 'prediction_id')}, count(*) as n from ${actuals.table} c where ${a('c', 'prediction_id')} is not null group by ${a('c', 'prediction_id')}) c on ${same('c', 'prediction_id', 'id')}`,
      `left join (select ${a('d', 'request_id')}, ${instance('d')} as ${quote('instance')}, count(*) as n from ${actuals.table} d where ${isOfRequest('d')} group by ${a('d', 'request_id')}, ${instance('d')}) d on ${same('d', 'request_id', 'request_id')} and d.${quote('instance')} = ${p('instance')}`,
    ],
    'looked up': [],
  }
  const count = {
    joined: 'coalesce(c.n, 0) + coalesce(d.n, 0)',
    'looked up':
      `(select count(*) from ${actuals.table} c where ${same('c', 'prediction_id', 'id')}) + ` +
      `(select count(*) from ${actuals.table} d where ${same('d', 'request_id', 'request_id')} and ${instance('d')} = ${p('instance')} and ${isOfRequest('d')})`,
  }

  const isOfR = `${a('r', 'id')} is not null and (${a('a', 'id')} is null or ${isLater('r', 'a')})`
  const ofLatest = (name: string): string =>
    `case when ${isOfR} then case when ${a('r', 'retracted')} then null else r.${quote(name)} end when ${a('a', 'retracted')} then null else a.${quote(name)} end`
  const values = {
    prediction: ({ column }: Shown) => `p.${quote(column)}`,
    actual: ({ column }: Shown) => ofLatest(column),
    count: () => count[counts],
  }
  const list = shown.map((column) => {
    const value = values[column.from](column)
    return column.from === 'prediction' ? value : `${value} as ${quote(column.name)}`
  })
  return [
    `select ${list.join(',\n  ')}`,
    `from ${predictions.table} p`,
    ...byId,
    ...byRequest,
    ...countJoins[counts],
  ].join('\n')
}
