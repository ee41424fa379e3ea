import { ownActualNames } from '../../../src/schema/columns.ts'
import { foldName } from '../../../src/schema/names.ts'

/**
 * The table of actuals, as the sinks made it or found it: a column may have other cases of its letters than we give it.
 *
 * Which actual is a prediction's latest is said three times, each time as fast as its database can: by the view (`labelledQuery` of
 * `../labelled.ts`, which `actuals check` asks as well), by reports from servers (`../report/labels.ts`), and by those from SQLite
 * (`../sqlite/report/labels.ts`). `test/report/stores/contract.ts` compares them.
 */

/** An actual is later than another by these columns, in this order. */
export const LATER_BY = ['timestamp', 'reported_at', 'id'] as const

const own = new Set(ownActualNames)

interface Named {
  readonly name: string
}

/** The labels: all columns but an actual's own. */
export const labelsIn = <Item extends Named>(columns: readonly Item[]): Item[] =>
  columns.filter(({ name }) => !own.has(foldName(name)))

/** A column by its name; else by its name in another case, as sinks find it. */
export const columnNamed = <Item extends Named>(columns: readonly Item[], name: string): Item | undefined =>
  columns.find((column) => column.name === name) ?? columns.find((column) => foldName(column.name) === name)
