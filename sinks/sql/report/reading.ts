import { PredictionsError } from '../../../src/errors/errors.ts'
import type { StoreOptions } from '../../../src/report/answers.ts'
import { addressOf } from '../address.ts'
import { qualified } from '../ddl.ts'
import { nameText, tableNameOf, type TableName } from '../dialect.ts'
import { connectionFix, unavailable } from '../errors.ts'
import { actualsBeside } from '../labelled.ts'
import type { TableColumn } from './columns.ts'
import type { ReportStoreOptions } from './store.ts'
import type { ReadSession, Words } from './words.ts'

/** A server whose tables are read: what only it knows. */
export interface ReadServer {
  readonly schemes: readonly string[]
  readonly words: Words
  /** The length of a name at most, as a `Dialect` has it. */
  readonly maxName: number
  readonly stepsOf?: ReportStoreOptions['stepsOf']
  open: ReportStoreOptions['open']
  /** The columns of a table; none: there is no such table. */
  columnsOf(session: ReadSession, name: TableName): Promise<readonly TableColumn[]>
  /** What ends a question that takes too long. */
  readonly limit: string
  isTimeout(error: unknown): boolean
  isDenied(error: unknown): boolean
  fixFor(error: unknown): string | undefined
  /** As a `Dialect` has it. */
  readonly authorityParameter: string
}

/** How the tables of a URL are read, by reports and by `actuals check`. */
export const readingOf = ({ url, table, ...given }: StoreOptions, server: ReadServer): ReportStoreOptions => {
  const { words, stepsOf } = server
  const actualsTable = given.actualsTable ?? nameText(actualsBeside(tableNameOf(table), server.maxName))
  const address = addressOf(url, server.schemes)
  const name = `${address}#${table}`

  const fixOf = (error: unknown): string | undefined => {
    if (server.isTimeout(error))
      return `${server.limit} ended a question: ask about a shorter time by --since, or raise it for this user`
    if (server.isDenied(error)) return `grant the user select on ${table}, and on ${actualsTable}`
    return server.fixFor(error) ?? connectionFix(error, server.authorityParameter)
  }

  return {
    name,
    address,
    table,
    actualsTable,
    words,
    ...(stepsOf && { stepsOf }),
    open: server.open,
    columnsOf: (session, which) => server.columnsOf(session, tableNameOf(which === 'actuals' ? actualsTable : table)),
    quoted: (name) => qualified(words, tableNameOf(name)),
    failed: (error) => (error instanceof PredictionsError ? error : unavailable(name, error, fixOf(error))),
  }
}
