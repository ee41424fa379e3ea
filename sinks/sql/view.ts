import { messageOf } from '../../src/errors/errors.ts'
import { foldName } from '../../src/schema/names.ts'
import { qualified } from './ddl.ts'
import type { Dialect, ExistingColumn, TableName } from './dialect.ts'
import { wordsOf } from './errors.ts'
import { labelledColumns, labelledQuery, withSuffix, type ViewColumn } from './labelled.ts'
import type { Session } from './session.ts'

/** The tables that the view joins. */
export interface ViewTables {
  readonly predictions: TableName
  readonly actuals: TableName
}

/** What is known of a table's columns before it is made, or has them all. */
export type PlannedColumns = Partial<Record<keyof ViewTables, readonly ViewColumn[]>>

export interface ViewDraft {
  readonly statements: readonly string[]
  readonly notes: readonly string[]
}

const nothing: ViewDraft = { statements: [], notes: [] }

const withoutRepeats = (columns: readonly ViewColumn[]): readonly ViewColumn[] => [
  ...new Map(columns.map((column) => [foldName(column.name), column])).values(),
]

/** The columns in the order that they have in the view that is there: Postgres lets a view have more, and none elsewhere. */
const inOrderOf = <Item extends { readonly name: string }>(
  there: readonly ExistingColumn[],
  columns: readonly Item[],
): readonly Item[] => {
  const place = new Map(there.map(({ name }, index) => [name, index]))
  const placeOf = ({ name }: Item): number => place.get(name) ?? there.length
  return [...columns].sort((one, other) => placeOf(one) - placeOf(other))
}

/**
 * What makes the view `<table>_labelled`, or gives it what it lacks; nothing where one of its tables is not there.
 * @param known columns that the tables are to get
 */
export const draftView = async <Connection>(
  dialect: Dialect<Connection>,
  session: Session<Connection>,
  names: ViewTables,
  known: PlannedColumns = {},
): Promise<ViewDraft> => {
  const columnsOf = async (of: keyof ViewTables): Promise<readonly ViewColumn[]> => {
    const existing = await dialect.inspect(session, names[of])
    return withoutRepeats([...(existing?.columns ?? []), ...(known[of] ?? [])])
  }
  const [predictions, actuals] = [await columnsOf('predictions'), await columnsOf('actuals')]
  if (predictions.length === 0 || actuals.length === 0) return nothing

  const { max } = dialect.names
  const name = withSuffix(names.predictions, '_labelled', max)
  const view = qualified(session, name)
  const tables = {
    predictions: { table: qualified(session, names.predictions), columns: predictions },
    actuals: { table: qualified(session, names.actuals), columns: actuals },
  }
  const there = await dialect.inspect(session, name)
  const wanted = labelledColumns(tables, max)
  const has = new Set(there?.columns.map(({ name }) => foldName(name)))
  const isOld = dialect.oldView?.test(there?.definition ?? '') ?? false
  if (there !== undefined && !isOld && wanted.every(({ name }) => has.has(foldName(name)))) return nothing
  if (there !== undefined && (!there.isView || !has.has('actual_count')))
    return { statements: [], notes: [`${view} is not the view that shows predictions with their actuals: give that its name back, or name other tables by PREDICTIONS_TABLE`] } // prettier-ignore
  const query = labelledQuery(tables, inOrderOf(there?.columns ?? [], wanted), {
    quote: session.quote,
    ...(dialect.alike && { alike: dialect.alike }),
    ...(dialect.unindexed && { unindexed: dialect.unindexed }),
    counts: dialect.counts,
    straightJoin: dialect.straightJoin,
  })
  return { statements: dialect.replaceView(view, query, there !== undefined), notes: [] }
}

/**
 * Makes the view as it is to be. It is no reason not to store: where it can't be made, the note has the statement for somebody who may.
 */
export const makeView = async <Connection>(
  dialect: Dialect<Connection>,
  session: Session<Connection>,
  names: ViewTables,
  migrate: 'auto' | 'off',
): Promise<readonly string[]> => {
  try {
    const { statements, notes } = await draftView(dialect, session, names)
    if (statements.length === 0) return notes
    const run = `run: ${statements.join('; ')};`
    if (migrate === 'off') return [`the view of predictions with their actuals is not as it is to be, ${run}`]
    try {
      await dialect.withoutWaiting(session, async () => {
        for (const statement of statements) await session.query(statement)
      })
      return []
    } catch (error) {
      // Another process may just have made it.
      if (!session.isAlive() || (await draftView(dialect, session, names)).statements.length === 0) return []
      return [
        `the view of predictions with their actuals could not be made (${wordsOf(error)}), as a user who may make views ${run}`,
      ]
    }
  } catch (error) {
    return [`the view of predictions with their actuals could not be looked at: ${messageOf(error)}`]
  }
}
